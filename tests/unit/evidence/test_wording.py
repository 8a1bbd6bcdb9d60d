"""Word for word: a claim of whole sentences of one quote holds strictly, and any change of it does not."""

import re
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.gate.texts import shipped_texts
from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.evidence import judge_answer
from orchestrator.language import sentences

PASSAGE = (
    "# Results\n\nLatency fell by 12 % in May. Costs, however, rose.\n\n- The US team left.\n"
    "1. Nobody “objected”.\nSales rose. Dr. Kim said so. 지연이 12 % 줄었다. 비용은 늘었다."
)


def answer(text: str, *quotes: str) -> AttributedAnswer:
    citations = [{"passage_id": "p", "quote": quote} for quote in quotes]
    return AttributedAnswer.model_validate(
        {
            "passages": [{"id": "p", "source": "s", "text": PASSAGE}],
            "claims": [{"id": "c", "text": text, "citations": citations}],
        }
    )


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("Latency fell by 12 % in May.", ["Latency fell by 12 % in May."]),
        ("Latency fell by 12 % in May", ["Latency fell by 12 % in May. Costs, however, rose."]),
        ("Costs, however, rose.", ["Costs, however, rose"]),
        ("“Costs,  however,\nrose.”", ["Costs, however, rose."]),
        ("\ufeffCosts, however, rose．", ["Costs, however, rose."]),
        ("The US team left.", ["The US team left."]),
        ("- The US team left.", ["The US team left."]),
        ('Nobody "objected".', ["Nobody “objected”."]),
        ("Dr. Kim said so.", ["Dr. Kim said so."]),
        ("지연이 12 % 줄었다.", ["지연이 12 % 줄었다."]),
        ("Latency fell by 12 % in May. Costs, however, rose.", [PASSAGE]),
        ("Costs, however, rose.\n- The US team left.", ["Costs, however, rose.\n\n- The US team left."]),
    ],
)  # fmt: skip
def test_a_whole_sentence_however_it_is_set(text, quotes):
    report = judge_answer(answer(text, *quotes), strict=True)
    assert report.verdict == "pass", report.findings
    assert report.claims[0].word_for_word


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("Latency fell by 12 percent in May.", ["Latency fell by 12 % in May."]),
        ("In May latency fell by 12 %.", ["Latency fell by 12 % in May."]),
        ("Latency fell by 12 %.", ["Latency fell by 12 % in May."]),
        ("Latency fell by 12 % in May.", ["Latency fell by 12 % in"]),
        ("The US team left.", ["US team left."]),
        ("Costs however rose.", ["Costs, however, rose."]),
        ("The us team left.", ["The US team left."]),
        ("Sales rose?", ["Sales rose."]),
        ("지연이 12% 줄었다.", ["지연이 12 % 줄었다."]),
        ("Sales rose. Latency fell by 12 % in May.", ["Latency fell by 12 % in May.", "Sales rose."]),
        ("Latency fell by 12 % in May. Sales rose.", ["Latency fell by 12 % in May.", "Sales rose."]),
        ("Latency fell by 12 % in May. The US team left.", [PASSAGE]),
        ("Costs, however, rose. Latency fell by 12 % in May.", [PASSAGE]),
        ("Latency fell by 12 % in May and sales rose.", ["Latency fell by 12 % in May.", "Sales rose."]),
    ],
)
def test_what_holds_in_other_words_does_not_hold_strictly(text, quotes):
    given_answer = answer(text, *quotes)
    assert judge_answer(given_answer).verdict == "pass"
    assert not judge_answer(given_answer).claims[0].word_for_word
    report = judge_answer(given_answer, strict=True)
    assert (report.verdict, report.evidence_ok, report.claims[0].upheld) == ("fail", False, False)
    assert [(f.level, f.reason, f.claim_id) for f in report.findings] == [(2, "reworded", "c")]
    assert (report.levels[2].checked, report.levels[2].passed) == (1, 0)


def test_a_claim_in_another_language_does_not_hold_strictly():
    report = judge_answer(answer("Latency fell by 12 %.", "지연이 12 % 줄었다."), strict=True)
    assert report.verdict == "fail"
    assert (report.levels[2].checked, report.levels[2].not_judged) == (1, 0)


def test_what_fails_anyway_is_not_told_twice():
    report = judge_answer(answer("Latency fell by 13 % in May.", "Latency fell by 12 % in May."), strict=True)
    assert [finding.reason for finding in report.findings] == ["number_unsupported"]


def test_a_second_judge_is_asked_about_what_holds_strictly_and_nothing_else():
    class Nobody:
        def opinions(self, questions):
            raise AssertionError("no claim holds, so there is nothing to ask")

    report = judge_answer(answer("Sales rose?", "Sales rose."), strict=True, second=Nobody())
    assert [finding.reason for finding in report.findings] == ["reworded"]


SENTENCES = [
    (span.text, text)
    for text in shipped_texts()
    for span in sentences(text)
    if 5 <= len(span.text.split()) <= 60
]
VOCABULARY = sorted({word for text in shipped_texts() for word in text.split()})


def said(text: str) -> list[str]:
    """A text's letters and digits, word by word: texts that differ here say different things."""
    return re.findall(r"[^\W_]+", text)


@settings(max_examples=400)
@given(st.sampled_from(SENTENCES), st.data())
def test_no_change_of_a_claims_words_holds_strictly(sentence, data):
    """A search over what a word can suffer: replaced, moved, exchanged, dropped, doubled, added, misspelt."""
    quote, passage = sentence
    words = quote.split()
    for _ in range(data.draw(st.integers(1, 4))):
        at, other = (data.draw(st.integers(0, max(0, len(words) - 1))) for _ in range(2))
        change = data.draw(
            st.sampled_from(["replace", "move", "exchange", "drop", "double", "add", "letter"])
        )
        if not words:
            break
        match change:
            case "replace":
                words[at] = data.draw(st.sampled_from(VOCABULARY))
            case "move":
                words.insert(other, words.pop(at))
            case "exchange":
                words[at], words[other] = words[other], words[at]
            case "drop":
                del words[at]
            case "double":
                words.insert(at, words[at])
            case "add":
                words.insert(at, data.draw(st.sampled_from(VOCABULARY)))
            case "letter":
                place = data.draw(st.integers(0, len(words[at])))
                letter = data.draw(st.sampled_from("aeinst0159은는이가않"))
                words[at] = words[at][:place] + letter + words[at][place + 1 :]
    changed = " ".join(words)
    whole = [said(span.text) for span in sentences(passage)]
    assume(said(changed) not in whole)
    case = {
        "passages": [{"id": "p", "source": "s", "text": passage}],
        "claims": [{"id": "c", "text": changed, "citations": [{"passage_id": "p", "quote": quote}]}],
    }
    report = judge_answer(AttributedAnswer.model_validate(case), strict=True)
    assert report.verdict == "fail", changed
    assert not report.claims[0].word_for_word


@settings(max_examples=200)
@given(st.sampled_from(shipped_texts()), st.data())
def test_no_other_choice_of_a_passages_sentences_holds_strictly(passage, data):
    """Dropped, exchanged or brought together, each quoted by itself and all at once: only what stands so holds."""
    spans = sentences(passage)
    assume(len(spans) > 2)
    chosen = data.draw(st.lists(st.sampled_from(range(len(spans))), min_size=2, max_size=4))
    texts = [spans[number].text for number in chosen]
    quotes = data.draw(st.sampled_from([texts, [passage], [passage, *texts]]))
    citations = [{"passage_id": "p", "quote": quote} for quote in quotes]
    case = {
        "passages": [{"id": "p", "source": "s", "text": passage}],
        "claims": [{"id": "c", "text": "\n\n".join(texts), "citations": citations}],
    }
    held = judge_answer(AttributedAnswer.model_validate(case)).claims[0]
    follow = all(after == before + 1 for before, after in pairwise(chosen))
    assert held.word_for_word == (held.upheld and follow and passage in quotes)
