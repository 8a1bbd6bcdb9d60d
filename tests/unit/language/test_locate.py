"""Where a quote stands: word for word, and never inside a word or a number."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.language import Haystack, edged, locate, normalise


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ("fell by 12 %", "Latency fell by 12 % in May.", "fell by 12 %"),
        ("“fell”  by", 'It "fell"\n by half', '"fell"\n by'),
        ("시스템에서는 지연이", "그 시스템에서는  지연이 줄었다.", "시스템에서는  지연이"),
        ("café", "the cafe\u0301 opens", "cafe\u0301"),
        ("file", "a ﬁle here", "ﬁle"),
        ("-5 °C", "It was −5 ℃ outside", "−5 ℃"),
        ("可用", "该系统可用于测试", "可用"),
        ("2,500", "about 2,500.", "2,500"),
        ("12 %", "12 % and 12 %", "12 %"),
    ],
)
def test_a_verbatim_quote_is_found_with_the_originals_span(quote, text, found):
    span = locate(quote, text)
    assert span is not None
    assert text[slice(*span)] == found


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("12", "125 units"),
        ("1.5", "11.5 units"),
        ("1.5", "1.57 units"),
        ("2", "2,500 units"),
        ("500 units", "2,500 units"),
        ("5 °C", "at -5 °C"),
        ("5 workers", "3-5 workers"),
        ("-5 workers", "3-5 workers"),
        ("30", "at 10:30"),
        ("able", "unable to run"),
        ("run", "running"),
        ("가능하다", "불가능하다"),
        ("시스템", "시스템에서는"),
        ("可用", "该系统不可用"),
        ("百万", "三百万"),
        ("3", "3万"),
        ("10", "10² m"),
        ("m", "5 m² of"),
        ("Latency fell", "latency fell"),
        ("...", "and so on..."),
        (" ", "a b"),
        ("", "a"),
    ],
)
def test_what_is_cut_out_of_a_word_or_a_number_is_not_found(quote, text):
    assert locate(quote, text) is None


def test_an_almost_match_at_every_place_stays_linear():
    text = "ab " * 2_000
    assert locate("ab " * 600 + "a", text) is None


WORDS = st.lists(
    st.sampled_from(
        [
            "alpha",
            "(beta)",
            "12.5%",
            "-3",
            "시스템에서는",
            "“quoted”",
            "don’t",
            "3-5",
            "10²",
            "不可用",
            "ét,",
            "ﬁle",
            "2024-05-01",
            "A/B",
            "없다.",
        ]
    ),
    min_size=1,
    max_size=12,
)


@given(WORDS, st.data())
def test_any_window_between_spaces_is_found(tokens, data):
    start = data.draw(st.integers(0, len(tokens) - 1))
    end = data.draw(st.integers(start + 1, len(tokens)))
    text, quote = "  ".join(tokens), "\n".join(tokens[start:end])
    span = locate(quote, text)
    assert span is not None
    assert normalise(text[slice(*span)]) == normalise(quote)


@given(WORDS, st.data())
def test_any_character_changed_inside_a_window_is_not_found(tokens, data):
    text = normalise(" ".join(tokens))
    at = data.draw(st.sampled_from([i for i, ch in enumerate(text) if ch.isalnum()]))
    changed = text[:at] + ("z" if text[at] != "z" else "y") + text[at + 1 :]
    assert locate(changed, text) is None


@given(st.text(max_size=40))
def test_marking_edges_changes_nothing_else(text):
    folded = normalise(text)
    assert edged(folded).replace("\x00", "") == folded


TEXTS = st.lists(
    st.lists(st.sampled_from(["ab", "b", "12", "a", ",", "3-5", "가나", "不可", "-"]), max_size=12),
    max_size=4,
)


@given(
    TEXTS,
    st.lists(st.sampled_from(["ab", "b", "12", "a", ",", "3-5", "가나", "不可"]), min_size=1, max_size=5),
)
def test_a_haystack_finds_what_a_search_of_the_marked_texts_finds(texts, quote):
    folded = [" ".join(words) for words in texts]
    needle = " ".join(quote)
    marked = edged(needle)
    first = next((n for n, text in enumerate(folded) if "\x00" in marked and marked in edged(text)), None)
    haystack = Haystack(folded)
    found = haystack.find(needle)
    assert (found is None) == (first is None)
    if found and first is not None:
        number, start, end = found
        assert (number, folded[number][start:end]) == (first, needle)
        assert haystack.find(needle, number) == found
        assert all(haystack.find(needle, n) is None for n in range(number))


def test_a_haystack_of_one_word_ten_thousand_times_is_searched_as_a_whole():
    haystack = Haystack(["ab " * 10_000 + "ab cd", "ab " * 10_000])
    assert haystack.find("ab ab cd") == (0, 29_997, 30_005)
    assert haystack.find("ab ab") == (0, 0, 5)
    assert haystack.find("ab ab", 1) == (1, 0, 5)
    assert haystack.find("ab ab ef") is None


@pytest.mark.parametrize(
    ("quote", "near"),
    [
        ("the queue lost no order", "the queue kept no order"),
        ("큐는 순서를 잃지 않고", "큐는 순서를 절대 잃지 않고"),
        ("something else entirely", None),
        ("", None),
    ],
)
def test_where_most_of_a_quotes_words_stand(quote, near):
    text = "It rained. the queue kept no order of all. 큐는 순서를 절대 잃지 않고 보관했다."
    span = Haystack(["", text]).near(quote, 1)
    assert (span is None) == (near is None)
    if span and near:
        at = text.index(near)
        assert abs(span[0] - at) <= 5
        assert abs(span[1] - at - len(near)) <= 5


def test_quotes_of_common_words_alone_are_not_searched_for_without_end(monkeypatch):
    monkeypatch.setattr(sys.modules[Haystack.__module__], "MAX_SCANNED", 300_000)
    haystack = Haystack([("ab " * 50 + "cd ") * 400])
    assert haystack.find("ab " * 49 + "ab") == (0, 0, 149)
    for _ in range(10):
        assert haystack.find("ab " * 50 + "ab") is None
    assert haystack.exhausted
    assert haystack.find("ab cd") is not None  # by its rarer word
