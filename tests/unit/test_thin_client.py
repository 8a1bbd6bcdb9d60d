"""A producer installs the core alone: nothing that an extra brings is imported, by the client or its commands."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMPORTED_AS = {
    "prometheus-client": "prometheus_client",
    "charset-normalizer": "charset_normalizer",
    "python-docx": "docx",
    "pillow": "PIL",
}


def extras() -> set[str]:
    """The top-level modules of everything that only an extra needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {
        re.split(r"[<>=!~\[ ]", requirement)[0]
        for extra in project["optional-dependencies"].values()
        for requirement in extra
    }
    # redis-py takes hiredis where it is there, and does without.
    return {IMPORTED_AS.get(name, name) for name in names - {"triptych", "hiredis"}} | {
        "workers",
        "rapidfuzz",
    }


PRODUCERS = [
    "triptych",
    "orchestrator.client",
    "orchestrator.client.asynchronous",
    *[
        f"orchestrator.cli.{name}"
        for name in (
            *("main", "ask.submit", "ask.watch", "ask.result", "ask.jobs", "ask.cancel", "operate.dlq"),
            "shared.fleet",
        )
    ],
]


@pytest.mark.parametrize("module", PRODUCERS)
def test_a_producer_imports_nothing_that_an_extra_brings(module: str) -> None:
    program = f"import sys, {module}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"aiohttp", "tenacity", "lxml", "pypdf", "workers"} <= extras()
    assert extras() & set(done.stdout.split()) == set()


def test_what_only_reads_loads_neither_celery_nor_a_language() -> None:
    """A third of what `triptych list` took to start was for commands that submit, plan or judge."""
    reads = ("client", "listing", "settings", "store.fleet_ledger", "switch", "timeline")
    program = (
        f"import sys, {', '.join(f'orchestrator.{name}' for name in reads)}\n"
        "print(*{'celery', 'kombu', 'orchestrator.language', 'orchestrator.evidence'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
