"""An upgrade to another protocol: two fleets side by side on one Redis, each with its own jobs and no other's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from orchestrator.broker import make_app
from orchestrator.broker.deadletters import DeadLetters
from orchestrator.client import Client
from orchestrator.contracts import PROTOCOL
from orchestrator.contracts.events import JobEnd, StepEnd
from orchestrator.doctor.about import ask_workers
from orchestrator.errors import RecordUnreadable
from orchestrator.recovery import Contact
from orchestrator.settings import Settings
from orchestrator.store import JobRef, history, keys
from tests.integration.conftest import StartWorker, Triptych, question
from tests.nodes import ROOT, wait_for
from tests.versions import NEWER_PROTOCOL, run_in
from workers.sweeping import Sweeper

pytestmark = pytest.mark.integration

SUBMIT = """
import sys
from orchestrator.client import Client
from orchestrator.contracts import TaskSpec
from orchestrator.settings import load_settings

with Client(load_settings()) as client:
    refs = [client.submit(TaskSpec.model_validate_json(spec)).ref for spec in sys.argv[2:]]
    if sys.argv[1] == "wait":
        print(*(client.wait(ref, within_s=60).status for ref in refs))
"""
"""A producer of either fleet: submits jobs, and prints their statuses."""

Produce = Callable[..., "tuple[list[JobRef], list[str]]"]


@pytest.fixture
def produce(settings: Settings) -> Produce:
    """Submit jobs with the packages of a tree; their addresses, and their statuses where they are waited for."""
    assert settings.redis_url is not None
    env = {**os.environ, "REDIS_URL": settings.redis_url.get_secret_value()}

    def run(
        tree: Path, count: int = 1, *, wait: bool = False, **fields: object
    ) -> tuple[list[JobRef], list[str]]:
        specs = [question(mode=("parallel", "sequential")[n % 2], **fields) for n in range(count)]
        bodies = [spec.model_dump_json(exclude={"v"}) for spec in specs]
        said = run_in(tree, SUBMIT, env, "wait" if wait else "go", *bodies)
        return [JobRef(spec.tenant, spec.task_id) for spec in specs], said.split()

    return run


def lost(client: redis.Redis) -> None:
    """Take every message out of every queue: what a kill at the wrong moment does."""
    for key in list(client.scan_iter("triptych.v*")):
        client.delete(key)


def test_each_fleet_finishes_its_own_jobs(
    start_worker: StartWorker, newer_major: Path, produce: Produce, client: redis.Redis, settings: Settings
) -> None:
    older, newer = start_worker(), start_worker(tree=newer_major)
    for tree, worker in ((ROOT, older), (newer_major, newer)):
        refs, statuses = produce(tree, 4, wait=True)
        assert statuses == ["complete"] * 4
        ran = {e.process_id for ref in refs for e in history(client, ref) if isinstance(e, StepEnd)}
        assert ran == {worker.pid}
    assert list(DeadLetters(client).all()) == []
    assert {w.protocol for w in ask_workers(make_app(settings)).workers} == {PROTOCOL, NEWER_PROTOCOL}


def test_an_older_worker_never_sees_a_newer_message(
    start_worker: StartWorker, newer_major: Path, produce: Produce, client: redis.Redis, producer: Client
) -> None:
    (theirs,), _ = produce(newer_major)
    waiting = [key for key in client.scan_iter("triptych.v*.plan*") if client.type(key) == "list"]
    assert len(waiting) == 1, "a queue's name carries the protocol"
    assert waiting[0].startswith(f"triptych.v{NEWER_PROTOCOL}.plan")
    worker = start_worker()
    ours = producer.submit(question()).ref
    assert producer.wait(ours, within_s=60).status == "complete"
    assert client.llen(waiting[0]) == 1, "it waits where it was"
    assert theirs.task_id not in worker.logs()
    with pytest.raises(RecordUnreadable, match="newer Triptych"):
        producer.result(theirs)


@pytest.mark.parametrize(
    "ours_first",
    [
        pytest.param(True, marks=pytest.mark.soak, id="the older sweeps"),
        pytest.param(False, id="the newer sweeps"),
    ],
)
def test_a_sweep_leaves_the_other_fleets_jobs_alone_and_does_not_keep_it_from_sweeping(
    start_worker: StartWorker, newer_major: Path, produce: Produce, client: redis.Redis, ours_first: bool
) -> None:
    present, absent = (ROOT, newer_major) if ours_first else (newer_major, ROOT)
    (others,), _ = produce(absent)
    (own,), _ = produce(present)
    lost(client)
    here = start_worker(tree=present)
    wait_for("its own lost job", lambda: client.hget(own.job, "state") == "ended", timeout_s=60)
    # A sweep that sent a message as lost as this one has left this one alone.
    assert client.hget(others.job, "sends:plan") == "1"
    assert client.hget(others.job, "state") == "open"
    assert others.task_id not in here.logs()

    if not ours_first:
        return
    # Both sweep now: neither takes the other's turn.
    start_worker(tree=absent)
    wait_for("the others' job", lambda: client.hget(others.job, "state") == "ended", timeout_s=60)
    assert json.loads(client.hget(others.job, "result") or "{}")["status"] == "complete"


def test_the_doctor_tells_of_the_fleet_beside_this_one_and_when_it_is_done(
    start_worker: StartWorker, newer_major: Path, produce: Produce, triptych: Triptych, producer: Client
) -> None:
    def said(tree: Path) -> dict[str, dict[str, str]]:
        return {f["check"]: f for f in json.loads(triptych("doctor", "--json", tree=tree).stdout)["findings"]}

    (theirs,), _ = produce(newer_major)
    start_worker()
    alone = said(ROOT)
    check = f"protocol {NEWER_PROTOCOL}"
    assert alone[check]["level"] == "error"
    assert alone[check]["what"] == "1 jobs open and no worker of that protocol"
    assert alone["load"]["what"].startswith("0 jobs open")

    worker = start_worker(tree=newer_major)
    wait_for("their job", lambda: producer.redis.hget(theirs.job, "state") == "ended")
    beside = said(ROOT)
    assert beside[check]["level"] == "warning"
    assert str(worker.pid) in beside[check]["what"]
    # Each counts its own workers alone on its queues.
    assert beside["queue plan"]["what"] == "1 of 1 workers take from it"
    # The newer version says that the older fleet may go.
    done = said(newer_major)[f"protocol {PROTOCOL}"]
    assert done["what"].startswith("0 jobs open, 1 workers")
    assert done["do"].startswith("stop these workers")


def test_jobs_that_no_worker_of_their_protocol_is_left_for_end_long_past_their_deadline(
    newer_major: Path,
    produce: Produce,
    client: redis.Redis,
    settings: Settings,
    producer: Client,
    monkeypatch,
) -> None:
    (theirs,), _ = produce(newer_major, deadline_s=0.001)
    monkeypatch.setattr("orchestrator.recovery.LEASE_MS", 0)  # no outage to wait out
    sweeper = Sweeper(store=producer.store, client=client, app=make_app(settings), contact=Contact())
    sweeper.turn()
    assert client.hget(theirs.job, "state") == "open", "a minute is its own workers'"

    monkeypatch.setattr("workers.sweeping.OTHERS_GRACE_MS", 0)
    client.delete(keys.SWEEP_LOCK)
    sweeper.turn()
    assert client.hget(theirs.job, "state") == "ended"
    assert client.zcard(keys.active(NEWER_PROTOCOL)) == 0
    (end,) = [event for event in history(client, theirs) if isinstance(event, JobEnd)]
    assert (end.status, end.reasons[0].detail) == (
        "failed",
        f"no worker of its protocol ({NEWER_PROTOCOL}) is left",
    )
