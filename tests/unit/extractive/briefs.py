"""Briefs and answers in a line each, so that the tests read as the specification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from orchestrator.contracts import (
    Citation,
    Claim,
    Complexity,
    Passage,
    Persona,
    PersonaOutput,
    Plan,
    TaskSpec,
)
from orchestrator.language import detect_language
from workers.brief import Brief, Form
from workers.llm.extractive import answer
from workers.personas.wire import AnswerLine, ClaimLine, TextLine, ToolLine

RETRIEVE = (("retrieve", "finds more passages"),)
_line: TypeAdapter[AnswerLine] = TypeAdapter(AnswerLine)


def passages(*texts: tuple[str, str]) -> tuple[Passage, ...]:
    """(source, text) pairs as passages p1, p2, ..."""
    return tuple(
        Passage(id=f"p{n}", source=source, text=text) for n, (source, text) in enumerate(texts, start=1)
    )


def brief(form: Form, goal: str, evidence: Sequence[Passage], sub_questions: tuple[str, ...] = ()) -> Brief:
    """A brief for one persona on these passages."""
    plan = Plan(
        task_id="job",
        sub_questions=sub_questions,
        complexity=Complexity(score=3, source="observed"),
        mode="sequential",
        mode_reason="test",
        language=detect_language(goal),
    )
    return Brief(form, TaskSpec(task_id="job", goal=goal), plan, tuple(evidence))


def lines(text: str) -> list[AnswerLine]:
    """An answer as the wire format's lines; fails on a line that is not one."""
    return [_line.validate_json(line) for line in text.splitlines()]


def claims(text: str) -> list[ClaimLine]:
    """The claims of an answer."""
    return [line for line in lines(text) if isinstance(line, ClaimLine)]


def said(text: str, kind: str) -> list[str]:
    """The texts of one kind of line."""
    return [line.text for line in lines(text) if isinstance(line, TextLine | ClaimLine) and line.kind == kind]


def asked(text: str) -> list[ToolLine]:
    """The tool calls of an answer."""
    return [line for line in lines(text) if isinstance(line, ToolLine)]


def output(text: str, persona: Persona, form: Form) -> PersonaOutput:
    """An answer as the output that the next persona is handed."""
    return PersonaOutput(
        task_id="job",
        persona=persona,
        step=form,
        summary=" ".join(said(text, "summary")),
        claims=tuple(
            Claim(
                id=c.id,
                text=c.text,
                citations=tuple(Citation(passage_id=q.passage, quote=q.quote) for q in c.citations),
                depends_on=c.depends_on,
                about=c.about,
                kind=c.kind,
            )
            for c in claims(text)
        ),
    )


def position(
    claim_id: str, text: str, passage: Passage, kind: str = "position", about: tuple[str, ...] = ()
) -> Claim:
    """A claim whose text is its quote."""
    return Claim.model_validate(
        {
            "id": claim_id,
            "text": text,
            "citations": ({"passage_id": passage.id, "quote": text},),
            "kind": kind,
            "about": about,
        }
    )


def debate(goal: str, evidence: Sequence[Passage], *, blind: bool = False) -> tuple[str, str, str]:
    """Thesis, antithesis and synthesis on one question, each seeing what it would see in a job."""
    thesis = answer(brief("thesis", goal, evidence))
    form: Form = "antithesis_standalone" if blind else "antithesis"
    stands = output(thesis, "thesis", "thesis")
    antithesis = answer(replace(brief(form, goal, evidence), thesis=None if blind else stands))
    opposes = output(antithesis, "antithesis", form)
    synthesis = answer(replace(brief("synthesis", goal, evidence), thesis=stands, antithesis=opposes))
    return thesis, antithesis, synthesis
