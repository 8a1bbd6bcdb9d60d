"""How commands are asked: documents in one go, choices in the help, and one line where something is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from orchestrator.cli.main import main
from orchestrator.cli.shared import asking
from orchestrator.cli.shared.documents import all_paths
from orchestrator.cli.shared.task import build_spec
from orchestrator.contracts import TaskSpec
from orchestrator.errors import InvalidInput

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("REDIS_URL", raising=False)
    for name, text in {"a.md": "The order delay is nine hours.", "b.md": "Refunds wait, too."}.items():
        Path(name).write_text(text)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    """What a command that fails says, which has to be one line."""
    sys.argv = ["triptych", *arguments]
    assert main() == code
    out, errors = capsys.readouterr()
    assert out == ""
    (line,) = errors.splitlines()
    return str(line)


def test_paths_after_the_first_are_documents_too() -> None:
    assert all_paths("Why?", [Path("a.md")], [Path("b.md")]) == [Path("a.md"), Path("b.md")]
    assert all_paths("Why?", [Path("a.md")], None) == [Path("a.md")]
    assert all_paths("x" * 8_000, [Path("a.md")], [Path("b.md")]) == [Path("a.md"), Path("b.md")]


def test_docs_takes_several_paths_as_a_shell_gives_them(capsys: pytest.CaptureFixture[str]) -> None:
    sys.argv = ["triptych", "search", "order delay", "--docs", "a.md", "b.md", "--limit", "3"]
    assert main() == 0
    assert "2 documents" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["Why", "is", "it", "late?"], "QUESTION: ends before 'is'"),
        (["Why", "is", "it", "late?", "--docs", "a.md"], "is: does not exist; if it belongs to the question"),
        (
            ["--docs", "a.md", "b.md", "Why?"],
            "QUESTION: 'b.md' is a document; write the question before --docs",
        ),
        (["Why?", "--docs", "a.md", "https://a.example/b.html"], "is a URL, and nothing is fetched"),
        (["Why?", "--docs", "https://a.example/b.html"], "is a URL, and nothing is fetched"),
    ],
)
@pytest.mark.parametrize("command", ["run", "search"])
def test_what_is_no_path_among_them_is_said(
    capsys: pytest.CaptureFixture[str], command: str, arguments: list[str], says: str
) -> None:
    *_, line = said_last(capsys, command, *arguments)
    assert says in line


def said_last(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    sys.argv = ["triptych", *arguments]
    assert main() == 2
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ledger", "show"], "Missing argument 'JOB'. Try: triptych ledger show --help"),
        (["run"], "Missing argument 'QUESTION'. Try: triptych run --help"),
        (
            ["run", "Why?", "--mode", "up"],
            "'up' is not one of 'auto', 'sequential', 'parallel', 'pipelined', 'single'. Try: triptych run",
        ),
        (["run", "Why?", "--sections", "5"], "--sections: input should be less than or equal to 4"),
        (
            ["run", "Why?", "--mode", "pipelined", "--sections", "2"],
            "--sections: are for jobs that run parallel, and this one asks for pipelined; leave them out",
        ),
        (["run", "Why?", "--on-partial", "x"], "'--on-partial': 'x' is not one of 'deliver', 'fail'"),
        (
            ["run", "Why?", "--language", "Korean"],
            "--language: cannot be taken; write the language's two letters",
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_the_command(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert says in said(capsys, *arguments)


@pytest.mark.parametrize(("option", "field"), [("ModeName", "mode"), ("OnPartial", "on_partial")])
def test_the_choices_of_an_option_are_those_of_its_field(option: str, field: str) -> None:
    choices = get_args(get_args(getattr(asking, option))[0])
    assert choices == get_args(get_type_hints(TaskSpec)[field])


def test_the_help_of_run_names_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    sys.argv = ["triptych", "run", "--help"]
    assert main() == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    modes = "sequential, parallel (side by side), pipelined (claim by claim), single (one call, nobody argues), or auto"
    for choice in (modes, "<deliver|fail>", "QUESTION", "PATH..."):
        assert choice in shown


@pytest.mark.parametrize("command", [[], ["run"], ["config"], ["ledger", "tail"], ["corpus", "add"]])
def test_a_flag_is_shown_without_a_value(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    sys.argv = ["triptych", *command, "--help"]
    assert main() == 0
    shown = capsys.readouterr().out
    assert any(flag in shown for flag in ("--json", "--check", "--version"))
    assert "bool" not in shown


def test_help_comes_by_what_people_do(capsys: pytest.CaptureFixture[str]) -> None:
    sys.argv = ["triptych", "--help"]
    assert main() == 0
    kinds = re.findall(r"^\W*─ ([A-Z][a-z ]+) ─", capsys.readouterr().out, re.MULTILINE)
    assert kinds == ["Options", "Ask", "Judge", "Look back", "Steer", "Operate"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("triptych rep", ["report"]),
        ("triptych ledger ", ["tail", "show", "export"]),
        ("triptych run --jso", ["--json"]),
    ],
)
def test_a_shell_completes_commands_and_options(typed: str, offered: list[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_TRIPTYCH_COMPLETE": "complete_bash"}
    program = [str(Path(sys.executable).with_name("triptych"))]
    done = subprocess.run(program, capture_output=True, text=True, check=True, env={**os.environ, **words})
    assert done.stdout.split() == offered


def test_a_field_with_a_pattern_is_said_in_words() -> None:
    with pytest.raises(InvalidInput, match="--tenant: cannot be taken; write small letters"):
        build_spec(task_id="t", goal="Why?", tenant="Me & You")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("command", [["--version"], ["schema"], ["config", "--json"]])
def test_a_full_disk_is_one_line(command: list[str]) -> None:
    program = "import sys; from orchestrator.cli.main import main; sys.exit(main())"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program, *command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            # Buffered, as it is for everybody: only then is the write one at the end.
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        )
    assert done.returncode == 2
    assert done.stderr == (
        "triptych: the output cannot be written (No space left on device); make room, or write elsewhere\n"
    )
