"""The demo question on the demo documents: the argument that a first user reads."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator.contracts import Passage
from orchestrator.evidence.gate import judge
from orchestrator.language import content_words
from tests.unit.extractive.briefs import claims, debate, lines, output, passages, said

ROOT = Path(__file__).parents[3]
DOCUMENTS = ROOT / "examples" / "queue-migration"
ENGLISH = "Should the Harbor team move order processing from nightly batch to an event queue?"
KOREAN = "주문 처리를 야간 배치에서 이벤트 큐로 옮겨야 하는가?"
FACT = "What does the event queue cost per month?"


@cache
def example() -> tuple[Passage, ...]:
    """The example's documents, each as one passage (a simple reading: the corpus has its own tests)."""
    import docx
    import lxml.html
    import pypdf

    texts = []
    for path in sorted(DOCUMENTS.iterdir()):
        if path.suffix == ".html":
            page = lxml.html.fromstring(path.read_text(encoding="utf-8"))
            blocks = ("".join(map(str, node.itertext())) for node in page.iter("h1", "h2", "p"))
            texts.append((path.name, "\n\n".join(blocks)))
        elif path.suffix == ".docx":
            texts.append((path.name, "\n\n".join(p.text for p in docx.Document(str(path)).paragraphs)))
        elif path.suffix == ".pdf":
            texts.append((path.name, "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)))
        else:
            texts.append((path.name, path.read_text(encoding="utf-8")))
    return passages(*texts)


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_examples", ROOT / "scripts" / "make_examples.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("blind", [False, True], ids=["with thesis", "standalone"])
@pytest.mark.parametrize("goal", [ENGLISH, KOREAN, FACT])
def test_the_whole_argument_passes_the_gate(goal: str, blind: bool) -> None:
    thesis, antithesis, synthesis = debate(goal, example(), blind=blind)
    outputs = (
        output(thesis, "thesis", "thesis"),
        output(antithesis, "antithesis", "antithesis_standalone" if blind else "antithesis"),
        output(synthesis, "synthesis", "synthesis"),
    )
    report = judge("job", example(), outputs, evidence_required=True)
    assert [f for f in report.findings if f.judged] == []
    assert report.evidence_ok


@pytest.mark.parametrize("goal", [ENGLISH, KOREAN, FACT])
def test_a_claim_says_what_its_quotes_say_and_nothing_else(goal: str) -> None:
    texts = {p.id: p.text for p in example()}
    for answer in debate(goal, example()):
        assert claims(answer)
        for claim in claims(answer):
            quotes = " ".join(c.quote for c in claim.citations)
            assert all(c.quote in texts[c.passage] for c in claim.citations)
            assert content_words(claim.text).keys() <= content_words(quotes).keys()


def test_the_position_is_argued_from_several_documents() -> None:
    thesis, _, _ = debate(ENGLISH, example())
    cited = {c.citations[0].passage for c in claims(thesis)}
    assert 3 <= len(claims(thesis)) <= 6
    assert len(cited) >= 3
    assert claims(thesis)[0].text.startswith("We recommend that the Harbor team move order processing")


def test_the_antithesis_raises_the_costs_and_the_duplicates() -> None:
    _, antithesis, _ = debate(ENGLISH, example())
    objections = " ".join(said(antithesis, "objection"))
    assert "delivered 212 orders twice" in objections
    assert "euros per month" in objections
    assert "needs no event queue" in objections


def test_the_synthesis_settles_the_cost_by_date_and_leaves_the_effort_open() -> None:
    _, _, synthesis = debate(ENGLISH, example())
    assert any("3,400 euros per month" in text for text in said(synthesis, "resolution"))
    assert "cost-memo.docx is more recent than" in said(synthesis, "rationale")[0]
    (effort,) = said(synthesis, "open")
    assert "14 engineer-weeks" in effort
    assert "6 engineer-weeks" in effort
    assert any("assessment.pdf or proposal.md" in action for action in said(synthesis, "action"))


def test_the_conclusion_answers_the_question() -> None:
    for goal, opening in ((ENGLISH, "Yes, under conditions."), (KOREAN, "예, 다만 조건이 있습니다.")):
        _, _, synthesis = debate(goal, example())
        assert said(synthesis, "summary")[0].startswith(opening)


def test_a_question_for_a_fact_is_answered_with_the_fact() -> None:
    thesis, antithesis, _ = debate(FACT, example())
    assert "3,400 euros per month" in claims(thesis)[0].text
    assert any("1,300 euros per month" in text for text in said(antithesis, "objection"))


def test_a_korean_question_is_argued_in_korean() -> None:
    for answer in debate(KOREAN, example()):
        assert not any(text.isascii() for text in (*said(answer, "summary"), *said(answer, "rationale")))
    _, antithesis, synthesis = debate(KOREAN, example())
    assert any("8주" in text for text in said(antithesis, "objection"))
    assert any("8주" in text and "4주" not in text for text in said(synthesis, "resolution"))


@pytest.mark.parametrize("goal", ["Which moons of Jupiter have oceans?", "고양이는 왜 높은 곳을 좋아하는가?"])
def test_a_question_that_the_documents_do_not_touch_gets_no_claims(goal: str) -> None:
    for answer in debate(goal, example()):
        assert not claims(answer)
        assert lines(answer)[-1].kind == "done"


def test_the_binary_documents_are_what_the_script_writes() -> None:
    first, second = generator(), generator()
    assert first.files() == second.files()
    pdf = first.files()["queue-migration/assessment.pdf"]
    assert (DOCUMENTS / "assessment.pdf").read_bytes() == pdf
    memo = next(p for p in example() if p.source == "cost-memo.docx")
    assert memo.text == "\n\n".join(text for _, text in first.COST_MEMO)
