"""One level's count while it is being judged, and what all levels' counts come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.contracts import Finding, LevelReport
from orchestrator.contracts.report import Level

MAX_RISKS = 20


@dataclass
class Tally:
    """Counts and findings of one level. A finding is what keeps a check from passing."""

    level: Level
    name: str
    checked: int = 0
    passed: int = 0
    not_judged: int = 0
    findings: list[Finding] = field(default_factory=list)

    def count(self, findings: list[Finding]) -> bool:
        """Count one check: passed without findings, not judged if none of them was, failed otherwise."""
        self.findings += findings
        if not findings:
            self.passed += 1
        elif not any(finding.judged for finding in findings):
            self.not_judged += 1
            return False
        self.checked += 1
        return not findings

    def report(self) -> LevelReport:
        """Return the level as the report shows it."""
        return LevelReport(
            level=self.level,
            name=self.name,
            checked=self.checked,
            passed=self.passed,
            not_judged=self.not_judged,
        )


def quality(levels: Sequence[LevelReport]) -> float:
    """Mean of the rates of levels 0 to 3; a level at which nothing was checked adds nothing."""
    judged = [level.rate or 0.0 for level in levels if level.level <= 3]
    return sum(judged) / max(1, len(judged))


def risks(findings: Sequence[Finding], *, supported: int) -> tuple[str, ...]:
    """Say the findings as sentences, the first of them where they are many."""
    found = [] if supported else ["No claim of the answer is supported by a verbatim quote."]
    for finding in findings:
        subject = f"Claim {finding.claim_id}: " if finding.claim_id else ""
        sentence = f"{subject}{finding.detail or finding.reason}."
        if finding.reason != "no_passage_to_read" and sentence not in found[-1:]:
            found.append(sentence[:300])
        if len(found) >= MAX_RISKS:
            found.append(f"And more: {len(findings)} findings in all.")
            break
    return tuple(found)


def notes(levels: Sequence[LevelReport]) -> str:
    """Say the counts of levels 0 to 3 on one line."""
    parts = []
    for level in (level for level in levels if level.level <= 3):
        apart = f", {level.not_judged} not judged" if level.not_judged else ""
        parts.append(f"level {level.level} {level.name}: {level.passed} of {level.checked}{apart}")
    return "; ".join(parts)
