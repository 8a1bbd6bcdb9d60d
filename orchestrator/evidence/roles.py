"""Two words or numbers of a quote that change places in the claim: who did what to whom, from which number to which.

"Daehan bought Solbit" for "Solbit bought Daehan", "from 210 ms to 840 ms" for "from 840 ms to 210 ms". What stands
between the two has to be the same word for word; what stands around them may differ. Korean says by particles who did
what, so a word and its particle are two parts: 은행이 회사를 and 회사를 은행이 say one thing, 회사가 은행을 another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice

from orchestrator.evidence.parts import Part, blocks, is_particle, parts_of, text_of
from orchestrator.evidence.statement import Evidence, Statement, Token
from orchestrator.language import content_words
from orchestrator.language.lists import listed
from orchestrator.language.particles import ROLES, TOPICS, tokens

MAX_BETWEEN = 24
"""Words between the two; what stands farther apart is in no clause together."""
MAX_COMPARED = 5_000
"""Places of a claim's quotes that are looked at. A sentence takes some hundreds."""
MAX_FOUND = 16
"""Of a claim. Each is looked for in all quotes, which may say it that way, too."""

_COMPARING = frozenset({("than",), ("as",), ("보다",)})
# Of two things on both sides of one of these either may come first.
_EVEN = frozenset(
    (word,) for word in listed("and or nor with versus vs plus along together well as 과 하고 및 또는 혹은")
)
_TIMES = _EVEN | {("by",), ("x",)}
_BEING = frozenset((word,) for word in listed("is are was were be been being remains became"))
_ADJUNCT = frozenset((word,) for word in listed("in on at during since until before after per"))
# What holds between two may be said with either first.
_MUTUAL = frozenset(
    content_words(
        "between married marries met meets merged borders bordered adjacent resembles differs difference equals "
        "identical distance road route line links connects tunnel bridge corridor correlates correlation agreed "
        "competed talks drew tied parallel neighbours"
    )
)
_JOIN = r"(?:,|;|/|&|\band\b|\bor\b)"
_LISTED = re.compile(
    rf"\s*{_JOIN}(?:.*{_JOIN})?\s*(?:(?:the|an?|in|of|to|for|with|by|on|at|from)\s+)*", re.DOTALL
)


def exchanged(claimed: Statement, evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Give (what the claim says, what a quote says) where two parts of a quote have changed places in the claim.

    Not where either order may be said: in lists, around "is", of what is mutual ("A met B"). Linear time.
    """
    words = tokens(claimed.lexed)
    near = [quote for quote in evidence.quotes if _out_of_order(words, quote.tokens)]
    own = parts_of(claimed) if near else []
    left = iter(range(MAX_COMPARED))
    cut = {quote: parts_of(Statement(quote.folded_text)) for quote in (evidence.quotes if near else ())}
    found = ((quote, *exchange) for quote in near for exchange in _exchanges(own, cut[quote], left))
    for quote, first, second, at in islice(found, MAX_FOUND):
        said = own[first.start : second.stop]
        either_way = _Exchange(claimed, own, first, second).either_way
        if not (either_way or any(_says(parts, said) for parts in cut.values())):
            yield (
                text_of(claimed, said),
                text_of(Statement(quote.folded_text), cut[quote][at : at + len(said)]),
            )


def _out_of_order(own: Sequence[str], there: Sequence[str]) -> bool:
    """Whether three neighbours or more of a claim stand in a quote too, and there in another order."""
    known = set(there)
    runs = (list(run) for shared, run in groupby(own, key=known.__contains__) if shared)
    return any(len(run) > 2 and not _in_order(run, there) for run in runs)


def _in_order(run: Sequence[str], there: Sequence[str]) -> bool:
    left = iter(there)
    return all(token in left for token in run)


def _exchanges(
    own: Sequence[Part], there: Sequence[Part], left: Iterator[int]
) -> Iterator[tuple[slice, slice, int]]:
    """Give two blocks of the claim, and where the quote has the second, what stands between them, and the first."""
    places: dict[Token, list[int]] = {}
    for at, part in enumerate(there):
        places.setdefault(part.key, []).append(at)
    keys, others = [part.key for part in own], [part.key for part in there]
    begun = [list(blocks(own, at)) if key in places else [] for at, key in enumerate(keys)]
    for first in chain.from_iterable(begun):
        for second in chain.from_iterable(begun[first.stop + 1 : first.stop + MAX_BETWEEN]):
            if keys[first] == keys[second] or is_particle(own[first.start]) != is_particle(own[second.start]):
                continue
            turned = keys[second] + keys[first.stop : second.start] + keys[first]
            for place, _ in zip(places[turned[0]], left, strict=False):
                if others[place : place + len(turned)] == turned:
                    yield first, second, place


@dataclass(frozen=True)
class _Exchange:
    """Two blocks of a claim that stand the other way round in a quote."""

    claimed: Statement
    own: Sequence[Part]
    first: slice
    second: slice

    @property
    def either_way(self) -> bool:
        """Whether the two may be said in either order, as far as code can tell."""
        one, other = self.own[self.first.start], self.own[self.second.start]
        if is_particle(one):
            roles = {str(one.key[0]), str(other.key[0])}
            return len(self._between) != 1 or not roles <= ROLES or roles <= TOPICS
        numbers = one.kind == other.kind == "number"
        if self._listed(_TIMES if numbers else _EVEN):
            return True
        if numbers:
            return False
        return self._mutual or self._adjuncts or (self.claimed.language == "ko" and not self._roles_differ)

    @property
    def _between(self) -> set[Token]:
        return {part.key for part in self.own[self.first.stop : self.second.start]}

    def _listed(self, even: frozenset[tuple[str, ...]]) -> bool:
        """Whether they are named side by side, or each with the same beside it: A rose and B rose."""
        start, end = self.own[self.first.stop - 1].end, self.own[self.second.start].start
        return (
            self._between <= even
            or bool(_LISTED.fullmatch(self.claimed.text, start, end))
            or any(
                one and other and one.key == other.key and self._between <= {one.key, *even}
                for one, other in (self._neighbours(before=True), self._neighbours(before=False))
            )
        )

    @property
    def _mutual(self) -> bool:
        said = {form for part in self.own for form in map(str, part.key)}
        beside = self.own[self.first.stop].key in _EVEN  # fees and bonus payments
        return beside or self._between <= _BEING or not _MUTUAL.isdisjoint(said)

    @property
    def _adjuncts(self) -> bool:
        """Whether both say where or when: sales in Asia rose in May."""
        one, other = self._neighbours(before=True)
        return bool(one and other and one.key == other.key in _ADJUNCT) and not self._compared

    @property
    def _compared(self) -> bool:
        near = self.own[self.first.start : self.second.stop + 3]
        return not _COMPARING.isdisjoint({part.key for part in near})

    @property
    def _roles_differ(self) -> bool:
        """Whether the particles after two Korean words say that each does something else."""
        marks = [str(part.key[0]) for part in self._neighbours(before=False) if part and is_particle(part)]
        if not marks:
            return {self.own[self.first.start].kind, self.own[self.second.start].kind} == {"name"}
        if len(marks) == 1 or not ROLES.issuperset(marks):
            return False
        return self._compared if marks[0] == marks[1] else not TOPICS.issuperset(marks)

    def _neighbours(self, *, before: bool) -> tuple[Part | None, Part | None]:
        """The parts just before the two, or just behind."""
        at = (self.first.start - 1, self.second.start - 1) if before else (self.first.stop, self.second.stop)
        one, other = (self.own[i] if 0 <= i < len(self.own) else None for i in at)
        return one, other


def _says(parts: Sequence[Part], said: Sequence[Part]) -> bool:
    """Whether a quote says it in this order, too."""
    keys, there = [part.key for part in said], [part.key for part in parts]
    return any(there[at : at + len(keys)] == keys for at in range(len(there) - len(keys) + 1))
