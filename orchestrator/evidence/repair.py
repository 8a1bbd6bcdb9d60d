"""Level 4: what a quote that is not verbatim was probably meant to be. A proposal; it never passes a claim."""

from __future__ import annotations

from orchestrator.contracts import Citation
from orchestrator.evidence.sources import Sources

MIN_SCORE = 85.0
"""rapidfuzz's ratio (0 to 100) from which an alignment is worth proposing."""
MAX_CHARS = 2_000
"""Of a quote that is aligned: it costs the square of its length."""


def propose(citation: Citation, sources: Sources) -> tuple[str, str] | None:
    """Return ``(passage_id, text)`` of the likeliest verbatim quote, the cited passage first, or ``None``.

    Without rapidfuzz (the ``worker`` extra) only quotes that are verbatim in another passage are found.
    """
    if found := sources.quoted_anywhere(citation):
        return found.source.passage.id, found.text[:MAX_CHARS]
    if len(citation.quote) > MAX_CHARS:
        return None
    closest = sources.closest(citation)
    return (citation.passage_id, closest[1][:MAX_CHARS]) if closest and _alike(*closest) else None


def _alike(quote: str, text: str) -> bool:
    try:
        from rapidfuzz import fuzz  # noqa: PLC0415 - an extra, and only a failed quote needs it
    except ImportError:
        return False
    return fuzz.ratio(quote, text, score_cutoff=MIN_SCORE) >= MIN_SCORE
