"""``python -m benchmarks.gate.speed``: how long the gate takes on 1 MB of passages and 10,000 citations."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence

from benchmarks.gate.mutations import SEED
from benchmarks.gate.texts import shipped_texts
from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.evidence import judge_answer
from orchestrator.language import sentences

PASSAGE_CHARS = 1_000_000
CITATIONS = 10_000
PER_CLAIM = 10


def large_answer(
    texts: Sequence[str], *, passages: int, broken: bool, share: float = 1.0
) -> AttributedAnswer:
    """10,000 citations, ten a claim, of passages of 1 MB in all, made of the texts' words in random order.

    ``share`` makes a smaller one of the same kind.
    """
    size = round(CITATIONS * share)
    rng = random.Random(SEED)
    words = " ".join(texts).split()
    chars = round(PASSAGE_CHARS * share) // passages
    sources = []
    for number in range(passages):
        text = " ".join(rng.choices(words, k=chars // 4))[:chars]
        sources.append({"id": f"p{number}", "source": "large.txt", "text": text})
    quotes = [
        {"passage_id": source["id"], "quote": span.text[:200].rsplit(" ", 1)[0]}
        for source in sources
        for span in sentences(source["text"])
    ]
    cited = [dict(quote) for quote in rng.choices(quotes, k=size)]
    for citation in cited if broken else ():
        middle = len(citation["quote"]) // 2
        citation["quote"] = f"{citation['quote'][:middle]} broken {citation['quote'][middle:]}"
    claims = [
        {"id": f"c{at}", "text": cited[at]["quote"], "citations": cited[at : at + PER_CLAIM]}
        for at in range(0, size, PER_CLAIM)
    ]
    return AttributedAnswer.model_validate({"passages": sources, "claims": claims})


def lines(texts: Sequence[str]) -> Iterator[str]:
    """A table of seconds of CPU: one passage or many, quotes that are verbatim or broken."""
    yield "| 1 MB, 10,000 citations of 1,000 claims | verbatim | broken |"
    yield "| --- | --- | --- |"
    for passages in (1, 200):
        taken = []
        for broken in (False, True):
            answer = large_answer(texts, passages=passages, broken=broken)
            best = min(seconds(answer) for _ in range(3))
            taken.append(f"{best:.1f} s")
        yield f"| {passages} passage{'s' if passages > 1 else ''} | {' | '.join(taken)} |"


def seconds(answer: AttributedAnswer, *, repair: bool = False) -> float:
    """CPU seconds that the gate takes."""
    began = time.process_time()
    judge_answer(answer, repair=repair)
    return time.process_time() - began


if __name__ == "__main__":
    print("\n".join(lines(shipped_texts())))
