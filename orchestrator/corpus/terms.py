"""What a text is indexed under and what a question asks for: words, and CJK bigrams, weighted by what they say."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import islice

from orchestrator.corpus.common import COMMON, SCAFFOLDING
from orchestrator.language import content_words, search_terms, words

MAX_TERMS = 64
"""Terms of one query that count; a goal may run to thousands of characters."""

COMMON_WEIGHT = 0.25
"""What a word that any text may hold says about its subject, against one that names it."""

NUMBER_WEIGHT = 0.5
"""A year or an amount says less than a name: the same number stands in many texts."""

BACKGROUND = 100
"""Passages without the term that every corpus is taken to have besides its own: in a corpus of three, too, a term
that stands in all of them then counts nearly as much as one that stands in none."""

_HANGUL = re.compile("[\uac00-\ud7a3]+")
_ASKING = re.compile(
    "(?:하|되|시키)?(?:나요|는가요?|은가요?|인가요?|을까요?|는지|은지|려면|어요|아요|습니까)$|(?:할|될)까요?$|해야$|해요$|돼요$|"
    "합니까$|됩니까$|입니까$"
)
"""Endings of Korean questions, which no statement has."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to look for: ``match`` is an FTS5 expression, safely quoted; ``word`` the query's word behind it.

    ``share`` is the part of a full word's weight that it carries.
    """

    match: str
    word: str
    share: float
    telling: bool = False
    """Whether its word names something: neither common nor a number."""

    def weight(self, passages: int, holding: int) -> float:
        """Inverse document frequency, bounded, times ``share``.

        Over N passages of which df hold the term: ln((N + B) / (max(df, N / 500) + 1)). That a term is rarer than
        one in 500 (or absent) tells no more about whether a passage is on the subject.
        """
        return self.share * math.log((passages + BACKGROUND) / (max(holding, passages / 500) + 1))


def columns(text: str) -> tuple[str, str]:
    """The two columns a text is indexed in: its words and its CJK bigrams, each parted by spaces."""
    latin, bigrams = search_terms(text)
    return " ".join(latin), " ".join(bigrams)


def query_terms(query: str) -> tuple[Term, ...]:
    """What a query asks for: its content words once each, without the words that only make it a question."""
    found: dict[str, Term] = {}
    for word in islice(dict.fromkeys(words(query)), 4 * MAX_TERMS):
        for term in _terms(word):
            found.setdefault(term.match, term)
        if len(found) >= MAX_TERMS:
            break
    return tuple(found.values())


def _terms(word: str) -> list[Term]:
    stem = _hangul_stem(word) if _HANGUL.match(word) else word
    if not stem or not content_words(stem) or {word, stem} & SCAFFOLDING:
        return []
    common = {word, stem, word.removesuffix("s")} & COMMON
    telling = not common and not word[0].isdigit()
    weight = COMMON_WEIGHT if common else NUMBER_WEIGHT if word[0].isdigit() else 1.0
    latin, bigrams = search_terms(stem)
    if latin:  # more than one where a number has a point in it: then a phrase
        return [Term(f"words:{_quoted(' '.join(latin))}", word, weight, telling)]
    if len(stem) == 1:  # a lone syllable has no bigram of its own, but begins some
        return [Term(f"bigrams:{_quoted(stem)}*", word, weight * COMMON_WEIGHT)]
    grams = dict.fromkeys(bigrams)
    return [Term(f"bigrams:{_quoted(gram)}", word, weight / len(grams), telling) for gram in grams]


def _hangul_stem(word: str) -> str:
    """The word without particle and ending: a bigram that straddled both would ask for that very inflection."""
    stem = _ASKING.sub("", word)
    if len(stem) < 2:
        stem = word
    folded = next(iter(content_words(stem)), "")
    return folded if stem.startswith(folded) else stem


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'
