"""What a provider is: something that turns a ``ModelRequest`` into a stream of text and one ``Finish``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from orchestrator.contracts import Usage

if TYPE_CHECKING:
    from workers.brief import Brief

FinishReason = Literal["stop", "length"]


def estimated(*texts: str) -> int:
    """Tokens of some texts, at four bytes a token; UTF-8 makes that hold for Korean roughly, too."""
    return sum(len(text.encode("utf-8", "replace")) for text in texts) // 4


@dataclass(frozen=True)
class ChatTurn:
    """One turn of the prompt after the system text."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class ModelRequest:
    """One call: the rendered prompt, its bounds, and the brief that it was rendered from.

    A provider that reads prose uses ``system`` and ``turns``; one that does not (the extractive engine) uses
    ``brief``, which is ``None`` where nobody argues. ``max_output_tokens`` bounds the answer. ``shared_chars`` is how
    much of the first turn stands, after the same system text, in every prompt of the job: what a provider's prefix
    cache can keep between them.
    """

    system: str
    turns: tuple[ChatTurn, ...]
    brief: Brief | None
    max_output_tokens: int = 4_096
    shared_chars: int = 0

    @property
    def streams(self) -> bool:
        """Whether others act on the answer while it is written."""
        return self.brief is not None and self.brief.streams

    @property
    def shared(self) -> str:
        """The part of the first turn that all prompts of the job begin with."""
        return self.turns[0].text[: self.shared_chars]


@dataclass(frozen=True)
class Delta:
    """A piece of the answer's text, in order."""

    text: str


@dataclass(frozen=True)
class Spent:
    """What the call has cost so far, in all, as soon as it is known: a call that fails was paid too."""

    usage: Usage


@dataclass(frozen=True)
class Finish:
    """The end of the answer. A stream that ends without one was cut and is an error, not a short answer."""

    reason: FinishReason
    usage: Usage
    model: str


class Provider(Protocol):
    """A source of answers. Every foreign error is mapped to ``ModelError`` or ``RetryableModelError``."""

    name: str
    model: str
    address: str
    """What tells its endpoint from others, without credentials or query; empty where no endpoint is called."""

    def stream(self, request: ModelRequest) -> AsyncIterator[Delta | Spent | Finish]:
        """Answer one request: ``Delta``s and, optionally, ``Spent``s, then exactly one ``Finish``.

        An async generator. Runs on the process's event loop; cancelling it closes the connection at once.
        Raises ``RetryableModelError`` only before the first ``Delta``: after it, trying again would repeat
        text.
        """
        ...

    async def aclose(self) -> None:
        """Close kept connections."""
        ...
