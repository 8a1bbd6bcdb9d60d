"""What turns a statement round, and what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.language import negated, negations
from orchestrator.language.lists import listed
from orchestrator.language.negation import _NEGATION


@pytest.mark.parametrize(
    "text",
    [
        "It is not fast", "no evidence", "It never stops", "without cost", "cannot run", "It isn't so",
        "It isn’t so",
        "it won't", "fails to start", "failed to start", "unable to start", "lacks support", "none of it",
        "nothing changed",
        "줄지 않는다", "줄지 않았다", "효과가 없다", "효과 없이", "사실이 아니다", "사실이 아닌",
        "못 한다", "하지 못했다",
        "안 된다", "안된다", "쓰지 마세요", "쓰지 말아야 한다",
    ],
)  # fmt: skip
def test_one_negation(text):
    assert len(negations(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "notable", "nothingness-free? known", "It does not only help but also pays", "No. 5", "note",
        "north", "failure", "failed",
        "안내", "안전하다", "제안", "못지않게", "잘못", "끊임없이", "틀림없이", "없앤다", "마지막",
        "말하다", "아니메",
    ],
)  # fmt: skip
def test_false_friends(text):
    assert negations(text) == ()


def test_neither_nor_are_two():
    assert negations("Neither A nor B") == ("neither", "nor")


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("The cache does not reduce latency, but it helps", {"reduc", "latency"}),
        ("It runs without a broker.", {"broker"}),
        ("캐시는 지연을 줄이지 않는다", {"줄이", "지연", "캐시"}),
        ("비용이 없다", {"비용"}),
        ("브로커 없이 동작한다", {"브로커"}),
    ],
)
def test_scope_is_what_is_turned_round(text, inside):
    (found,) = negated(text)
    assert set(found.scope) == inside
    assert text[found.start : found.end].lower() == found.word


def test_scope_stops_at_the_clause():
    (found,) = negated("It is not slow, but memory grows")
    assert "memory" not in found.scope


@pytest.mark.parametrize("text", ["not " * 20_000, "n't" * 50_000, "a" * 200_000, "지 " * 50_000])
def test_hostile_texts_cost_linear_time(text):
    negated(text)


WORDS = listed("NOT no n’t n't fails to lack 않 없 아닌 안 못 하지 마라 말고 The cat 가다 unable")


@given(st.lists(st.sampled_from(WORDS), max_size=8))
def test_looking_for_hints_first_misses_nothing(words):
    text = " ".join(words)
    assert negations(text) == tuple(m.group().lower() for m in _NEGATION.finditer(text))
