"""The paraphrases, and what counts as one word in the place of another."""

from collections import Counter

import pytest

from benchmarks.gate.replaced import replaced, rules
from benchmarks.gate.texts import paraphrases
from orchestrator.evidence.statement import Statement
from orchestrator.language import detect_language


def test_each_paraphrase_has_another_word_and_all_its_numbers():
    counts = Counter(detect_language(claim) for _, claim in paraphrases())
    assert min(counts["en"], counts["ko"]) >= 30
    for quote, claim in paraphrases():
        said, rewritten = Statement.of(quote), Statement.of(claim)
        assert {q.key for q in said.quantities} == {q.key for q in rewritten.quantities}
        assert len(rewritten.words.keys() - said.words.keys()) <= 2
        assert claim != quote


@pytest.mark.parametrize(
    ("claim", "quote", "found"),
    [
        ("The city purchased buses.", "The city bought buses.", ("purchas", "bought")),
        ("A city bought buses.", "The city bought buses.", None),  # an article is no word
        ("The city purchased trains.", "The city bought buses.", None),  # two words
        ("The city bought new buses.", "The city bought buses.", None),  # one too many
        ("Buses the city purchased.", "The city bought buses.", None),  # another order
    ],
)
def test_one_word_in_the_place_of_another(claim, quote, found):
    assert replaced(claim, quote) == found


def test_the_rules_that_were_tried():
    quote = "The index of words is rebuilt every night."
    assert set(rules("The index yellow words is rebuilt every night.", quote, "A yellow bus.")) == {
        "any word",
        "a word with meaning for one without",
        "a word that the passages have elsewhere",
    }
    assert set(rules("시는 광장에 도입했다.", "시는 버스를 도입했다.", "")) == {
        "any word",
        "another particle or ending",
    }
