"""Taking passes away from a finished report: what somebody stricter than the gate finds against claims that hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.contracts import EvalReport, Finding, LevelReport
from orchestrator.evidence.tally import notes, quality, risks


def withdrawn(report: EvalReport, against: Mapping[int, Finding]) -> EvalReport:
    """Return the report with a finding at level 2 against each of these claims, by their number in it.

    Each of them was upheld and is delivered: the verdict is ``fail`` where there is one. Nothing passes that did not
    before.
    """
    if not against:
        return report
    levels = tuple(
        _lowered(level, [report.claims[number].support is not None for number in against])
        if level.level == 2
        else level
        for level in report.levels
    )
    claims = tuple(
        told.model_copy(update={"upheld": False}) if number in against else told
        for number, told in enumerate(report.claims)
    )
    findings = tuple(sorted((*report.findings, *against.values()), key=lambda finding: finding.level))
    return report.model_copy(
        update={
            "verdict": "fail",
            "evidence_ok": False,
            "quality": quality(levels),
            "levels": levels,
            "notes": notes(levels),
            "findings": findings,
            "risks": risks(findings, supported=sum(told.upheld for told in claims)),
            "claims": claims,
        }
    )


def _lowered(level: LevelReport, judged_before: Sequence[bool]) -> LevelReport:
    """Level 2 with these claims failed: each had passed, or its wording had not been judged."""
    passed = sum(judged_before)
    newly = len(judged_before) - passed
    changed = {
        "passed": level.passed - passed,
        "checked": level.checked + newly,
        "not_judged": level.not_judged - newly,
    }
    return level.model_copy(update=changed)
