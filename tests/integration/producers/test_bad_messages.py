"""What others put into our queues: kept with the reason, and the worker lives."""

from __future__ import annotations

import base64
import copy
import json
import uuid
from typing import Any, cast, get_args

import pytest
import redis

from orchestrator.broker import deadletters, make_app, queue_for
from orchestrator.broker.deadletters import DEAD, DeadLetters
from orchestrator.broker.screening import (
    MAX_JUDGE_BYTES,
    MAX_STEP_BYTES,
    MAX_SUBMIT_BYTES,
    Defect,
    Screened,
    screen,
)
from orchestrator.client import Client
from orchestrator.contracts import Mode
from orchestrator.errors import InvalidInput
from orchestrator.settings import Settings
from orchestrator.store.keys import queue_lists
from tests.integration.conftest import StartWorker, question
from tests.nodes import wait_for

pytestmark = pytest.mark.integration

QUEUE = queue_for("plan")


def message(
    task: str = "triptych.plan", args: object = ("default", "job1"), **headers: Any
) -> dict[str, Any]:
    """A message as Celery writes it."""
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    task_id = uuid.uuid4().hex
    return {
        "body": encoded([args, {}, embed]),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": task,
            "id": task_id,
            "retries": 0,
            "timelimit": [None, None],
            **headers,
        },
        "properties": {
            "correlation_id": task_id,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": uuid.uuid4().hex,
        },
    }


def encoded(body: object) -> str:
    return base64.b64encode(body if isinstance(body, bytes) else json.dumps(body).encode()).decode()


def changed(**parts: Any) -> bytes:
    """A message with parts of its envelope replaced (``None`` leaves one out)."""
    whole = {**message(), **parts}
    return json.dumps({k: v for k, v in whole.items() if v is not None}).encode()


def without(*path: str) -> bytes:
    whole = copy.deepcopy(message())
    inner = whole
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return json.dumps(whole).encode()


def raw(*args: Any, **headers: Any) -> bytes:
    return json.dumps(message(*args, **headers)).encode()


def following(task: str = "triptych.thesis", args: object = ("default", "job1"), **options: Any) -> object:
    """What Celery is to send when a step has ended."""
    told = {"task_id": "default.job1.thesis", "queue": queue_for("thesis"), **options}
    return {
        "task": task,
        "args": args,
        "kwargs": {},
        "options": told,
        "subtask_type": None,
        "immutable": True,
    }


def followed(task: str = "triptych.plan", args: object = ("default", "job1"), **embed: Any) -> bytes:
    return json.dumps({**message(task), "body": encoded([args, {}, embed])}).encode()


BAD = {
    "not_utf8": (b"\xff\xfe{}", "not_utf8"),
    "not_utf8_inside": (raw().replace(b"job", b"\xc3\x28") + b"\xff", "not_utf8"),
    "not_json": (b"hello", "not_json"),
    "half_json": (raw()[:-20], "not_json"),
    "empty": (b"", "not_json"),
    "deep": (b"[" * 100_000, "not_json"),
    "kombus_types": (b'{"__type__": "datetime", "__value__": "never"}', "not_json"),
    "kombus_types_in_the_body": (
        changed(body=encoded([[{"__type__": "uuid", "__value__": 7}], {}, {}])),
        "not_json",
    ),
    "number": (b"42", "wrong_schema"),
    "null": (b"null", "wrong_schema"),
    "list": (b"[]", "wrong_schema"),
    "no_properties": (without("properties"), "wrong_schema"),
    "no_delivery_tag": (without("properties", "delivery_tag"), "wrong_schema"),
    "no_delivery_info": (without("properties", "delivery_info"), "wrong_schema"),
    "no_headers": (without("headers"), "wrong_schema"),
    "no_id": (without("headers", "id"), "wrong_schema"),
    "no_body": (without("body"), "wrong_schema"),
    "task_is_an_object": (raw({"a": 1}), "wrong_schema"),
    "body_no_base64": (changed(body="%%%"), "wrong_schema"),
    "body_no_utf8": (changed(body=encoded(b"\xff")), "wrong_schema"),
    "body_no_json": (changed(body=encoded(b"{")), "not_json"),
    "body_a_number": (changed(body=encoded(7)), "wrong_schema"),
    "embed_a_word": (changed(body=encoded([["default", "x"], {}, "x"])), "wrong_schema"),
    "pickle": (changed(**{"content-type": "application/x-python-serialize"}), "wrong_schema"),
    "odd_encoding": (changed(**{"content-encoding": "rot13"}), "wrong_schema"),
    "compressed": (raw(compression="application/x-gzip"), "wrong_schema"),
    "timelimit": (raw(timelimit="soon"), "wrong_schema"),
    "eta": (raw(eta="tomorrow"), "refused"),
    "no_args": (raw(args=()), "wrong_arguments"),
    "three_words": (raw(args=("default", "x", "y")), "wrong_arguments"),
    "odd_tenant": (raw(args=("../x", "y")), "wrong_arguments"),
    "number_as_id": (raw(args=("default", 5)), "wrong_arguments"),
    "kwargs": (changed(body=encoded([["default", "x"], {"a": 1}, {}])), "wrong_arguments"),
    "callback": (followed(callbacks=[following()]), "wrong_canvas"),
    "errback": (followed(errbacks=[following()]), "wrong_canvas"),
    "follows_another_job": (followed(chain=[following(args=("default", "job2"))]), "wrong_canvas"),
    "follows_another_tenant": (followed(chord=following(args=("rich", "job1"))), "wrong_canvas"),
    "follows_with_a_payload": (followed(chord=following(args=("default", "job1", 1, {}))), "wrong_canvas"),
    "follows_a_foreign_task": (followed(chain=[following("shop.orders.ship")]), "wrong_canvas"),
    "follows_a_submit": (followed(chain=[following("triptych.submit")]), "wrong_canvas"),
    "follows_elsewhere": (followed(chain=[following(queue="shop")]), "wrong_canvas"),
    "follows_by_another_exchange": (followed(chain=[following(exchange="shop")]), "wrong_canvas"),
    "follows_with_a_link": (followed(chain=[following(link=[following()])]), "wrong_canvas"),
    "follows_too_much": (followed(chain=[following()] * 9), "wrong_canvas"),
    "submit_with_an_errback": (followed("triptych.submit", ({},), errbacks=[following()]), "wrong_canvas"),
    "submit_with_a_hidden_errback": (
        followed("triptych.submit", ({},), chord=following(link_error=[following("shop.orders.ship")])),
        "wrong_canvas",
    ),
    "unknown_task": (raw("triptych.dance"), "unknown_task"),
    "somebody_elses_task": (raw("shop.orders.ship"), "unknown_task"),
    "large_step": (raw("triptych.plan", ("default", "x" * MAX_STEP_BYTES)), "too_large"),
    "large": (b"[" + b" " * MAX_SUBMIT_BYTES + b"]", "too_large"),
}  # fmt: skip

LATER = {"refused", "unknown_task"}
"""What Celery finds out, not the screening."""


def test_a_good_message_passes() -> None:
    assert isinstance(screen(raw(), QUEUE), Screened)
    assert isinstance(screen(raw("triptych.rebuttal", ("default", "x", 2)), QUEUE), Screened)
    assert isinstance(screen(followed(chain=[following()], chord=following()), QUEUE), Screened)
    assert isinstance(screen(raw("triptych.submit", ({"goal": "x" * MAX_STEP_BYTES},)), QUEUE), Screened)


def test_what_celery_writes_passes(producer: Client, settings: Settings, client: redis.Redis) -> None:
    """Every kind of message that Triptych sends, as the installed Celery builds it."""
    from orchestrator.canvas import bare, job_canvas, send

    app = make_app(settings)
    ref = producer.submit(question()).ref
    for mode in get_args(Mode):
        send(job_canvas(app, ref, mode))
    send([bare(app, ref, "rebuttal:3", "pipelined")])
    binary = redis.Redis.from_url(settings.redis_url.get_secret_value())  # type: ignore[union-attr]  # redis-py's unions; the fixture sets it
    found = [
        item
        for name in ("plan", "thesis", "antithesis", "synthesis")
        for key in queue_lists(queue_for(name))
        for item in cast("list[bytes]", binary.lrange(key, 0, -1))
    ]
    assert len(found) == 8
    assert all(isinstance(screen(item, QUEUE), Screened) for item in found)


@pytest.mark.parametrize("name", [n for n, (_, code) in BAD.items() if code not in LATER])
def test_a_bad_message_is_told_apart(name: str) -> None:
    payload, code = BAD[name]
    defect = screen(payload, QUEUE)
    assert isinstance(defect, Defect)
    assert defect.code == code
    assert 0 < len(defect.reason) <= 500


@pytest.mark.parametrize("name", [name for name in queue_lists(QUEUE) if name != QUEUE])
def test_submit_is_taken_from_one_list_alone(name: str) -> None:
    """Who may send bare steps need not be one who may submit for any tenant."""
    payload = raw("triptych.submit", ({"goal": "why?"},))
    assert isinstance(screen(payload, QUEUE), Screened)
    defect = screen(payload, name)
    assert isinstance(defect, Defect)
    assert defect.code == "wrong_queue"


JUDGED = {"id": f"judge.acme.{'0' * 32}"}
QUESTION = {"question": {}, "deadline_ms": 1}
BAD_QUESTIONS = {
    "a_step": (raw("triptych.thesis"), "wrong_queue"),
    "a_submit": (raw("triptych.submit", ({},)), "wrong_queue"),
    "somebody_elses_task": (raw("shop.orders.ship"), "wrong_queue"),
    "an_id_of_another_task": (raw("triptych.judge", (QUESTION,)), "wrong_arguments"),
    "ids": (raw("triptych.judge", ("default", "x"), **JUDGED), "wrong_arguments"),
    "two_questions": (raw("triptych.judge", (QUESTION, QUESTION), **JUDGED), "wrong_arguments"),
    "kwargs": (
        json.dumps({**message("triptych.judge", **JUDGED), "body": encoded([[QUESTION], {"a": 1}, {}])}).encode(),
        "wrong_arguments",
    ),
    "something_follows": (
        json.dumps(
            {**message("triptych.judge", **JUDGED), "body": encoded([[QUESTION], {}, {"chain": [following()]}])}
        ).encode(),
        "wrong_canvas",
    ),
    "large": (raw("triptych.judge", ({"x": "x" * MAX_JUDGE_BYTES},), **JUDGED), "too_large"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_QUESTIONS)
def test_a_bad_question_to_the_judge_is_told_apart(name: str) -> None:
    payload, code = BAD_QUESTIONS[name]
    defect = screen(payload, f"{queue_for('judge')}:9")
    assert isinstance(defect, Defect)
    assert defect.code == code


def test_a_question_is_taken_from_its_own_queue_alone() -> None:
    payload = raw("triptych.judge", (QUESTION,), **JUDGED)
    assert all(isinstance(screen(payload, name), Screened) for name in queue_lists(queue_for("judge")))
    defects = [screen(payload, name) for step in ("plan", "thesis") for name in queue_lists(queue_for(step))]
    assert {isinstance(defect, Defect) and defect.code for defect in defects} == {"wrong_queue"}
    follows = screen(followed(chain=[following("triptych.judge")]), QUEUE)
    assert isinstance(follows, Defect)
    assert follows.code == "wrong_canvas"


def test_a_worker_outlives_every_bad_message_and_goes_on(
    start_worker: StartWorker, producer: Client, client: redis.Redis
) -> None:
    worker = start_worker()
    pid = worker.pid
    letters = DeadLetters(client)
    for payload, _ in BAD.values():
        client.lpush(QUEUE, payload)
    wait_for("all to be dead letters", lambda: len(list(letters.all())) == len(BAD))
    assert producer.wait(producer.submit(question()).ref).status == "complete"
    found = list(letters.all())[::-1]
    assert sorted(letter.code for letter in found) == sorted(code for _, code in BAD.values())
    assert {letter.queue for letter in found} == {QUEUE}
    for letter in found:
        if letter.code not in LATER and letter.whole:
            assert letter.content() in [payload for payload, _ in BAD.values()]
    assert (worker.status, worker.pid) == ("running", pid)
    assert "Traceback" not in worker.logs()
    wait_for("the last acknowledgement", lambda: client.hlen("unacked") == 0)
    assert client.llen(QUEUE) == 0


def test_a_worker_outlives_what_is_broadcast(
    start_worker: StartWorker, producer: Client, client: redis.Redis
) -> None:
    worker = start_worker()
    broadcasts = "/0.celery.pidbox"
    broken = json.dumps({**message(), "body": "abc"})  # base64 of no length
    wait_for("the worker to listen", lambda: client.publish(broadcasts, "5") == 1)
    for payload in ("[]", "{}", '{"properties": {}}', broken, "no json"):
        assert client.publish(broadcasts, payload) == 1
    assert producer.wait(producer.submit(question()).ref).status == "complete"
    assert worker.status == "running"
    # kombu itself drops what is no JSON.
    wait_for("all to be dropped", lambda: worker.logs().count("dropped a broadcast") == 5)


def test_the_list_is_bounded_and_forgets(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadletters, "MAX_LETTERS", 3)
    for number in range(5):
        deadletters.bury(client, QUEUE, b"%d" % number, Defect("not_json", "a test"))
    assert [letter.content() for letter in DeadLetters(client).all()] == [b"4", b"3", b"2"]
    assert 0 < client.ttl(DEAD) <= deadletters.TTL_S


def test_a_letter_goes_back_to_its_queue_once(client: redis.Redis) -> None:
    letters = DeadLetters(client)
    deadletters.bury(client, QUEUE, raw(), Defect("unknown_task", "a test", "triptych.plan"))
    (letter,) = letters.all()
    letters.replay(letter.id)
    assert client.lrange(QUEUE, 0, -1) == [letter.content().decode()]
    assert list(letters.all()) == []
    with pytest.raises(InvalidInput, match="no dead letter"):
        letters.replay(letter.id)


def test_a_letter_that_was_cut_is_not_sent_again(client: redis.Redis) -> None:
    letters = DeadLetters(client)
    deadletters.bury(client, QUEUE, b"x" * (deadletters.KEPT_BYTES + 1), Defect("too_large", "a test"))
    (letter,) = letters.all()
    assert len(letter.content()) == deadletters.KEPT_BYTES
    with pytest.raises(InvalidInput, match="beginning"):
        letters.replay(letter.id)
    assert [left.id for left in letters.all()] == [letter.id]


def test_letters_are_dropped_one_or_all(client: redis.Redis) -> None:
    letters = DeadLetters(client)
    for _ in range(3):
        deadletters.bury(client, QUEUE, b"x", Defect("not_json", "a test"))
    letters.drop(next(letters.all()).id)
    assert len(list(letters.all())) == 2
    assert letters.drop_all() == 2
    assert letters.drop_all() == 0


def test_an_entry_that_is_no_letter_can_be_seen_and_dropped(client: redis.Redis) -> None:
    letters = DeadLetters(client)
    client.xadd(DEAD, {"d": "garbage"})
    (letter,) = letters.all()
    assert letter.code == "unreadable"
    with pytest.raises(InvalidInput):
        letters.replay(letter.id)
    letters.drop(letter.id)
    assert list(letters.all()) == []
