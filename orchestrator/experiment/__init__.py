"""Comparing arms on the same goals: what was observed in, verdicts in words out. Pure.

``goals`` and ``order`` lay an experiment out, ``observe`` notes each run, ``comparison`` judges all of them with
``bootstrap`` and ``exact``, ``page`` draws the report.
"""

from orchestrator.experiment.comparison import compare
from orchestrator.experiment.figures import Comparison
from orchestrator.experiment.goals import Goal, parse_goals
from orchestrator.experiment.observe import fingerprint_of, trial_of
from orchestrator.experiment.order import interleaved
from orchestrator.experiment.trial import Arm, Trial
from orchestrator.experiment.verdict import Margins

__all__ = [
    "Arm",
    "Comparison",
    "Goal",
    "Margins",
    "Trial",
    "compare",
    "fingerprint_of",
    "interleaved",
    "parse_goals",
    "trial_of",
]
