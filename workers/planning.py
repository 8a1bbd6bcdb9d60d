"""The plan step: what to look for, what was found, how the personas will run.

No model call, with one exception: where a model is configured and question and documents differ in language, it
translates the queries.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from orchestrator.contracts import Complexity, Passage, Plan, Reason, TaskSpec, Usage
from orchestrator.contracts.events import PlanReady
from orchestrator.contracts.task import LATEST_MERGE
from orchestrator.errors import CallerError, RetrieverFailed
from orchestrator.foresight import Foresight
from orchestrator.language import detect_language
from orchestrator.lessons import models_of
from orchestrator.rolling import Orders, policy_of
from orchestrator.routing.complexity import assess
from orchestrator.routing.modes import Choice, Policy, choose, draw_for, lot_for
from orchestrator.routing.planning import PASSAGES_PER_JOB, outline
from orchestrator.settings import Settings
from orchestrator.store.keys import JobRef
from orchestrator.store.origin import origin
from workers.execution import Attempt, Worked
from workers.patience import patiently
from workers.retrieval.evidence import Evidence
from workers.retrieval.protocol import Retriever


@dataclass(frozen=True)
class Translated:
    """Queries in the documents' language, what the call cost, and why there are none where it failed."""

    queries: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    problem: str = ""


Translate = Callable[[Attempt, tuple[str, ...], str], Translated]
"""(attempt, queries, target language) -> the queries in that language. Stops with the attempt's lease."""

log = structlog.get_logger(__name__)


class Planner:
    """Does the ``plan`` step. ``orders`` is asked once a job; without ``foresight`` auto never runs one pipelined."""

    def __init__(
        self,
        settings: Settings,
        *,
        retriever: Retriever,
        translate: Translate | None,
        orders: Callable[[], Orders],
        foresight: Foresight | None = None,
    ) -> None:
        self._settings = settings
        self._retriever = retriever
        self._translate = translate
        self._orders = orders
        self._foresight = foresight

    def __call__(self, attempt: Attempt) -> Worked:
        """Plan one job. What cannot be read ends it as ``plan_failed``, with a plan that says nothing."""
        spec = attempt.record.spec
        began = time.monotonic()
        try:
            plan, passages, problem = self._plan(attempt)
            cause = None
            if spec.evidence_required and not passages:
                cause = _no_evidence(Evidence(spec, self._retriever).lacks(spec.goal), problem)
        except (CallerError, RetrieverFailed) as error:
            plan, passages = self._nothing(spec), ()
            cause = Reason(code="plan_failed", detail=str(error)[:1_000])
        log.info(
            "planned",
            job=str(attempt.ref),
            mode=plan.mode,
            passages=len(passages),
            ms=round((time.monotonic() - began) * 1_000),
        )
        ready = PlanReady(
            **origin(attempt.ref, "plan", attempt.number),
            mode=plan.mode,
            mode_reason=plan.mode_reason,
            sections=plan.sections,
            assignment=plan.assignment,
            complexity=plan.complexity.score,
            passages=len(passages),
            merge_after_ms=plan.merge_after_ms,
            models=plan.models,
        )
        return Worked(plan, passages, (ready,), cause)

    def failed(self, attempt: Attempt, why: str) -> Worked:
        """Without a plan there is no job."""
        return Worked(self._nothing(attempt.record.spec), cause=Reason(code="plan_failed", detail=why))

    def _plan(self, attempt: Attempt) -> tuple[Plan, tuple[Passage, ...], str]:
        """The plan, its passages, and what went wrong with a translation, if anything."""
        spec = attempt.record.spec
        language = spec.language or detect_language(spec.goal)
        draft = outline(spec, language)
        queries, translated, passages = draft.search_queries, Translated(), spec.inputs.passages
        if not spec.inputs.as_given:
            evidence = Evidence(spec, self._retriever)
            other = evidence.language()
            if self._translate and other and other != language:
                translated = self._translate(attempt, queries[:4], other)
                queries += tuple(q for q in translated.queries if q not in queries)
            passages = tuple(hit.passage for hit in evidence.search(queries, PASSAGES_PER_JOB))
        policy = policy_of(self._settings, patiently(self._orders))
        complexity = _assessed(spec, passages, language)
        choice = self._choose(attempt.ref, spec, complexity, policy, len(passages))
        sections = (spec.sections or self._settings.sections) if choice.mode == "parallel" else 1
        in_parts = choice.mode == "pipelined" or sections > 1
        plan = Plan(
            task_id=spec.task_id,
            sub_questions=draft.sub_questions,
            assumptions=draft.assumptions,
            search_queries=queries[:12],
            passage_ids=tuple(p.id for p in passages),
            complexity=complexity,
            mode=choice.mode,
            mode_reason=choice.reason,
            sections=sections,
            assignment=choice.assignment,
            considered=choice.considered,
            models=models_of(self._settings),
            language=language,
            usage=translated.usage,
            merge_after_ms=self._merge_after_ms(attempt) if in_parts else None,
        )
        return plan, passages, translated.problem

    def _merge_after_ms(self, attempt: Attempt) -> int:
        allowed_ms = attempt.record.deadline_ms - attempt.record.accepted_ms
        return merge_after_ms(
            allowed_ms, attempt.record.spec.merge_after_s or self._settings.pipeline_merge_s
        )

    def _nothing(self, spec: TaskSpec) -> Plan:
        """A plan for a job that ends here: it is assigned to no side of the share."""
        language = spec.language or detect_language(spec.goal)
        complexity = _assessed(spec, (), language)
        choice = choose(spec.mode, complexity, Policy(), draw_for(spec.tenant, spec.task_id))
        return Plan(
            task_id=spec.task_id,
            complexity=complexity,
            mode=choice.mode,
            mode_reason=choice.reason,
            language=language,
        )

    def _choose(
        self, ref: JobRef, spec: TaskSpec, complexity: Complexity, policy: Policy, passages: int
    ) -> Choice:
        draw = draw_for(spec.tenant, spec.task_id)
        if self._foresight is None:
            return choose(spec.mode, complexity, policy, draw)
        return self._foresight.choose(
            spec.mode,
            complexity,
            policy,
            draw,
            lot=lot_for(spec.tenant, spec.task_id),
            goal=spec.goal,
            passages=passages,
            ref=ref,
        )


def _assessed(spec: TaskSpec, passages: tuple[Passage, ...], language: str) -> Complexity:
    return assess(
        spec.goal,
        spec.constraints,
        passages,
        caller=spec.complexity,
        language=language,
        conversation=spec.conversation_context,
    )


def merge_after_ms(allowed_ms: int, wished_s: float | None) -> int:
    """How long after its acceptance a job is merged that has so much time in all; half of it where nothing is wished.

    Even a merge that is slow should end in time: it keeps a quarter.
    """
    wished_ms = allowed_ms // 2 if wished_s is None else round(wished_s * 1_000)
    return min(wished_ms, round(allowed_ms * LATEST_MERGE))


def _no_evidence(lacking: tuple[str, ...], problem: str) -> Reason:
    why = f"the documents do not have: {', '.join(lacking)}" if lacking else "no passage is on this question"
    detail = f"{why[:200]}; ask about what they cover, add documents, or allow uncited claims (--evidence-optional)"
    if problem:
        detail += f". The search queries could not be put into the documents' language: {problem}"
    return Reason(code="no_evidence", detail=detail[:1_000])
