"""The HTTP API on a real fleet: asking, following, reading, calling off, and who may."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
from itertools import product
from pathlib import Path

import pytest

from orchestrator.api.app import MAX_BODY_BYTES
from orchestrator.contracts import Result
from orchestrator.listing import under_way
from orchestrator.settings import Settings
from orchestrator.store import JobRef
from orchestrator.store.archive import archive_of
from tests.integration.api.conftest import KEYS, LOGIN, Caller, Served, address, serve_node, spec
from tests.integration.conftest import PASSAGES
from tests.integration.llm.wire import STREAM
from tests.model_server import through
from tests.nodes import wait_for

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def done(served: Served) -> str:
    """A job of acme's that has ended."""
    program = served.program("acme")
    job = program.submit()
    program.stream(f"/api/v1/jobs/{job}/events").until("job_end")
    return job


def held(served: Served) -> str:
    """A job of acme's whose thesis is being written, and will be for longer than these tests take."""
    served.model.script("thesis", lambda _: [STREAM, "hold"])
    job = served.program("acme").submit(deadline_s=600)
    ref = JobRef("acme", job)
    wait_for("the thesis", lambda: "thesis" in under_way(served.client.store.load(ref)))
    return job


def test_a_question_is_asked_followed_and_read(served: Served, done: str) -> None:
    program = served.program("acme")
    accepted = program.ask("POST", "/api/v1/jobs", spec())
    assert accepted.status == 202
    urls = accepted.json
    assert accepted.headers["location"] == urls["status_url"] == f"/api/v1/jobs/{urls['task_id']}"
    assert (urls["tenant"], urls["created"]) == ("acme", True)
    stream = program.stream(urls["events_url"])
    assert stream.response.getheader("Content-Type") == "text/event-stream; charset=utf-8"
    assert stream.response.getheader("X-Accel-Buffering") == "no"
    names = [name for _, name, _ in stream]  # it ends by itself
    assert names[0] == "job_submitted"
    assert names[-1] == "job_end"
    assert {"plan_ready", "thesis_start", "antithesis_end", "synthesis_end", "eval"} <= set(names)
    result = Result.from_wire(program.get(urls["result_url"]).body)
    assert (result.task_id, result.tenant, result.status) == (urls["task_id"], "acme", "complete")
    shown = program.get(urls["status_url"]).json
    assert (shown["status"], shown["ended"], shown["plan"]["mode"]) == ("complete", True, "sequential")
    assert shown["saved_ms"] == result.timings.sequential_ms - result.timings.total_ms
    assert [(step["step"], step["status"]) for step in shown["steps"]] == [
        (step, "ok") for step in ("plan", "thesis", "antithesis", "synthesis")
    ]
    assert {output["persona"] for output in shown["outputs"]} == {"thesis", "antithesis", "synthesis"}


def test_a_stream_goes_on_where_it_was_left_and_does_not_come_again_after_the_end(
    served: Served, done: str
) -> None:
    path, program = f"/api/v1/jobs/{done}/events", served.program("acme")
    told = [event for event in program.stream(path) if event[1] != "text"]
    ids = [entry_id for entry_id, _, _ in told]
    assert len(set(ids)) == len(ids)
    left = ids[3]
    for again in (program.stream(path, Last_Event_ID=left), program.stream(f"{path}?after={left}")):
        assert [event for event in again if event[1] != "text"] == told[4:]
    # The browser's own place is stronger than that of the address, which never changes.
    later = program.stream(f"{path}?after={ids[0]}", Last_Event_ID=left)
    assert next(entry_id for entry_id, event, _ in later if event != "text") == ids[4]
    for over in (program.get(path, Last_Event_ID=ids[-1]), program.get(f"{path}?after={ids[-1]}")):
        assert (over.status, over.body) == (204, b"")
    for nonsense in ("x", "9" * 20, f"0-{'9' * 20}"):
        assert program.get(path, Last_Event_ID=nonsense).status == 422


def test_a_key_reaches_its_own_tenants_jobs_alone(served: Served, done: str) -> None:
    other, path = served.program("beta"), f"/api/v1/jobs/{done}"
    paths = [
        path,
        *(f"{path}/{what}" for what in ("result", "events", "timeline.svg", "answer.html", "evidence.html")),
    ]
    for asked in paths:
        for tenant in ("", "?tenant=acme", "?tenant=beta"):
            assert other.get(f"{asked}{tenant}").status == 404, asked
    assert other.ask("POST", f"{path}/cancel").status == 404
    assert other.ask("POST", f"{path}/cancel?tenant=acme").status == 404
    assert done not in other.get("/api/v1/jobs").text
    assert other.get("/api/v1/jobs?tenant=acme").json == {"jobs": []}
    assert done in served.program("acme").get("/api/v1/jobs").text
    refused = other.ask("POST", "/api/v1/jobs", spec(tenant="acme"))
    assert (refused.status, refused.json["code"]) == (403, "forbidden")
    for asked in ("/api/v1/fleet", "/api/v1/fleet/events", "/api/v1/corpora", "/"):
        assert served.program("acme").get(asked).status == 403, asked
    # An operator sees every tenant's, by its name.
    assert [served.operator.get(f"{asked}?tenant=acme").status for asked in paths] == [200] * len(paths)
    assert served.operator.get(path).status == 404
    assert done in served.operator.get("/api/v1/jobs?limit=1000").text


def test_nobody_else_is_let_in_and_nothing_that_is_said_holds_a_secret(served: Served, done: str) -> None:
    wrong = Caller(served.url, {"Authorization": "Basic " + base64.b64encode(b"ops:guess").decode()})
    for caller in (served.nobody, wrong, Caller(served.url, {"Authorization": "Bearer guess-guess-guess"})):
        for path in (
            "/",
            "/api/v1/jobs",
            f"/api/v1/jobs/{done}",
            "/api/v1/openapi.json",
            "/static/x.js",
            "/nowhere",
        ):
            answer = caller.get(path)
            assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")
        assert caller.ask("POST", "/api/v1/jobs", spec()).status == 401
    for method, path in product(("GET", "HEAD"), ("/healthz", "/readyz")):
        assert served.nobody.ask(method, path).status == 200
    assert served.operator.get("/api/v1/jobs", Host="evil.example").status == 421
    assert served.operator.ask("POST", "/api/v1/jobs", spec(), Origin="https://evil.example").status == 403
    said = served.node.logs() + served.operator.get("/api/v1/fleet").text
    command_line = Path(f"/proc/{served.node.pid}/cmdline")
    said += command_line.read_text() if command_line.exists() else ""
    assert not [secret for secret in (LOGIN[1], *KEYS.values(), "guess") if secret in said]


def test_every_answer_tells_browsers_what_is_allowed(served: Served, done: str) -> None:
    for path in ("/api/v1/jobs", "/nowhere", "/healthz", f"/api/v1/jobs/{done}/evidence.html?tenant=acme"):
        headers = served.operator.get(path).headers
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy  # default-src decides
        assert policy.startswith(("default-src 'self'", "default-src 'none'"))
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_the_same_key_finds_the_same_job_and_another_body_does_not(served: Served) -> None:
    program = served.program("acme")
    first = program.ask("POST", "/api/v1/jobs", spec(), Idempotency_Key="order-7")
    again = program.ask("POST", "/api/v1/jobs", spec(idempotency_key="order-7"))
    assert (first.status, again.status) == (202, 200)
    assert again.json == {**first.json, "created": False}
    other = program.ask("POST", "/api/v1/jobs", spec(goal="Another?"), Idempotency_Key="order-7")
    assert (other.status, other.json["code"]) == (409, "idempotency_conflict")
    # A key is its tenant's own.
    beta = served.program("beta").ask("POST", "/api/v1/jobs", spec(), Idempotency_Key="order-7")
    assert beta.status == 202
    # To their end: what is scripted for the jobs of other tests must not meet these.
    program.stream(first.json["events_url"]).until("job_end")
    served.program("beta").stream(beta.json["events_url"]).until("job_end")
    two = program.ask("POST", "/api/v1/jobs", spec(idempotency_key="a"), Idempotency_Key="b")
    assert (two.status, two.json["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize(
    ("body", "headers", "status", "field"),
    [
        (spec(goal=" "), {}, 422, "goal"),
        (spec(mode="fast"), {}, 422, "mode"),
        (spec(colour="red"), {}, 422, "colour"),
        (
            spec(inputs={"passages": [{"id": "p 1", "source": "a", "text": "b"}]}),
            {},
            422,
            "inputs.passages[0].id",
        ),
        (spec(deadline_s=60, merge_after_s=59, mode="pipelined"), {}, 422, "merge_after_s"),
        (spec(v=9), {}, 422, None),
        ([], {}, 422, None),
        (b"{", {"Content_Type": "application/json"}, 422, None),
        (b"goal=x", {"Content_Type": "application/x-www-form-urlencoded"}, 415, None),
        (json.dumps(spec()).encode(), {"Content_Type": "text/json"}, 415, None),
        (
            json.dumps(spec(goal=" ")).encode(),
            {"Content_Type": "Application/Ours+JSON; charset=utf-8"},
            422,
            "goal",
        ),
        (b"[" * 100_000, {"Content_Type": "application/json"}, 400, None),
        (b'"' + b"x" * MAX_BODY_BYTES + b'"', {"Content_Type": "application/json"}, 413, None),
    ],
)
def test_what_cannot_be_a_job_is_told_its_field_and_is_none(
    served: Served, body, headers, status, field
) -> None:
    answer = served.program("acme").ask("POST", "/api/v1/jobs", body, **headers)
    assert (answer.status, answer.json["status"], answer.json.get("field")) == (status, status, field)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text


def test_what_wants_no_body_is_not_asked_for_json(served: Served) -> None:
    answer = served.operator.ask("POST", "/api/v1/jobs/j1/cancel?tenant=a%20b")
    assert (answer.status, answer.json["field"]) == (422, "tenant")


def test_what_can_be_read_can_be_looked_for_without_its_body(served: Served, done: str) -> None:
    job = f"/api/v1/jobs/{done}"
    whats = ("", "/result", "/answer.html", "/evidence.html", "/timeline.svg")
    paths = [
        "/",
        "/latency",
        f"/jobs/{done}",
        "/static/page.css",
        "/api/v1/openapi.json",
        *(job + what for what in whats),
    ]
    for path in (f"{path}?tenant=acme" for path in paths):
        looked, read = served.operator.ask("HEAD", path), served.operator.get(path)
        assert (looked.status, looked.body, looked.headers.keys()) == (200, b"", read.headers.keys()), path
        assert looked.headers["content-type"] == read.headers["content-type"]
        assert int(looked.headers["content-length"]) > 0
    assert [served.operator.ask("HEAD", path).status for path in ("/nowhere", f"{job}/cancel")] == [404, 405]
    stream = served.operator.ask("HEAD", f"{job}/events?tenant=acme")
    assert (stream.status, stream.headers["allow"]) == (405, "GET")


def test_without_scripts_a_page_says_what_to_do_instead(served: Served, done: str) -> None:
    said = {
        "/": "triptych submit",
        "/latency": "triptych report",
        f"/jobs/{done}?tenant=acme": "triptych watch",
    }
    for path, instead in said.items():
        (notice,) = re.findall("<noscript>(.*?)</noscript>", served.operator.get(path).text)
        assert instead in notice
        links = re.findall('href="(.*?)"', notice)
        assert {served.operator.get(link).status for link in links} == {200}, links


def test_a_body_without_a_length_is_bounded_too(served: Served) -> None:
    parts = iter([b'"', *[b"x" * 100_000] * (MAX_BODY_BYTES // 100_000 + 2)])
    answer = served.program("acme").ask("POST", "/api/v1/jobs", parts, Content_Type="application/json")
    assert answer.status == 413


def test_a_running_job_is_watched_and_called_off(served: Served) -> None:
    job, program = held(served), served.program("acme")
    path = f"/api/v1/jobs/{job}"
    pending = program.get(f"{path}/result")
    assert (pending.status, pending.headers["retry-after"], pending.json["status"]) == (202, "2", "running")
    shown = program.get(path).json
    assert (shown["status"], shown["ended"]) == ("running thesis", False)
    assert shown["steps"][-1]["ended_ms"] is None
    assert b"<svg" in program.get(f"{path}/timeline.svg").body
    unread = program.get(f"{path}/answer.html")
    assert (unread.status, unread.json["code"]) == (409, "still_running")
    stream = program.stream(f"{path}/events")
    stream.until("thesis_start")
    wait_for("the overview to show it", lambda: (job, "running thesis") in overview(served))
    assert program.ask("POST", f"{path}/cancel").json == {"cancelled": True}
    assert [name for _, name, _ in stream][-1] == "job_end"
    assert program.ask("POST", f"{path}/cancel").json == {"cancelled": False}
    assert program.get(f"{path}/result").json["reasons"][0]["code"] == "cancelled"
    wait_for("the overview to say so", lambda: (job, "failed") in overview(served))


def overview(served: Served) -> list[tuple[str, str]]:
    """The jobs that operators see, and how far they are; a second late."""
    lines = served.operator.get("/api/v1/fleet").json["jobs"]
    return [(line["task_id"], line["status"]) for line in lines]


def test_a_stream_of_live_text_shows_what_is_being_written(served: Served) -> None:
    program, thesis, antithesis = served.program("acme"), served.model.gate(), served.model.gate()
    served.model.script("thesis", through(thesis))
    served.model.script("antithesis", through(antithesis))
    stream = program.stream(f"/api/v1/jobs/{program.submit()}/events")
    stream.until("thesis_start")  # that somebody watches is known to every step that begins from now on
    thesis.open()
    entry_id, _, data = stream.until("text")
    assert (entry_id, set(json.loads(data))) == ("", {"step", "attempt", "text", "chars"})
    antithesis.open()
    stream.until("job_end")


def test_the_answer_as_html_and_what_it_rests_on_run_nothing(served: Served, done: str) -> None:
    program, path = served.program("acme"), f"/api/v1/jobs/{done}"
    answer = program.get(f"{path}/answer.html")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h2>" in answer.text
    for what in ("evidence.html", "timeline.svg"):
        page = program.get(f"{path}/{what}")
        assert page.status == 200
        assert "sandbox" in page.headers["content-security-policy"]
        assert "<script" not in page.text


def test_a_job_whose_record_has_expired_is_shown_from_the_ledger(served: Served) -> None:
    program = served.program("acme")
    job = program.submit()
    program.stream(f"/api/v1/jobs/{job}/events").until("job_end")
    ref = JobRef("acme", job)
    served.client.redis.delete(ref.job, ref.events, ref.passages)
    shown = program.get(f"/api/v1/jobs/{job}").json
    assert (shown["expired"], shown["ended"], shown["status"], shown["goal"]) == (
        True,
        True,
        "complete",
        None,
    )
    assert [step["step"] for step in shown["steps"]] == ["plan", "thesis", "antithesis", "synthesis"]
    assert b"<svg" in program.get(f"/api/v1/jobs/{job}/timeline.svg").body
    assert [program.get(f"/api/v1/jobs/{job}/{what}").status for what in ("result", "events")] == [404, 404]
    assert served.program("beta").get(f"/api/v1/jobs/{job}").status == 404


def test_the_fleet_is_shown_to_operators_and_moves(served: Served, done: str) -> None:
    fleet = served.operator.get("/api/v1/fleet").json
    assert {queue["name"] for queue in fleet["queues"]} >= {"plan", "thesis", "antithesis", "synthesis"}
    assert [worker["slots"] for worker in fleet["workers"]] == [20]
    assert fleet["admission"]["open"] is True
    assert done in [line["task_id"] for line in fleet["jobs"]]
    stream = served.operator.stream("/api/v1/fleet/events")
    stream.until("fleet")
    job = served.program("beta").submit()
    seen = next(event for event in stream if job in event[2])
    assert seen[1] == "fleet"
    stream.close()
    served.program("beta").stream(f"/api/v1/jobs/{job}/events").until("job_end")


def test_metrics_have_a_port_of_their_own_and_name_nobody(served: Served, done: str) -> None:
    before = Caller(served.metrics, {}).get("/metrics")
    assert before.status == 200
    stream = served.program("acme").stream(f"/api/v1/jobs/{held(served)}/events")
    during = Caller(served.metrics, {}).get("/metrics").text
    stream.close()
    assert (
        'triptych_api_requests_total{method="GET",route="/api/v1/jobs/{task_id}/events",status="200"}'
        in during
    )
    assert re.search(r"^triptych_api_streams_open [1-9]", during, re.MULTILINE)
    assert not [private for private in (done, "acme", LOGIN[1], *KEYS.values()) if private in during]
    asked = [
        caller.get("/metrics").status for caller in (served.nobody, served.program("acme"), served.operator)
    ]
    assert asked == [401, 403, 404]


def test_an_operators_user_on_redis_is_enough_for_all_of_this(served: Served, done: str) -> None:
    assert served.client.redis.acl_log() == []


def test_the_end_ends_open_streams_and_says_nothing_of_it(served: Served, tmp_path: Path) -> None:
    node = serve_node(
        "ending", tmp_path, {**os.environ, **served.environment}, "--no-login", "--url-prefix", "/ops/t"
    )
    try:
        node.ready()
        url = address(node)
        assert url.endswith("/ops/t/")
        caller = Caller(url, {})
        # Whether or not the proxy cuts the prefix off.
        assert [caller.get(f"{prefix}/api/v1/jobs").status for prefix in ("", "/ops/t", "/ops")] == [
            200,
            200,
            404,
        ]
        whole = caller.get("/ops/t?range=1h")  # as somebody types it
        assert (whole.status, whole.headers["location"]) == (307, "/ops/t/?range=1h")
        accepted = caller.ask("POST", "/ops/t/api/v1/jobs", spec())
        assert accepted.headers["location"].startswith("/ops/t/api/v1/jobs/")
        stream = caller.stream("/api/v1/fleet/events")
        stream.until("fleet")
        node.kill("SIGTERM")
        assert [event for event in stream if event[1] != "fleet"] == []  # and it ends
        assert node.wait(10) == 0
        assert "Traceback" not in node.logs()
    finally:
        node.teardown()


def test_with_no_redis_it_brings_a_fleet_along_and_documents_to_ask_about(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "pilot.md").write_text(PASSAGES[0].text)
    env = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    env |= {"REDIS_URL": "", "TRIPTYCH_HOME": str(tmp_path / "home")}
    node = serve_node("private", tmp_path, env, "--no-login", "--docs", str(documents))
    try:
        node.ready()
        caller = Caller(address(node).rstrip("/"), {})
        (corpus,) = caller.get("/api/v1/corpora").json["corpora"]
        assert (corpus["documents"], corpus["problem"]) == (1, "")
        job = caller.submit(inputs={"corpus": corpus["name"]})
        caller.stream(f"/api/v1/jobs/{job}/events").until("job_end")
        assert caller.get(f"/api/v1/jobs/{job}/result").json["status"] == "complete"
        node.kill("SIGTERM")
        assert node.wait(20) == 0
        # What ran stays in this machine's ledger when the private Redis is gone.
        archive = archive_of(Settings(home=tmp_path / "home"))
        assert [event.event for event in archive.events(job)][-1] == "job_end"
        archive.close()
    finally:
        node.teardown()


def test_with_its_redis_away_it_lives_and_says_when_to_come_again(tmp_path: Path) -> None:
    env = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1/0", "TRIPTYCH_HOME": str(tmp_path)}
    node = serve_node("away", tmp_path, env, "--no-login")
    try:
        node.ready()
        assert "Redis cannot be reached" in node.logs()
        caller = Caller(address(node).rstrip("/"), {})
        assert [caller.get(path).status for path in ("/healthz", "/readyz")] == [200, 503]
        for refused in (caller.get("/api/v1/jobs"), caller.ask("POST", "/api/v1/jobs", spec())):
            assert (refused.status, refused.json["code"], refused.headers["retry-after"]) == (
                503,
                "store_unavailable",
                "2",
            )
        stream = caller.stream("/api/v1/fleet/events")
        assert json.loads(stream.until("problem")[2])["code"] == "store_unavailable"
        stream.close()
    finally:
        node.teardown()


def test_an_interrupt_is_one(served: Served, tmp_path: Path) -> None:
    node = serve_node("interrupted", tmp_path, {**os.environ, **served.environment}, "--no-login")
    try:
        node.ready()
        wait_for("the server", lambda: Caller(address(node), {}).get("/readyz").status == 200)
        node.kill(signal.SIGINT)
        assert node.wait(10) == 130
    finally:
        node.teardown()
