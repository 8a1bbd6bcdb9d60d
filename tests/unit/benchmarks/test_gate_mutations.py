"""The frozen mutation set: what must never pass, what must never be rejected, and what level 2 is known to see."""

import hashlib
from collections import Counter

import pytest

from benchmarks.gate import harmless, wounds
from benchmarks.gate.figures import Outcome, Row, outcomes, table
from benchmarks.gate.mutations import SEED, Case, cases
from benchmarks.gate.plain_search import stands_in
from benchmarks.gate.speed import large_answer, seconds
from benchmarks.gate.texts import shipped_texts

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def frozen() -> list[Case]:
    return list(cases(shipped_texts(), seed=SEED))


@pytest.fixture(scope="module")
def judged(frozen: list[Case]) -> list[Outcome]:
    return list(outcomes(frozen))


@pytest.fixture(scope="module")
def rows(judged: list[Outcome]) -> dict[tuple[str, str, str], Row]:
    return {(row.mutation, row.place, row.language): row for row in table(judged) if row.harmful}


def digest(frozen: list[Case]) -> str:
    of_all = hashlib.sha256()
    for case in frozen:
        of_all.update(f"{case.mutation} {case.place} {case.answer.model_dump_json()}\n".encode())
    return of_all.hexdigest()[:16]


def test_the_set_is_frozen(frozen):
    """It changes with the texts and the mutations, and then docs/gate.md wants measuring again."""
    later = {*wounds.ADDED, *harmless.ADDED}
    assert digest([case for case in frozen if case.mutation not in later]) == "7026fccec742ddae"
    assert digest([case for case in frozen if case.mutation in later]) == "d57cbc34d16ce14c"


def test_it_is_large_enough_in_both_languages(frozen):
    counts = Counter(case.language for case in frozen)
    assert set(counts) == {"en", "ko"}
    assert min(counts.values()) >= 2_000


def test_every_broken_quote_is_caught_at_level_0_or_1(judged):
    broken = [o for o in judged if o.case.harmful and o.case.place in {"quote", "citation"}]
    assert len(broken) > 1_000
    assert [o.case for o in broken if not o.failed] == []


def test_no_verbatim_or_reformatted_quote_is_rejected(judged):
    sound = [o for o in judged if not o.case.harmful]
    assert len(sound) > 1_000
    assert [o.case for o in sound if o.failed] == []


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    ("mutation", "place", "at_least"),
    [
        ("failed persona", "answer", 1.0),
        ("empty answer", "answer", 1.0),
        ("lost claim", "answer", 1.0),
        ("invented claim", "answer", 1.0),
        ("empty claim", "claim", 1.0),
        ("digit", "claim", 1.0),
        ("digit lost or added", "claim", 1.0),
        ("unit", "claim", 1.0),
        ("negation added", "claim", 1.0),
        ("negation dropped", "claim", 1.0),
        ("look-alike character", "claim", 1.0),
        ("combining mark", "claim", 1.0),
        ("halves of two texts", "claim", 0.9),
        ("roles exchanged", "claim", 0.8),
        ("entity swap", "claim", 0.7),
    ],
)
def test_what_level_2_and_3_catch(rows, language, mutation, place, at_least):
    assert rows[mutation, place, language].rate >= at_least


def test_the_plain_search_that_the_gate_is_compared_with():
    assert stands_in("“a”  b\n", 'x "a" b')
    assert not stands_in("a c", "a b c")


@pytest.mark.parametrize(
    ("passages", "broken", "repair"),
    [(1, False, False), (40, False, False), (40, True, False), (1, True, True)],
)
def test_four_times_as_much_takes_about_four_times_as_long(passages, broken, repair):
    """Sixteen times would be quadratic. CPU time of one process, the best of three: no clock on the wall."""
    small, large = (
        large_answer(shipped_texts(), passages=passages, broken=broken, share=share) for share in (0.02, 0.08)
    )
    seconds(large, repair=repair)  # what is cached for good, is
    taken = [min(seconds(answer, repair=repair) for _ in range(3)) for answer in (small, large)]
    assert taken[1] < 8 * taken[0]
