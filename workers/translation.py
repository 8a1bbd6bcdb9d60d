"""Search queries in the documents' language, where a model is configured and the two languages differ."""

from __future__ import annotations

import time

import structlog

from orchestrator.contracts import Complexity, Plan, TaskSpec
from orchestrator.errors import TriptychError
from orchestrator.settings import Settings
from workers.llm.client import Model
from workers.llm.registry import provider_for
from workers.personas.translation import read_translation, translation_request
from workers.planning import Translate

TRANSLATION_S = 10.0
"""At most this long: without a translation the search still finds names, numbers and loan words."""

log = structlog.get_logger(__name__)


def translator(settings: Settings) -> Translate | None:
    """A function that translates queries with the thesis' model, or ``None`` where there is no model."""
    name = settings.model_for("thesis")
    if name == "extractive":
        return None

    def translate(spec: TaskSpec, queries: tuple[str, ...], target: str, deadline: float) -> tuple[str, ...]:
        request = translation_request(spec, _nothing_planned(spec), queries, target)
        try:
            answer = Model(provider_for(name, settings)).complete(
                request, deadline=min(deadline, time.monotonic() + TRANSLATION_S)
            )
        except TriptychError as error:
            # The plan goes on with the queries it has; the personas will say so if the model is really away.
            log.warning("queries_not_translated", job=spec.task_id, error=type(error).__name__)
            return ()
        return read_translation(answer.text, limit=len(queries))

    return translate


def _nothing_planned(spec: TaskSpec) -> Plan:
    return Plan(
        task_id=spec.task_id,
        complexity=Complexity(score=0, source="observed"),
        mode="sequential",
        mode_reason="not decided yet",
        language="en",
    )
