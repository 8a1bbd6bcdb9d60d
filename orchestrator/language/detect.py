"""Which language a text is in, as far as scripts and a few function words tell."""

from __future__ import annotations

import re

_SCRIPTS = (
    ("ko", re.compile(r"[\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f]+")),
    ("ja", re.compile(r"[\u3040-\u30ff]+")),
    ("zh", re.compile(r"[\u4e00-\u9fff]+")),
)
_LETTERS = re.compile(r"[^\W\d_]+")


def detect_language(text: str) -> str:
    """ISO 639-1 code of the text's main language; ``en`` where nothing says otherwise."""
    if text.isascii():
        return "en"
    letters = _count(_LETTERS, text)
    if not letters:
        return "en"
    for code, pattern in _SCRIPTS:
        # A CJK letter carries about as much as two Latin ones.
        if 2 * _count(pattern, text) >= 0.3 * letters:
            return code
    return "en"


def _count(runs: re.Pattern[str], text: str) -> int:
    """How many characters stand in such runs."""
    return sum(map(len, runs.findall(text)))
