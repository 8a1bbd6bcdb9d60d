"""``triptych-client`` at work: in somebody else's application, with real jobs on a real worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from orchestrator.broker import queue_for
from orchestrator.client import Client
from tests.distributions import CLIENT, ROOT, Environment, build
from tests.integration.conftest import StartWorker, question
from tests.integration.producers.test_commands import programs
from tests.nodes import ProcessNode

pytestmark = pytest.mark.integration

SHOP = """
import asyncio
import json
import sys

import orchestrator
import workers.packing
import triptych
from triptych import AsyncClient, Client, Inputs, JobEnd, LiveText, Passage, StillRunning, TaskSpec

GOAL = "Did the event queue reduce the order delay?"
PASSAGES = [
    Passage(id="p1", source="pilot.md", text="The event queue reduced the order delay from 9 hours to 4 minutes."),
    Passage(id="p2", source="review.md", text="However, the event queue was tested with two of eleven shops only."),
]


def question(**fields):
    return TaskSpec(task_id=triptych.new_task_id(), goal=GOAL, inputs=Inputs(passages=PASSAGES), **fields)


def given_up(client):
    ref = client.submit(question()).ref
    try:
        client.wait(ref, within_s=0.1)
    except StillRunning:
        before = client.result(ref)
        return [before, client.cancel(ref, who="shop"), client.cancel(ref, who="shop"), client.result(ref).status]


def followed(client):
    ref = client.submit(question(mode="parallel")).ref
    heard = [event for _, event in client.stream(ref) if event is not None and not isinstance(event, LiveText)]
    waited, read = client.wait(ref), client.result(ref)
    return [isinstance(heard[-1], JobEnd), waited == read, read.status, read.mode, len(read.answer) > 20]


async def awaited():
    async def one(client):
        ref = (await client.submit(question())).ref
        heard = [event async for _, event in client.stream(ref)]
        waited = await client.wait(ref)
        return [isinstance(heard[-1], JobEnd), waited == await client.result(ref), waited.status]

    async with AsyncClient(triptych.load_settings()) as client:
        await client.check()
        ref = (await client.submit(question())).ref
        await client.cancel(ref, who="shop")
        return await asyncio.gather(*(one(client) for _ in range(3)))


if __name__ == "__main__":
    with Client(triptych.load_settings()) as client:
        found = given_up(client) if sys.argv[1] == "cancel" else [followed(client), asyncio.run(awaited())]
    print(json.dumps({"ours": [orchestrator.PLAN, workers.packing.STATIONS], "found": found}))
"""

TASKS = """
import os

import orchestrator
from celery import Celery
from triptych import Client, load_settings
from shop import question

app = Celery("shop", broker=os.environ["SHOP_REDIS"], backend=os.environ["SHOP_REDIS"])
client = Client(load_settings())
early = client.submit(question()).ref  # over connections that the pool's processes inherit


@app.task(bind=True)
def ask(self):
    ref = client.submit(question()).ref
    print(f"printed by a task: {orchestrator.PLAN}")
    return [self.request.delivery_info["routing_key"], client.wait(early).status, client.wait(ref).status]
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The client, what it requires, and nothing else of Triptych."""
    return Environment(tmp_path_factory.mktemp("env"), build(CLIENT, tmp_path_factory.mktemp("wheel")))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """An application's folder: its own ``orchestrator`` and ``workers`` come first on its path."""
    folder = tmp_path / "shop"
    (folder / "workers").mkdir(parents=True)
    (folder / "orchestrator.py").write_text("PLAN = 'ship on Friday'\n")
    (folder / "workers" / "__init__.py").touch()
    (folder / "workers" / "packing.py").write_text("STATIONS = 3\n")
    (folder / "shop.py").write_text(SHOP)
    (folder / "tasks.py").write_text(TASKS)
    return folder


def run(environment: Environment, shop: Path, part: str, redis_url: str) -> Any:
    printed = json.loads(environment.output("shop.py", part, cwd=shop, REDIS_URL=redis_url))
    assert printed["ours"] == ["ship on Friday", 3]
    return printed["found"]


def test_an_application_with_names_like_ours_submits_follows_waits_and_reads(
    environment: Environment, shop: Path, redis_url: str, start_worker: StartWorker
) -> None:
    start_worker()
    blocking, awaited = run(environment, shop, "run", redis_url)
    assert blocking == [True, True, "complete", "parallel", True]
    assert awaited == [[True, True, "complete"]] * 3


def test_it_gives_up_waiting_and_cancels(
    environment: Environment, shop: Path, redis_url: str, producer: Client
) -> None:
    """No worker is there, so the job cannot have ended by itself."""
    assert run(environment, shop, "cancel", redis_url) == [None, True, False, "failed"]


def test_what_it_sends_is_what_the_repositorys_own_client_sends(
    environment: Environment, shop: Path, redis_url: str, client: redis.Redis, producer: Client
) -> None:
    producer.submit(question())
    run(environment, shop, "cancel", redis_url)
    queue = f"{queue_for('plan')}:9"
    ours, theirs = (json.loads(raw) for raw in client.lrange(queue, 0, -1)[::-1])
    assert shape(theirs) == shape(ours)


def shape(message: Any) -> Any:
    """A message's fields and their types."""
    if isinstance(message, dict):
        return {key: shape(value) for key, value in message.items()}
    return type(message).__name__


def test_a_task_of_the_applications_own_celery_worker_asks_and_waits(
    environment: Environment, shop: Path, redis_url: str, start_worker: StartWorker, tmp_path: Path
) -> None:
    """Celery's defaults, a pool that forks after the client was made, and a database of its own."""
    url = f"redis+socket://{redis_url.removeprefix('unix://')}?virtual_host=1"
    celery = [str(environment.python), "-m", "celery", "--workdir", str(shop), "-A", "tasks"]
    env = {"REDIS_URL": redis_url, "SHOP_REDIS": url, "PYTHONSAFEPATH": "1"}
    command = [*celery, "worker", "-c", "1", "-l", "INFO"]
    node = ProcessNode("shop", command, folder=tmp_path, env=env, ready=" ready.")
    try:
        start_worker()
        node.ready()
        with Celery("asker", broker=url, backend=url, set_as_current=False) as asker:
            answer = asker.send_task("tasks.ask").get(timeout=60)
    finally:
        node.teardown()
    assert answer == ["celery", "complete", "complete"]
    assert "printed by a task: ship on Friday" in node.logs()


def test_the_programs_of_the_page_run_with_the_client_alone(
    environment: Environment, start_worker: StartWorker, redis_url: str, home: Path
) -> None:
    start_worker()
    client, awaited = (
        environment.output("-c", programs()[name], REDIS_URL=redis_url) for name in ("client", "async")
    )
    assert client.startswith("complete ")
    assert awaited.split() == ["complete"] * 3


BOTH = """
import sys

import orchestrator.client
import triptych
from orchestrator.contracts import TaskSpec
from orchestrator.settings import load_settings

ours = TaskSpec.from_wire(sys.argv[1])
theirs = triptych.TaskSpec.from_wire(sys.argv[1]).model_copy(update={"task_id": "theirs"})
with orchestrator.client.Client(load_settings()) as one, triptych.Client(triptych.load_settings()) as other:
    first, second = one.submit(ours).ref, other.submit(theirs).ref
    print(one.wait(first).status, other.wait(second).status)
    print(*(one.result(ref).answer == other.result(ref).answer for ref in (first, second)))
"""


def test_in_one_process_with_triptych_itself_each_does_its_own_work(
    environment: Environment, tmp_path: Path, redis_url: str, start_worker: StartWorker
) -> None:
    both = Environment(tmp_path / "env", build(ROOT, tmp_path / "wheel"))
    both.install(environment.wheel)
    start_worker()
    said = both.output("-c", BOTH, question().to_wire(), REDIS_URL=redis_url)
    assert said.split() == ["complete", "complete", "True", "True"]
