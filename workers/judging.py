"""``triptych.judge``: one question to an LLM judge, answered through the result backend. It is part of no job.

A worker never raises on a question: what went wrong is a ``Silence`` in the reply. Those who watch workers see neither
question nor answer, only that there was one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from celery import Celery, Task, states
from celery.exceptions import Reject
from pydantic import ValidationError

from orchestrator.broker.screening import JUDGE
from orchestrator.contracts import Usage
from orchestrator.contracts.judging import MAX_WITHIN_S, JudgeReply, JudgeRequest, Question, Silence
from orchestrator.errors import LeaseLost, ModelError, StoreUnavailable
from orchestrator.plaintext import one_line
from orchestrator.store import JobStore
from workers.display import HIDDEN, DisplayedRequest
from workers.llm.client import Model
from workers.llm.models import Models
from workers.patience import patiently
from workers.personas.judging import judge_request, read_opinion
from workers.telemetry import whereabouts

log = structlog.get_logger(__name__)


class QuestionRequest(DisplayedRequest):
    """A question on its way to the judge."""

    def displayed(self, headers: Mapping[str, Any], args: Sequence[Any]) -> tuple[str, str]:  # noqa: ARG002 - shows neither
        """A placeholder: the claim and its quotes are documents' text."""
        return HIDDEN, HIDDEN


class Judge:
    """Answers questions for one process. ``models`` is asked at run time."""

    def __init__(self, models: Callable[[], Models], *, max_output_tokens: int) -> None:
        self._models = models
        self._max_output_tokens = max_output_tokens

    def reply(self, question: Question, *, within_s: float) -> JudgeReply:
        """Ask the model, once. Raises ``LeaseLost`` where the worker is stopping, and nothing else."""
        model = self._models().for_judge()
        if model is None:
            why = "the worker has no model to judge with; set TRIPTYCH_MODEL or TRIPTYCH_MODEL_JUDGE there"
            return JudgeReply(opinion=Silence(why="no_model", detail=why))
        name = f"{model.provider.name}:{model.provider.model}"[:300]
        try:
            return self._asked(model, name, question, deadline=time.monotonic() + within_s)
        except LeaseLost:
            raise
        except ModelError as error:
            silence = Silence(why=error.kind, detail=one_line(error.message, 1_000))
            return JudgeReply(opinion=silence, model=name, usage=error.usage or Usage())
        except Exception as error:  # noqa: BLE001 - a defect costs one opinion, and not the asker's others
            # Its text may quote a document or a prompt, so the log says what and where, but not the text.
            log.error("judge_failed", error=type(error).__name__, at=whereabouts(error))  # noqa: TRY400 - see above
            detail = f"a defect of Triptych ({type(error).__name__}); the worker's log says where"
            return JudgeReply(opinion=Silence(why="internal", detail=detail), model=name)

    def _asked(self, model: Model, name: str, question: Question, *, deadline: float) -> JudgeReply:
        request = judge_request(question, max_output_tokens=self._max_output_tokens)
        answer = model.complete(request, deadline=deadline)
        opinion = read_opinion(answer.text, question, answer.finish_reason)
        return JudgeReply(opinion=opinion, model=name, usage=answer.usage)


def register(app: Celery, judge: Judge, store: Callable[[], JobStore]) -> None:
    """Give the application ``triptych.judge(request)``. ``store`` is asked at run time."""

    def run(task: Task[Any, Any], request: dict[str, Any]) -> str:
        try:
            # Through JSON: lists become tuples there, and nothing else is lenient.
            asked = JudgeRequest.from_wire(json.dumps(request))
        except ValidationError as error:
            field = ".".join(map(str, error.errors(include_url=False, include_input=False)[0]["loc"]))
            detail = (
                f"this worker cannot read the question ({one_line(field, 100)}); run one version everywhere"
            )
            reply = JudgeReply(opinion=Silence(why="unreadable", detail=detail))
        else:
            try:
                within_s = (asked.deadline_ms - patiently(store().now_ms)) / 1_000
                if within_s <= 0:
                    return "late"  # nobody waits for it any more
                reply = judge.reply(asked.question, within_s=min(within_s, MAX_WITHIN_S))
            except (LeaseLost, StoreUnavailable):
                raise Reject(requeue=True) from None  # another worker has the time that is left
        # By hand, and not as what the task returns: that Celery would log, and tell to whoever watches.
        app.backend.store_result(str(task.request.id), reply.model_dump(mode="json"), states.SUCCESS)
        opinion = reply.opinion
        return f"silent: {opinion.why}" if isinstance(opinion, Silence) else "answered"

    app.task(name=JUDGE, bind=True, shared=False, Request=QuestionRequest, ignore_result=True)(run)
