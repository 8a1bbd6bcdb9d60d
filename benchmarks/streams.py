"""What `triptych serve` costs while many people watch: CPU and memory of its process with open event streams.

``python -m benchmarks.streams [--streams 100] [--seconds 10]``. Jobs are open and nobody works on them; their live text
is published here as two personas' workers would, five times a second each. Then the same streams with nothing to tell.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from orchestrator.client import Client, new_task_id
from orchestrator.contracts import Inputs, Passage, TaskSpec
from orchestrator.local import PrivateFleet
from orchestrator.settings import Settings
from orchestrator.store import JobRef, LiveText
from orchestrator.store.stream import publish_text

FRAMES_A_SECOND = 5
STEPS = ("thesis", "antithesis_standalone")
WORDS = "The event queue reduced the order delay from 9 hours to 4 minutes in the pilot. " * 3


class Readers:
    """Open streams, each read by a thread that counts what it gets."""

    def __init__(self, url: str, jobs: list[JobRef]) -> None:
        address = urlsplit(url)
        self.got = 0
        self._lock = threading.Lock()
        for job in jobs:
            connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
            connection.request("GET", f"/api/v1/jobs/{job.task_id}/events")
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise SystemExit(f"no stream: {answer.status} {answer.read()!r}")
            threading.Thread(target=self._read, args=(answer,), daemon=True).start()

    def _read(self, answer: http.client.HTTPResponse) -> None:
        for line in answer:
            if line.startswith(b"event: "):
                with self._lock:
                    self.got += 1


def spent(pid: int) -> tuple[float, float]:
    """CPU seconds and resident MB of a process, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return cpu_s, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def open_jobs(client: Client, count: int) -> list[JobRef]:
    """Jobs that wait for a worker that never comes."""
    evidence = Inputs(passages=(Passage(id="p1", source="pilot.md", text=WORDS),))
    specs = (
        TaskSpec(task_id=new_task_id(), goal="Should it?", inputs=evidence, deadline_s=3_600)
        for _ in range(count)
    )
    return [client.submit(spec).ref for spec in specs]


def publish(client: Client, jobs: list[JobRef], seconds: float) -> int:
    """Live text of two steps of every job, five times a second; returns how many frames that were."""
    frames, end, turn = 0, time.monotonic() + seconds, 0
    while (now := time.monotonic()) < end:
        turn += 1
        texts = [
            (job, LiveText(step=step, attempt=1, text=f"{turn} {WORDS}", chars=turn))
            for job in jobs
            for step in STEPS
        ]
        publish_text(client.redis, texts)
        frames += len(texts)
        time.sleep(max(0.0, now + 1 / FRAMES_A_SECOND - time.monotonic()))
    return frames


def main() -> int:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    fleet = PrivateFleet(Settings())
    server: subprocess.Popen[str] | None = None
    try:
        fleet.start_valkey()
        url = f"unix://{fleet.socket}"
        with Client(Settings(redis_url=SecretStr(url))) as client:
            program = "import sys; from orchestrator.cli.main import main; sys.exit(main())"
            command = [sys.executable, "-c", program, "serve", "--no-login", "--port", "0"]
            server = subprocess.Popen(  # noqa: S603 - our own command
                command,
                env={**os.environ, "REDIS_URL": url},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            if server.stdout is None:
                raise SystemExit("no output")
            page = server.stdout.readline().strip()
            before = spent(server.pid)
            jobs = open_jobs(client, options.streams)
            readers = Readers(page, jobs)
            time.sleep(2)
            figures: dict[str, object] = {"streams": options.streams, "rss_mb_before": round(before[1], 1)}
            for name in ("idle", "live text"):
                got, (cpu_s, _), began = readers.got, spent(server.pid), time.monotonic()
                sent = 0
                if name == "idle":
                    time.sleep(options.seconds)
                else:
                    sent = publish(client, jobs, options.seconds)
                took, (cpu_after_s, rss_mb) = time.monotonic() - began, spent(server.pid)
                figures[name] = {
                    "sent_a_second": round(sent / took),
                    "read_a_second": round((readers.got - got) / took),
                    "cpu_percent": round(100 * (cpu_after_s - cpu_s) / took, 1),
                    "rss_mb": round(rss_mb, 1),
                }
            print(json.dumps(figures))
    finally:
        if server is not None:
            server.terminate()
            server.wait(10)
        fleet.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
