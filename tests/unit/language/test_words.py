"""Words, stems and search terms."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.language import content_words, lexed, normalise, search_terms, words


@pytest.mark.parametrize(
    "family",
    [
        "reduce reduces reduced reducing reduction",
        "evaluate evaluates evaluated evaluating evaluation",
        "generate generated generation",
        "deploy deploys deployed deploying deployment",
        "improve improves improved improvement",
        "hope hopes hoped hoping",
        "stop stops stopped stopping",
        "study studies studied studying",
        "use uses used using",
        "process processes processed processing",
        "cache caches cached caching",
        "latency latencies",
        "match matches matched",
        "control controls controlled",
        "connect connected connection",
        "move moves moved moving",
        "format formats formatted formatting",
        "시스템 시스템은 시스템이 시스템을 시스템의 시스템에서 시스템에서는 시스템으로",
        "시스템 시스템도 시스템까지 시스템부터 시스템과 시스템들은",
        "감소 감소한다 감소했다 감소하는 감소하고 감소하며 감소를 감소가",
        "데이터 데이터가 데이터는 데이터를 데이터와 데이터로 데이터만",
        "값 값은 값을",
        "처리량 처리량이 처리량을",
        "제공 제공된다 제공되는 제공합니다 제공하지",
    ],
)
def test_forms_of_one_word_meet(family):
    assert len(content_words(family)) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hop", "hope"), ("new", "news"), ("state", "station"), ("act", "action"), ("hard", "hardly"),
        ("plan", "plane"),
        ("gas", "gases'"), ("string", "str"), ("red", "reed"), ("shed", "she"), ("sing", "s"), ("even",
        "evening"),
        ("평가", "평"), ("증가", "증"), ("결과", "결"), ("효과", "효"), ("마을", "마"), ("가을", "가"),
        ("회의", "회"),
        ("전문가", "전문"), ("차이", "차"), ("온도", "온"), ("높이", "높"), ("도로", "도"),
    ],
)  # fmt: skip
def test_different_short_words_stay_apart(one, other):
    assert content_words(one) != content_words(other)


def test_stop_words_and_negations_carry_no_content():
    assert content_words("It is not the cache, and they don't") == {"cach": 1}
    assert content_words("그것은 있지만 또는 및 없다")["없다"] == 0


def test_numbers_stay_and_thousands_separators_go():
    assert content_words("3,000 and 3.5 in 2024") == {"3000": 1, "3.5": 1, "2024": 1}


def test_words_split_where_the_script_changes():
    assert words("API를 GPU가 don’t 3.5초 漢字かな") == (
        "api",
        "를",
        "gpu",
        "가",
        "don't",
        "3.5",
        "초",
        "漢字かな",
    )


@pytest.mark.parametrize(
    ("text", "latin", "bigrams"),
    [
        ("API를 쓴다", ("api",), ("를", "쓴다")),
        ("시스템에서는", (), ("시스", "스템", "템에", "에서", "서는")),
        ("The system's 3.5 ms", ("the", "system", "3", "5", "ms"), ()),
        ("값 10ms GPT-4", ("10", "ms", "gpt", "4"), ("값",)),
        ("漢字", (), ("漢字",)),
        ("", (), ()),
    ],
)
def test_search_terms(text, latin, bigrams):
    assert search_terms(text) == (latin, bigrams)


@given(st.text(max_size=60))
def test_search_terms_are_plain_tokens(text):
    latin, bigrams = search_terms(text)
    assert all(term.isalnum() for term in latin)
    assert all(1 <= len(term) <= 2 for term in bigrams)


@given(st.text(max_size=60))
def test_spacing_and_case_do_not_matter(text):
    assert content_words(text.lower()) == content_words("  " + text.lower().replace(" ", "\n "))


@given(st.text(alphabet="abz19 .,'’-éÉ가나는ㄱ不可カ_\u0301", max_size=30))
def test_words_with_their_places_are_the_content_words(text):
    folded = normalise(text)
    found = lexed(folded)
    assert Counter(form for _, _, forms in found for form in forms) == content_words(text)
    assert [word for word, _, _ in found] == list(words(text))
    assert all(folded[at : at + len(word)].lower() == word for word, at, _ in found)
