"""Which claims each section of a synthesis settles. Pure: the same claims are divided alike wherever it is asked.

What contests what should stand together, so that it is decided in one place; and no section should have much more to
write than another, for the longest is what everybody waits for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise

from orchestrator.contracts import Claim
from orchestrator.language import content_words

FEWEST = 2
"""Claims that are worth dividing."""

Sharing = tuple[bool, int, float]
"""How much an objection has to do with a claim: it names it, passages that both cite, words that both use.

A word counts for more the fewer claims use it.
"""
NOTHING: Sharing = (False, 0, 0.0)


def divided(thesis: Sequence[Claim], antithesis: Sequence[Claim], count: int) -> tuple[tuple[str, ...], ...]:
    """The ids that each of ``count`` sections settles; all empty where there are too few claims to divide.

    An objection goes with the claim that it has most to do with, as long as that section does not become too long.
    Claims stay in their order: those that depend on one another stand near one another.
    """
    total = len(thesis) + len(antithesis)
    if total < FEWEST:
        return ((),) * count
    together = _together(thesis, antithesis, most=-(-total // count))
    together += [[]] * (count - len(together))
    sizes = [len(each) for each in together]
    places = range(1, len(together))

    def unevenness(cuts: tuple[int, ...]) -> int:
        return sum(sum(sizes[begin:end]) ** 2 for begin, end in pairwise((0, *cuts, len(sizes))))

    cuts = min(combinations(places, count - 1), key=unevenness)
    return tuple(
        tuple(claim.id for each in together[begin:end] for claim in each)
        for begin, end in pairwise((0, *cuts, len(sizes)))
    )


def _together(thesis: Sequence[Claim], antithesis: Sequence[Claim], *, most: int) -> list[list[Claim]]:
    """Each claim with the objections that have most to do with it, and behind them those that go with none."""
    found = [[claim] for claim in thesis]
    spread = Counter(word for claim in thesis for word in content_words(claim.text))
    alone: list[list[Claim]] = []
    for objection in antithesis:
        shared = [
            (_sharing(objection, claim, spread), -at)
            for at, claim in enumerate(thesis)
            if len(found[at]) < most
        ]
        sharing, at = max(shared, default=(NOTHING, 0))
        if any(sharing):
            found[-at].append(objection)
        else:
            alone.append([objection])
    return [*found, *alone]


def _sharing(objection: Claim, claim: Claim, spread: Counter[str]) -> Sharing:
    cited, other = ({citation.passage_id for citation in each.citations} for each in (objection, claim))
    words = content_words(objection.text).keys() & content_words(claim.text).keys()
    return claim.id in objection.about, len(cited & other), sum(1 / spread[word] for word in sorted(words))
