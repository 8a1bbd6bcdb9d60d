"""What a tool is: a name, a description, a typed input, and a call that brings passages or text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel

from orchestrator.contracts import Passage


class Search(Protocol):
    """Searches the job's evidence. May block on disk; ids of what it returns are stable within the job."""

    def __call__(self, queries: Sequence[str], limit: int) -> Sequence[Passage]:
        """Find at most ``limit`` passages for the queries together, best first; none if nothing fits."""
        ...


@dataclass(frozen=True)
class ToolContext:
    """What a job lends its tools. ``retrieve`` is ``None`` where the job has nothing to search."""

    retrieve: Search | None = None


@dataclass(frozen=True)
class ToolResult:
    """What a call brought: ``text`` for the model to read, and passages that it may cite from now on.

    A tool that cannot do what was asked says so in ``text`` and sets ``ok`` to false; it does not raise.
    """

    text: str
    passages: tuple[Passage, ...] = ()
    ok: bool = True


InputT_contra = TypeVar("InputT_contra", bound=BaseModel, contravariant=True)


class Tool(Protocol[InputT_contra]):
    """One tool. Stateless: everything of the job comes in through the context."""

    @property
    def name(self) -> str:
        """As models and ``TaskSpec.permissions`` call it; fits ``contracts.base.ToolName``."""
        ...

    @property
    def description(self) -> str:
        """What it is for, in one or two sentences, for the model."""
        ...

    @property
    def input_model(self) -> type[BaseModel]:
        """The input that ``call`` takes; what a model sends is validated against it first."""
        ...

    def call(self, given: InputT_contra, context: ToolContext) -> ToolResult:
        """Do it. Blocks; raises ``TriptychError`` where the world is at fault."""
        ...
