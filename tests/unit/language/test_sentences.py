"""Sentence boundaries in two languages."""

import itertools

import pysbd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.language import sentences


@pytest.mark.parametrize(
    "expected",
    [
        ["It works.", "It is fast!", "Is it?", "Yes."],
        ["Smith et al. found that 3.5 % of jobs fail.", "Fig. 2 shows why."],
        ["Dr. Lee and Mr. Kim met at 10 a.m. on Monday.", "They agreed."],
        ["The U.S. economy grew.", "It was sold in the U.S.", "The price fell."],
        ["See No. 5, e.g. the queue, i.e. Redis.", "Then stop."],
        ["J. Smith wrote it.", "We tried plan B.", "The rest is history."],
        ['He said "it works."', "Nobody believed him."],
        ['"Really?" he asked.', "Yes (of course.)", "Good."],
        ["Costs fell by 2.5 million.", "Revenue rose... Nobody knew why."],
        ["Use Redis, Celery, etc. for queues.", "The answer is no.", "It is 2024.", "3 workers ran."],
        ["지연이 줄었다.", "비용은 늘었습니다.", "정말 그럴까?", "네, 그렇죠."],
        ["2024. 5. 1. 시행되었다.", "효과는 3.5% 였다."],
        ["첫째 문장이다.", '"좋다."라고 말했다.'],
    ],
    ids=lambda expected: expected[0][:20],
)
def test_sentences_end_where_a_reader_ends_them(expected):
    # "Revenue rose... Nobody" and '"좋다."라고' are written as the splitter sees them: see the tests below.
    text = " ".join(expected)
    got = [s.text for s in sentences(text)]
    assert got == [part for whole in expected for part in _split_ellipsis(whole)]


def _split_ellipsis(sentence: str) -> list[str]:
    head, dots, tail = sentence.partition("... ")
    return [head + dots.strip(), tail] if dots else [sentence]


def test_korean_without_spaces_between_sentences():
    assert [s.text for s in sentences("지연이 줄었다.비용도 줄었어요.끝")] == [
        "지연이 줄었다.",
        "비용도 줄었어요.",
        "끝",
    ]


def test_headings_bullets_and_table_rows_stand_alone():
    text = "# Title\nFirst line\ngoes on. Second.\n\n- one\n- two\n  more\n1. three\n"
    text += "\n| a | b |\n|---|---|\n| 1 | 2 |\nEnd"
    assert [s.text for s in sentences(text)] == [
        "# Title", "First line\ngoes on.", "Second.", "- one", "- two\n  more", "1. three",
        "| a | b |", "| 1 | 2 |", "End",
    ]  # fmt: skip


@given(st.text(st.sampled_from("ab A.!?…\"')\n-#|1 다요。 "), max_size=80))
def test_offsets_are_exact_and_no_word_is_lost(text):
    spans = sentences(text)
    for span in spans:
        assert span.text == text[span.start : span.end] == span.text.strip()
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    covered = {i for s in spans for i in range(s.start, s.end)}
    assert all(i in covered for i, ch in enumerate(text) if ch.isalnum())


ORACLE = [
    "The cache helps. It costs memory. Why? Nobody measured.",
    "Prof. Kim et al. report 3.5 % in Fig. 2 of the paper. The effect is small.",
    "Redis 7.2 was used. Version 8.1 came later. Both work!",
    "We saw it at St. Mary's. Then we left.",
    "The rate (see p. 12) rose. Some jobs failed.",
]


@pytest.mark.parametrize("text", ORACLE)
def test_english_agrees_with_pysbd(text):
    oracle = [s.strip() for s in pysbd.Segmenter(language="en", clean=False).segment(text)]
    assert [s.text for s in sentences(text)] == oracle


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # pysbd ends a sentence after "Approx."; the abbreviation cannot end one.
        ("It failed. Approx. 30 jobs were lost.", ["It failed.", "Approx. 30 jobs were lost."]),
        # pysbd knows no Korean dates.
        ("시행일은 2024. 5. 1. 이다.", ["시행일은 2024. 5. 1. 이다."]),
    ],
)
def test_where_we_differ_from_pysbd_on_purpose(text, expected):
    assert [s.text for s in sentences(text)] == expected
    assert [s.strip() for s in pysbd.Segmenter(language="en", clean=False).segment(text)] != expected


@pytest.mark.parametrize(
    "text", [". " * 100_000, "a" * 200_000, '."' * 100_000, "\n" * 200_000, "1. " * 60_000, ")" * 200_000]
)
def test_hostile_texts_cost_linear_time(text):
    sentences(text)
