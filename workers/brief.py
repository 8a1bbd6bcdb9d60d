"""What a persona is told: everything of the job that it may see, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.contracts import Claim, Passage, Persona, PersonaOutput, Plan, TaskSpec
from orchestrator.contracts.evidence import MAX_CLAIMS
from orchestrator.parts import APART

Form = Literal[
    "thesis",
    "antithesis",
    "antithesis_standalone",
    "synthesis",
    "rebuttal",
    "resolution",
    "section",
    "merge",
    "single",
]
PERSONA_OF: Mapping[Form, Persona] = {
    "thesis": "thesis",
    "antithesis": "antithesis",
    "antithesis_standalone": "antithesis",
    "synthesis": "synthesis",
    "rebuttal": "antithesis",
    "resolution": "synthesis",
    "section": "synthesis",
    "merge": "synthesis",
    "single": "synthesis",
}
MOST_OF_A_PART = 2
"""Claims of one rebuttal or resolution."""
MOST_OF_A_SECTION = APART - 1
MOST_OF_THE_WHOLE: Mapping[Form, int] = {"antithesis_standalone": 4, "merge": 4}
"""Claims of a critic, and of a merge beside those that it merges: neither may be what everybody waits for."""


@dataclass(frozen=True)
class Numbering:
    """Which ids an answer's claims get: the numbers that follow ``after``, and no more than ``most`` of them.

    ``own`` keeps the model's own ids where they are sound. ``written`` of the claims up to ``after`` are this answer's
    too, from an earlier attempt: later ones may depend on them.
    """

    after: int = 0
    most: int = MAX_CLAIMS
    own: bool = True
    written: int = 0


@dataclass(frozen=True)
class Part:
    """The claim that a rebuttal or a resolution is about, with the earlier claims that it rests on.

    ``rebuttal`` is what a resolution settles it against; one that was lost is there as the failed output that it is.
    """

    number: int
    claim: Claim
    parents: tuple[Claim, ...] = ()
    rebuttal: PersonaOutput | None = None


@dataclass(frozen=True)
class Section:
    """Which of the argument's claims a section of the synthesis settles, by their ids."""

    number: int
    claims: tuple[str, ...]


@dataclass(frozen=True)
class Brief:
    """One persona's view of a job.

    ``passages`` is the job's evidence (plan's passages first, then what tools brought). ``thesis`` and
    ``antithesis`` are set where this form sees them: ``antithesis`` sees the thesis, synthesis and sections see both,
    ``single`` is told of neither.
    One that was lost is there as the failed output that it is, so that the prompt can say why. ``tools`` names what may
    be called, with a description each.

    In a pipelined job ``most_claims`` bounds the thesis, whose ``written`` claims stand from an attempt that broke
    off; ``part`` is what a rebuttal or a resolution is about, as ``section`` is what a section is. ``resolved`` are the
    claims that a merge finds settled.
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
    most_claims: int = MAX_CLAIMS
    written: tuple[Claim, ...] = ()
    part: Part | None = None
    section: Section | None = None
    resolved: tuple[Claim, ...] = ()

    @property
    def persona(self) -> Persona:
        """Who speaks in this form."""
        return PERSONA_OF[self.form]

    @property
    def streams(self) -> bool:
        """Whether others act on each claim the moment it closes: what is written cannot be taken back."""
        return self.form == "thesis" and self.plan.mode == "pipelined"

    @property
    def numbering(self) -> Numbering:
        """Which ids this answer's claims get. Answers that stand side by side number apart from one another."""
        if self.part is not None:
            return Numbering(after=APART * self.part.number, most=MOST_OF_A_PART, own=False)
        if self.section is not None:
            return Numbering(after=APART * self.section.number, most=MOST_OF_A_SECTION, own=False)
        if self.plan.mode != "pipelined" and self.form != "merge":
            return Numbering()
        if self.streams:
            done = len(self.written)
            return Numbering(after=done, most=max(0, self.most_claims - done), own=False, written=done)
        # What is said about the whole comes before what is said about its parts.
        return Numbering(most=MOST_OF_THE_WHOLE.get(self.form, APART - 1), own=False)
