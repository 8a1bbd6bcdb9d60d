"""Where a claim follows a quote word for word and puts one word in the place of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.evidence.statement import Evidence, Statement
from orchestrator.language import Word

MAX_UNKNOWN = 8
"""Words of a claim that its quotes lack; with more it is no copy of them."""

Key = tuple[str, ...]


def stand_ins(claimed: Statement, evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Give (word, quoted word): one that the quotes lack in every form, and which stands between its neighbours there.

    Beyond an edge there is no neighbour to differ, but one has to be the same. Linear time.
    """
    lacking = [
        at for at, (_, _, forms) in enumerate(claimed.lexed) if forms and evidence.words.isdisjoint(forms)
    ]
    if not 0 < len(lacking) <= MAX_UNKNOWN:
        return
    keys = list(map(_key, claimed.lexed))
    for quote in evidence.quotes:
        there = list(map(_key, quote.lexed))
        for at in lacking:
            word = claimed.lexed[at][0]
            yield from (
                (word, quote.lexed[place][0])
                for place in range(len(there))
                if _between(keys, at, there, place)
            )


def _key(word: Word) -> Key:
    return word[2] or (word[0],)


def _between(keys: Sequence[Key], at: int, there: Sequence[Key], place: int) -> bool:
    same = [
        keys[at + step] == there[place + step]
        for step in (-1, 1)
        if 0 <= at + step < len(keys) and 0 <= place + step < len(there)
    ]
    return bool(same) and all(same)
