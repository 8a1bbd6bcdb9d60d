"""The frozen mutation set: sound answers, each broken in one known way or reformatted without harm.

A case is made of one sentence of a real text: the sentence is claim and quote, and a second passage stands beside its
own. Same seed and texts, same cases. Whether a broken quote is verbatim all the same is asked of a plain search here,
never of the gate, and such a case is left out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.gate import harmless, wounds
from benchmarks.gate.plain_search import stands_in
from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.language import detect_language, sentences

Place = Literal["quote", "claim", "citation", "answer"]
SEED = 20_261
"""Of the published figures; it never changes."""
MIN_WORDS = 5
MAX_CHARS = 600


@dataclass(frozen=True)
class Case:
    """One answer to judge. ``harmful``: it must not pass; at level 1 where ``place`` is the quote."""

    mutation: str
    place: Place
    harmful: bool
    language: str
    answer: AttributedAnswer


@dataclass(frozen=True)
class Sentence:
    """A sentence, its passage, and a passage that it does not stand in."""

    text: str
    passage: str
    other: str
    language: str

    def answer(self, **changes: Any) -> AttributedAnswer:  # noqa: ANN401 - JSON of any shape
        """Give the sound answer, with its claim, citation or whole changed."""
        citation = {"passage_id": "p1", "quote": self.text} | changes.pop("citation", {})
        claim = {"id": "c1", "text": self.text, "citations": [citation]} | changes.pop("claim", {})
        passages = [
            {"id": "p1", "source": "one.txt", "text": self.passage},
            {"id": "p2", "source": "two.txt", "text": self.other},
        ]
        return AttributedAnswer.model_validate(
            {"passages": passages, "claims": [claim], "answer": "So."} | changes
        )


def cases(passages: Sequence[str], *, seed: int) -> Iterator[Case]:
    """Give every case of these passages. The passages' languages may differ; the other passage is of the same."""
    rng, added = random.Random(seed), random.Random(seed + 1)
    by_language: dict[str, list[str]] = {}
    for passage in passages:
        by_language.setdefault(detect_language(passage), []).append(passage)
    for language, texts in sorted(by_language.items()):
        for sentence in _sentences(texts, language):
            yield from _harmful(sentence, rng, texts)
            yield from _harmless(sentence)
    for language, texts in sorted(by_language.items()):
        for sentence in _sentences(texts, language):
            yield from _added(sentence, added, texts)


def _sentences(texts: Sequence[str], language: str) -> Iterator[Sentence]:
    for number, passage in enumerate(texts):
        other = texts[(number + 1) % len(texts)]
        for span in sentences(passage):
            long_enough = len(span.text.split()) >= MIN_WORDS and len(span.text) <= MAX_CHARS
            if long_enough and not stands_in(span.text, other):
                yield Sentence(span.text, passage, other, language)


def _harmful(sentence: Sentence, rng: random.Random, texts: Sequence[str]) -> Iterator[Case]:
    def case(mutation: str, place: Place, **changes: Any) -> Case:  # noqa: ANN401 - JSON of any shape
        answer = sentence.answer(**changes)
        return Case(mutation, place, harmful=True, language=sentence.language, answer=answer)

    for mutation, wound in wounds.OF_TEXT.items():
        changed = wound(sentence.text, rng, texts)
        if changed is None or changed == sentence.text:
            continue
        if not stands_in(changed, sentence.passage):
            yield case(mutation, "quote", citation={"quote": changed})
        if mutation in wounds.OF_CLAIMS:
            yield case(mutation, "claim", claim={"text": changed})
    yield case("quote of another document", "citation", citation={"passage_id": "p2"})
    yield case("dropped citation", "citation", claim={"citations": []})
    yield case("forged id", "citation", citation={"passage_id": "p9"})
    yield case("empty quote", "citation", citation={"quote": rng.choice(["", " ", "…", "\u200b"])})
    yield case("empty claim", "claim", claim={"text": rng.choice(["", " ", "?", "—", "\u2060"])})
    yield case("failed persona", "answer", claims=[], answer=rng.choice([None, "", sentence.text]))
    yield case("empty answer", "answer", answer=rng.choice([None, "", "\n"]))
    yield case("lost claim", "answer", answer={"text": "So.", "claims": []})
    yield case("invented claim", "answer", answer={"text": "So.", "claims": ["c1", "c2"]})


def _added(sentence: Sentence, rng: random.Random, texts: Sequence[str]) -> Iterator[Case]:
    """Claims changed in ways that came later: the cases before them are what they were."""
    changes = [(name, wound(sentence.text, rng, texts), True) for name, wound in wounds.ADDED.items()]
    changes += [(name, change(sentence.text), False) for name, change in harmless.ADDED.items()]
    for name, changed, harmful in changes:
        if changed is not None and changed != sentence.text:
            answer = sentence.answer(claim={"text": changed})
            yield Case(name, "claim", harmful=harmful, language=sentence.language, answer=answer)


def _harmless(sentence: Sentence) -> Iterator[Case]:
    def case(change: str, place: Place, **changes: Any) -> Case:  # noqa: ANN401 - JSON of any shape
        answer = sentence.answer(**changes)
        return Case(change, place, harmful=False, language=sentence.language, answer=answer)

    for change, reformat in harmless.OF_TEXT.items():
        changed = reformat(sentence.text)
        if change != "untouched" and changed == sentence.text:
            continue
        yield case(change, "quote", citation={"quote": changed})
        if change in harmless.OF_CLAIMS:
            yield case(change, "claim", claim={"text": changed})
