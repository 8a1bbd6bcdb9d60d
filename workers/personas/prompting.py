"""Renders a brief into a prompt. What is the same for all personas of a job comes first, byte for byte.

The order is: system text (the same for every job that is argued), the case (the same for every persona of a job), other
personas' texts, the role. What others wrote is fenced. The texts are versioned files in ``prompts``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from string import Template
from typing import TypeGuard

from orchestrator.contracts import Passage, PersonaOutput
from orchestrator.contracts.evidence import MAX_CLAIMS
from workers.brief import Brief, Form, Part
from workers.llm.protocol import ChatTurn, ModelRequest
from workers.personas.fences import Fence
from workers.personas.parsing import Problem
from workers.personas.wire import claim_line

VERSION = "v1"
MAX_ECHO_CHARS = 40_000

_LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "ja": "Japanese",
    "ko": "Korean",
    "zh": "Chinese",
}
_FRAGMENT = re.compile(r"^## (\w+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_COMMON = ("preamble", "case", "fragments", "tool_results", "repair")


def language_name(code: str) -> str:
    """Give the English name of a language, for prompts."""
    return _LANGUAGES.get(code, f"the language with the ISO 639 code {code}")


@cache
def template(name: str) -> str:
    """Read a prompt file of this version."""
    return resources.files("workers.personas").joinpath("prompts", f"{name}.{VERSION}.md").read_text("utf-8")


@cache
def prompt_hash(form: Form) -> str:
    """Hash the template files that go into a form's prompts: the first 16 hex digits of SHA-256."""
    digest = hashlib.sha256()
    for name in (*_COMMON, form):
        data = template(name).encode()
        digest.update(f"{name}.{VERSION} {len(data)}\n".encode() + data)
    return digest.hexdigest()[:16]


@cache
def system_text(form: Form) -> str:
    """Render the rules: the same for all that argue; what answers alone is told of no others."""
    voice = "single" if form == "single" else "argued"
    names = ("opening", "others", "about_field", "about_rule")
    return fill("preamble", **{name: _fragments()[f"{voice}_{name}"] for name in names})


def first_request(brief: Brief, *, max_output_tokens: int) -> ModelRequest:
    """Render the prompt that opens a persona's run."""
    case = _case(brief, case_fence(brief))
    parts = [case, _further(brief), _role(brief)]
    return ModelRequest(
        system=system_text(brief.form),
        turns=(ChatTurn("user", "\n\n".join(filter(None, parts))),),
        brief=brief,
        max_output_tokens=max_output_tokens,
        shared_chars=len(case),
    )


def after_tools(
    request: ModelRequest, answer: str, brief: Brief, results: Sequence[tuple[str, str, Sequence[Passage]]]
) -> ModelRequest:
    """Continue with what the tools brought: (tool, text, new passages) each. ``brief`` is the new one."""
    texts = [part for tool, text, found in results for part in (tool, text, *(p.text for p in found))]
    fence = Fence(brief.task.task_id, *texts)
    fenced = [
        "\n".join([fence.wrap("tool-result", text, {"tool": tool}), *(_passage(fence, p) for p in found)])
        for tool, text, found in results
    ]
    said = fill("tool_results", tag=fence.tag, results="\n\n".join(fenced))
    return _continued(request, answer, said, brief)


def repair(request: ModelRequest, answer: str, problems: Collection[Problem]) -> ModelRequest:
    """Continue by saying what was wrong with the answer."""
    listed = "\n".join(f"- {problem}" for problem in problems)
    return _continued(request, answer, fill("repair", problems=listed), request.brief)


def case_fence(brief: Brief) -> Fence:
    """Make the fence of a job's case: the same for all its personas, whatever their tools brought."""
    texts = (passage.model_dump_json() for passage in _planned(brief))
    return Fence(brief.task.model_dump_json(), brief.plan.model_dump_json(), *texts)


def _case(brief: Brief, fence: Fence) -> str:
    task, plan = brief.task, brief.plan
    rule = "evidence_required" if task.evidence_required else "evidence_optional"
    described = [
        ("Title", task.title),
        ("Goal", task.goal),
        ("Scope", task.scope),
        *(("Constraint", constraint) for constraint in task.constraints),
    ]
    planned = [
        *(("Question to cover", question) for question in plan.sub_questions),
        *(("Assumed", assumption) for assumption in plan.assumptions),
    ]
    spoken = [(turn.role, turn.text) for turn in task.conversation_context]
    return fill(
        "case",
        tag=fence.tag,
        task=_listed(fence, "task", described),
        language=language_name(plan.language),
        evidence_rule=_fragments()[rule],
        plan=_listed(fence, "plan", planned),
        conversation=_listed(fence, "conversation", spoken),
        evidence="\n\n".join(_passage(fence, p) for p in _planned(brief)) or _fragments()["no_evidence"],
    )


def _planned(brief: Brief) -> list[Passage]:
    planned = frozenset(brief.plan.passage_ids)
    return [passage for passage in brief.passages if passage.id in planned]


def _further(brief: Brief) -> str:
    planned = frozenset(brief.plan.passage_ids)
    further = [passage for passage in brief.passages if passage.id not in planned]
    fence = Fence(brief.task.task_id, *(passage.model_dump_json() for passage in further))
    evidence = "\n\n".join(_passage(fence, passage) for passage in further)
    return Template(_fragments()["further"]).substitute(tag=fence.tag, evidence=evidence) if further else ""


def _role(brief: Brief) -> str:
    if brief.part is not None:
        return _about_one_claim(brief, brief.part)
    if brief.form == "merge":
        return _merge(brief)
    thesis, antithesis = _said(brief.thesis), _said(brief.antithesis)
    fence = Fence(brief.task.task_id, thesis, antithesis)
    argument = [
        fence.wrap("thesis", thesis) if thesis else _lost("thesis_lost", brief.thesis),
        fence.wrap("antithesis", antithesis) if antithesis else _lost("antithesis_lost", brief.antithesis),
    ]
    return fill(
        brief.form,
        tools="\n\n".join(filter(None, (_bound(brief), _resumed(brief), _tools(brief)))),
        thesis_tag=fence.tag,
        thesis=argument[0],
        argument_tag=fence.tag,
        argument="\n\n".join(argument),
        claim_ids=", ".join(brief.section.claims if brief.section else known_claim_ids(brief)),
        most=str(brief.numbering.most),
        number=str(brief.section.number if brief.section else ""),
        sections=str(brief.plan.sections),
    )


def _bound(brief: Brief) -> str:
    """How many claims a pipelined persona may make, where its role says otherwise."""
    most = brief.numbering.most
    told = {"thesis": 6, "antithesis_standalone": 6}.get(brief.form, MAX_CLAIMS)
    return Template(_fragments()["at_most"]).substitute(most=most) if 0 < most < told else ""


def _resumed(brief: Brief) -> str:
    if not brief.written:
        return ""
    claims = "\n".join(map(claim_line, brief.written))
    fence = Fence(brief.task.task_id, claims)
    return Template(_fragments()["resumed"]).substitute(
        tag=fence.tag,
        claims=fence.wrap("your-claims", claims),
        next=len(brief.written) + 1,
        left=brief.numbering.most,
    )


def _about_one_claim(brief: Brief, part: Part) -> str:
    parents, claim = "\n".join(map(claim_line, part.parents)), claim_line(part.claim)
    said = _said(part.rebuttal)
    fence = Fence(brief.task.task_id, parents, claim, said)
    rebuttal = fence.wrap("rebuttal", said) if said else _lost("rebuttal_lost", part.rebuttal)
    if is_there(part.rebuttal) and not part.rebuttal.claims:
        rebuttal = _fragments()["rebuttal_silent"]
    return fill(
        brief.form,
        tools=_tools(brief),
        argument_tag=fence.tag,
        parents=fence.wrap("rests-on", parents) if parents else "",
        claim=fence.wrap("claim", claim),
        claim_id=part.claim.id,
        rebuttal=rebuttal,
        claim_ids=", ".join(known_claim_ids(brief)),
    )


def _merge(brief: Brief) -> str:
    argument = "\n".join(filter(None, (_said(brief.thesis), _said(brief.antithesis))))
    settled = "\n".join(map(claim_line, brief.resolved))
    fence = Fence(brief.task.task_id, argument, settled)
    return fill(
        brief.form,
        argument_tag=fence.tag,
        argument=fence.wrap("argument", argument),
        settled=fence.wrap("settled", settled),
        unsettled=", ".join(unsettled(brief)) or "none",
    )


def unsettled(brief: Brief) -> tuple[str, ...]:
    """Claims that none of a merge's resolutions is about."""
    about = {name for claim in brief.resolved for name in claim.about}
    return tuple(name for name in known_claim_ids(brief) if name not in about)


def known_claim_ids(brief: Brief) -> tuple[str, ...]:
    """List the other personas' claims that this form sees, in order; of one claim, those that have to be settled."""
    if brief.part is not None:
        raised = brief.part.rebuttal
        return (brief.part.claim.id, *(c.id for c in (raised.claims if is_there(raised) else ())))
    both = (brief.thesis, brief.antithesis)
    seen = {"antithesis": (brief.thesis,), "synthesis": both, "section": both, "merge": both}.get(
        brief.form, ()
    )
    return tuple(claim.id for output in seen if is_there(output) for claim in output.claims)


def is_there(output: PersonaOutput | None) -> TypeGuard[PersonaOutput]:
    """Tell a persona's contribution from one that was lost."""
    return output is not None and output.status == "ok"


def _said(output: PersonaOutput | None) -> str:
    if not is_there(output):
        return ""
    lines = [*map(claim_line, output.claims)]
    if output.summary:
        lines.append(json.dumps({"kind": "summary", "text": output.summary}, ensure_ascii=False))
    return "\n".join(lines)


def _lost(fragment: str, output: PersonaOutput | None) -> str:
    why = output.failure.kind if output is not None and output.failure is not None else "it gave no answer"
    return Template(_fragments()[fragment]).substitute(why=why)


def _tools(brief: Brief) -> str:
    if not brief.tools or brief.tool_rounds_left <= 0:
        return ""
    listed = "\n".join(f"- `{name}`: {description}" for name, description in brief.tools)
    return Template(_fragments()["tools"]).safe_substitute(tools=listed)


def _passage(fence: Fence, passage: Passage) -> str:
    about = {"id": passage.id, "source": passage.source, "heading": passage.heading, "page": passage.page}
    return fence.wrap("passage", passage.text, about)


def _listed(fence: Fence, name: str, items: Sequence[tuple[str, str]]) -> str:
    text = "\n".join(f"{label}: {value}" for label, value in items if value)
    return fence.wrap(name, text) if text else ""


def _continued(request: ModelRequest, answer: str, said: str, brief: Brief | None) -> ModelRequest:
    # Endpoints refuse an empty turn; what the model wrote is echoed so that it sees what is talked about.
    echo = ChatTurn("assistant", answer[:MAX_ECHO_CHARS].strip() or "(nothing)")
    turns = (*request.turns, echo, ChatTurn("user", said))
    return replace(request, turns=turns, brief=brief)


def fill(name: str, **values: str) -> str:
    """Fill a template in one pass; a paragraph that is one empty value is left out."""
    text = template(name)
    for key in [key for key, value in values.items() if not value]:
        text = text.replace(f"${key}\n\n", "")
    return Template(text).safe_substitute(values).strip()


@cache
def _fragments() -> Mapping[str, str]:
    return {name: text.strip() for name, text in _FRAGMENT.findall(template("fragments"))}
