"""Bytes to text, in whatever character set they are, or the finding that they are no text."""

from __future__ import annotations

import codecs
import unicodedata

from orchestrator.corpus.extras import extra
from orchestrator.errors import DocumentError

_BOMS = (  # UTF-32's begins with UTF-16's, so it is tried first
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = [
    "cp949",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "cp1252",
    "latin_1",
    "cp1250",
    "cp1251",
    "koi8_r",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
]
_NOT_TEXT = "is not text (it looks binary); give a text file, or name it by its real suffix"
_SAMPLE = 64 * 1024


def decode(data: bytes, source: str, *, declared: str | None = None) -> str:
    """The text of ``data``: by its byte order mark, as UTF-8, as ``declared``, or as best guessed.

    Raises ``DocumentError`` for what is not text.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _checked(_strict(data, encoding), source)
    if b"\0" in data:  # UTF-16 without its mark, or no text at all
        guesses = [_strict(data, encoding) for encoding in ("utf-16-le", "utf-16-be")]
        return _checked(min(guesses, key=_strangeness), source)
    for encoding in ("utf-8", declared or "utf-8"):
        text = _strict(data, encoding)
        if text is not None:
            return _checked(text, source)
    if _is_korean(data):
        return _checked(_strict(data, "cp949"), source)
    matches = extra("charset_normalizer", source).from_bytes(data[:_SAMPLE], cp_isolation=_CANDIDATES)
    best = matches.best()
    # In a short Western text nothing but habit tells Windows' code pages apart.
    western = next((match for match in matches if match.encoding == "cp1252"), None)
    if best and western and western.chaos <= best.chaos and not best.multi_byte_usage:
        best = western
    return _checked(_strict(data, best.encoding) if best else None, source)


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _is_korean(data: bytes) -> bool:
    """Whether the bytes are Korean in EUC-KR or its superset CP949, which statistics mistake in short texts."""
    text = _strict(data, "cp949")
    if text is None:
        return False
    foreign = [ch for ch in text[:_SAMPLE] if ch > "\x7f"]
    hangul = sum("\uac00" <= ch <= "\ud7a3" and len(ch.encode("euc-kr", "ignore")) == 2 for ch in foreign)
    return hangul >= 0.8 * len(foreign)


def _strangeness(text: str | None) -> float:
    """The share of characters (of a sample) that no text holds: controls, unassigned, replacement characters."""
    if text is None:
        return 1.0
    sample = text[:_SAMPLE]
    strange = sum(
        ch not in "\t\n\r\f\v\x1b\ufeff"
        and (ch == "\ufffd" or unicodedata.category(ch) in {"Cc", "Cn", "Co", "Cs"})
        for ch in sample
    )
    return strange / max(1, len(sample))


def _checked(text: str | None, source: str) -> str:
    # One stray control character is still a text.
    if text is None or (_strangeness(text) > 0.02 and _strangeness(text) * len(text) > 1):
        raise DocumentError(source, _NOT_TEXT)
    return text
