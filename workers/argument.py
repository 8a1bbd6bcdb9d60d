"""The persona steps: from a job's record to a brief, through a persona and its model, to an output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from orchestrator.contracts import Claim, ErrorKind, Failure, Passage, Persona, PersonaOutput
from orchestrator.contracts.events import ToolCall
from orchestrator.errors import ModelError
from orchestrator.parts import Merge, merged
from orchestrator.routing.estimate import MERGE
from orchestrator.routing.flow import CLAIM, SYNTHESIS, THESIS, part, persona_of
from orchestrator.settings import Settings
from orchestrator.store import JobStore
from orchestrator.store.origin import origin
from workers.brief import Brief, Form
from workers.briefing import brief_for
from workers.execution import Attempt, Worked
from workers.listening import Listener
from workers.live import Live, Writing
from workers.llm.cancellation import Cancellation
from workers.llm.client import Completion, Model
from workers.llm.models import Models
from workers.llm.protocol import ModelRequest
from workers.llm.race import MayGoOn
from workers.patience import patiently
from workers.personas.parsing import AnswerReader
from workers.personas.persona import Persona as PersonaRunner
from workers.personas.protocol import OnText, PersonaRun
from workers.retrieval.evidence import Evidence
from workers.retrieval.protocol import Retriever
from workers.tools.protocol import ToolContext
from workers.tools.toolbox import Toolbox

TOOL_ROUNDS = 1
OWN_PACE: frozenset[Form] = frozenset({"merge", "single"})
"""Forms of a synthesis whose pace says nothing of one, nor its of theirs."""
LEAST_OUTPUT_TOKENS = 256
MAY_GO_ON: frozenset[ErrorKind] = frozenset(
    {"overloaded", "provider", "truncated", "unparseable", "unreachable"}
)
"""What a thesis may have broken off of and still be worth a call that goes on from its last claim."""

log = structlog.get_logger(__name__)


@dataclass
class BoundModel:
    """A model with this attempt's deadline, budget, cancellation and spectators bound to it.

    ``tokens_left`` falls with every call, tool rounds and repairs included.
    """

    model: Model
    deadline: float
    tokens_left: int
    cancel: Cancellation
    writing: Writing
    may_go_on: MayGoOn | None = None

    def complete(self, request: ModelRequest, *, on_text: OnText | None = None) -> Completion:
        """Answer one request; see ``Model.complete``. Raises ``ModelError`` (``token_budget``) when none is left."""
        if self.tokens_left < LEAST_OUTPUT_TOKENS:
            raise ModelError("token_budget", "the job's token budget is spent; allow more, or ask for less")

        def hear(piece: str) -> None:
            self.writing.add(piece)
            if on_text is not None:
                on_text(piece)

        bounded = replace(request, max_output_tokens=min(request.max_output_tokens, self.tokens_left))
        answer = self.model.complete(
            bounded, deadline=self.deadline, on_text=hear, cancel=self.cancel, may_go_on=self.may_go_on
        )
        self.tokens_left -= answer.usage.tokens
        return answer


class Argument:
    """Does the persona steps of one process. A persona that fails hands back a failed output."""

    def __init__(
        self, settings: Settings, *, store: JobStore, live: Live, models: Models, retriever: Retriever
    ) -> None:
        self._settings = settings
        self._retriever = retriever
        self._store = store
        self._live = live
        self._models = models
        self._persona = PersonaRunner(max_output_tokens=settings.max_output_tokens)

    def __call__(self, attempt: Attempt) -> Worked:
        """Run one persona. ``JobCancelled`` and ``LeaseLost`` pass through: they end the attempt, not the persona."""
        passages = patiently(lambda: self._store.passages(attempt.ref, attempt.record.plan))
        brief = brief_for(attempt.step, attempt.record, passages, most_claims=self._settings.pipeline_claims)
        if brief.section is not None and not brief.section.claims:
            return Worked(_nothing_to_settle(attempt))
        run = self._streamed(attempt, brief) if brief.streams else self._run(attempt, brief)
        if run.problems:
            log.info("answer_problems", job=str(attempt.ref), step=attempt.step, count=len(run.problems))
        calls = tuple(
            ToolCall(
                **origin(attempt.ref, attempt.step, attempt.number),
                tool=use.tool,
                passages=use.passages,
                duration_ms=use.duration_ms,
            )
            for use in run.tool_calls
        )
        output = run.output
        if brief.form == MERGE:
            output = _whole(output, merged(attempt.record.said, Merge(output.claims, run.covers)))
        # The step keeps its name whichever form ran: it is what the flow waits for.
        return Worked(output.model_copy(update={"step": attempt.step}), run.passages, calls)

    def failed(self, attempt: Attempt, why: str) -> Worked:
        """A persona that was not run is a persona that failed; what it had said before stands."""
        output = failed(attempt, persona_of(attempt.step), "internal", why)
        return Worked(_whole(output, attempt.claims.written) if attempt.step == THESIS else output)

    def _streamed(self, attempt: Attempt, brief: Brief) -> PersonaRun:
        """Run a thesis whose claims are recorded as they close; where it breaks off behind one, go on once.

        One that falls behind is broken off, where it has closed some of its claims and has others to write.
        """
        run = self._heard(attempt, brief, may_break=True)
        written, failure = attempt.claims.written, run.output.failure
        left = brief.most_claims - len(written)
        if written and left > 0 and failure is not None and failure.kind in MAY_GO_ON:
            log.info("thesis_goes_on", job=str(attempt.ref), kind=failure.kind, claims=len(written))
            resumed = replace(brief, written=written)
            first, run = run, self._heard(attempt, resumed)
            both = {
                "usage": first.output.usage + run.output.usage,
                "hedges": first.output.hedges + run.output.hedges,
            }
            run = replace(run, output=run.output.model_copy(update=both))
        return replace(run, output=_whole(run.output, attempt.claims.written))

    def _heard(self, attempt: Attempt, brief: Brief, *, may_break: bool = False) -> PersonaRun:
        def claimed(claim: Claim) -> None:
            attempt.claims.add(claim)
            step = part(CLAIM, len(attempt.claims.written))
            self._live.show(attempt.held, attempt.number, step, claim.text)

        def may_go_on() -> bool:
            return listener.is_idle and 0 < len(attempt.claims.written) < brief.most_claims

        listener = Listener(AnswerReader(brief.form, numbering=brief.numbering), claimed)
        try:
            return self._run(attempt, brief, listener.hear, may_go_on if may_break else None)
        finally:
            listener.close()

    def _run(
        self,
        attempt: Attempt,
        brief: Brief,
        on_text: OnText | None = None,
        may_go_on: MayGoOn | None = None,
    ) -> PersonaRun:
        evidence = Evidence(attempt.record.spec, self._retriever)

        def retrieve(queries: Sequence[str], limit: int) -> tuple[Passage, ...]:
            return tuple(hit.passage for hit in evidence.search(tuple(queries), limit))

        # What speaks of a part, or goes on where it was cut off, has no time for a round of tools.
        in_parts = brief.part or brief.section or brief.resolved or brief.written
        permissions = () if in_parts else attempt.record.spec.permissions
        toolbox = Toolbox(permissions, ToolContext(retrieve=retrieve))
        brief = replace(
            brief, tools=toolbox.descriptions, tool_rounds_left=TOOL_ROUNDS if toolbox.descriptions else 0
        )
        cancel = Cancellation()
        attempt.held.on_stop(cancel.cancel)
        writing = self._live.start(attempt.held, attempt.number, brief.form)
        try:
            model = BoundModel(
                model=self._models.for_step(
                    attempt.step, form=brief.form if brief.form in OWN_PACE else None
                ),
                deadline=attempt.deadline,
                tokens_left=self._tokens_left(attempt, brief),
                cancel=cancel,
                writing=writing,
                may_go_on=may_go_on,
            )
            return self._persona.run(brief, toolbox, model, on_text)
        finally:
            self._live.stop(writing)
            attempt.held.on_stop(None)

    def _tokens_left(self, attempt: Attempt, brief: Brief) -> int:
        """This step's share of what the job may still spend: steps that run side by side divide it."""
        budget = attempt.record.spec.token_budget or self._settings.token_budget
        spent = sum((o.usage for o in attempt.record.outputs.values()), brief.plan.usage)
        left = budget - spent.tokens
        if attempt.step == SYNTHESIS:
            return left
        if brief.section is not None:
            return left // (brief.plan.sections + 1)  # the merge is yet to come
        beside = {"sequential": 1, "parallel": 2, "pipelined": self._settings.pipeline_claims + 1}
        return left // beside[brief.plan.mode]


def _whole(output: PersonaOutput, claims: tuple[Claim, ...]) -> PersonaOutput:
    """An output with the claims that stand whatever became of its end; with any it is not lost, only cut."""
    status = "ok" if claims else output.status
    return output.model_copy(update={"claims": claims, "status": status})


def _nothing_to_settle(attempt: Attempt) -> PersonaOutput:
    """The output of a section that no claim falls to: nobody is asked."""
    return PersonaOutput(task_id=attempt.ref.task_id, persona=persona_of(attempt.step), step=attempt.step)


def failed(attempt: Attempt, persona: Persona, kind: str, message: str) -> PersonaOutput:
    """A persona's output that says why there is none."""
    return PersonaOutput(
        task_id=attempt.ref.task_id,
        persona=persona,
        step=attempt.step,
        status="failed",
        failure=Failure(kind=kind, message=message),  # type: ignore[arg-type]  # pydantic checks the literal
    )
