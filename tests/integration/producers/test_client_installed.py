"""``triptych-client`` as pip installs it: alone, in somebody else's program, and beside Triptych itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import triptych
from tests.distributions import CLIENT, ROOT, Environment, build, sources, top_level

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(CLIENT, tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    return Environment(tmp_path_factory.mktemp("env"), wheel)


LOADED = """
import json, sys
before = set(sys.modules)
import triptych
from triptych import *
import triptych._orchestrator.conclusion  # what cancelling loads
print(json.dumps([sorted(set(sys.modules) - before), sorted(triptych.__all__)]))
"""


def test_alone_it_has_all_that_it_needs_and_loads_little(environment, wheel):
    assert "No broken requirements" in environment.pip("check")
    loaded, names = json.loads(environment.output("-c", LOADED))
    assert names == sorted(triptych.__all__)
    ours = {name for name in loaded if name.partition(".")[0] == "triptych"}
    assert ours == set(sources(wheel))  # nothing is shipped for nothing
    # Most of it is Celery's, redis-py's and pydantic's. A few more than at the last look are worth another: over thirty
    # are the gate's, which ends a job that is cancelled before any worker had it, and six hold the ledger's events.
    assert len(ours) <= 125
    assert len(loaded) <= 605


def test_the_names_that_triptych_itself_would_bring_are_free(environment):
    for name in ("orchestrator", "workers", "tests"):
        assert "ModuleNotFoundError" in environment.run("-c", f"import {name}").stderr


HOST = """
import logging, signal, sys
from celery import Celery, current_app
from kombu.transport import TRANSPORT_ALIASES

def state():
    loggers = {name: logging.getLogger(name) for name in ["", *logging.root.manager.loggerDict]}
    return (
        {name: (l.level, l.handlers, l.propagate, l.filters) for name, l in loggers.items() if "triptych" not in name},
        [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        {name: path for name, path in TRANSPORT_ALIASES.items() if "triptych" not in path},
        current_app._get_current_object(), sys.excepthook, sys.stdout, list(sys.path),
    )

app = Celery("host", broker="redis://127.0.0.1:1")
logging.getLogger("celery.redirected")
import celery.app.log, celery.canvas, celery.backends.redis, kombu.transport.redis, redis.asyncio, pydantic_settings
before = state()
from triptych import Client, StoreUnavailable, TaskSpec, load_settings
with Client(load_settings(redis_url="redis://127.0.0.1:1/0")) as client:
    client._app.connection_for_write().transport
    try:
        client.submit(TaskSpec(task_id="t", goal="Why?"))
    except StoreUnavailable:
        print("away")
after = state()
assert {**after[0], **before[0]} == after[0], "loggers"
assert before[1:] == after[1:], (before, after)
"""


def test_it_changes_nothing_of_its_hosts(environment):
    """Loggers, signals, kombu's transports, the current Celery application."""
    assert environment.output("-c", HOST) == "away\n"


TYPED = """
from triptych import AsyncClient, Client, Result, TaskSpec, load_settings, new_task_id

def ask(goal: str) -> str:
    with Client(load_settings()) as client:
        ref = client.submit(TaskSpec(task_id=new_task_id(), goal=goal)).ref
        for entry_id, event in client.stream(ref):
            reveal_type(entry_id)
        reveal_type(client.result(ref))
        return client.wait(ref)

async def ask_later(goal: str) -> Result:
    async with AsyncClient(load_settings()) as client:
        return await client.wait((await client.submit(TaskSpec(task_id=goal, goal=3))).ref)
"""


def test_a_type_checker_knows_its_types(environment, tmp_path):
    (tmp_path / "producer.py").write_text(TYPED)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(environment.python)]
    done = subprocess.run(
        [*mypy, "--cache-dir", str(tmp_path / "cache"), "producer.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert [line.split(": ", 2)[2] for line in done.stdout.splitlines()[:-1]] == [
        'Revealed type is "str"',
        'Revealed type is "triptych._orchestrator.contracts.result.Result | None"',
        'Incompatible return value type (got "Result", expected "str")  [return-value]',
        'Argument "goal" to "TaskSpec" has incompatible type "int"; expected "str"  [arg-type]',
    ]


BOTH = """
import orchestrator.broker, orchestrator.contracts, triptych
from kombu.transport import TRANSPORT_ALIASES
print(triptych.Client.__module__)
print(triptych.TaskSpec is orchestrator.contracts.TaskSpec)
print(*sorted(path for path in TRANSPORT_ALIASES.values() if path.endswith("broker.transport:Transport")))
"""
OURS, COPY = "orchestrator.broker.transport:Transport", "triptych._orchestrator.broker.transport:Transport"


def test_triptych_has_the_same_front_and_both_may_come_and_go(tmp_path, wheel, whole):
    assert top_level(whole) == {"orchestrator", "workers", "triptych.py", "*.dist-info"}
    both = Environment(tmp_path / "env", whole)
    said = both.output("-c", BOTH).splitlines()
    assert said == ["orchestrator.client.blocking", "True", OURS]
    both.install(wheel)
    said = both.output("-c", BOTH).splitlines()
    assert said == ["triptych._orchestrator.client.blocking", "False", f"{OURS} {COPY}"]
    assert "submit" in both.output("-c", "from orchestrator.cli.main import app; app(['--help'])")
    both.pip("uninstall", "-q", "-y", "triptych-client")
    assert both.output("-c", BOTH).splitlines() == ["orchestrator.client.blocking", "True", OURS]
    both.install(wheel)
    both.pip("uninstall", "-q", "-y", "triptych")
    assert both.output("-c", "import triptych; print(triptych.Client.__module__)") == (
        "triptych._orchestrator.client.blocking\n"
    )
