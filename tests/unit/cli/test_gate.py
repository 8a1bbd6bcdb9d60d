"""`triptych gate check`: strict at the door, findings for people and programs, and an exit code for scripts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestrator.cli.main import app
from orchestrator.errors import CallerError, InvalidInput
from tests.unit.evidence.test_explain import result

GOOD: dict[str, Any] = {
    "passages": [{"id": "p1", "source": "memo.txt", "text": "Latency fell by 12 % in May."}],
    "claims": [
        {
            "id": "c1",
            "text": "Latency fell by 12 percent.",
            "citations": [{"passage_id": "p1", "quote": "Latency fell by 12 %"}],
        }
    ],
    "answer": "Yes: it fell.",
}
BAD = GOOD | {"claims": [GOOD["claims"][0] | {"text": "Latency fell by 21 percent."}]}


def check(*args: str, given: str | bytes = "", code: int) -> str:
    """What the command prints."""
    done = CliRunner().invoke(app, ["gate", "check", *args], input=given)
    assert done.exit_code == code, done.output
    return done.stdout


def refused(*args: str, given: str | bytes = "") -> str:
    """What the door says."""
    done = CliRunner().invoke(app, ["gate", "check", *args], input=given)
    assert isinstance(done.exception, InvalidInput), done.output
    return str(done.exception)


def test_a_pass_from_a_file(tmp_path):
    file = tmp_path / "answer.json"
    file.write_text("\ufeff" + json.dumps(GOOD), encoding="utf-8")
    assert check(str(file), code=0).splitlines()[-1] == "verdict: pass"


def test_a_failure_from_stdin_names_what_is_wrong_and_steers_no_terminal():
    coloured = BAD | {"claims": [BAD["claims"][0] | {"id": "c1\x1b[31m"}]}
    out = check("-", given=json.dumps(coloured), code=1)
    assert "claim c1: number_unsupported - 21 percent is not in its quotes" in out
    assert "\x1b" not in out
    assert out.splitlines()[-1] == "verdict: fail"


def test_json_has_verdict_levels_with_rates_and_findings():
    body = json.loads(check("-", "--json", given=json.dumps(BAD), code=1))
    assert (body["verdict"], body["evidence_ok"]) == ("fail", False)
    assert [(claim["claim_id"], claim["upheld"]) for claim in body["claims"]] == [("c1", False)]
    assert [(level["level"], level["rate"]) for level in body["levels"]] == [
        (0, 1.0), (1, 1.0), (2, 0.0), (3, 1.0), (4, None),
    ]  # fmt: skip
    assert [(f["claim_id"], f["level"], f["reason"], f["judged"]) for f in body["findings"]] == [
        ("c1", 2, "number_unsupported", True),
    ]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (b"", "stdin: Invalid JSON"),
        (b"{", "stdin: Invalid JSON"),
        (b"\xff\xfe{}", "stdin: Invalid JSON"),
        (b"[" * 100_000, "stdin: Invalid JSON"),
        (b"[]", "stdin: Input should be an object"),
        (b"{}", "passages: is missing; claims: is missing"),
        (json.dumps(GOOD | {"answre": ""}), "answre: is no field of this form"),
        (json.dumps(GOOD | {"answer": 3}), "answer: Input should be an object"),
        (json.dumps(GOOD | {"claims": [{"id": "c1", "text": 1}]}), "claims[0].text: Input should be a valid"),
        (json.dumps(GOOD | {"claims": [{"id": "", "text": ""}]}), "claims[0].id: String should have at least"),
        (json.dumps(GOOD | {"passages": GOOD["passages"] * 2}), "passages[0] and passages[1] share the id 'p1'"),
        (json.dumps(GOOD | {"question": "\ud800"}), "stdin: Invalid JSON"),
        (b'"' + b" " * 32_000_000, "stdin: is over 32,000,000 bytes"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_not_of_the_form_is_refused_with_its_place(given, problem):
    assert problem in refused("-", given=given)


def test_a_file_that_is_not_there():
    assert "nowhere.json: cannot be read" in refused("nowhere.json")


@pytest.mark.parametrize(("given", "code"), [(GOOD, 0), (BAD, 1), ({}, 2)])
def test_a_shell_sees_the_exit_code(given, code):
    program = "from orchestrator.cli.main import main; raise SystemExit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "gate", "check", "-"],
        input=json.dumps(given).encode(), check=False, capture_output=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count(b"\n")) == (code, 1 if code == 2 else 0)


@pytest.fixture
def result_file(tmp_path: Path) -> Path:
    file = tmp_path / "result.json"
    file.write_text(
        result(
            "The cache costs 13 euros.", "The cache costs 12 euros.", "The cache costs 12 euros."
        ).to_wire()
    )
    return file


def test_explain_shows_each_claim_with_what_its_quotes_lack(result_file):
    done = CliRunner().invoke(app, ["gate", "explain", str(result_file)])
    assert done.exit_code == 0, done.output
    assert "s1 NOT upheld" in done.stdout
    assert "13 euros[?]" in done.stdout
    assert "«The cache costs 12 euros.»" in done.stdout
    assert "number_unsupported" in done.stdout
    assert "0 of 1 claims upheld; gate: fail" in done.stdout


def test_explain_writes_a_page(result_file, tmp_path):
    page = tmp_path / "page.html"
    done = CliRunner().invoke(app, ["gate", "explain", str(result_file), "--html", str(page)])
    assert (done.exit_code, done.stdout) == (0, "")
    assert "<mark>The cache costs 12 euros.</mark>" in page.read_text(encoding="utf-8")


def test_explain_refuses_what_is_no_result(tmp_path):
    (tmp_path / "other.json").write_text("{}")
    done = CliRunner().invoke(app, ["gate", "explain", str(tmp_path / "other.json")])
    assert isinstance(done.exception, InvalidInput)
    assert "is no result; triptych run --json" in str(done.exception)


def test_a_repair_pass_is_shown_with_what_it_changed():
    uncited = GOOD | {"claims": [{"id": "c1", "text": "Latency fell by 12 % in May."}]}
    given = json.dumps(uncited)
    assert check("-", given=given, code=1).splitlines()[-1] == "verdict: fail"
    out = check("-", "--repair", given=given, code=0).splitlines()
    assert out[-5:-3] == ["repaired claim c1", "         now: p1: “Latency fell by 12 % in May.”"]
    assert out[-3].endswith("verdict before: fail")
    assert out[-2:] == ["1 of 1 claims hold, 1 of them word for word", "verdict: pass"]
    body = json.loads(check("-", "--repair", "--json", given=given, code=0))
    assert body["repair"]["repairs"][0]["now"][0]["passage_id"] == "p1"
    assert json.loads(check("-", "--json", given=given, code=1))["repair"] is None


JUDGED = ["check", "-", "--judge"]


@pytest.mark.parametrize(
    ("line", "environment", "problem"),
    [
        (JUDGED, {}, "--judge: needs a model, and the extractive engine is none"),
        (JUDGED, {"TRIPTYCH_MODEL": "extractive"}, "TRIPTYCH_MODEL_JUDGE"),
        ([*JUDGED, "--model", "extractive"], {"TRIPTYCH_MODEL": "openai:m"}, "--judge: needs a model"),
        ([*JUDGED, "--model", "gpt"], {}, "--model: must be"),
        ([*JUDGED, "--model", "openai:m"], {"REDIS_URL": "redis://nowhere.invalid"}, "--model: goes unused: the fleet"),
        (JUDGED, {"TRIPTYCH_MODEL_JUDGE": "anthropic:m"}, "ANTHROPIC_API_KEY: is not set"),
        (["check", "-", "--model", "openai:m"], {}, "--model: is the judge's: add --judge"),
        (["explain", "job1", "--judge"], {}, "--judge: needs a model"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_judge_without_a_model_is_refused_before_anything_is_started(
    line, environment, problem, monkeypatch
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["gate", *line], input=json.dumps(GOOD))
    assert isinstance(done.exception, CallerError), done.output
    assert problem in str(done.exception)


def test_without_a_judge_the_json_names_none():
    assert json.loads(check("-", "--json", given=json.dumps(GOOD), code=0))["judge"] is None


def test_where_no_claim_holds_no_judge_is_asked(monkeypatch):
    monkeypatch.setenv("TRIPTYCH_MODEL", "openai:m")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    body = json.loads(check("-", "--judge", "--json", given=json.dumps(BAD), code=1))
    assert (body["judge"]["models"], body["judge"]["asked"]) == ([], 0)


def test_strictly_a_claim_in_other_words_does_not_hold():
    said = check("-", given=json.dumps(GOOD), code=0)
    assert "1 of 1 claims hold, 0 of them word for word" in said
    said = check("-", "--strict", given=json.dumps(GOOD), code=1)
    assert "level 2 claim c1: reworded - holds, but in words of its own" in said
