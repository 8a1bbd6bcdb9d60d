"""What a persona is told: everything of the job that it may see, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from orchestrator.contracts import Passage, PersonaOutput, Plan, TaskSpec

Form = Literal["thesis", "antithesis", "antithesis_standalone", "synthesis"]


@dataclass(frozen=True)
class Brief:
    """One persona's view of a job.

    ``passages`` is the job's evidence (plan's passages first, then what tools brought). ``thesis`` and
    ``antithesis`` are set where this form sees them: ``antithesis`` sees the thesis, ``synthesis`` both. One that
    was lost is there as the failed output that it is, so that the prompt can say why. ``tools`` names what may be
    called, with a description each.
    """

    form: Form
    task: TaskSpec
    plan: Plan
    passages: tuple[Passage, ...]
    thesis: PersonaOutput | None = None
    antithesis: PersonaOutput | None = None
    tools: tuple[tuple[str, str], ...] = ()
    new_passages: tuple[Passage, ...] = field(default=())
    """What the last tool round brought; empty in the first round."""
    tool_rounds_left: int = 0
