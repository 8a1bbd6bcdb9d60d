"""Folding: what may differ between a quote and its source, and what may not."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.language import fold, normalise


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＡＰＩ　１２％", "API 12%"),
        ("a \t\n b  ", "a b"),
        ("\u00a0a\u2009b", "a b"),
        ("“quoted” ‘word’", "\"quoted\" 'word'"),
        ("„low“ «guillemets» ‹single›", '"low" "guillemets" \'single\''),
        ("「시스템」 『책』 《글》", '"시스템" "책" "글"'),
        ("3–5 − 2 — x", "3-5 - 2 - x"),
        ("co\u00adop\u200berate\ufeff", "cooperate"),
        ("ﬁle", "file"),
        ("cafe\u0301", "café"),
        (unicodedata.normalize("NFD", "시스템에서는"), "시스템에서는"),
        ("ｶﾞ", "ガ"),
        ("5㎡ 3㎞", "5m² 3km"),
        ("37℃", "37°C"),
        ("wait…", "wait..."),
    ],
)
def test_spelling_variants_fold_to_one_kind(text, folded):
    assert normalise(text) == folded


@pytest.mark.parametrize("text", ["10² H₂O", "1½ ⅔", "①②", "⒈5", "㏠", "m³", "ㅋㅋ", "e = mc²", "Case Stays"])
def test_what_nfkc_would_turn_into_another_number_or_word_stays(text):
    assert normalise(text) == text


@pytest.mark.parametrize(
    ("one", "other"), [("10²", "102"), ("½", "1/2"), ("5'", '5"'), ("а", "a"), ("API", "api")]
)
def test_different_texts_stay_different(one, other):
    assert normalise(one) != normalise(other)


MESSY = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("e\u0301\u0323 \u200b\u00ad 가\u1100\u1161\u11a8ﬁ²½“–\u3000\n\u0345㏠ｶﾞㄱ"),
    ),
    max_size=60,
)


@given(MESSY)
def test_folding_twice_is_folding_once(text):
    assert normalise(normalise(text)) == normalise(text)


def test_folding_any_single_character_twice_is_folding_it_once():
    """Every character that decomposes, not only those that a random search happens to find."""
    decomposing = [ch for ch in map(chr, range(0x30000)) if unicodedata.decomposition(ch)]
    assert [ch for ch in decomposing if normalise(normalise(ch)) != normalise(ch)] == []


@given(MESSY)
def test_composition_never_matters(text):
    assert normalise(unicodedata.normalize("NFC", text)) == normalise(unicodedata.normalize("NFD", text))


@given(MESSY)
def test_the_way_back_is_exact(text):
    folded = fold(text)
    spans = [folded.span(at, at + 1) for at in range(len(folded.text))]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    origin = [start for start, _ in spans]
    assert origin == sorted(origin) == [folded.origin(at) for at in range(len(folded.text))]
    for start, end in set(spans):
        assert normalise(text[start:end]) in (folded.text, normalise(text[start:end]))
        first = origin.index(start)
        last = len(origin) - 1 - origin[::-1].index(start)
        if not text[start:end].isspace():
            assert normalise(text[start:end]) == folded.text[first : last + 1]


def test_a_million_marks_on_one_letter_cost_linear_time():
    # Ordering one run of marks is quadratic in its length; runs are cut at 30, so this returns at once.
    assert len(normalise("a" + "\u0301\u0323" * 500_000)) > 0
