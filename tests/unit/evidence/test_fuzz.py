"""No input breaks the door or the gate, and no search over changes of a quote finds one that passes."""

import json
import re
import unicodedata
from contextlib import suppress

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmarks.gate.plain_search import stands_in
from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.evidence import judge_answer
from orchestrator.evidence.explain import explain
from orchestrator.language.look_alikes import _DRAWN_AS

from .cases import PASSAGES, QUOTES, TEXTS
from .test_explain import result

KEYS = [
    "passages",
    "claims",
    "answer",
    "question",
    "id",
    "source",
    "text",
    "citations",
    "passage_id",
    "quote",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(KEYS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=20,
)
# What changes a text's meaning, its look or its form: digits, negations, letters of other scripts, marks, spaces.
EDITS = [
    *"0123456789%-+.,'\"()~ aeoксаαㅏ은는가不²½①",
    "not ", "no ", " never", "n't", "않", "안 ", "없", "\u0301", "\u0338", "\u20dd", "\u200b", "\u00ad", "\u2060",
    "\u3000", "\n", "١", "०", "Ⅳ", "ﬁ", "％", "１", "un", "만", "천",
]  # fmt: skip
SOUND = [
    (text, quote, next(p for p in PASSAGES[language] if stands_in(quote, p.text)).text)
    for language in ("en", "ko")
    for text, quote in zip(TEXTS[language], QUOTES[language], strict=True)
]


def answer(text: str, quote: str, passage: str, passage_id: str = "p") -> AttributedAnswer:
    return AttributedAnswer.model_validate(
        {
            "passages": [
                {"id": "p", "source": "s", "text": passage},
                {"id": "q", "source": "s", "text": "x"},
            ],
            "claims": [{"id": "c", "text": text, "citations": [{"passage_id": passage_id, "quote": quote}]}],
        }
    )


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_the_door_takes_any_bytes_and_refuses_with_one_error(raw):
    with suppress(ValidationError):
        judge_answer(AttributedAnswer.model_validate_json(raw))


ANY = st.text(max_size=30) | st.lists(
    st.sampled_from([*EDITS, "Redis", "12 %", "3 million", "."]), max_size=12
).map("".join)


@settings(max_examples=200)
@given(ANY, ANY, ANY, st.sampled_from(["p", "q", "", "ſ"]))
def test_the_gate_takes_any_texts_and_passes_only_what_it_has_seen(text, quote, passage, passage_id):
    report = judge_answer(answer(text, quote, passage, passage_id))
    assert all(level.passed <= level.checked for level in report.levels)
    if report.verdict == "pass":
        assert report.claims[0].upheld
        assert passage_id in {"p", "q"}
        assert any(ch.isalnum() for ch in text)
        assert any(ch.isalnum() for ch in quote)
        assert bare(quote) in bare(passage if passage_id == "p" else "x")


def bare(text: str) -> str:
    """Letters and digits alone, compatibility forms folded, marks kept: less than any two texts may differ in."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(ch for ch in folded if unicodedata.category(ch)[0] in "LN")


@settings(max_examples=400)
@given(st.sampled_from(SOUND), st.data())
def test_no_change_of_a_quotes_letters_or_digits_passes(sound, data):
    text, quote, passage = sound
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(quote)))
        cut = data.draw(st.integers(0, 2))
        quote = quote[:at] + data.draw(st.sampled_from(["", *EDITS])) + quote[at + cut :]
    assume(bare(quote) not in bare(passage))
    report = judge_answer(answer(text, quote, passage))
    assert report.verdict == "fail"
    assert report.levels[1].passed == 0


@settings(max_examples=200)
@given(st.sampled_from(SOUND), st.data())
def test_no_change_of_a_claims_numbers_passes(sound, data):
    text, quote, passage = sound
    places = [at for at, ch in enumerate(text) if ch.isdigit()]
    assume(places)
    at = data.draw(st.sampled_from(places))
    changed = (
        text[:at] + data.draw(st.sampled_from([d for d in "123456789" if d != text[at]])) + text[at + 1 :]
    )
    assert judge_answer(answer(changed, quote, passage)).verdict == "fail"


LOOK_ALIKES: dict[str, list[str]] = {}
for _other, _letter in _DRAWN_AS.items():
    LOOK_ALIKES.setdefault(_letter, []).append(_other)
# Those that folding leaves, or composes with a letter.
MARKS = [chr(code) for code in range(0x300, 0x370) if code != 0x34F] + [
    "\u1ab0",
    "\u1dc4",
    "\u20d2",
    "\u20dd",
    "\ufe20",
]


@settings(max_examples=400)
@given(st.sampled_from(SOUND), st.data())
def test_no_disguise_of_a_claims_letter_passes(sound, data):
    _, quote, passage = sound
    words = list(re.finditer(r"\w{2,}", quote))
    word = data.draw(st.sampled_from(words))
    at = data.draw(st.integers(word.start(), word.end() - 1))
    disguises = [*LOOK_ALIKES.get(quote[at], ()), *(quote[at] + mark for mark in MARKS)]
    changed = quote[:at] + data.draw(st.sampled_from(disguises)) + quote[at + 1 :]
    report = judge_answer(answer(changed, quote, passage))
    assert report.verdict == "fail", changed
    assert any("only looks like" in finding.detail for finding in report.findings), changed


@given(ANY.filter(bool), ANY.filter(bool), ANY.filter(bool))
def test_whatever_was_judged_can_be_explained(text, quote, passage):
    (one,) = explain(result(text, quote, passage))
    assert len(one.places) == 1
