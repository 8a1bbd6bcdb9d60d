"""``triptych run`` with a model: what is shown while it writes, what is left when it is stopped, where its key goes."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.contracts import Result
from tests.integration.cli.test_run import children_of, command
from tests.integration.conftest import PASSAGES, question
from tests.model_server import POSITIONS, ModelServer, refuses, stall, through
from tests.nodes import wait_for

pytestmark = pytest.mark.integration

CANARY = "sk-canary-5b0e77a1c9d4"
PATIENCE_S = 30.0
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def model() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    for passage in PASSAGES:
        (folder / passage.source).write_text(f"# {passage.heading or 'Costs'}\n\n{passage.text}\n")
    return folder


@pytest.fixture
def environment(home: Path, model: ModelServer) -> dict[str, str]:
    return {
        **os.environ,
        "TRIPTYCH_HOME": str(home),
        "NO_COLOR": "1",
        "COLUMNS": "200",
        **model.environment(key=CANARY),
    }


@pytest.fixture
def start(environment: dict[str, str], documents: Path) -> Iterator[Start]:
    """Start ``triptych run``; what a failing test leaves running is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*options: str, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command("run", question().goal, "--docs", str(documents), "--mode", "sequential", *options),
            env={**environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_json_is_the_models_result_and_nothing_else(start: Start, model: ModelServer) -> None:
    stdout, stderr = start("--json").communicate(timeout=PATIENCE_S)
    assert stderr == ""
    result = Result.from_wire(stdout)
    assert result.status == "complete", result.reasons
    assert result.provenance.models == ("openai:test",)
    assert result.provenance.llm_used
    assert [asked.form for asked in model.asked] == ["thesis", "antithesis", "synthesis"]


def test_the_first_words_are_shown_while_the_persona_still_writes(start: Start, model: ModelServer) -> None:
    gate = model.gate()
    model.script("thesis", through(gate))
    running = start("--plain")
    assert running.stderr is not None
    lines: list[str] = []
    for line in running.stderr:
        lines.append(line)
        if line.startswith("thesis: ") and line.removeprefix("thesis: ")[:20] in POSITIONS[0]:
            break
    else:
        pytest.fail("the words never came:\n" + "".join(lines))
    assert lines[0] == "Model: openai:test\n"
    assert not any("thesis: ok" in line for line in lines)
    gate.open()
    stdout, stderr = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0, stderr
    assert "thesis: ok after" in stderr
    assert "No language model was used" not in stdout
    assert "## Sources" in stdout


def test_ctrl_c_during_a_call_hangs_up_and_leaves_no_process(start: Start, model: ModelServer) -> None:
    model.script("thesis", stall)
    running = start("--plain")
    wait_for("the thesis' call", lambda: model.of("thesis"))
    children = children_of(running.pid)
    assert len(children) == 2
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130
    assert model.of("thesis")[0].request.hung_up.wait(PATIENCE_S)
    wait_for(f"{children} to end", lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), 10)


def test_the_key_is_printed_nowhere(
    start: Start, environment: dict[str, str], model: ModelServer, home: Path
) -> None:
    tells = f"Incorrect API key provided: {CANARY}"
    model.script("antithesis", refuses(401, tells))
    model.script("synthesis", refuses(422, tells))
    running = start("--plain", TRIPTYCH_LOG_LEVEL="DEBUG")
    stdout, stderr = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 3, stderr
    assert {asked.request.headers["authorization"] for asked in model.asked} == {f"Bearer {CANARY}"}
    exported = subprocess.run(
        command("ledger", "export"), env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert '"kind":"auth"' in exported
    for text in (stdout, stderr, exported):
        assert CANARY[:14] not in text
    for path in home.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path
