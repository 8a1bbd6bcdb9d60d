"""What Flower and ``inspect`` are told of a message, whatever its sender wrote to be shown."""

from __future__ import annotations

from itertools import chain
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from celery import Celery
from pydantic import SecretStr

from orchestrator.broker import make_app
from orchestrator.broker.screening import JUDGE, SUBMIT
from orchestrator.canvas import GrowingChord, bare, job_canvas
from orchestrator.contracts import Mode
from orchestrator.routing.flow import persona_of
from orchestrator.settings import Settings
from orchestrator.store import JobRef
from workers import intake, judging, tasks
from workers.display import HIDDEN, DisplayedRequest

REF = JobRef("shop", "order-7")
SETTINGS = Settings(redis_url=SecretStr("redis://nowhere.invalid/0"))
SECRET = "Project Nightingale"
EVERYWHERE = {"argsrepr": SECRET, "kwargsrepr": SECRET, "shadow": SECRET}


@pytest.fixture(scope="module")
def app() -> Celery:
    made = make_app(SETTINGS)
    tasks.register(made, lambda: pytest.fail("nothing is run"))
    intake.register(made, SETTINGS, store=lambda: pytest.fail("nothing is run"))
    judge = judging.Judge(lambda: pytest.fail("nothing is run"), max_output_tokens=64)
    judging.register(made, judge, lambda: pytest.fail("nothing is run"))
    return made


def received(app: Celery, task: str, args: list[Any], **headers: Any) -> DisplayedRequest:
    """The request that a worker makes of a message."""
    body: Any = (args, {}, {})
    headers = {"id": "order-7", "task": task, **headers}
    message = SimpleNamespace(
        headers=headers, body=body, payload=body, properties={}, delivery_info={}, content_type="", content_encoding=""
    )  # fmt: skip
    made: Any = app.tasks[task].Request
    request: DisplayedRequest = made(
        message, app=app, task=app.tasks[task], headers=headers, body=body, decoded=True
    )
    assert request.args == args
    assert request.name == task
    return request


def steps_of(signature: Any) -> list[Any]:
    """Every message of a canvas."""
    if isinstance(signature, GrowingChord):
        return [signature._first, signature._body]
    if signature.task.startswith("triptych."):
        return [signature]
    if "header" in signature.kwargs:
        return [*signature.kwargs["header"], signature.kwargs["body"]]
    return list(signature.tasks)


@pytest.mark.parametrize("mode", get_args(Mode))
def test_every_step_of_a_canvas_shows_job_mode_and_persona(app: Celery, mode: Mode) -> None:
    personas = {}
    for signature in chain.from_iterable(map(steps_of, job_canvas(app, REF, mode))):
        sent = {name: signature.options[name] for name in ("argsrepr", "kwargsrepr")}
        request = received(app, signature.task, list(signature.args), **sent)
        shown = {
            "mode": mode, "persona": persona_of(request.name.split(".")[1]), "job": "shop/order-7"
        }  # fmt: skip
        assert request.kwargsrepr == repr(shown)
        assert request.argsrepr == "('shop', 'order-7')"
        personas[request.name] = shown["persona"]
    alone = mode == "single"
    assert set(personas.values()) == ({"synthesis"} if alone else {"thesis", "antithesis", "synthesis"})


def test_a_plan_has_no_persona_and_the_mode_that_was_asked_for(app: Celery) -> None:
    signature = bare(app, REF, "plan", "auto")
    request = received(app, "triptych.plan", ["shop", "order-7"], kwargsrepr=signature.options["kwargsrepr"])
    assert request.kwargsrepr == "{'mode': 'auto', 'job': 'shop/order-7'}"


@pytest.mark.parametrize(
    "sent", [{}, EVERYWHERE, {"kwargsrepr": f"{{'mode': '{SECRET}'}}"}, {"argsrepr": None}]
)
def test_what_a_steps_sender_wrote_is_not_shown(app: Celery, sent: dict[str, Any]) -> None:
    request = received(app, "triptych.thesis", ["shop", "order-7"], **sent)
    assert request.kwargsrepr == "{'persona': 'thesis', 'job': 'shop/order-7'}"
    assert request.argsrepr == "('shop', 'order-7')"
    assert SECRET not in f"{request.info()} {request!r} {request.request_dict} {request.humaninfo()}"


def test_of_a_submitted_job_the_labels_are_shown(app: Celery) -> None:
    spec = {"goal": SECRET, "tenant": "shop", "mode": "parallel"}
    request = received(app, SUBMIT, [spec], **EVERYWHERE)
    assert request.argsrepr == HIDDEN
    assert request.kwargsrepr == "{'mode': 'parallel', 'job': 'shop/order-7'}"
    for shown in (request.info(), request.info(safe=True), repr(request), request.humaninfo()):
        assert SECRET not in str(shown)


@pytest.mark.parametrize(
    "args",
    [
        [],
        [SECRET],
        [{"task_id": SECRET}],
        [{"tenant": SECRET}],
        [{"mode": SECRET}],
        [{"mode": {SECRET: 1}}],
        [[SECRET]],
    ],
)
def test_of_a_bad_submission_nothing_is_shown(app: Celery, args: list[Any]) -> None:
    request = received(app, SUBMIT, args, **EVERYWHERE)
    assert (request.argsrepr, request.kwargsrepr) == (HIDDEN, HIDDEN)
    assert SECRET not in f"{request.info()} {request!r}"


@pytest.mark.parametrize("args", [[{"question": {"kind": "support", "claim": SECRET}}], [SECRET], []])
def test_of_a_question_to_the_judge_nothing_is_shown(app: Celery, args: list[Any]) -> None:
    request = received(app, JUDGE, args, **EVERYWHERE)
    assert (request.argsrepr, request.kwargsrepr) == (HIDDEN, HIDDEN)
    assert SECRET not in f"{request.info()} {request!r} {request.humaninfo()}"
