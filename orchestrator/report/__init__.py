"""How a fleet does against the three criteria that started this: values in, values out.

Mean latency, evidence pass rate kept against sequential, maximum latency; per mode, from the ledger's ends of jobs.
"""

from orchestrator.report.criteria import Criteria, Criterion, Verdict
from orchestrator.report.summary import FleetReport, ModeReport, Tally, summarise

__all__ = ["Criteria", "Criterion", "FleetReport", "ModeReport", "Tally", "Verdict", "summarise"]
