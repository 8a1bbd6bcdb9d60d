"""The ledger at rest: each event once, with the cursor that says how far the stream was read.

``archive`` says what is kept and asks for it in one dialect; ``sqlite`` and ``postgres`` are the two places that it
may be kept in; ``rows`` turns stream entries into rows, and touches neither. Events carry neither secrets nor
document text (that is their contract), and nothing else is kept.
"""

from orchestrator.store.archive.archive import Appended, Archive, Gap, JobSummary, Mark
from orchestrator.store.archive.filesystem import network_file_system
from orchestrator.store.archive.rows import MAX_EVENT_BYTES
from orchestrator.store.archive.where import archive_in, archive_of

__all__ = [
    "MAX_EVENT_BYTES",
    "Appended",
    "Archive",
    "Gap",
    "JobSummary",
    "Mark",
    "archive_in",
    "archive_of",
    "network_file_system",
]
