"""Which claims a section settles: all of them once, what contests what together, none much longer than another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.contracts import Citation, Claim, ClaimKind
from orchestrator.routing.dividing import divided

KINDS: dict[str, ClaimKind] = {"t": "position", "a": "objection"}


def claim(name: str, text: str = "", *, passage: str = "", about: tuple[str, ...] = ()) -> Claim:
    cited = (Citation(passage_id=passage, quote="so"),) if passage else ()
    return Claim(id=name, kind=KINDS[name[0]], text=text or f"{name}.", citations=cited, about=about)


def claims(side: str, count: int) -> list[Claim]:
    """Claims that have nothing to do with one another."""
    return [claim(f"{side}{n}", f"{side}word{n}") for n in range(1, count + 1)]


@pytest.mark.parametrize(
    ("thesis", "antithesis", "count", "expected", "why"),
    [
        (4, 0, 2, "t1 t2 | t3 t4", "in their order"),
        (6, 0, 4, "t1 | t2 | t3 t4 | t5 t6", "as evenly as can be"),
        (3, 3, 3, "t1 t2 | t3 a1 | a2 a3", "objections that go with no claim come behind them"),
        (2, 0, 3, "t1 | t2 | ", "a section may have nothing to settle"),
        (0, 4, 2, "a1 a2 | a3 a4", "a lost thesis leaves the objections"),
        (1, 0, 2, " | ", "one claim is not divided"),
        (0, 0, 2, " | ", "and nothing is not"),
        (5, 4, 1, "t1 t2 t3 t4 t5 a1 a2 a3 a4", "one section has all"),
    ],
)
def test_claims_are_divided_evenly_and_in_order(
    thesis: int, antithesis: int, count: int, expected: str, why: str
) -> None:
    parts = divided(claims("t", thesis), claims("a", antithesis), count)
    assert parts == tuple(tuple(part.split()) for part in expected.split("|")), why


THESIS = [
    claim("t1", "The order queue is fast.", passage="p1"),
    claim("t2", "The order queue is cheap.", passage="p2"),
    claim("t3", "The order queue loses nothing.", passage="p3"),
    claim("t4", "It is proven.", passage="p4"),
]


@pytest.mark.parametrize(
    ("objections", "expected", "why"),
    [
        (
            [claim("a1", "Orders are lost.", about=("t2",)), claim("a2", "So it seems.")],
            "t1 t2 a1 | t3 t4 a2",
            "it goes with the claim that it names, whatever else it shares",
        ),
        (
            [claim("a1", "Nothing is proven.", passage="p1"), claim("a2", "So it seems.")],
            "t1 a1 t2 | t3 t4 a2",
            "or with the one that rests on the same passage",
        ),
        (
            [claim("a1", "The queue is not cheap."), claim("a2", "The queue is not proven.")],
            "t1 t2 a1 | t3 t4 a2",
            "or that speaks of the same: a word counts for more the fewer claims use it",
        ),
        (
            [claim(f"a{n}", "The queue is slow, not fast.") for n in range(1, 6)],
            "t1 a1 a2 a3 a4 | t2 a5 t3 t4",
            "but no section becomes much longer than another",
        ),
    ],
)
def test_an_objection_goes_with_the_claim_that_it_has_most_to_do_with(
    objections: list[Claim], expected: str, why: str
) -> None:
    parts = divided(THESIS, objections, 2)
    assert parts == tuple(tuple(part.split()) for part in expected.split("|")), why


SAID = st.sampled_from(["the queue is fast", "비용은 월 840유로이다", "no order is lost", "", "!"])


@given(st.lists(SAID, max_size=8), st.lists(SAID, max_size=8), st.integers(1, 4))
def test_every_claim_falls_to_one_section_whatever_it_says(
    thesis: list[str], antithesis: list[str], count: int
) -> None:
    sides = (
        [claim(f"t{n}", text) for n, text in enumerate(thesis)],
        [claim(f"a{n}", text) for n, text in enumerate(antithesis)],
    )
    parts = divided(*sides, count)
    assert len(parts) == count
    assert parts == divided(*sides, count)
    names = [name for part in parts for name in part]
    every = [each.id for side in sides for each in side]
    assert sorted(names) == sorted(every if len(every) > 1 else [])
    if len(every) > 1:
        assert max(map(len, parts)) <= 2 * -(-len(every) // count)
