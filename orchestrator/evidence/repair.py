"""Level 4: what a quote that is not verbatim was probably meant to be. A proposal; it never passes a claim."""

from __future__ import annotations

import re

from orchestrator.contracts import Citation
from orchestrator.evidence.sources import Sources
from orchestrator.language import edged, fold

MIN_SCORE = 85.0
"""rapidfuzz's partial ratio (0 to 100) from which an alignment is worth proposing."""
MAX_REPAIRS = 50
"""Quotes looked at per report: alignment costs quote x passage."""

_WORD_LEFT = re.compile(r"\S*\Z")
_WORD_RIGHT = re.compile(r"\S*")


def propose(citation: Citation, sources: Sources) -> tuple[str, str] | None:
    """Return ``(passage_id, text)`` of the likeliest verbatim quote, the cited passage first, or ``None``.

    Without rapidfuzz (the ``worker`` extra) only quotes that are verbatim in another passage are found.
    """
    quote = fold(citation.quote).text
    marked = edged(quote)
    for passage_id, source in sources.by_id.items():
        found = source.find(marked)
        if found:
            return passage_id, found.text[:2_000]
    cited = sources.by_id.get(citation.passage_id)
    closest = _closest(quote, cited.folded.text) if cited else None
    return (citation.passage_id, closest) if closest else None


def _closest(quote: str, text: str) -> str | None:
    try:
        from rapidfuzz import fuzz  # noqa: PLC0415 - an extra, and only a failed quote needs it
    except ImportError:
        return None
    if len(quote) > len(text):
        return None
    found = fuzz.partial_ratio_alignment(quote, text, score_cutoff=MIN_SCORE)
    if found is None or found.dest_start == found.dest_end:
        return None
    left = _WORD_LEFT.search(text, 0, found.dest_start)
    right = _WORD_RIGHT.match(text, found.dest_end)
    start = left.start() if left else found.dest_start
    end = right.end() if right else found.dest_end
    return text[start:end].strip()[:2_000] or None
