"""What the Evidence Gate found."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from orchestrator.contracts.base import Frozen, Message, Sequence, TaskId
from orchestrator.contracts.evidence import Citation

Level = Literal[0, 1, 2, 3, 4]
"""0 passage belongs to the job, 1 quote is verbatim, 2 quotes cover the claim, 3 synthesis loses and invents no
claim, 4 a proposed repair (which never passes a claim)."""

Verdict = Literal["pass", "fail"]
AnyId = Annotated[str, Field(max_length=200)]
"""An id as its owner wrote it: the gate also judges answers of other systems."""


class Finding(Frozen):
    """One thing that is wrong, or could not be judged. ``judged=False`` neither passes nor fails a claim's wording.

    ``citation`` counts a claim's citations from 0. ``repair`` is the quote that was probably meant, verbatim in
    ``repair_passage``.
    """

    level: Level
    reason: Annotated[str, Field(max_length=64)]
    claim_id: AnyId | None = None
    passage_id: AnyId | None = None
    citation: int | None = None
    detail: Annotated[str, Field(max_length=1_000)] = ""
    repair: Annotated[str, Field(max_length=2_000)] | None = None
    repair_passage: AnyId | None = None
    judged: bool = True


class LevelReport(Frozen):
    """One level as a rate: ``passed`` of ``checked``; ``not_judged`` are apart from both."""

    level: Level
    name: str
    checked: int
    passed: int
    not_judged: int = 0

    @property
    def rate(self) -> float | None:
        """Share passed, or ``None`` where nothing was checked: not scored is not zero."""
        return self.passed / self.checked if self.checked else None


class ClaimReport(Frozen):
    """One claim: whether it holds at levels 0 to 2, and how well its quotes support its wording, 0 to 1.

    ``support`` is ``None`` where the wording could not be judged. ``word_for_word``: it holds and is whole
    sentences of one of its quotes; what holds and is not may say with one word what they do not.
    """

    claim_id: AnyId
    upheld: bool
    support: Annotated[float, Field(ge=0, le=1, strict=False)] | None = None
    word_for_word: bool = False


class Repair(Frozen):
    """The citations of one claim before the repair pass and after it; without ``claim_id``, those of a summary."""

    claim_id: AnyId | None = None
    was: Annotated[tuple[Citation, ...], Sequence] = ()
    now: Annotated[tuple[Citation, ...], Sequence] = ()


class RepairPass(Frozen):
    """What the gate had found before the one repair pass, and what that changed; the rest of a report is after it.

    ``settled`` are the findings that are gone, of ``findings_before`` in all. No claim's text was changed.
    """

    verdict_before: Verdict
    evidence_ok_before: bool
    quality_before: Annotated[float, Field(ge=0, le=1, strict=False)]
    findings_before: int
    settled: Annotated[tuple[Finding, ...], Sequence] = ()
    repairs: Annotated[tuple[Repair, ...], Sequence] = ()


class EvalReport(Message):
    """The gate's verdict on one result: ``quality`` (0 to 1) and ``evidence_ok`` are functions of the findings.

    ``repair`` is ``None`` where nothing had failed.
    """

    task_id: TaskId
    quality: Annotated[float, Field(ge=0, le=1, strict=False)] = 0.0
    evidence_ok: bool = False
    verdict: Verdict = "fail"
    risks: Annotated[tuple[str, ...], Sequence] = ()
    notes: str = ""
    levels: Annotated[tuple[LevelReport, ...], Sequence] = ()
    findings: Annotated[tuple[Finding, ...], Sequence] = ()
    claims: Annotated[tuple[ClaimReport, ...], Sequence] = ()
    repair: RepairPass | None = None

    @staticmethod
    def _from_v1(old: dict[str, Any]) -> dict[str, Any]:
        # Version 1's gate counted pointers and read no text: its pass is not one of ours.
        return {
            **old,
            "evidence_ok": False,
            "notes": (old.get("notes", "") + " [version 1: not re-judged]").strip(),
        }

    upgrade_from_v1: ClassVar[Any] = _from_v1
