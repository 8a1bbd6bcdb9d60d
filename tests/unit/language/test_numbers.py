"""Numbers with units, in digits and words, English and Korean."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.language import quantities


def keys(text: str) -> list[tuple[Decimal, str]]:
    return [q.key for q in quantities(text)]


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("3,000,000", "3000000", ""), ("3 million", "3000000", ""), ("three million", "3000000", ""),
        ("300만", "3000000", ""), ("3백만", "3000000", ""), ("3M", "3000000", ""),
        ("12%", "12", "%"), ("12 %", "12", "%"), ("12 percent", "12", "%"), ("12 퍼센트", "12", "%"),
        ("twelve per cent", "12", "%"),
        ("$5", "5", "usd"), ("5 dollars", "5", "usd"), ("5달러", "5", "usd"), ("US$5", "5", "usd"),
        ("5 USD", "5", "usd"),
        ("₩5,000", "5000", "krw"), ("5천 원", "5000", "krw"), ("5,000원을", "5000", "krw"),
        ("4.5 s", "4.5", "s"), ("4.5 seconds", "4.5", "s"), ("4.5초", "4.5", "s"), ("4.5초에서", "4.5",
        "s"), ("4.50 s", "4.5", "s"),
        ("10ms", "10", "ms"), ("10 milliseconds", "10", "ms"), ("10밀리초", "10", "ms"),
        ("5 km/h", "5", "km/h"), ("3kg", "3", "kg"), ("3 킬로그램", "3", "kg"), ("-5 °C", "-5", "°c"),
        ("−5℃", "-5", "°c"),
        ("3억 5,000만 원", "350000000", "krw"), ("1만2500", "12500", ""), ("5만 5천", "55000", ""),
        ("½", "0.5", ""), ("1½ hours", "1.5", "h"), ("10⁶", "1000000", ""), ("3×10⁸ m/s", "300000000", "m/s"),
        ("one hundred and five days", "105", "day"), ("twenty-one", "21", ""), ("a million", "1000000",
        ""), ("one second", "1", "s"),
        ("3배", "3", "x"), ("3x", "3", "x"), ("25 percentage points", "25", "pp"), ("25%p", "25", "pp"),
        ("１２", "12", ""), ("5m", "5", "m"), ("10k", "10000", ""), ("12-month", "12", "month"),
    ],
)  # fmt: skip
def test_one_number_however_it_is_spelled(text, value, unit):
    assert keys(text) == [(Decimal(value), unit)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3 workers in 5 pools", [3, 5]), ("3 minor mistakes", [3]), ("2분기", [2]), ("5주년", [5]),
        ("5 in 10", [5, 10]),
        ("제2조", [2]), ("5G and 3D", [5, 3]), ("GPT-4", [4]), ("1,2,3", [1, 2, 3]),
        ("in 1999, 500 people", [1999, 500]),
        ("the 3rd and 21st", [3, 21]), ("3.11.2", [3, 11, 2]), ("Section 5 A new idea", [5]), ("3 x", [3]),
        ("5명 3개", [5, 3]),
        ("2024년", [2024]), ("in 2024", [2024]),
    ],
)  # fmt: skip
def test_an_ordinary_word_is_no_unit(text, values):
    assert keys(text) == [(Decimal(v), "") for v in values]


@pytest.mark.parametrize(
    "text", ["p95", "H2O", "one of them", "no one", "second", "hundreds of", "a", "원", ""]
)
def test_no_number_at_all(text):
    assert keys(text) == []


@pytest.mark.parametrize(
    "text", ["2024-05-01", "2024.5.1", "1 May 2024", "May 1, 2024", "1st of May 2024", "2024년 5월 1일"]
)
def test_a_date_is_its_parts(text):
    assert sorted(keys(text)) == [(Decimal(1), "day#"), (Decimal(5), "month#"), (Decimal(2024), "")]


def test_months_of_the_calendar_are_not_durations():
    assert keys("5월") == keys("May 2024")[:1] != keys("5개월") == keys("5 months")


@pytest.mark.parametrize("text", ["3-5 ms", "3–5 ms", "3 to 5 ms", "3~5 ms", "3 ms - 5 ms"])
def test_a_range_shares_its_unit(text):
    assert keys(text) == [(Decimal(3), "ms"), (Decimal(5), "ms")]


@pytest.mark.parametrize("text", ["two-thirds", "two thirds", "3분의 2"])
def test_fractions_in_words(text):
    assert keys(text) == [(Decimal(2) / 3, "")]


@pytest.mark.parametrize("text", ["4 s", "4,000 ms"])
def test_units_are_never_converted(text):
    assert len({k for t in ("4 s", "4,000 ms") for k in keys(t)}) == 2


@given(st.text(max_size=60))
def test_positions_are_in_order_and_inside(text):
    found = quantities(text)
    assert all(0 <= q.start < q.end <= len(text) for q in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))


@given(st.integers(0, 10**15))
def test_thousands_separators_change_nothing(number):
    assert keys(f"{number:,} ms") == keys(f"{number} ms") == [(Decimal(number), "ms")]


@pytest.mark.parametrize(
    "text",
    [
        "1" * 100_000,
        "1," * 50_000,
        "1.1" * 50_000,
        "one " * 50_000,
        "1만" * 30_000,
        "1 " * 50_000,
        "$" * 100_000,
        "-" * 100_000,
    ],
    ids=lambda t: t[:6],
)
def test_hostile_texts_cost_linear_time(text):
    quantities(text)
