"""Comparing arms on the same goals: what was observed in, verdicts in words out. Pure.

``goals`` and ``order`` lay an experiment out, ``observe`` notes each run, ``comparison`` judges all of them with
``bootstrap`` and ``exact``, ``page`` draws the report. A blind judge is asked what ``preference`` says, of texts that
``blind`` makes.
"""

from orchestrator.experiment.comparison import compare
from orchestrator.experiment.figures import Comparison
from orchestrator.experiment.goals import Goal, parse_goals
from orchestrator.experiment.observe import fingerprint_of, trial_of
from orchestrator.experiment.order import interleaved
from orchestrator.experiment.preference import Judged, Showing
from orchestrator.experiment.trial import Arm, Trial, Vote
from orchestrator.experiment.verdict import Margins

__all__ = [
    "Arm",
    "Comparison",
    "Goal",
    "Judged",
    "Margins",
    "Showing",
    "Trial",
    "Vote",
    "compare",
    "fingerprint_of",
    "interleaved",
    "parse_goals",
    "trial_of",
]
