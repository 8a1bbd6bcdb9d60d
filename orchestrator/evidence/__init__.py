"""The Evidence Gate: passages and what rests on them in; findings, rates and a verdict out. Pure.

A level is a module: ``membership`` (0), ``quotes`` (1), ``coverage`` (2), ``completeness`` (3), ``repair`` (4).
``repairing`` is the one pass over what failed. ``opinion`` lets a judge take passes away, for those who ask for one.
"""

from orchestrator.evidence.gate import judge, judge_answer
from orchestrator.evidence.opinion import Judge, reconsidered

__all__ = ["Judge", "judge", "judge_answer", "reconsidered"]
