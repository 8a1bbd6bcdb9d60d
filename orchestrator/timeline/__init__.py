"""A job's time line, from its ledger events: who ran what when, what determined the end, and pictures of it.

Pure: events in, values out. The renderers load their libraries when they are called.
"""

from orchestrator.timeline.build import job_timings, timeline
from orchestrator.timeline.model import Row, RowStatus, Timeline

__all__ = ["Row", "RowStatus", "Timeline", "job_timings", "timeline"]
