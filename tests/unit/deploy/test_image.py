"""The Dockerfile and the production lock, checked without an engine."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

from tests.unit.deploy.files import ROOT

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
FINAL_STAGE = DOCKERFILE.split("\nFROM ")[-1]


def pins(name: str) -> dict[str, str]:
    """``{name==version: its marker and hashes}``."""
    blocks = re.split(r"^(?=[a-z0-9])", (ROOT / name).read_text(), flags=re.MULTILINE)
    return {block.split()[0]: block.split(maxsplit=1)[1] for block in blocks if block.strip()}


def names(pinned: dict[str, str]) -> set[str]:
    return {each.partition("==")[0] for each in pinned}


def required(distribution: str) -> set[str]:
    """What a distribution needs on Python 3.12, in all."""
    found: set[str] = set()
    for line in requires(distribution) or []:
        need = Requirement(line)
        if need.marker is None or need.marker.evaluate({"python_version": "3.12", "extra": ""}):
            found |= {need.name.lower(), *required(need.name)}
    return found


def test_production_runs_what_was_tested():
    tested, production = pins("requirements.lock"), pins("requirements-prod.lock")
    assert set(production) <= set(tested), "run make lock"
    for pin, block in production.items():
        assert set(re.findall("sha256:[0-9a-f]{64}", block)) == set(
            re.findall("sha256:[0-9a-f]{64}", tested[pin])
        )
        assert "sha256:" in block


@pytest.mark.parametrize("extra", ["worker", "docs", "flower", "api"])
def test_the_production_lock_holds_what_an_image_needs(extra: str):
    needs = [Requirement(line) for line in requires("triptych") or []]
    wanted = {need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})}
    assert wanted <= names(pins("requirements-prod.lock"))


def test_the_production_lock_holds_what_kombu_imports_for_redis():
    assert "packaging" in names(pins("requirements-prod.lock"))


def test_no_development_tool_goes_into_production():
    assert not names(pins("requirements-prod.lock")) & {"pytest", "mypy", "ruff", "uv", "hatchling", "llmock"}


def test_the_build_back_end_is_installed_with_all_it_needs():
    (alternatives,) = re.findall(r"awk '/\^\(([a-z|-]+)\)==/", DOCKERFILE)
    assert set(alternatives.split("|")) == {"hatchling", *required("hatchling")}


def test_everything_is_checked_against_its_hash_and_no_download_is_run():
    installs = re.findall(r"pip (?:--python \S+ )?install .*", DOCKERFILE)
    assert installs
    for install in installs:
        assert "--no-index" in install or "--require-hashes --only-binary :all:" in install


def test_the_final_stage_is_not_root_and_builds_nothing():
    assert re.search(r"^USER 10001:10001$", FINAL_STAGE, re.MULTILINE)
    assert "pip uninstall" in FINAL_STAGE
    assert not re.search(r"pip install|apt-get|curl|gcc", FINAL_STAGE)


def test_there_is_no_syntax_line_which_would_have_to_be_downloaded():
    assert "syntax=" not in DOCKERFILE


def test_only_what_is_copied_reaches_the_engine():
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    sources = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
        for source in line.split()
    }
    assert ignore[1] == "*"
    assert {line[1:] for line in ignore if line.startswith("!")} == sources


@contextmanager
def serving(status: int) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()
            self.wfile.write(b"x" * 100_000)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def probe(*arguments: str, **env: str) -> int:
    environment = {"PATH": os.environ["PATH"], **env}
    return subprocess.run(
        ["bash", str(ROOT / "deploy" / "probe"), *arguments], check=False, env=environment, timeout=20
    ).returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_the_probe_passes_on_200_alone(status: int, code: int):
    with serving(status) as port:
        assert probe(TRIPTYCH_METRICS_PORT=str(port)) == code
        assert probe(str(port), "/healthz") == code


def test_the_probe_fails_where_nobody_listens():
    with serving(200) as port:
        pass
    assert probe(str(port)) == 1


def test_the_probe_passes_where_there_is_nothing_to_ask():
    assert probe() == 0
