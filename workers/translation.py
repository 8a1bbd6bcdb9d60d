"""Search queries in the documents' language, where a model is configured and the two languages differ."""

from __future__ import annotations

import time

import structlog

from orchestrator.contracts import Usage
from orchestrator.errors import ModelError
from orchestrator.settings import Settings
from orchestrator.store.record import PLAN
from workers.execution import Attempt
from workers.llm.cancellation import Cancellation
from workers.llm.models import Models
from workers.personas.translation import read_translation, translation_request
from workers.planning import Translate, Translated

TRANSLATION_S = 10.0
"""At most this long: without a translation the search still finds names, numbers and loan words."""

log = structlog.get_logger(__name__)


def translator(settings: Settings, models: Models) -> Translate | None:
    """A function that translates queries with the thesis' model, or ``None`` where there is no model.

    It raises ``JobCancelled`` and ``LeaseLost``, which end the attempt.
    """
    if settings.model_for("thesis") == "extractive":
        return None

    def translate(attempt: Attempt, queries: tuple[str, ...], target: str) -> Translated:
        request = translation_request(attempt.record.spec, queries, target)
        deadline = min(attempt.deadline, time.monotonic() + TRANSLATION_S)
        cancel = Cancellation()
        attempt.held.on_stop(cancel.cancel)
        try:
            answer = models.for_step(PLAN).complete(request, deadline=deadline, cancel=cancel)
        except ModelError as error:
            # The plan goes on with the queries it has; where they find nothing, its reason tells of this.
            log.warning("queries_not_translated", job=str(attempt.ref), kind=error.kind)
            return Translated(usage=error.usage or Usage(), problem=f"{error.kind}: {error.message}")
        finally:
            attempt.held.on_stop(None)
        return Translated(read_translation(answer.text, limit=len(queries)), answer.usage)

    return translate
