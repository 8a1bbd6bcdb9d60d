"""Words, content words and search terms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

from orchestrator.language.lists import listed
from orchestrator.language.normalise import normalise
from orchestrator.language.stems import english_stem, korean_stem

_HANGUL = "\uac00-\ud7a3"
_HAN_KANA = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# The plain letters first, in one go: the look-ahead costs as much as all the rest.
_OTHER = rf"(?:[A-Za-z0-9]++|(?![{_HANGUL}{_HAN_KANA}])[^\W_])"
_WORD = re.compile(
    rf"(?P<number>\d+(?:[.,]\d+)*)|(?P<hangul>[{_HANGUL}]+)|(?P<han>[{_HAN_KANA}]+)"
    rf"|(?P<other>{_OTHER}+(?:['\u2019]{_OTHER}+)*)"
)
_ANY_WORD = re.compile("(" + re.sub(r"\(\?P<\w+>", "(?:", _WORD.pattern) + ")")
# The same for ASCII in lower case; a word that begins with a digit is a number.
_ASCII_WORD = re.compile(r"\d+(?:[.,]\d+)*|[a-z0-9]+(?:'[a-z0-9]+)*")
_HAN_WORD = re.compile(rf"[{_HAN_KANA}]")
_ALNUM = re.compile(r"[^\W_]+")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")

# Negations are here too: they are judged by themselves, with the words they turn round.
_STOP = frozenset(
    listed(
        "a an the of to in on at by for with and or nor but is are was were be been being am "
        "it its this that these those as from into onto than then so such if while when which "
        "who whom whose what where how why there here he she they we you i his her their our "
        "your my him them us me do does did done doing have has had having will would shall "
        "should can could may might must not no never neither none cannot without also very "
        "just only about over under between during both each any some all more most other own "
        "same too because s t d ll re ve m don doesn didn isn aren wasn weren won wouldn "
        "shouldn couldn haven hasn hadn"
    )
)
_STOP_KO = frozenset(
    listed(
        "그리고 그러나 하지만 그런데 따라서 그래서 또한 또는 혹은 및 등 등은 이 그 저 것 것은 "
        "것이 것을 것이다 수 때 때문 중 더 매우 가장 즉 약 있다 있는 있고 있으며 있습니다 있 "
        "없다 없는 없고 없으며 없습니다 없 않는다 않다 않은 않는 않고 않으며 않습니다 않았다 "
        "않 아니다 아닌 아니라 아니 못한다 못하다 못했다 못하는 못 안 하다 한다 하는 했다 "
        "된다 되는 된 대한 대해 위한 위해 통한 통해 의한 의해 따른 따라 관한 경우 이는 이를 "
        "이런 이러한 그는 나는 우리 우리는 은 는 가 을 를 의 에 에서 에서는 에는 도 만 로 "
        "으로 과 와 부터 까지 들 이다 입니다 이며 이고 처럼 보다"
    )
)


def words(text: str) -> tuple[str, ...]:
    """Lower-cased words in order, split where the script changes (``API를`` is two words); numbers stay whole."""
    return tuple(word for _, word in _tokens(text))


def content_words(text: str) -> Counter[str]:
    """Words that carry meaning, folded to a comparable form, counted.

    English words are stems, Korean ones lose their particles, Han and kana become bigrams, ``3,000`` is ``3000``.
    """
    return Counter(content_forms(text))


Word = tuple[str, int, tuple[str, ...]]
"""A word of a folded text: in lower case, where it begins, and what it is compared by, if it means something."""


def lexed(folded: str) -> list[Word]:
    """The words of a folded text with their places; their forms together are its ``content_words``."""
    # Splitting gives what stands between the words as well, and so their places, without an object for each match.
    parts = _ANY_WORD.split(folded)
    found = [word.lower() for word in parts[1::2]]
    return list(zip(found, list(accumulate(map(len, parts)))[::2], map(_forms, found), strict=False))


def search_terms(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(Latin words, CJK bigrams) of a text: what the index's two columns hold and what a query asks for.

    Latin words are letters and digits only, lower-case, unstemmed (the index stems); a CJK word of one character
    gives itself.
    """
    latin: list[str] = []
    bigrams: list[str] = []
    for kind, word in _tokens(text):
        if kind in {"hangul", "han"}:
            bigrams += _bigrams(word)
        else:
            pieces = _ALNUM.findall(word)
            # What an apostrophe leaves behind ("s", "t") finds nothing.
            latin += [p for p in pieces if kind == "number" or len(p) > 1 or len(pieces) == 1]
    return tuple(latin), tuple(bigrams)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    if text.isascii():
        for word in _ASCII_WORD.findall(text.lower()):
            yield ("number" if word[0].isdigit() else "other"), word
        return
    for match in _WORD.finditer(normalise(text)):
        yield match.lastgroup or "", match.group().lower()


def content_forms(text: str) -> Iterator[str]:
    """The ``content_words`` of a text, in order."""
    for _, word in _tokens(text):
        yield from _forms(word)


@lru_cache(maxsize=131_072)
def _forms(word: str) -> tuple[str, ...]:
    """What a word of one script is compared by; nothing for a word that carries no meaning."""
    if word[0].isdecimal():
        return (word.replace(",", "") if _THOUSANDS.fullmatch(word) else word,)
    if _HAN_WORD.match(word):
        return tuple(_bigrams(word))
    if "\uac00" <= word[0] <= "\ud7a3":
        stem = korean_stem(word)
        return () if word in _STOP_KO or stem in _STOP_KO else (stem,)
    base = word.partition("'")[0] or word
    return () if base in _STOP or word.endswith("n't") else (english_stem(base),)


def _bigrams(word: str) -> list[str]:
    return [word[i : i + 2] for i in range(max(1, len(word) - 1))]
