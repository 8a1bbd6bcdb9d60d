"""``triptych worker`` with one thing added: at a point that a test has armed, it sends itself a signal, once.

What happens between two points is the product's own code in a process of its own; the points are put around it from
outside. A test arms a point by a key in Redis, and reads there which process fell, and when.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import redis
from celery import concurrency
from celery.app.amqp import AMQP
from celery.worker.request import Request

from orchestrator import recovery
from orchestrator.broker import app as broker_app
from orchestrator.broker import backend as broker_backend
from orchestrator.broker import transport
from orchestrator.canvas import GrowingChord
from orchestrator.store import JobStore, connect
from orchestrator.store.archive import Archive, sqlite
from workers import __main__ as entry
from workers import progress
from workers import serve as _serve  # noqa: F401 - imported before the fork, so that a worker starts in no time
from workers.argument import Argument
from workers.llm import openai_compat as _openai_compat  # noqa: F401 - as above
from workers.llm.client import Model

Backend = broker_backend._Quiet
"""What the backends of all kinds of Redis have in common."""
SUBMIT = "submit"
"""Stands for the step where a job is on its way in; its id is the Celery task's."""
LEDGER = "ledger"
"""Stands for the job at the archiver's and the sweep's own points."""
WHOLE = 1_000
"""Added to a signal: it goes to the process that the one at the point was forked from."""


def arm(client: redis.Redis, job: str, step: str, point: str, number: int = signal.SIGKILL) -> None:
    """Have the first process that reaches this point send itself this signal."""
    client.set(f"fault:{job}:{step}:{point}", int(number))


class Fallen(NamedTuple):
    """Who fell, and when."""

    pid: int
    """The process that was at the point."""
    hit: int
    """The one that the signal went to: that one, or the one that it was forked from."""
    at_ms: int
    """Epoch ms by Redis TIME, just before the signal: the process may be there for a moment longer."""


def fallen(client: redis.Redis, job: str) -> Fallen | None:
    """The process that fell last in this job; ``None`` while none has."""
    found = client.get(f"fallen:{job}")
    return Fallen(*map(int, found.split())) if isinstance(found, str) else None


def passed(client: redis.Redis, job: str) -> list[tuple[int, str, str]]:
    """Every (process, step, point) that the job has passed, in order."""
    lines: Any = client.lrange(f"passed:{job}", 0, -1)
    return [(int(pid), step, point) for pid, step, point in (line.split() for line in lines)]


def run(arguments: list[str]) -> int:
    """Be a worker, in a process that was forked for it."""
    env = os.environ
    if visibility_s := env.get("FAULTS_VISIBILITY_S"):
        broker_app.VISIBILITY_S = int(visibility_s)
    if env.get("FAULTS_POOL") == "prefork":
        fork_a_pool()
    put_points(Points(connect(env["REDIS_URL"])))
    return entry.main(arguments)


def fork_a_pool() -> None:
    """Have Celery run the tasks in processes that it forks, and not on threads."""

    @around(concurrency, "get_implementation")
    def implementation(inner: Any, pool: str) -> Any:
        return inner("prefork" if pool == "threads" else pool)


class Points:
    """Called wherever a point is passed, on the thread that does the work."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def __call__(self, job: str, step: str, point: str) -> None:
        """Note it, and fall where a test has said so."""
        pipeline = self._client.pipeline()
        pipeline.rpush(f"passed:{job}", f"{os.getpid()} {step} {point}")
        pipeline.getdel(f"fault:{job}:{step}:{point}")
        pipeline.time()
        _, number, (seconds, micros) = pipeline.execute()
        if number:
            to_all, number = divmod(int(number), WHOLE)
            hit = os.getppid() if to_all else os.getpid()
            self._client.set(f"fallen:{job}", f"{os.getpid()} {hit} {seconds * 1_000 + micros // 1_000}")
            os.kill(hit, number)
            time.sleep(0.2)  # a stop may reach this thread a moment later than the others

    def message(self, message_id: str, point: str) -> None:
        """The same, for the job and step that a message's id names."""
        _, dot, rest = message_id.partition(".")
        job, _, step = rest.rpartition(".")
        self(job if dot else message_id, step if dot else SUBMIT, point)


def around(owner: object, name: str) -> Callable[[Callable[..., Any]], None]:
    """Put a function around another one, which it gets as its first argument."""
    inner = getattr(owner, name)

    def put(outer: Callable[..., Any]) -> None:
        @functools.wraps(inner)
        def both(*arguments: Any, **options: Any) -> Any:
            return outer(inner, *arguments, **options)

        setattr(owner, name, both)

    return put


def put_points(reached: Points) -> None:
    """Put them into this process."""
    _in_a_step(reached)
    _in_celery(reached)
    _in_upkeep(reached)


def _in_a_step(reached: Points) -> None:
    @around(JobStore, "accept")
    def accept(inner: Any, store: Any, spec: Any, **options: Any) -> Any:
        reached(spec.task_id, SUBMIT, "received")
        answer = inner(store, spec, **options)
        reached(spec.task_id, SUBMIT, "accepted")
        return answer

    @around(JobStore, "acquire")
    def acquire(inner: Any, store: Any, ref: Any, step: str, *arguments: Any, **options: Any) -> Any:
        reached(ref.task_id, step, "received")
        grant = inner(store, ref, step, *arguments, **options)
        if grant.status == "granted":
            reached(ref.task_id, step, "leased")
        return grant

    here = threading.local()  # a call is made on the thread of its step

    @around(Argument, "_run")
    def run(inner: Any, argument: Any, attempt: Any, *arguments: Any) -> Any:
        here.step = attempt.step
        return inner(argument, attempt, *arguments)

    @around(Model, "complete")
    def complete(inner: Any, model: Any, request: Any, *, on_text: Any = None, **options: Any) -> Any:
        begun = False
        step = here.step

        def hear(piece: str) -> None:
            nonlocal begun
            if not begun:
                begun = True
                reached(request.brief.task.task_id, step, "calling")
            on_text(piece)

        return inner(model, request, on_text=hear, **options)

    @around(JobStore, "write_output")
    def write_output(inner: Any, store: Any, lease: Any, *arguments: Any, **options: Any) -> Any:
        reached(lease.ref.task_id, lease.step, "worked")
        written = inner(store, lease, *arguments, **options)
        reached(lease.ref.task_id, lease.step, "stored")
        return written

    @around(JobStore, "finish")
    def finish(inner: Any, store: Any, ref: Any, *arguments: Any, final_step: str, **options: Any) -> Any:
        reached(ref.task_id, final_step, "ending")
        first = inner(store, ref, *arguments, final_step=final_step, **options)
        reached(ref.task_id, final_step, "ended")
        return first


def _in_celery(reached: Points) -> None:
    @around(transport, "screen")
    def screen(inner: Any, raw: bytes, *arguments: Any) -> Any:
        reached.message(json.loads(raw)["headers"]["id"], "popped")
        return inner(raw, *arguments)

    @around(progress, "send")
    def send(inner: Any, signatures: Any) -> None:
        reached.message(_first(signatures[0]), "sending")
        inner(signatures)
        reached.message(_first(signatures[0]), "sent")

    @around(progress.Progress, "_join")  # a part of a pipelined job
    def join(inner: Any, self: Any, ref: Any, step: str, *arguments: Any) -> None:
        reached(ref.task_id, step, "sending")
        inner(self, ref, step, *arguments)
        reached(ref.task_id, step, "sent")

    @around(AMQP, "_retry_publish")  # a chain's next step
    def publish(inner: Any, amqp: Any, call: Any, *arguments: Any, **options: Any) -> Any:
        reached.message(_first(call.__self__), "sending")
        result = inner(amqp, call, *arguments, **options)
        reached.message(_first(call.__self__), "sent")
        return result

    @around(Backend, "on_chord_part_return")
    def joins(inner: Any, backend: Any, request: Any, *arguments: Any, **options: Any) -> Any:
        if request.group:
            reached.message(request.id, "counting")
        return inner(backend, request, *arguments, **options)

    @around(Backend, "_send")  # a chord's callback
    def follow(inner: Any, backend: Any, callback: Any) -> None:
        reached.message(callback["options"]["task_id"], "sending")
        inner(backend, callback)
        reached.message(callback["options"]["task_id"], "sent")

    count = Backend.__dict__["_count"]

    def counted(backend: Any) -> Any:
        script = count.func(backend)

        def call(*, args: list[Any], **options: Any) -> Any:
            answer = script(args=args, **options)
            reached.message(args[0].rpartition(":")[0], "counted")
            return answer

        return call

    setattr(Backend, "_count", property(counted))  # noqa: B010 - mypy knows it as a cached property

    @around(Request, "acknowledge")
    def acknowledge(inner: Any, request: Any) -> None:
        reached.message(request.id, "acking")
        inner(request)
        reached.message(request.id, "acked")


def _in_upkeep(reached: Points) -> None:
    @around(recovery, "send")
    def send(inner: Any, signatures: Any) -> None:
        reached.message(_first(signatures[0]), "resending")
        inner(signatures)
        reached.message(_first(signatures[0]), "resent")

    @around(recovery.Sweep, "run")
    def sweep(inner: Any, sweep: Any) -> int:
        reached(LEDGER, "sweep", "locked")
        return int(inner(sweep))

    @around(sqlite._Cursor, "run_many")  # in the middle of a batch's transaction
    def insert(inner: Any, *arguments: Any) -> Any:
        new = inner(*arguments)
        reached(LEDGER, "archive", "inserted")
        return new

    @around(Archive, "append")
    def append(inner: Any, *arguments: Any, **options: Any) -> Any:
        done = inner(*arguments, **options)
        reached(LEDGER, "archive", "appended")
        return done


def _first(signature: Any) -> str:
    """The id of the first step that a signature sends: itself, or the first of a chain or of a chord's header."""
    if isinstance(signature, GrowingChord):
        return str(signature._first.id)
    inner = getattr(signature, "tasks", None)
    return _first(inner[0]) if inner else str(signature.id)
