"""``python -m benchmarks.gate.replaced DIR``: rules for one word put in another's place, and what each would reject.

None of them is in the gate. A claim counts that passes today and follows its quote word for word, but for one word that
the quote lacks and that stands between the neighbours of another. Sound ones are supported claims of the labelled sets,
and one-word paraphrases that were written before any rule was; broken ones are unsupported claims, and the mutation
``word replaced``.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.gate.labelled import Item, judged, read_all
from benchmarks.gate.mutations import SEED, cases
from benchmarks.gate.texts import paraphrases, shipped_texts
from orchestrator.evidence.statement import Statement, Token
from orchestrator.language import content_words, detect_language
from orchestrator.language.stems import korean_stem

_ARTICLES = {("a",), ("an",), ("the",)}
_SAME_ROLE = {"가": "이", "는": "이", "은": "이", "를": "을", "와": "과", "으로": "로"}
COLUMNS = (
    "supported",
    "unsupported",
    "paraphrases en",
    "paraphrases ko",
    "word replaced en",
    "word replaced ko",
)


def replaced(claim: str, quote: str) -> tuple[str, str] | None:
    """The claim's one word that the quote lacks, and the quote's word in whose place it stands, if that is all."""
    own, there = (_words(text) for text in (claim, quote))
    lacking = [at for at, word in enumerate(own) if word not in there]
    if len(lacking) != 1:
        return None
    at = lacking[0]
    left = iter(there)
    if not all(word in left for word in own[:at] + own[at + 1 :]):
        return None
    for place, word in enumerate(there):
        before = at == 0 or (place > 0 and there[place - 1] == own[at - 1])
        after = at == len(own) - 1 or there[place + 1 : place + 2] == own[at + 1 : at + 2]
        if before and after and word not in own:
            return str(own[at][0]), str(word[0])
    return None


def _words(text: str) -> list[Token]:
    return [token for token in Statement.of(text).sequence if token not in _ARTICLES]


def rules(claim: str, quote: str, elsewhere: str) -> Iterator[str]:
    """Give the names of the rules that fire; ``elsewhere`` is what the passages say beside the quote."""
    pair = replaced(claim, quote)
    if pair is None:
        return
    word, instead_of = pair
    yield "any word"
    if content_words(word) and not content_words(instead_of):
        yield "a word with meaning for one without"
    if content_words(word).keys() & content_words(elsewhere).keys():
        yield "a word that the passages have elsewhere"
    ends = [_ending(text, form) for text, form in ((claim, word), (quote, instead_of))]
    if detect_language(claim) == "ko" and ends[0] != ends[1]:
        yield "another particle or ending"


def _ending(text: str, form: str) -> str:
    written = next((word.rstrip(".,") for word in text.split() if form in word), form)
    ending = written[len(korean_stem(written)) :]
    return _SAME_ROLE.get(ending, ending)


def columns(folder: Path) -> Iterator[tuple[str, Item, str]]:
    """Give each claim with the column that it counts in, and what stands beside its quote."""
    for items in read_all(folder).values():
        yield from (("supported" if item.supported else "unsupported", item, "") for item in items)
    texts = shipped_texts()
    for quote, reworded in paraphrases():
        passage = next((text for text in texts if quote in text), quote)
        item = Item(reworded, quote, supported=True, group="")
        yield f"paraphrases {detect_language(reworded)}", item, passage.replace(quote, "")
    for case in cases(texts, seed=SEED):
        if (case.mutation, case.place) == ("word replaced", "claim"):
            claim, passages = case.answer.claims[0], case.answer.passages
            quote = claim.citations[0].quote
            beside = " ".join(passage.text for passage in passages).replace(quote, "")
            yield f"word replaced {case.language}", Item(claim.text, quote, supported=False, group=""), beside


def main() -> None:
    """Print the table: of the claims that pass today, how many each rule would reject."""
    fired: dict[str, Counter[str]] = {}
    passing: Counter[str] = Counter()
    for column, item, beside in columns(Path(sys.argv[1])):
        if judged(item).verdict == "pass":
            passing[column] += 1
            for rule in rules(item.claim, item.evidence, beside):
                fired.setdefault(rule, Counter())[column] += 1
    print(f"| fails a claim for | {' | '.join(COLUMNS)} |")
    print("| --- |" + " ---: |" * len(COLUMNS))
    print(f"| (claims that pass) | {' | '.join(str(passing[column]) for column in COLUMNS)} |")
    for rule, counts in fired.items():
        print(f"| {rule} | {' | '.join(str(counts[column]) for column in COLUMNS)} |")


if __name__ == "__main__":
    main()
