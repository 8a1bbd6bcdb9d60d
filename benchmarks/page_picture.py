"""The picture in docs/page.md: ``python -m benchmarks.page_picture``. A pipelined job, half way, on a simulated model.

It wants a Chromium, Chrome or Edge, as the browser tests do; Pillow makes the picture small.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from benchmarks.latency.fleet import GOAL, Model
from benchmarks.latency.world import Job
from tests.browser import running_browser

OUT = Path("docs/page.png")
SIZE = {"width": 1280, "height": 860}
COLOURS = 200
HALF_WAY_S = 7.5
_URL = re.compile(r"http://127\.0\.0\.1:[0-9]+")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a private fleet on a simulated model, with the documents of the example; gives its URL."""
    model = Model(seed=1, scale=1.0, folder=folder)
    options = ["serve", "--no-login", "--port", "0", "--docs", "examples/queue-migration"]
    environment = {**os.environ, **model.environment(), "TRIPTYCH_HOME": str(folder / "home")}
    environment.pop("REDIS_URL", None)
    command = [str(Path(sys.executable).with_name("triptych")), *options]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    try:
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        found = _URL.search(server.stdout.readline())
        if found is None:
            raise SystemExit("triptych serve did not start")
        yield found[0]
    finally:
        server.terminate()
        server.wait()
        model.worker.stop()


def ask(url: str) -> str:
    """Ask the benchmark's question; returns the job's id."""
    with urllib.request.urlopen(f"{url}/api/v1/corpora") as answer:  # noqa: S310 - our own server
        corpus = json.load(answer)["corpora"][0]["name"]
    body = {
        "goal": GOAL, "mode": "pipelined", "inputs": {"corpus": corpus}, "permissions": [],
        "scope": Job("picture", 3, weather="calm").to_text(),
    }  # fmt: skip
    wanted = urllib.request.Request(  # noqa: S310 - our own server
        f"{url}/api/v1/jobs", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(wanted) as answer:  # noqa: S310 - our own server
        return str(json.load(answer)["task_id"])


def main() -> None:
    """Make the picture."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as url, running_browser() as browser:
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]  # a TypedDict of theirs
        started = time.monotonic()
        page.goto(f"{url}/jobs/{ask(url)}")
        page.wait_for_timeout(1_000 * (HALF_WAY_S - (time.monotonic() - started)))
        shot = Image.open(io.BytesIO(page.screenshot()))
    shot.convert("RGB").quantize(COLOURS).save(OUT, optimize=True)
    print(f"{OUT}: {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
