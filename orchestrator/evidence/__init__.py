"""The Evidence Gate: from passages and persona outputs to findings, rates and a verdict. Pure: values in, values out.

A level is a module: ``membership`` (0), ``quotes`` (1), ``coverage`` (2), ``completeness`` (3), ``repair`` (4).
"""

from orchestrator.evidence.gate import judge

__all__ = ["judge"]
