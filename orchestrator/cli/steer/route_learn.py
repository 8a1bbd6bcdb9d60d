"""What ``triptych route learn`` learns from: a comparison's report, or live jobs that were assigned at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from orchestrator.contracts import Lesson
from orchestrator.contracts.lesson import TaughtMode
from orchestrator.errors import InvalidInput
from orchestrator.experiment import Comparison
from orchestrator.experiment.boundary import Learnt, configured_in, learn_boundary
from orchestrator.experiment.live import LiveJobs, LiveLearnt, learn_live


@dataclass(frozen=True)
class Found:
    """What was learned, from how many jobs or goals; ``carried`` says of which mode and models that is a lesson."""

    learnt: Learnt | LiveLearnt
    source: Literal["comparison", "live"]
    jobs: int
    carried: Callable[[], tuple[TaughtMode, tuple[str, ...]]]

    def lesson(self, who: str, why: str) -> Lesson:
        """What auto is taught by it. Raises ``InvalidInput`` where it does not carry that."""
        mode, models = self.carried()
        boundary = 0.0 if self.learnt.boundary is None else self.learnt.boundary
        return Lesson(
            mode=mode,
            models=models,
            boundary=boundary,
            risk=self.learnt.risk,
            source=self.source,
            jobs=self.jobs,
            lost=next(step.lost for step in self.learnt.steps if step.boundary == boundary),
            who=who[:200],
            why=why.strip()[:500],
            since_ms=0,
        )


def from_report(path: Path, reference: str, candidate: str, risk: float) -> Found:
    """Learn from a comparison. Raises ``InvalidInput``."""
    found = _read(path)
    for option, arm in (("--reference", reference), ("--candidate", candidate)):
        if arm not in {each.arm for each in found.arms}:
            raise InvalidInput(
                option,
                f"the comparison has no arm {arm[:80]!r}; it has {', '.join(a.arm for a in found.arms)}",
            )
    learnt = learn_boundary(found.trials, reference=reference, candidate=candidate, risk=risk)
    return Found(learnt, "comparison", learnt.goals, lambda: _carried(found, reference, candidate))


def from_live(candidate: str, since: str, risk: float) -> Found:
    """Learn from the ledger, of jobs on this machine's models. Raises ``InvalidInput``."""
    from orchestrator.cli.shared.sources import open_source, parse_since
    from orchestrator.lessons import models_of
    from orchestrator.settings import load_settings

    mode = _taught_mode(candidate)
    if mode is None:
        raise InvalidInput(
            "--candidate", f"{candidate[:80]!r} is not learned live; name parallel or pipelined"
        )
    models, jobs = models_of(load_settings()), LiveJobs()
    jobs.add(open_source().events(since_ms=parse_since(since)))
    learnt = learn_live(jobs.ended, mode=mode, models=models, risk=risk)
    return Found(learnt, "live", learnt.jobs + learnt.reference_jobs, lambda: (mode, models))


def _carried(found: Comparison, reference: str, candidate: str) -> tuple[TaughtMode, tuple[str, ...]]:
    modes = {arm.arm: arm.mode for arm in found.arms}
    mode, models = _taught_mode(modes[candidate]), configured_in(found.trials, (reference, candidate))
    if modes[reference] != "sequential" or mode is None:
        raise InvalidInput(
            "--apply", "teaches parallel or pipelined, held against sequential; name such arms"
        )
    pairs = [pair for pair in found.pairs if (pair.reference, pair.candidate) == (reference, candidate)]
    if mode == "pipelined" and not {pair.verdict for pair in pairs} & {"better", "not_worse"}:
        raise InvalidInput(
            "REPORT",
            "does not show pipelined better than sequential, or not worse; auto runs it only where one does. "
            "TRIPTYCH_AUTO_PIPELINED=on allows it all the same",
        )
    if models is None:
        raise InvalidInput(
            "REPORT",
            "has runs on different models, or does not say on which; compare again, on one set of models",
        )
    return mode, models


def _taught_mode(name: str) -> TaughtMode | None:
    return "parallel" if name == "parallel" else "pipelined" if name == "pipelined" else None


def _read(path: Path) -> Comparison:
    try:
        return Comparison.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidInput("REPORT", f"{path} cannot be read ({error.strerror})") from None
    except ValidationError:
        raise InvalidInput(
            "REPORT", f"{path} is no report of this version; name a comparison's report.json"
        ) from None
