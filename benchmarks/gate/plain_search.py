"""Whether a text stands in another, by the plainest means: what the gate's own search is compared with."""

from __future__ import annotations

import re
import unicodedata

_SAME = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-"})


def stands_in(quote: str, passage: str) -> bool:
    """Whether the quote is a substring, widths, composition, quotes, dashes and spacing aside."""
    return _plain(quote) in _plain(passage)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).translate(_SAME)).strip()
