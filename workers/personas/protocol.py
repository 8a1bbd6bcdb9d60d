"""What a persona needs of the world, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from orchestrator.contracts import Passage, PersonaOutput
from workers.llm.client import Completion
from workers.llm.protocol import ModelRequest
from workers.personas.parsing import Problem
from workers.tools.toolbox import ToolUse

OnText = Callable[[str], None]
"""Takes the text as it arrives, in the wire format; ``parsing.AnswerReader`` makes words and claims of it."""


class Answers(Protocol):
    """A model, with deadline, cancellation and limits already bound to it."""

    def complete(self, request: ModelRequest, *, on_text: OnText | None = None) -> Completion:
        """Answer one request; blocks. ``on_text`` gets pieces of the text, in order.

        Raises ``ModelError``, ``RetryableModelError`` (its retries used up), ``JobCancelled``, ``LeaseLost``.
        """
        ...


@dataclass(frozen=True)
class PersonaRun:
    """What came of one persona's run.

    ``passages`` are those that its tools brought: its claims may cite them, so the job has to keep them.
    ``problems`` is what was wrong with the last answer, used or not. ``covers`` is a merge's: ids of resolutions, and
    the further claims that each of them settles.
    """

    output: PersonaOutput
    passages: tuple[Passage, ...] = ()
    tool_calls: tuple[ToolUse, ...] = ()
    problems: tuple[Problem, ...] = ()
    covers: tuple[tuple[str, tuple[str, ...]], ...] = ()
