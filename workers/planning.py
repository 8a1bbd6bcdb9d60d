"""The plan step: what to look for, what was found, how the personas will run.

No model call, with one exception: where a model is configured and question and documents differ in language, it
translates the queries.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import structlog

from orchestrator.contracts import Complexity, Passage, Plan, Reason, TaskSpec, Usage
from orchestrator.contracts.events import PlanReady
from orchestrator.corpus import Corpus, Hit, rank_passages
from orchestrator.corpus.terms import query_terms
from orchestrator.errors import CallerError
from orchestrator.language import detect_language
from orchestrator.routing import PASSAGES_PER_JOB, Choice, Policy, assess, choose, draw_for, outline
from orchestrator.settings import Settings
from orchestrator.store.origin import origin
from orchestrator.switch import Switch
from workers.execution import Attempt, Worked
from workers.patience import patiently


@dataclass(frozen=True)
class Translated:
    """Queries in the documents' language, what the call cost, and why there are none where it failed."""

    queries: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    problem: str = ""


MAX_LACKING = 8
"""Words that are looked for alone to say why nothing was found; each is one search."""

Translate = Callable[[Attempt, tuple[str, ...], str], Translated]
"""(attempt, queries, target language) -> the queries in that language. Stops with the attempt's lease."""

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

    def lacks(self, goal: str) -> tuple[str, ...]:
        """Which of the words that name the goal's subject find nothing, looked for alone; the first few."""
        naming = dict.fromkeys(term.word for term in query_terms(goal) if term.telling)
        return tuple(word for word in islice(naming, MAX_LACKING) if not self.search((word,), 1))

    def language(self) -> str | None:
        """The evidence's main language; ``None`` where there is no evidence."""
        if self.spec.inputs.corpus:
            return Corpus.open(self.home, self.spec.inputs.corpus).language()
        sample = " ".join(p.text for p in self.spec.inputs.passages[:20])
        return detect_language(sample) if sample else None


class Planner:
    """Does the ``plan`` step. ``switch`` is asked once a job."""

    def __init__(
        self, settings: Settings, *, translate: Translate | None, switch: Callable[[], Switch | None]
    ) -> None:
        self._settings = settings
        self._translate = translate
        self._switch = switch

    def __call__(self, attempt: Attempt) -> Worked:
        """Plan one job. What the caller got wrong ends the job as ``plan_failed``; the plan says nothing then."""
        spec = attempt.record.spec
        began = time.monotonic()
        try:
            plan, passages, problem = self._plan(attempt)
            cause = None
            if spec.evidence_required and not passages:
                cause = _no_evidence(Evidence(spec, self._settings.home).lacks(spec.goal), problem)
        except CallerError as error:
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
            assignment=plan.assignment,
            complexity=plan.complexity.score,
            passages=len(passages),
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
        evidence = Evidence(spec, self._settings.home)
        queries = draft.search_queries
        other = evidence.language()
        translated = Translated()
        if self._translate and other and other != language:
            translated = self._translate(attempt, queries[:4], other)
            queries += tuple(q for q in translated.queries if q not in queries)
        passages = tuple(hit.passage for hit in evidence.search(queries, PASSAGES_PER_JOB))
        complexity, choice = self._route(spec, passages, language, self._policy())
        plan = Plan(
            task_id=spec.task_id,
            sub_questions=draft.sub_questions,
            assumptions=draft.assumptions,
            search_queries=queries[:12],
            passage_ids=tuple(p.id for p in passages),
            complexity=complexity,
            mode=choice.mode,
            mode_reason=choice.reason,
            assignment=choice.assignment,
            language=language,
            usage=translated.usage,
        )
        return plan, passages, translated.problem

    def _nothing(self, spec: TaskSpec) -> Plan:
        """A plan for a job that ends here: it is assigned to no side of the share."""
        language = spec.language or detect_language(spec.goal)
        complexity, choice = self._route(spec, (), language, Policy())
        return Plan(
            task_id=spec.task_id,
            complexity=complexity,
            mode=choice.mode,
            mode_reason=choice.reason,
            language=language,
        )

    def _policy(self) -> Policy:
        settings, switch = self._settings, patiently(self._switch)
        return Policy(
            default=settings.parallel_mode,
            boundary=settings.complexity_boundary,
            share=settings.parallel_share,
            override=switch.mode if switch else None,
            force=bool(switch and switch.force),
        )

    @staticmethod
    def _route(
        spec: TaskSpec, passages: tuple[Passage, ...], language: str, policy: Policy
    ) -> tuple[Complexity, Choice]:
        complexity = assess(
            spec.goal,
            spec.constraints,
            passages,
            caller=spec.complexity,
            language=language,
            conversation=spec.conversation_context,
        )
        return complexity, choose(spec.mode, complexity, policy, draw_for(spec.tenant, spec.task_id))


def _no_evidence(lacking: tuple[str, ...], problem: str) -> Reason:
    why = f"the documents do not have: {', '.join(lacking)}" if lacking else "no passage is on this question"
    detail = f"{why[:200]}; ask about what they cover, add documents, or allow uncited claims (--evidence-optional)"
    if problem:
        detail += f". The search queries could not be put into the documents' language: {problem}"
    return Reason(code="no_evidence", detail=detail[:1_000])
