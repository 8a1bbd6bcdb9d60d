"""What a comparison keeps: of each run, one goal through one arm, once; and of each time that a judge was asked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from orchestrator.contracts import JobStatus, LevelReport, Mode, Usage
from orchestrator.contracts.base import Frozen, Sections, Sequence

MAX_ANSWER_CHARS = 16_000
MAX_WHY_CHARS = 600


class Arm(Frozen):
    """One side of a comparison. The same mode twice is an A/A run: ``parallel`` and ``parallel-2``.

    ``sections`` are those of a parallel job's synthesis: ``parallel/3``; ``None`` leaves them to the deployment.
    """

    name: str
    mode: Mode
    sections: Sections | None = None


class Debate(Frozen):
    """What the argument was worth, counted from its claims.

    ``naming``: objections that name a thesis claim they attack; ``quoting``: those that quote it as well, or a source
    that it rests on. ``distinct``: objections that differ from all before them. ``settled``: thesis claims that the
    synthesis takes up as consensus or resolution.
    """

    positions: int = 0
    objections: int = 0
    naming: int = 0
    quoting: int = 0
    distinct: int = 0
    settled: int = 0

    def __add__(self, other: Debate) -> Debate:
        return Debate(**{name: getattr(self, name) + getattr(other, name) for name in Debate.model_fields})


class Trial(Frozen):
    """One run. ``latency_s`` is from the job's acceptance to its end; ``evidence`` identifies the passages it had.

    ``whole``: nothing was lost and no other model stepped in, so that its latency and answer are the arm's own.
    ``reasons`` are codes, with the persona and the kind of failure where one is concerned. ``models`` answered;
    ``configured`` are those of thesis, antithesis and synthesis as its plan names them.
    """

    goal: str
    arm: str
    task_id: str
    status: JobStatus
    reasons: Annotated[tuple[str, ...], Sequence] = ()
    whole: bool
    evidence_ok: bool
    quality: float
    latency_s: float
    complexity: float | None
    language: str
    evidence_language: str
    evidence: str
    levels: Annotated[tuple[LevelReport, ...], Sequence] = ()
    usage: Usage = Usage()
    models: Annotated[tuple[str, ...], Sequence] = ()
    configured: Annotated[tuple[str, ...], Sequence] = ()
    claims: int = 0
    debate: Debate = Debate()
    answer: Annotated[str, Field(max_length=MAX_ANSWER_CHARS)] = ""


class Vote(Frozen):
    """What a judge said of two answers to a goal, shown in this order; ``jobs`` wrote them.

    ``why`` is in its own words, if it gave any. Where it said nothing, ``better`` is ``None`` and ``silence`` says why.
    """

    goal: str
    first: str
    second: str
    jobs: Annotated[tuple[str, str], Sequence]
    better: Literal["first", "second", "tie"] | None
    why: Annotated[str, Field(max_length=MAX_WHY_CHARS)] = ""
    silence: str = ""
    model: str = ""
    usage: Usage = Usage()
