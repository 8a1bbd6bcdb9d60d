"""Whoever looks after the jobs may die as well: the sweep's holder, the archiver, the producer, the way in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest
from celery import Celery

from orchestrator.broker import queue_for
from orchestrator.contracts.events import JobEnd, StepEnd
from orchestrator.store import JobRef, history
from orchestrator.store.archive import archive_in
from orchestrator.store.ledger import Ledger
from tests.faults import producer
from tests.faults.cases import Patient
from tests.faults.fleet import Fleet
from tests.faults.worker import LEDGER, SUBMIT, arm, fallen, passed
from tests.forked import forking
from tests.integration.conftest import question
from tests.nodes import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def start(fleet: Fleet, count: int, *arguments: str, **env: str) -> None:
    for _ in range(count):
        fleet.start(*arguments, **env)
    for one in fleet.workers:
        one.ready()


def one_end(fleet: Fleet, ref: JobRef, status: str = "complete") -> None:
    """The job ended once, and no step ended twice."""
    assert fleet.client.wait(ref).status == status
    events = history(fleet.client.redis, ref)
    assert sum(isinstance(event, JobEnd) for event in events) == 1
    ends = Counter(event.step for event in events if isinstance(event, StepEnd))
    assert set(ends.values()) == {1}


def fell(fleet: Fleet, job: str) -> None:
    wait_for("a process to fall", lambda: fallen(fleet.client.redis, job))


def sweep(point: str, fleet: Fleet, _: Patient) -> None:
    """A worker takes a message with it into its grave, and so does the one that finds it missing."""
    start(fleet, 3)
    spec = question(mode="parallel")
    arm(fleet.client.redis, spec.task_id, "thesis", "popped")
    if point != "locked":
        arm(fleet.client.redis, spec.task_id, "thesis", point)
    ref = fleet.client.submit(spec).ref
    fell(fleet, spec.task_id)
    if point == "locked":
        arm(fleet.client.redis, LEDGER, "sweep", point)
    one_end(fleet, ref)
    assert sum(one.alive for one in fleet.workers) == 1


def overdue(point: str, fleet: Fleet, _: Patient) -> None:
    """Nobody works for the personas; whoever ends the job at its deadline dies at it."""
    start(fleet, 2, "--queues", "plan")
    spec = question(mode="parallel", deadline_s=5.0)  # it has to be planned by then, on a busy machine too
    arm(fleet.client.redis, spec.task_id, "synthesis", point)
    ref = fleet.client.submit(spec).ref
    fell(fleet, spec.task_id)
    one_end(fleet, ref, "failed")


def archiver(point: str, fleet: Fleet, _: Patient) -> None:
    """Each event is kept once, whether its batch was cut off or its cursor was never read again."""
    start(fleet, 2)
    arm(fleet.client.redis, LEDGER, "archive", point)
    ref = fleet.client.submit(question(mode="parallel")).ref
    fell(fleet, LEDGER)
    one_end(fleet, ref)
    archive = archive_in(fleet.settings.home)
    stream = [
        json.loads(raw)["event_id"] for _, raw in Ledger(fleet.client.redis).all() if ref.task_id in raw
    ]

    def kept() -> list[str]:
        return [event.event_id for event in archive.events(ref.task_id)]

    wait_for("the ledger to be kept", lambda: len(kept()) >= len(stream))
    assert kept() == stream
    archive.close()


def between_record_and_message(fleet: Fleet, _: Patient) -> None:
    """The producer is gone; the job is there, runs, and is found by whoever submits it again."""
    start(fleet, 1)
    spec = question(mode="parallel", idempotency_key="order 7")
    dying = forking().Process(target=producer.run, args=(fleet.url, fleet.settings.home, spec.to_wire()))
    dying.start()
    dying.join()
    ref = JobRef(spec.tenant, spec.task_id)
    one_end(fleet, ref)
    again = fleet.client.submit(spec.model_copy(update={"task_id": "another"}))
    assert (again.ref, again.created) == (ref, False)


def intake(point: str, fleet: Fleet, _: Patient) -> None:
    """A producer that knows only Celery hears of its job's end, wherever the worker died that took the job in."""
    start(fleet, 2, FAULTS_VISIBILITY_S="4")
    spec = question(mode="parallel")
    arm(fleet.client.redis, spec.task_id, SUBMIT, point)
    url = fleet.url.replace("unix://", "redis+socket://")
    shop = Celery("shop", broker=url, backend=url, set_as_current=False)
    told = json.loads(spec.model_dump_json())
    sent = shop.send_task("triptych.submit", [told], queue=queue_for("plan"), task_id=spec.task_id)
    fell(fleet, spec.task_id)
    assert sent.get(timeout=60) == {"task_id": spec.task_id, "status": "complete"}
    one_end(fleet, JobRef(spec.tenant, spec.task_id))
    shop.close()


def redelivery(fleet: Fleet, model: Patient) -> None:
    """A message that comes back while its step runs is dropped, and the step goes on."""
    start(fleet, 1, FAULTS_VISIBILITY_S="2")
    spec = question(mode="parallel")
    spec = spec.model_copy(update={"scope": f"case {spec.task_id}"})
    gate = model.hold(spec.task_id, "thesis")
    ref = fleet.client.submit(spec).ref

    def points() -> list[tuple[str, str]]:
        return [(step, point) for _, step, point in passed(fleet.client.redis, ref.task_id)]

    wait_for("the message to come back, and be dropped", lambda: ("thesis", "acked") in points())
    assert ("thesis", "stored") not in points()
    gate.open()
    one_end(fleet, ref)
    assert Counter(asked.form for asked in model.about(ref.task_id)) == Counter(
        ("thesis", "antithesis_standalone", "synthesis")
    )


SCENARIOS: dict[str, Callable[[Fleet, Patient], None]] = {
    **{f"the sweep's holder, {point}": partial(sweep, point) for point in ("locked", "resending", "resent")},
    **{f"who ends an overdue job, {point}": partial(overdue, point) for point in ("ending", "ended")},
    **{f"the archiver, {point}": partial(archiver, point) for point in ("inserted", "appended")},
    "the producer, between record and message": between_record_and_message,
    **{f"the way in, {point}": partial(intake, point) for point in ("received", "accepted", "acking")},
    "a message that comes back": redelivery,
}


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """The selected scenarios, side by side: each waits most of the time."""
    model = Patient()
    home = tmp_path_factory.mktemp("fleets")

    def play(name: str) -> None:
        folder = home / str(list(SCENARIOS).index(name))
        folder.mkdir()
        fleet = Fleet(folder, model.environment())
        try:
            SCENARIOS[name](fleet, model)
        finally:
            fleet.close()

    calls = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    with ThreadPoolExecutor(6) as pool:
        yield {call.params["name"]: pool.submit(play, call.params["name"]) for call in calls if call}
    model.close()


@pytest.mark.parametrize("name", SCENARIOS)
def test_who_dies_is_made_up_for(name: str, played: dict[str, Future[None]]) -> None:
    played[name].result()
