"""The latency benchmark runs against its simulated endpoint, reports every arm, and leaves nothing running."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.latency.answering import role_of
from benchmarks.latency.endpoint import Endpoint
from benchmarks.latency.world import Job
from tests.integration.benchmarks.processes import LOOKED_UP_IN_PROC, running
from tests.integration.conftest import PASSAGES
from tests.model_server import ModelServer
from tests.nodes import ROOT, wait_for

# A measurement starts a dozen workers: a minute of a build, for a tool that a release is measured with.
pytestmark = [pytest.mark.integration, pytest.mark.soak, LOOKED_UP_IN_PROC]

QUICK = ("--scale", "50", "--jobs", "10", "--workers", "1", "--seed", "7", "--only", "nominal,load,streams")
ARMS = ("--arms", "sequential,parallel,pipelined 6,ThreadPoolExecutor", "--levels", "1,2", "--window", "12")


def start(place: Path, module: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(place), "XDG_RUNTIME_DIR": "", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_measures_every_arm_and_writes_table_plot_and_json(place: Path) -> None:
    files = {kind: place / f"latency.{kind}" for kind in ("json", "html", "png")}
    written = [word for kind, file in files.items() for word in (f"--{kind}", str(file))]
    bench = start(place, "benchmarks.latency", *QUICK, *ARMS, *written)
    shown, said = bench.communicate(timeout=110)
    assert bench.returncode in (0, 1), said
    found = json.loads(files["json"].read_text())
    assert "simulated" in found["simulated"]
    assert "seed 7, scale 50" in shown
    by_arm = {each["arm"]: each for each in found["figures"]}
    assert set(by_arm) == {"sequential", "parallel", "pipelined 6", "ThreadPoolExecutor"}
    assert all(each["lost"] == 0 and each["degraded"] == 0 for each in by_arm.values())
    assert by_arm["sequential"]["calls"] == 3
    assert by_arm["sequential"]["mean"] > 29.5
    assert by_arm["pipelined 6"]["calls"] == 15
    assert 1.2 < by_arm["pipelined 6"]["tokens"] < 1.4
    assert [level["in_flight"] for level in found["levels"]][:1] == [1]
    assert all(level["failed"] == 0 for level in found["levels"])
    assert {reading["client"] for reading in found["streams"]} == {"triptych", "openai", "anthropic"}
    assert bench.returncode == (0 if all(target["met"] for target in found["targets"]) else 1)
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    page = files["html"].read_text()
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("over HTTP", "")
    assert list(running(place)) == []


def test_interrupted_it_leaves_nothing_running(place: Path) -> None:
    bench = start(
        place,
        "benchmarks.latency",
        "--seed",
        "1",
        "--only",
        "nominal",
        "--arms",
        "sequential,ThreadPoolExecutor",
    )
    assert bench.stderr is not None
    assert any(line.startswith("nominal") for line in bench.stderr)  # its workers are there
    assert len(list(running(place))) > 3
    bench.send_signal(signal.SIGINT)
    assert bench.wait(timeout=60) == 130
    wait_for("the last process to go", lambda: not list(running(place)))


def asking(job: Job, form: str) -> bytes:
    """One streamed request, as bytes."""
    prompt = f"{job.to_text()}\n\n{role_of(form)}\n"
    body = json.dumps({"stream": True, "messages": [{"role": "user", "content": prompt}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_a_client_that_hangs_up_is_written_for_no_longer() -> None:
    endpoint = Endpoint(seed=7, scale=20.0)

    async def ask(job: Job, *, patient: bool) -> None:
        ended = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await endpoint.serve(reader, writer)
            ended.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
            writer.write(asking(job, "synthesis"))
            await reader.readuntil(b"[DONE]" if patient else b"content")
            writer.close()
            await ended.wait()

    asyncio.run(ask(Job("patient", 1), patient=True))
    asyncio.run(ask(Job("gone", 1), patient=False))
    patient, gone = endpoint.book
    assert patient.written == 810
    assert 0 < gone.written < 400


def test_live_measures_an_endpoint_and_stays_within_its_budget(place: Path) -> None:
    documents = place / "notes.md"
    documents.write_text("\n\n".join(passage.text for passage in PASSAGES))
    file = place / "live.json"
    goal = "Should the order processing move to an event queue?"
    asked = ("--goal", goal, "--docs", str(documents), "--jobs", "3", "--json", str(file))
    model = ModelServer()
    try:
        bench = start(
            place, "benchmarks.latency.live", "--budget", "170000", "--yes", *asked, **model.environment()
        )
        shown, said = bench.communicate(timeout=60)
        spent = model.told().tokens
    finally:
        model.close()
    found = json.loads(file.read_text())
    assert {each["arm"] for each in found["figures"]} == {"sequential", "parallel", "pipelined 6"}, said
    assert "A real endpoint was asked" in shown
    assert 0 < spent <= 170_000
    assert "of 9" in said
    assert list(running(place)) == []
