"""Level 0: the citation's passage belongs to this job's evidence."""

from __future__ import annotations

from orchestrator.contracts import Citation, Finding
from orchestrator.evidence.sources import Sources


def check_membership(citation: Citation, sources: Sources) -> list[Finding]:
    """Return what is wrong with the passage that a citation names."""
    if citation.passage_id in sources.by_id:
        return []
    return [
        Finding(
            level=0,
            reason="unknown_passage",
            passage_id=citation.passage_id,
            detail=f"{citation.passage_id} is not among the passages",
        )
    ]
