"""timeline, ledger, config and schema: what they print, for people and for programs."""

import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from orchestrator.cli.look import ledger, timeline
from orchestrator.cli.operate import config, schema
from orchestrator.cli.shared.sources import parse_since
from orchestrator.contracts.events import UnknownEvent, parse_event
from orchestrator.errors import InvalidInput, InvalidSettings, JobNotFound
from orchestrator.store.archive import archive_in
from tests.unit.timeline.ledger_of import parallel_job

ROOT = Path(__file__).parents[3]


@pytest.fixture
def cli() -> typer.Typer:
    app = typer.Typer()
    app.command("timeline")(timeline.command)
    app.command("config")(config.command)
    app.command("schema")(schema.command)
    app.add_typer(ledger.app, name="ledger")
    return app


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger with one job, in the home that the settings name."""
    for name in list(os.environ):
        if name.startswith(("TRIPTYCH_", "OPENAI_", "ANTHROPIC_", "REDIS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path / "home"))
    batch = [(f"{e.at_ms}-{i}", e.model_dump_json()) for i, e in enumerate(parallel_job())]
    archive_in(tmp_path / "home").append("s", batch)
    return tmp_path / "home"


def run(app: typer.Typer, *args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, args)
    if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def test_timeline_draws_the_last_job_within_the_width_asked_for(cli, home):
    out = run(cli, "timeline", "--width", "60").stdout
    assert "◆ synthesis" in out
    assert max(map(len, out.splitlines())) <= 60


def test_timeline_takes_a_prefix_and_prints_json_alone_on_stdout(cli, home, tmp_path):
    svg, png = tmp_path / "t.svg", tmp_path / "t.png"
    result = run(cli, "timeline", "jo", "--json", "--svg", str(svg), "--png", str(png))
    line = json.loads(result.stdout)
    assert (line["task_id"], line["total_ms"]) == ("job1", 26_000)
    assert f"wrote {svg}" in result.stderr.replace("\n", "")
    assert svg.read_text().startswith("<svg")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "t.png", "t.svg"]


def test_timeline_that_was_asked_for_a_picture_draws_no_chart_beside_it(cli, home, tmp_path):
    result = run(cli, "timeline", "--svg", str(tmp_path / "t.svg"))
    assert result.stdout == ""


@pytest.mark.parametrize(("option", "name"), [("--svg", "t.png"), ("--png", "t.svg"), ("--svg", "t")])
def test_timeline_writes_no_picture_under_another_kinds_name(cli, home, tmp_path, option, name):
    with pytest.raises(InvalidInput, match=f"{option}: .*{name} does not end in [.]{option[2:]}"):
        run(cli, "timeline", option, str(tmp_path / name))
    assert not (tmp_path / name).exists()


def test_timeline_of_no_such_job_or_place_is_the_callers_error(cli, home, tmp_path):
    with pytest.raises(JobNotFound):
        run(cli, "timeline", "zzz")
    with pytest.raises(InvalidInput, match="cannot be written"):
        run(cli, "timeline", "--svg", str(tmp_path / "no" / "t.svg"))


def test_ledger_tail_shows_time_job_event_step_and_detail(cli, home):
    lines = run(cli, "ledger", "tail", "-n", "2").stdout.splitlines()
    assert len(lines) == 2
    moment, clock, *words = lines[0].split()
    assert len(moment) == 5
    assert clock.endswith(".960")
    assert words[:3] == ["job1", "synthesis_end", "synthesis"]
    assert "duration_ms=14200" in words


@pytest.mark.parametrize("width", [60, 80, 139])
def test_a_narrow_terminal_keeps_what_an_event_says(width):
    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=True, color_system=None)

    event = next(e for e in parallel_job() if e.event == "synthesis_end")
    ledger.print_events([event], as_json=False, console=console)
    (line,) = screen.getvalue().splitlines()
    assert "job1 synthesis_end status=ok" in line
    assert len(line) <= width


def test_ledger_tail_in_json_is_one_event_a_line(cli, home):
    lines = run(cli, "ledger", "tail", "-n", "3", "--json").stdout.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["synthesis_start", "synthesis_end", "job_end"]


def test_following_prints_what_comes_after_and_nothing_twice(capsys):
    events = parallel_job()

    class Source:
        def events(self, task_id=None, *, since_ms=None):
            raise AssertionError

        def milestones(self, *, since_ms, most=None, begun=False):
            raise AssertionError

        def resolve(self, job):
            raise AssertionError

        def recent(self, n):
            return events[3:5]

        def follow(self):
            return iter(events[4:7])

    ledger.tail(Source(), 2, follow=True, as_json=True, console=Console())
    printed = [json.loads(line)["event_id"] for line in capsys.readouterr().out.splitlines()]
    assert printed == [e.event_id for e in events[3:7]]


def test_ledger_show_gives_one_json_object(cli, home):
    shown = json.loads(run(cli, "ledger", "show", "last", "--json").stdout)
    assert shown["task_id"] == "job1"
    assert len(shown["events"]) == len(parallel_job())
    assert len(run(cli, "ledger", "show", "job1").stdout.splitlines()) == len(parallel_job())


def test_ledger_export_gives_back_what_was_archived(cli, home, tmp_path):
    out = tmp_path / "l.jsonl"
    printed = run(cli, "ledger", "export").stdout
    run(cli, "ledger", "export", "--job", "job1", "--since", "2020-01-01", "--out", str(out))
    assert out.read_text() == printed
    again = [parse_event(line, at_ms=json.loads(line)["at_ms"]) for line in printed.splitlines()]
    assert again == list(archive_in(home).events())
    assert run(cli, "ledger", "export", "--since", "1h").stdout == ""


NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [("90s", datetime(2026, 1, 31, 11, 58, 30, tzinfo=UTC)), ("2h", datetime(2026, 1, 31, 10, tzinfo=UTC)),
     ("7d", datetime(2026, 1, 24, 12, tzinfo=UTC)), ("2026-01-01T00:00+00:00", datetime(2026, 1, 1, tzinfo=UTC)),
     ("2026-01-01", datetime(2026, 1, 1).astimezone())],
)  # fmt: skip
def test_since_reads_spans_and_dates(text, moment):
    assert parse_since(text, now=NOW) == int(moment.timestamp() * 1_000)


@pytest.mark.parametrize("text", ["", "yesterday", "2 h", "9999999d", "-1h", "2026-13-01", "0001-01-01"])
def test_since_refuses_what_is_no_time(text):
    with pytest.raises(InvalidInput, match="--since"):
        parse_since(text, now=NOW)


def test_nothing_in_an_event_steers_the_terminal():
    event = UnknownEvent.model_validate(
        {"event": "x\x1b[2J", "task_id": "\x1b]0;t\x07", "note": "a\nb\x9b31m"}
    )
    assert ledger.readable(event).plain.isprintable()


def test_config_shows_values_with_sources_and_no_secret(cli, home, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://me:hunter2@host:6379/0")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hunter2")
    table = run(cli, "config").stdout
    shown = json.loads(run(cli, "config", "--json").stdout)
    assert "hunter2" not in table + json.dumps(shown)
    assert shown["redis_url"] == {
        "value": "redis://me:***@host:6379/0", "source": "environment REDIS_URL", "variable": "REDIS_URL"
    }  # fmt: skip
    assert shown["openai_api_key"]["value"] == "***"
    assert shown["concurrency"] == {"value": 100, "source": "default", "variable": "TRIPTYCH_CONCURRENCY"}
    assert "environment TRIPTYCH_HOME" in table


def test_config_on_a_narrow_terminal_gives_up_its_columns_and_in_a_pipe_keeps_them():
    rows = (
        config.Shown("a", "v" * 30, "default", "TRIPTYCH_A"),
        config.Shown("bc", 1, "default", "TRIPTYCH_BC"),
    )

    def shown(*, terminal: bool) -> list[str]:
        screen = io.StringIO()
        console = Console(file=screen, width=40, force_terminal=terminal, color_system=None)
        config.show(rows, as_json=False, console=console)
        return screen.getvalue().splitlines()

    assert shown(terminal=True)[1] == "TRIPTYCH_BC  1  default"
    assert shown(terminal=False)[1] == f"TRIPTYCH_BC  {1:<30}  default"


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        (
            {"TRIPTYCH_MODLE": "x"},
            "TRIPTYCH_MODLE: nothing reads this variable; did you mean TRIPTYCH_MODEL?",
        ),
        ({"TRIPTYCH_MODEL": "anthropic:claude"}, "ANTHROPIC_API_KEY: is not set"),
        ({"TRIPTYCH_MODEL_THESIS": "openai:gpt"}, "OPENAI_API_KEY: is not set"),
    ],
)
def test_config_warns_and_with_check_fails(cli, home, monkeypatch, environ, complaint):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert f"warning: {complaint}" in run(cli, "config", "--json").stderr
    assert f"error: {complaint}" in run(cli, "config", "--check", code=2).stderr


def test_config_has_nothing_to_say_about_a_local_server_without_a_key(cli, home, monkeypatch):
    monkeypatch.setenv("TRIPTYCH_MODEL", "openai:llama")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:11434/v1")
    assert run(cli, "config", "--check").stderr == ""


def test_config_with_a_bad_setting_is_the_callers_error(cli, home, monkeypatch):
    monkeypatch.setenv("TRIPTYCH_CONCURRENCY", "many")
    with pytest.raises(InvalidSettings):
        run(cli, "config")


def test_schema_prints_one_by_name_or_all(cli):
    assert json.loads(run(cli, "schema", "taskspec").stdout)["title"] == "TaskSpec"
    assert list(json.loads(run(cli, "schema").stdout)) == [
        "TaskSpec", "Plan", "Passage", "Citation", "Claim", "PersonaOutput", "EvalReport", "Result", "Event",
        "AttributedAnswer",
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="choose one of TaskSpec, Plan"):
        run(cli, "schema", "Job")


def test_schema_writes_a_file_each(cli, tmp_path):
    run(cli, "schema", "--out", str(tmp_path / "schemas"))
    written = sorted(p.name for p in (tmp_path / "schemas").iterdir())
    assert len(written) == 10
    assert "Event.schema.json" in written


MAIN = """
import typer
from orchestrator.cli.look import ledger
from orchestrator.cli.operate import schema
from orchestrator.cli.look import timeline
app = typer.Typer()
app.command("schema")(schema.command)
app.command("timeline")(timeline.command)
app.add_typer(ledger.app, name="ledger")
app(standalone_mode=False)
"""


@pytest.mark.parametrize("command", [["schema"], ["ledger", "export"], ["ledger", "tail", "-n", "9000"]])
def test_a_reader_that_leaves_early_is_no_error(home, command):
    batch = [
        (f"1700000100000-{i}", json.dumps({"event": "later", "event_id": f"x{i}"})) for i in range(5_000)
    ]
    archive_in(home).append("s", batch)
    child = subprocess.Popen(
        [sys.executable, "-c", MAIN, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    errors = child.stderr.read() if child.stderr else b""
    assert (child.wait(60), errors) == (0, b"")


def test_a_terminal_without_unicode_gets_plain_ascii(home):
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding="ascii"), width=80)
    timeline.show(timeline.load(archive_in(home), "last"), console=console)
    console.file.flush()
    assert b"* synthesis" in raw.getvalue()
