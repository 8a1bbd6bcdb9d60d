"""``make demo-compare``, its second half: the arms on a simulated model over real HTTP, ten times as fast as one is.

The model argues with verbatim sentences and takes the times that docs/performance.md describes. It cannot tell a
pipelined job's critic from an antithesis, so its critic takes as long as one and is late, which costs nothing. A single
call writes as much as a synthesis does: what a real one would write, nobody has measured here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

from benchmarks.latency.fleet import Model
from benchmarks.latency.world import Job

SCALE = 10.0
SEED = 1
ARMS = "sequential,parallel,pipelined,single,parallel"
GOALS = Path("examples/goals.jsonl")
DOCS = "examples/queue-migration"
OUT = Path("build/demo-compare-simulated")
_REPORTED = {0, 1, 3}
"""Exit codes of a comparison that came to its end, whatever it found."""


def main() -> int:
    """Compare the arms; returns 0 where there is a report."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    goals = OUT / "goals.jsonl"
    goals.write_text("".join(map(_marked, count(), _lines(GOALS))), encoding="utf-8")
    print(f"\nA simulated model, {SCALE:g} times as fast: a second here is {SCALE:g} of its own.", flush=True)
    model = Model(seed=SEED, scale=SCALE, folder=OUT)
    options = ["--goals", str(goals), "--docs", DOCS, "--arms", ARMS, "--out", str(OUT)]
    # The demo is the same whatever the caller's own fleet and models are.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRIPTYCH_", "REDIS_"))}
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            [str(Path(sys.executable).with_name("triptych")), "compare", *options],
            env=kept | model.environment(),
            check=False,
        )
    finally:
        model.worker.stop()
    return 0 if done.returncode in _REPORTED else done.returncode


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _marked(number: int, line: str) -> str:
    """A goal that says which simulated job it is, in every prompt of its jobs."""
    job = Job("demo", number, weather="calm")
    return json.dumps({**json.loads(line), "scope": job.to_text()}, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
