"""A small case, and a scripted double of the model, for the persona tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from orchestrator.contracts import (
    Citation,
    Claim,
    Complexity,
    Passage,
    PersonaOutput,
    Plan,
    TaskSpec,
    Turn,
    Usage,
)
from workers.brief import Brief, Form, Part, Section
from workers.llm.client import Completion
from workers.llm.protocol import ModelRequest
from workers.personas.protocol import OnText
from workers.tools.protocol import ToolContext
from workers.tools.toolbox import Toolbox

TASK = TaskSpec(
    task_id="job-1",
    goal="Should we cache reads?",
    constraints=("No new hardware.",),
    conversation_context=(Turn(role="user", text="We spoke of writes before."),),
)
PASSAGES = (
    Passage(id="p1", source="report.md", text="Caching cut latency by 40 %.", heading="Results", page=3),
    Passage(id="p2", source="ops.txt", text="Invalidation caused two outages."),
)
EXTRA = Passage(id="p3", source="cost.txt", text="The cache costs 5 USD.")
PLAN = Plan(
    task_id="job-1",
    sub_questions=("What does it cost?",),
    passage_ids=("p1", "p2"),
    complexity=Complexity(score=3.0, source="observed"),
    mode="sequential",
    mode_reason="test",
    language="en",
)
THESIS = PersonaOutput(
    task_id="job-1",
    persona="thesis",
    step="thesis",
    summary="Cache.",
    claims=(Claim(id="t1", text="Faster.", citations=(Citation(passage_id="p1", quote="cut latency"),)),),
)
ANTITHESIS = PersonaOutput(
    task_id="job-1",
    persona="antithesis",
    step="antithesis",
    summary="It breaks.",
    claims=(Claim(id="a1", text="Outages.", about=("t1",), kind="objection"),),
)


REBUTTAL = ANTITHESIS.model_copy(update={"step": "rebuttal:1", "summary": ""})
RESOLVED = Claim(id="s11", text="Both.", about=("t1",), kind="resolution")


def brief(form: Form = "thesis", **changed: Any) -> Brief:
    """What a persona of this form is told in a job where nothing went wrong."""
    seen: dict[str, dict[str, Any]] = {
        "antithesis": {"thesis": THESIS},
        "synthesis": {"thesis": THESIS, "antithesis": ANTITHESIS},
        "rebuttal": {"part": Part(1, THESIS.claims[0])},
        "resolution": {"part": Part(1, THESIS.claims[0], rebuttal=REBUTTAL)},
        "section": {"thesis": THESIS, "antithesis": ANTITHESIS, "section": Section(2, ("a1",))},
        "merge": {"thesis": THESIS, "antithesis": ANTITHESIS, "resolved": (RESOLVED,)},
    }
    return replace(Brief(form=form, task=TASK, plan=PLAN, passages=PASSAGES, **seen.get(form, {})), **changed)


def written(*lines: dict[str, object]) -> str:
    """An answer in the wire format."""
    return "\n".join(json.dumps(line) for line in (*lines, {"kind": "done"}))


def claim(kind: str, **fields: object) -> dict[str, object]:
    """One claim's line."""
    return {"kind": kind, "text": "It helps.", "citations": [{"passage": "p1", "quote": "cut"}], **fields}


SUMMARY: dict[str, object] = {"kind": "summary", "text": "So."}
GOOD: dict[Form, str] = {
    "thesis": written(claim("position", id="t1"), SUMMARY),
    "antithesis": written(claim("objection", id="a1", about=["t1"]), SUMMARY),
    "antithesis_standalone": written(claim("objection", id="a1"), SUMMARY),
    "synthesis": written(claim("resolution", id="s1", about=["t1", "a1"]), SUMMARY),
    "rebuttal": written(claim("objection", id="a1", about=["t1"])),
    "resolution": written(claim("resolution", id="s1", about=["t1", "a1"])),
    "section": written(claim("open", id="s1", about=["a1"])),
    "merge": written(SUMMARY, {"kind": "covers", "id": "s11", "about": ["a1"]}),
    "single": written(claim("position", id="s1"), SUMMARY),
}
ASKS = '{"kind": "tool", "name": "retrieve", "input": {"query": "cost"}}'


@dataclass
class Cut:
    """An answer that ran into the token limit."""

    text: str


@dataclass
class ScriptedAnswers:
    """A test double of ``Answers``: gives (or raises) what the script says, in order, and keeps the requests."""

    script: Sequence[str | Cut | Exception]
    requests: list[ModelRequest] = field(default_factory=list)

    def complete(self, request: ModelRequest, *, on_text: OnText | None = None) -> Completion:
        step = self.script[len(self.requests)]
        self.requests.append(request)
        if isinstance(step, Exception):
            raise step
        text = step.text if isinstance(step, Cut) else step
        reason: Literal["stop", "length"] = "length" if isinstance(step, Cut) else "stop"
        if on_text is not None:
            on_text(text)
        return Completion(
            text=text,
            usage=Usage(input_tokens=100, output_tokens=10, calls=1),
            provider="double",
            model=f"double-{len(self.requests)}",
            finish_reason=reason,
            first_token_ms=7 * len(self.requests),
            model_ms=50,
            attempts=1,
        )


def toolbox(*found: Passage) -> Toolbox:
    """A toolbox with ``retrieve``, which finds these passages whatever it is asked."""
    return Toolbox(("retrieve",), ToolContext(retrieve=lambda _queries, limit: found[:limit]))
