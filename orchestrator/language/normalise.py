"""Folding of what may differ between a quote and its source without changing what it says.

NFKC, but for the characters that it would turn into another number or exponent: superscripts and subscripts,
fractions, circled and numbered digits stay as they are. Case stays too: level 1 of the gate is exact.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

# A run that folding leaves alone. Its last character must not be one that a following mark could change.
_PLAIN = re.compile(r"[!-~\uac00-\ud7a3]+(?: [!-~\uac00-\ud7a3]+)*(?=[ -~\uac00-\ud7a3]|\Z)")

_KINDS = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2039\u203a\u3008\u3009\u00b4\u02bc", "'"),
    **dict.fromkeys(
        "\u201c\u201d\u201e\u201f\u00ab\u00bb\u300a\u300b\u300c\u300d\u300e\u300f\u301d\u301e\u301f", '"'
    ),
    **dict.fromkeys("\uff62\uff63", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63", "-"),
    **dict.fromkeys("\u301c\u223c", "~"),
    **dict.fromkeys("\u318d\u2027\u30fb\uff65\u22c5", "\u00b7"),
}
_INVISIBLE = re.compile(
    "[\x00\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]"
)
# Conjoining vowels and finals, and the half-width voicing marks: not marks by category, but they compose.
_COMPOSING = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff\uff9e\uff9f]")
_KEPT_TAGS = frozenset({"<super>", "<sub>", "<fraction>", "<circle>"})
# Compatibility jamo would become conjoining ones and merge with their neighbours.
_KEPT = re.compile("[\u3131-\u318e\uffa0-\uffdc]")
_MAX_MARKS = 30
"""Marks on one character (UAX #15, stream-safe text); ordering longer runs would cost quadratic time."""


@dataclass(frozen=True)
class Folded:
    """A folded text with the way back. What came out of one cluster (a letter with its marks) shares one span.

    A piece is (where it begins here, where it began, length of the cluster that it was, or 0: it stands as it stood).
    """

    text: str
    pieces: tuple[tuple[int, int, int], ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original span that the non-empty folded span ``[start, end)`` came from."""
        return self._place(start)[0], self._place(end - 1)[1]

    def origin(self, at: int) -> int:
        """Where in the original a folded character began."""
        return self._place(at)[0]

    def _place(self, at: int) -> tuple[int, int]:
        begins, origin, cluster = self.pieces[bisect_right(self.pieces, at, key=itemgetter(0)) - 1]
        return (origin, origin + cluster) if cluster else (origin + at - begins, origin + at - begins + 1)


def normalise(text: str) -> str:
    """The folded text alone. Idempotent."""
    return fold(text).text


def fold(text: str) -> Folded:
    """Fold widths, ligatures, composition, quotes, dashes, invisible characters and runs of space; linear time."""
    out: list[str] = []
    pieces: list[tuple[int, int, int]] = []
    at, folded, length, after_space = 0, 0, len(text), True
    while at < length:
        plain = _PLAIN.match(text, at)
        if plain:
            end, piece, cluster = plain.end(), plain.group(), 0
        else:
            end = _cluster_end(text, at)
            piece = " " if text[at].isspace() else _fold_cluster(text[at:end])
            cluster = end - at
        if piece and not (piece == " " and after_space):
            out.append(piece)
            pieces.append((folded, at, cluster))
            folded += len(piece)
            after_space = piece == " "
        at = end
    if after_space and out:
        out.pop()
        pieces.pop()
    return Folded("".join(out), tuple(pieces))


def _cluster_end(text: str, start: int) -> int:
    """Where the character at ``start`` ends, its marks and what is invisible among them included."""
    end = start + 1
    if text[start].isspace():
        return end
    limit = min(len(text), end + _MAX_MARKS)
    while end < limit and _extends(text[end]):
        end += 1
    return end


def _extends(ch: str) -> bool:
    return not ch.isascii() and bool(
        unicodedata.category(ch)[0] == "M" or _COMPOSING.match(ch) or _INVISIBLE.match(ch)
    )


def _fold_cluster(cluster: str) -> str:
    if len(cluster) == 1:
        return _fold_char(cluster)
    return unicodedata.normalize("NFC", "".join(map(_fold_char, cluster)))


@lru_cache(maxsize=8_192)
def _fold_char(ch: str) -> str:
    if _INVISIBLE.match(ch):
        return ""
    if ch in _KINDS:
        return _KINDS[ch]
    tag, _, mapping = unicodedata.decomposition(ch).partition(" ")
    if not tag.startswith("<") or _KEPT.match(ch):
        # A canonical equivalent may be of a kind itself: U+2329 is U+3008 by another number.
        composed = unicodedata.normalize("NFC", ch)
        return _KINDS.get(composed, composed)
    if tag in _KEPT_TAGS:
        return ch
    # One level at a time, so that the square "m²" becomes "m²" and not "m2".
    pieces = "".join(_fold_char(chr(int(code, 16))) for code in mapping.split())
    joins_a_number = tag in {"<compat>", "<square>"} and any(p.isdigit() and p.isascii() for p in pieces)
    return ch if joins_a_number or any(p.isspace() for p in pieces) else unicodedata.normalize("NFC", pieces)
