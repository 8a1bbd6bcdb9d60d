"""One level's count while it is being judged."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.contracts import Finding, LevelReport
from orchestrator.contracts.report import Level


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
