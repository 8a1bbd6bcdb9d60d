"""The plan step: what to look for, what was found, how the personas will run.

No model call, with one exception: where a model is configured and question and documents differ in language, it
translates the queries.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from orchestrator.contracts import Complexity, Mode, Passage, Plan, Reason, TaskSpec
from orchestrator.contracts.events import PlanReady
from orchestrator.corpus import Corpus, Hit, rank_passages
from orchestrator.errors import CallerError
from orchestrator.language import detect_language
from orchestrator.routing import assess, choose, outline
from orchestrator.settings import Settings
from orchestrator.store.origin import origin
from workers.execution import Attempt, Worked

PASSAGES_PER_JOB = 16
"""Enough for six claims from several sources, and about 4,000 tokens of prompt."""

Translate = Callable[[TaskSpec, tuple[str, ...], str, float], tuple[str, ...]]
"""(spec, queries, target language, monotonic deadline) -> the queries in that language; () where it did not work."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Evidence:
    """Everything a job may search: its corpus, its inline passages, or both."""

    spec: TaskSpec
    home: Path

    def search(self, queries: tuple[str, ...], limit: int) -> tuple[Hit, ...]:
        """The best passages for any of the queries. Raises ``CallerError`` where the corpus cannot be read."""
        hits: list[Hit] = []
        if self.spec.inputs.corpus:
            hits += Corpus.open(self.home, self.spec.inputs.corpus).search(queries, limit)
        if self.spec.inputs.passages:
            hits += rank_passages(self.spec.inputs.passages, queries, limit)
        return tuple(sorted(hits, key=lambda hit: -hit.score)[:limit])

    def language(self) -> str | None:
        """The evidence's main language; ``None`` where there is no evidence."""
        if self.spec.inputs.corpus:
            return Corpus.open(self.home, self.spec.inputs.corpus).language()
        sample = " ".join(p.text for p in self.spec.inputs.passages[:20])
        return detect_language(sample) if sample else None


class Planner:
    """Does the ``plan`` step."""

    def __init__(self, settings: Settings, *, translate: Translate | None) -> None:
        self._settings = settings
        self._translate = translate

    def __call__(self, attempt: Attempt) -> Worked:
        """Plan one job. What the caller got wrong ends the job as ``plan_failed``; the plan says nothing then."""
        spec = attempt.record.spec
        began = time.monotonic()
        try:
            plan, passages = self._plan(spec, attempt.deadline)
            cause = None
        except CallerError as error:
            plan, passages = self._nothing(spec), ()
            cause = Reason(code="plan_failed", detail=str(error)[:1_000])
        if cause is None and spec.evidence_required and not passages:
            cause = Reason(
                code="no_evidence",
                detail="nothing in the given documents bears on the question; ask about what they cover, "
                "add documents, or send the job with evidence_required=false",
            )
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
            complexity=plan.complexity.score,
            passages=len(passages),
        )
        return Worked(plan, passages, (ready,), cause)

    def _plan(self, spec: TaskSpec, deadline: float) -> tuple[Plan, tuple[Passage, ...]]:
        language = spec.language or detect_language(spec.goal)
        draft = outline(spec, language)
        evidence = Evidence(spec, self._settings.home)
        queries = draft.search_queries
        other = evidence.language()
        if self._translate and other and other != language:
            queries += tuple(
                q for q in self._translate(spec, queries[:4], other, deadline) if q not in queries
            )
        passages = tuple(hit.passage for hit in evidence.search(queries, PASSAGES_PER_JOB))
        complexity, mode, reason = self._route(spec, passages, language)
        plan = Plan(
            task_id=spec.task_id,
            sub_questions=draft.sub_questions,
            assumptions=draft.assumptions,
            search_queries=queries[:12],
            passage_ids=tuple(p.id for p in passages),
            complexity=complexity,
            mode=mode,
            mode_reason=reason,
            language=language,
        )
        return plan, passages

    def _nothing(self, spec: TaskSpec) -> Plan:
        language = spec.language or detect_language(spec.goal)
        complexity, mode, reason = self._route(spec, (), language)
        return Plan(
            task_id=spec.task_id, complexity=complexity, mode=mode, mode_reason=reason, language=language
        )

    def _route(
        self, spec: TaskSpec, passages: tuple[Passage, ...], language: str
    ) -> tuple[Complexity, Mode, str]:
        complexity = assess(
            spec.goal,
            spec.constraints,
            passages,
            caller=spec.complexity,
            language=language,
            conversation=spec.conversation_context,
        )
        settings = self._settings
        return complexity, *choose(
            spec.mode, settings.parallel_mode, complexity, settings.complexity_boundary
        )
