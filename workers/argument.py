"""The persona steps: from a job's record to a brief, through a persona and its model, to an output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import structlog

from orchestrator.contracts import Failure, Passage, Persona, PersonaOutput
from orchestrator.contracts.events import ToolCall
from orchestrator.errors import ModelError
from orchestrator.outcome import antithesis_of
from orchestrator.routing.flow import ANTITHESIS, ANTITHESIS_STANDALONE, SYNTHESIS, THESIS
from orchestrator.settings import Settings
from orchestrator.store import JobStore
from orchestrator.store.origin import origin
from workers.brief import Brief, Form
from workers.execution import Attempt, Worked
from workers.live import Live, Writing
from workers.llm.cancellation import Cancellation
from workers.llm.client import Completion, Model
from workers.llm.models import Models
from workers.llm.protocol import ModelRequest
from workers.patience import patiently
from workers.personas.persona import Persona as PersonaRunner
from workers.personas.prompting import is_there
from workers.personas.protocol import OnText
from workers.retrieval.evidence import Evidence
from workers.retrieval.protocol import Retriever
from workers.tools.protocol import ToolContext
from workers.tools.toolbox import Toolbox

TOOL_ROUNDS = 1
LEAST_OUTPUT_TOKENS = 256

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

    def complete(self, request: ModelRequest, *, on_text: OnText | None = None) -> Completion:
        """Answer one request; see ``Model.complete``. Raises ``ModelError`` (``token_budget``) when none is left."""
        if self.tokens_left < LEAST_OUTPUT_TOKENS:
            raise ModelError("token_budget", "the job's token budget is spent; allow more, or ask for less")

        def hear(piece: str) -> None:
            self.writing.add(piece)
            if on_text is not None:
                on_text(piece)

        bounded = replace(request, max_output_tokens=min(request.max_output_tokens, self.tokens_left))
        answer = self.model.complete(bounded, deadline=self.deadline, on_text=hear, cancel=self.cancel)
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
        brief = self._brief(attempt)
        evidence = Evidence(attempt.record.spec, self._retriever)

        def retrieve(queries: Sequence[str], limit: int) -> tuple[Passage, ...]:
            return tuple(hit.passage for hit in evidence.search(tuple(queries), limit))

        toolbox = Toolbox(attempt.record.spec.permissions, ToolContext(retrieve=retrieve))
        brief = replace(
            brief, tools=toolbox.descriptions, tool_rounds_left=TOOL_ROUNDS if toolbox.descriptions else 0
        )
        cancel = Cancellation()
        attempt.held.on_stop(cancel.cancel)
        writing = self._live.start(attempt.held, attempt.number, brief.form)
        try:
            model = BoundModel(
                model=self._models.for_step(attempt.step),
                deadline=attempt.deadline,
                tokens_left=self._tokens_left(attempt, brief),
                cancel=cancel,
                writing=writing,
            )
            run = self._persona.run(brief, toolbox, model)
        finally:
            self._live.stop(writing)
            attempt.held.on_stop(None)
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
        # The step keeps its name whichever form ran: it is what the flow waits for.
        return Worked(run.output.model_copy(update={"step": attempt.step}), run.passages, calls)

    def failed(self, attempt: Attempt, why: str) -> Worked:
        """A persona that was not run is a persona that failed."""
        return Worked(failed(attempt, _persona(attempt.step), "internal", why))

    def _tokens_left(self, attempt: Attempt, brief: Brief) -> int:
        """This step's share of what the job may still spend: steps that run side by side halve it."""
        budget = attempt.record.spec.token_budget or self._settings.token_budget
        spent = sum((o.usage for o in attempt.record.outputs.values()), brief.plan.usage)
        left = budget - spent.tokens
        return left // 2 if brief.plan.mode == "parallel" and attempt.step != SYNTHESIS else left

    def _brief(self, attempt: Attempt) -> Brief:
        record = attempt.record
        assert record.plan is not None, "the executor lets no persona run before the plan"  # noqa: S101 - for mypy
        passages = patiently(lambda: self._store.passages(attempt.ref, record.plan))
        thesis = record.outputs.get(THESIS)
        sees_thesis = attempt.step in (ANTITHESIS, SYNTHESIS)
        form = cast("Form", attempt.step)
        if form == ANTITHESIS and not is_there(thesis):
            # The thesis was lost: there is nothing to attack, but there is still something to oppose.
            form = ANTITHESIS_STANDALONE
        return Brief(
            form=form,
            task=record.spec,
            plan=record.plan,
            passages=passages,
            thesis=thesis if sees_thesis else None,
            antithesis=antithesis_of(record.outputs) if attempt.step == SYNTHESIS else None,
        )


def failed(attempt: Attempt, persona: Persona, kind: str, message: str) -> PersonaOutput:
    """A persona's output that says why there is none."""
    return PersonaOutput(
        task_id=attempt.ref.task_id,
        persona=persona,
        step=attempt.step,
        status="failed",
        failure=Failure(kind=kind, message=message),  # type: ignore[arg-type]  # pydantic checks the literal
    )


def _persona(step: str) -> Persona:
    return cast("Persona", step.partition("_")[0])
