"""`triptych gate check`: strict at the door, findings for people and programs, and an exit code for scripts."""

import json
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestrator.cli.main import app
from orchestrator.errors import InvalidInput

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
