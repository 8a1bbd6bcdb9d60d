"""Changes that leave a quote what it was: forms of Unicode, typography, spacing, a word cut from an edge."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

Reformat = Callable[[str], str]


def _full_width(text: str) -> str:
    """Digits and Latin letters in the widths of East Asian typography."""
    return "".join(chr(ord(ch) + 0xFEE0) if ch.isascii() and ch.isalnum() else ch for ch in text)


def _curly(text: str) -> str:
    opened = re.sub(r'(^|[\s(])"', "\\1\u201c", text)
    return opened.replace('"', "\u201d").replace("'", "\u2019")


def _wrapped(text: str) -> str:
    """Broken into lines as an e-mail would have them."""
    words = text.split(" ")
    return "\n".join(" ".join(words[i : i + 5]) for i in range(0, len(words), 5))


OF_TEXT: dict[str, Reformat] = {
    "untouched": lambda text: text,
    "NFC": lambda text: unicodedata.normalize("NFC", text),
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "curly quotes": _curly,
    "straight quotes": lambda text: text.translate(str.maketrans("‘’“”", "''\"\"")),
    "double spaces": lambda text: text.replace(" ", "  "),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "line breaks": _wrapped,
    "carriage returns": lambda text: _wrapped(text).replace("\n", "\r\n"),
    "spaces around": lambda text: f"\n  {text}\t",
    "full-width digits and letters": _full_width,
    "other dashes": lambda text: text.replace("-", "\u2011").replace("–", "\u2014"),
    "soft hyphens": lambda text: re.sub(r"([A-Za-z]{4})([a-z]{4})", "\\1\u00ad\\2", text),
    "byte order mark": lambda text: "\ufeff" + text,
    "in quotation marks": lambda text: f"“{text}”",
    "no full stop": lambda text: text.rstrip("."),
    "first word cut": lambda text: text.split(" ", 1)[1],
    "last word cut": lambda text: text.rsplit(" ", 1)[0],
}
OF_CLAIMS = frozenset(OF_TEXT) - {"first word cut", "last word cut"}


_SUBJECT_OBJECT = re.compile(r"(?<![가-힣])([가-힣]{2,}[은는이가])\s([가-힣]{2,}[을를])(?=\s)")

ADDED: dict[str, Reformat] = {
    "object before subject": lambda text: _SUBJECT_OBJECT.sub(r"\2 \1", text, count=1),
}
"""Of claims, and later than the others: Korean says by particles who did what, and leaves their order free."""
