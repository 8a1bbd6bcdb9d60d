"""Level 1: the quote stands in its passage word for word, after folding."""

from __future__ import annotations

from orchestrator.contracts import Citation, Finding
from orchestrator.evidence.sources import Sources


def check_quote(citation: Citation, sources: Sources) -> list[Finding]:
    """Return what is wrong with a citation's quote; one whose passage is unknown cannot be judged."""
    if citation.passage_id not in sources.by_id:
        return [
            Finding(
                level=1,
                reason="no_passage_to_read",
                passage_id=citation.passage_id,
                detail="its passage is unknown",
                judged=False,
            )
        ]
    if sources.quoted(citation):
        return []
    unsure = " or not searched for, too many quotes being of very common words" if sources.exhausted else ""
    return [
        Finding(
            level=1,
            reason="not_verbatim",
            passage_id=citation.passage_id,
            detail=f"not in {citation.passage_id}{unsure}: {citation.quote[:200]}",
        )
    ]
