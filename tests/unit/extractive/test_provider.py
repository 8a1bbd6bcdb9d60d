"""The engine as a provider: streaming, the same bytes every time, and bounds for any input."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.contracts import Passage, Usage
from tests.unit.extractive.briefs import brief, claims, debate, lines, passages
from workers.llm import extractive
from workers.llm.extractive import Extractive, answer
from workers.llm.extractive.statements import MAX_STATEMENTS
from workers.llm.extractive.topic import Topic
from workers.llm.protocol import Delta, Finish, ModelRequest

GOAL = "Should the depot replace the diesel vans with electric vans?"
EVIDENCE = passages(
    (
        "a.md",
        "We recommend electric vans for the depot. However, electric vans reach only half of the customers.",
    ),
    ("b.md", "Diesel vans fail in winter at the depot, and the depot pays 900 euros per month for repairs."),
    ("c.md", "전기 밴은 창고에서 안정적이다. 하지만 전기 밴은 비용이 더 든다."),
)


def streamed(request: ModelRequest) -> list[Delta | Finish]:
    async def collect() -> list[Delta | Finish]:
        return [piece async for piece in Extractive().stream(request)]

    return asyncio.run(collect())


def test_the_stream_is_the_answer_in_pieces_and_one_finish() -> None:
    asks = brief("thesis", GOAL, EVIDENCE)
    *deltas, finish = streamed(ModelRequest("", (), asks))
    assert finish == Finish("stop", Usage(), "extractive")
    assert len(deltas) > len(lines(answer(asks)))
    assert "".join(d.text for d in deltas if isinstance(d, Delta)) == answer(asks)


def test_the_choosing_does_not_run_on_the_event_loop_s_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    ran_on: list[int] = []

    def spy(asks: object) -> str:
        ran_on.append(threading.get_ident())
        return ""

    monkeypatch.setattr(extractive, "answer", spy)
    streamed(ModelRequest("", (), brief("thesis", GOAL, EVIDENCE)))
    assert ran_on
    assert ran_on[0] != threading.get_ident()


def test_the_prose_of_the_prompt_does_not_matter() -> None:
    asks = brief("thesis", GOAL, EVIDENCE)
    assert streamed(ModelRequest("Say nothing.", (), asks)) == streamed(ModelRequest("", (), asks))


def test_the_same_brief_gives_the_same_bytes_whatever_the_hash_seed() -> None:
    code = (
        "import sys; from tests.unit.extractive.test_provider import EVIDENCE, GOAL;"
        "from tests.unit.extractive.briefs import debate;"
        "sys.stdout.buffer.write('|'.join(debate(GOAL, EVIDENCE)).encode())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] == "|".join(debate(GOAL, EVIDENCE)).encode()


SPACE = " "  # not every white space: line breaks are words here
WORDS = st.sampled_from(
    "electric vans depot diesel not no only however but, 3 40% 2,000 euros per month - ** [a](b) | # \n\n 전기 밴은 "
    "창고에서 없다. 하지만 fails. saves? : ``` \u2028 \ufeff . ! 2025 and".split(SPACE)
)


@settings(max_examples=60)
@given(texts=st.lists(st.lists(WORDS, min_size=1, max_size=60), min_size=1, max_size=4), blind=st.booleans())
def test_any_text_gives_answers_that_parse_quote_verbatim_and_lose_no_claim(
    texts: list[list[str]], blind: bool
) -> None:
    evidence = passages(*((f"{n}.md", " ".join(words)) for n, words in enumerate(texts) if " ".join(words)))
    known = {p.id: p.text for p in evidence}
    thesis, antithesis, synthesis = debate(GOAL, evidence, blind=blind)
    for text in (thesis, antithesis, synthesis):
        assert lines(text)[-1].kind == "done"
        for claim in claims(text):
            assert claim.citations
            assert all(c.quote in known[c.passage] for c in claim.citations)
    before = {c.id for text in (thesis, antithesis) for c in claims(text)}
    assert {about for c in claims(synthesis) for about in c.about} == before


def test_a_single_call_quotes_what_the_documents_speak_for_and_names_nobody() -> None:
    told = answer(brief("single", GOAL, EVIDENCE))
    known = {p.id: p.text for p in EVIDENCE}
    assert [claim.id for claim in claims(told)] == [f"s{n}" for n in range(1, len(claims(told)) + 1)]
    assert claims(told)
    assert all((claim.kind, claim.about) == ("position", ()) for claim in claims(told))
    assert all(c.quote in known[c.passage] for claim in claims(told) for c in claim.citations)
    assert {line.kind for line in lines(told)} >= {"summary", "done"}


def test_the_largest_evidence_is_read_within_bounds() -> None:
    sentence = "The depot {} finds electric vans number {} cheaper than diesel vans. "
    texts = [
        "".join(sentence.format(chr(97 + n % 26) * 3, 100 * n + k) for k in range(80))[:6_000]
        for n in range(200)
    ]
    evidence = tuple(Passage(id=f"p{n}", source=f"{n % 9}.md", text=text) for n, text in enumerate(texts))
    asks = brief("thesis", GOAL, evidence)
    assert len(Topic(asks).statements) == MAX_STATEMENTS
    assert claims(answer(asks))


def test_a_sentence_without_end_is_no_claim() -> None:
    endless = Passage(id="p1", source="a.md", text=("electric vans " * 500)[:6_000])
    assert not claims(answer(replace(brief("thesis", GOAL, (endless,)))))
