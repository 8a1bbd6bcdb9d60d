"""One persona's run: prompt, answer, tools, one repair, output. The same code for every form."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from orchestrator.contracts import ErrorKind, Failure, Fallback, Hedge, Passage, PersonaOutput, Timings, Usage
from orchestrator.errors import JobCancelled, LeaseLost, ModelError, RetryableModelError
from orchestrator.plaintext import one_line
from workers.brief import Brief
from workers.llm.protocol import ModelRequest
from workers.personas.lengths import longest_answer
from workers.personas.parsing import ParsedAnswer, Problem, parse
from workers.personas.prompting import (
    after_tools,
    first_request,
    is_there,
    known_claim_ids,
    prompt_hash,
    repair,
)
from workers.personas.protocol import Answers, OnText, PersonaRun
from workers.tools.toolbox import Toolbox, ToolUse

MAX_REPAIRS = 1


class Persona:
    """Thesis, antithesis or synthesis, as its brief's form says. Stateless; may be shared by threads."""

    def __init__(self, *, max_output_tokens: int = 4_096) -> None:
        self._max_output_tokens = max_output_tokens

    def run(
        self, brief: Brief, toolbox: Toolbox, model: Answers, on_text: OnText | None = None
    ) -> PersonaRun:
        """Argue. Blocks for as long as the model calls take.

        At most ``brief.tool_rounds_left`` rounds of tools and one repair. What the model or its endpoint does
        wrong comes back as a failed output; ``JobCancelled`` and ``LeaseLost`` are raised.
        """
        run = _Run(brief, toolbox, model, on_text)
        impossible = _impossible(brief)
        if impossible is not None:
            return run.failed(impossible)
        try:
            longest = longest_answer(brief, self._max_output_tokens)
            return run.argue(first_request(brief, max_output_tokens=longest))
        except (JobCancelled, LeaseLost) as error:
            # Whoever hears of it has to be told the whole bill.
            error.usage = run.usage + (error.usage or Usage())
            raise
        except (ModelError, RetryableModelError) as error:
            if isinstance(error, ModelError):
                run.usage += error.usage or Usage()
                run.asked = error.asked or run.asked
                run.hedges += error.hedges
            return run.failed(Failure(kind=error.kind, message=one_line(error.message, 1_000)))


def _impossible(brief: Brief) -> Failure | None:
    """Why no model has to be asked."""
    needs = {"antithesis": (brief.thesis,), "synthesis": (brief.thesis, brief.antithesis)}.get(brief.form)
    if needs is not None and not any(is_there(output) for output in needs):
        return Failure(
            kind="no_inputs", message="None of the personas that this one builds on gave an answer."
        )
    if brief.task.evidence_required and not brief.passages and not brief.tool_rounds_left:
        return Failure(
            kind="no_evidence",
            message="No relevant passage was found; add documents or ask without evidence_required.",
        )
    return None


@dataclass
class _Run:
    """What has happened in one run so far."""

    brief: Brief
    toolbox: Toolbox
    model: Answers
    on_text: OnText | None
    usage: Usage = field(default_factory=Usage)
    model_ms: int = 0
    first_token_ms: int | None = None
    asked: tuple[str, str] | None = None
    fallbacks: dict[Fallback, None] = field(default_factory=dict)
    hedges: tuple[Hedge, ...] = ()
    new_passages: list[Passage] = field(default_factory=list)
    tool_calls: list[ToolUse] = field(default_factory=list)
    problems: tuple[Problem, ...] = ()

    def argue(self, request: ModelRequest) -> PersonaRun:
        repairs_left = MAX_REPAIRS
        while True:
            text, answer = self.ask(request)
            if answer.tools and self.brief.tool_rounds_left > 0:
                request = self.use_tools(request, text, answer)
            elif not answer.defects:
                return self.said(answer)
            elif repairs_left and not (self.brief.streams and answer.claims):
                repairs_left -= 1
                request = repair(request, text, answer.complaints)
            else:
                return self.failed(_unusable(answer))

    def ask(self, request: ModelRequest) -> tuple[str, ParsedAnswer]:
        first = self.asked is None
        if self.on_text is not None and not first:
            self.on_text("\n")  # what follows is a new answer, not the rest of a line of the one before
        completion = self.model.complete(request, on_text=self.on_text)
        if first:
            self.first_token_ms = completion.first_token_ms
        self.asked = (completion.provider, completion.model)
        self.fallbacks.update(dict.fromkeys(completion.fallbacks))
        self.hedges += completion.hedges
        self.usage += completion.usage
        self.model_ms += completion.model_ms
        known = known_claim_ids(self.brief)
        answer = parse(
            completion.text,
            self.brief.form,
            known=known,
            numbering=self.brief.numbering,
            finish_reason=completion.finish_reason,
        )
        self.problems = answer.problems
        return completion.text, answer

    def use_tools(self, request: ModelRequest, text: str, answer: ParsedAnswer) -> ModelRequest:
        results = []
        brought: dict[str, Passage] = {}
        seen = {passage.id for passage in self.brief.passages}
        for line in answer.tools:
            result, use = self.toolbox.call(line.name, line.input)
            self.tool_calls.append(use)
            new = [p for p in result.passages if p.id not in seen]
            seen.update(p.id for p in new)
            brought.update((p.id, p) for p in new)
            results.append((use.tool, result.text, new))
        self.new_passages += brought.values()
        self.brief = replace(
            self.brief,
            passages=(*self.brief.passages, *brought.values()),
            new_passages=tuple(brought.values()),
            tool_rounds_left=self.brief.tool_rounds_left - 1,
        )
        return after_tools(request, text, self.brief, results)

    def said(self, answer: ParsedAnswer) -> PersonaRun:
        may_be_silent = self.brief.persona == "antithesis" or self.brief.written or self.brief.resolved
        if not answer.claims and not may_be_silent:
            # To find nothing to object is an answer; to find nothing to hold is none.
            return self.failed(
                Failure(kind="no_evidence", message="The evidence supported no claim; add documents.")
            )
        said = {
            "summary": answer.summary,
            "rationale": answer.rationale,
            "actions": answer.actions,
            "claims": answer.claims,
            "citations": answer.citations,
        }
        run = self.ended(self.output().model_copy(update=said))
        return replace(run, covers=answer.covers)

    def failed(self, failure: Failure) -> PersonaRun:
        status = "timeout" if failure.kind == "deadline" else "failed"
        return self.ended(self.output().model_copy(update={"status": status, "failure": failure}))

    def ended(self, output: PersonaOutput) -> PersonaRun:
        return PersonaRun(output, tuple(self.new_passages), tuple(self.tool_calls), self.problems)

    def output(self) -> PersonaOutput:
        provider, model = self.asked or ("", "")
        return PersonaOutput(
            task_id=self.brief.task.task_id,
            persona=self.brief.persona,
            step=self.brief.form,
            usage=self.usage,
            timings=Timings(first_token_ms=self.first_token_ms, model_ms=self.model_ms),
            provider=provider,
            model=model,
            fallbacks=tuple(self.fallbacks),
            hedges=self.hedges,
            prompt_hash=prompt_hash(self.brief.form),
        )


def _unusable(answer: ParsedAnswer) -> Failure:
    codes = [defect.code for defect in answer.defects]
    kind: ErrorKind = "truncated" if "cut" in codes else "unparseable"
    message = f"The model's answer did not follow the contract, also when asked again: {', '.join(codes)}."
    return Failure(kind=kind, message=message)
