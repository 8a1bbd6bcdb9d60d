"""The documents say what is there: every path, name, link and command in them, every event, reason and level."""

from __future__ import annotations

import ast
import inspect
import json
import re
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command

import triptych
from orchestrator.cli.main import app
from orchestrator.contracts import ErrorKind, JobStatus, Mode, Result
from orchestrator.contracts.events import KnownEvent, UnknownEvent, event_names, parse_event
from orchestrator.contracts.report import Level
from orchestrator.contracts.result import NoteCode, ReasonCode

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OTHERS = ("README.md", "CHANGELOG.md", "examples/README.md", "deploy/client/README.md")
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / name for name in OTHERS)])
page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
TOP = "orchestrator|workers|tests|docs|scripts|examples|benchmarks|deploy"
FILES = r"pyproject\.toml|triptych\.py|requirements[\w-]*\.lock|\.ci/run|Makefile"
PATH = re.compile(rf"^(?P<file>(?:{TOP})/[\w./-]*|{FILES})(?:::(?P<name>[\w.]+))?$")


def without_fences(text: str) -> str:
    return FENCE.sub("", text)


def code(text: str) -> list[str]:
    """Code spans and the lines of code blocks, joined where a shell would join them."""
    blocks = [re.sub(r"\\\n\s*", "", body) for _, body in FENCE.findall(text)]
    return CODE_SPAN.findall(without_fences(text)) + [line for block in blocks for line in block.splitlines()]


def anchors(path: Path) -> set[str]:
    """The ids that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ +(.+)$", without_fences(path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def names_in(path: Path) -> set[str]:
    """Every dotted name that a module or its classes define."""

    def collect(body: list[ast.stmt], prefix: str) -> set[str]:
        found: set[str] = set()
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(prefix + node.name)
                if isinstance(node, ast.ClassDef):
                    found |= collect(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {prefix + target.id for target in targets if isinstance(target, ast.Name)}
        return found

    return collect(ast.parse(path.read_text(encoding="utf-8")).body, "")


def rows(text: str) -> dict[str, str]:
    """A page's table rows by the code in their first column."""
    return dict(re.findall(r"^\| `([^`]+)` \|(.*)$", text, re.MULTILINE))


def sections(text: str) -> dict[str, str]:
    """A page's second-level sections by heading."""
    found = re.split(r"^## +(.+)$", text, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


@page
def test_every_file_and_name_that_a_page_gives_is_there(page):
    missing = []
    for span in code(page.read_text(encoding="utf-8")):
        if not (match := PATH.match(span)):
            continue
        path = ROOT / match["file"]
        if not path.exists() or (match["name"] and match["name"] not in names_in(path)):
            missing.append(span)
    assert missing == []


@page
def test_every_internal_link_resolves(page):
    broken = []
    for target in LINK.findall(without_fences(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def complaint(command: str) -> str | None:
    """What is wrong with a ``triptych ...`` that a page shows: an unknown command or option."""
    # What a shell would not hand over: quoted texts, comments, redirections, and Markdown's escaped bar.
    bare = re.sub(r"\"[^\"]*\"?|'[^']*'?|\s#.*$|\s[|>&].*$", " ", command.replace("\\|", "\N{BROKEN BAR}"))
    words = bare.split()[1:]
    commands: Any = get_command(app)
    while words and hasattr(commands, "commands") and not words[0].startswith("-"):
        wanted = words.pop(0).split("\N{BROKEN BAR}")
        if unknown := [word for word in wanted if word not in commands.commands]:
            return f"no command {unknown[0]!r}: {command}"
        commands = commands.commands[wanted[-1]]
    options = {name for parameter in commands.params for name in parameter.opts} | {"--help", "-h"}
    strange = [w for w in words if re.match(r"--?[a-z]", w) and w.partition("=")[0] not in options]
    return f"no option {strange[0]!r}: {command}" if strange else None


@page
def test_every_command_that_a_page_shows_exists(page):
    shown = [
        line[line.index("triptych ") :]
        for line in code(page.read_text(encoding="utf-8"))
        if re.match(r"(?:\$ )?(?:[A-Z_]+=\S+ +)*triptych ", line)
    ]
    assert [problem for command in shown if (problem := complaint(command))] == []
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    makes = re.findall(
        r"^(?:\$ )?make ([a-z-]+)$", "\n".join(code(page.read_text(encoding="utf-8"))), re.MULTILINE
    )
    assert set(makes) - targets == set()


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ('triptych run "how --sad?" --docs x --mode parallel', None),
        ("triptych ledger tail\\|show JOB\\|export", None),
        ("triptych ledger tail --follow  # the last events", None),
        ("triptych answer x", "no command 'answer'"),
        ("triptych ledger tail\\|print", "no command 'print'"),
        ("triptych run x --fast", "no option '--fast'"),
        ("triptych ledger tail -x", "no option '-x'"),
    ],
)
def test_a_command_that_is_not_there_is_found_out(command, problem):
    assert (complaint(command) or "").partition(":")[0] == (problem or "")


def test_the_readme_names_every_command():
    table = re.findall(r"^\| .*`triptych .*", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = {word for row in table for word in re.findall(r"[a-z]+", row.split(" | ")[0])}
    commands: Any = get_command(app)
    assert set(commands.commands) - named == set()


@cache
def ledger_page() -> dict[str, str]:
    return sections((DOCS / "ledger.md").read_text(encoding="utf-8"))


def section_of(event: str) -> str:
    found = [body for heading, body in ledger_page().items() if f"`{event}`" in heading]
    assert len(found) == 1, f"{event} needs one section"
    return found[0]


def fields_by_event() -> dict[str, set[str]]:
    union = get_args(get_args(KnownEvent)[0])
    return {
        name: set(model.model_fields)
        for model in union
        for name in get_args(model.model_fields["event"].annotation)
    }


def common_fields() -> set[str]:
    return set.intersection(*fields_by_event().values())


def test_the_fields_of_every_event_are_described_once():
    assert set(rows(ledger_page()["What every event says"])) == common_fields()
    assert set(fields_by_event()) == set(event_names())


@pytest.mark.parametrize("event", event_names())
def test_an_events_section_names_its_fields_and_no_others(event):
    assert set(rows(section_of(event))) == fields_by_event()[event] - common_fields()


def test_the_ledger_page_describes_no_event_that_is_not_there():
    described = {name for heading in ledger_page() for name in re.findall(r"`(\w+)`", heading)}
    assert described == set(event_names())


@pytest.mark.parametrize("event", event_names())
def test_an_events_section_shows_a_whole_line_of_the_ledger(event):
    examples = [body for language, body in FENCE.findall(section_of(event)) if language == "json"]
    assert len(examples) == 1
    shown = parse_event(examples[0], at_ms=json.loads(examples[0])["at_ms"])
    assert not isinstance(shown, UnknownEvent)
    assert set(json.loads(examples[0])) == set(type(shown).model_fields)
    assert f"`{shown.event}`" in next(heading for heading in ledger_page() if f"`{event}`" in heading)


@cache
def answers_page() -> dict[str, str]:
    return sections((DOCS / "answers.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("Status and exit code", get_args(JobStatus)),
        ("Reasons", get_args(ReasonCode)),
        ("Notes", get_args(NoteCode)),
        ("Failure kinds", get_args(ErrorKind)),
    ],
)
def test_the_answers_page_describes_every_value_and_no_other(heading, values):
    described = rows(answers_page()[heading])
    assert set(described) == set(values)
    assert all(len(text.strip()) > 20 for text in described.values())


def test_the_answers_page_describes_every_level_and_modes_and_factors():
    gate = re.findall(r"^\| (\d) \| \S", answers_page()["The gate"], re.MULTILINE)
    assert tuple(map(int, gate)) == get_args(Level)
    assert set(rows(answers_page()["Modes"])) == set(get_args(Mode))
    source = (ROOT / "orchestrator/routing/complexity.py").read_text(encoding="utf-8")
    factors = set(re.findall(r"_factor\(\s*\"(\w+)\"", source))
    assert factors
    assert set(rows(answers_page()["Complexity"])) == factors


def test_the_answers_page_names_what_the_gate_finds():
    sources = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "orchestrator/evidence").glob("*.py"))
    given = re.findall(r'(?:\breason ?= ?|_finding\(\s*claim, )"(\w+)"(?: if .* else "(\w+)")?', sources)
    found = {reason for pair in given for reason in pair if reason}
    assert len(found) > 15
    named = set(re.findall(r"`([a-z_]+)`", answers_page()["The gate"]))
    assert found - named == set()


def test_the_exit_codes_are_the_commands_own():
    from orchestrator.cli.shared.fleet import EXIT

    table = rows(answers_page()["Status and exit code"])
    assert {status: int(text.split("|")[0]) for status, text in table.items()} == EXIT


def test_the_example_of_a_result_is_one():
    (example,) = (body for language, body in FENCE.findall(answers_page()["The JSON"]) if language == "jsonc")
    shown = re.sub(r"\s+//.*$", "", example, flags=re.MULTILINE)
    Result.from_wire(shown)
    assert set(json.loads(shown)) == set(Result.model_fields)


def test_the_producers_page_describes_every_name_that_a_producer_can_import():
    page = (DOCS / "producers.md").read_text(encoding="utf-8")
    table = page.partition("### What there is to import")[2].partition("\n## ")[0]
    described = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in CODE_SPAN.findall(row)
    ]
    assert sorted(described) == sorted(triptych.__all__)


def test_the_producers_page_describes_every_method_of_the_client_and_its_twin():
    page = (DOCS / "producers.md").read_text(encoding="utf-8")
    described = {name.partition("(")[0] for name in rows(page) if "(" in name}
    for client in (triptych.Client, triptych.AsyncClient):
        methods = {
            name for name, value in vars(client).items() if inspect.isfunction(value) and name[0] != "_"
        }
        assert methods - {"close"} == described


def test_every_decision_is_listed():
    decisions = {path.name for path in (DOCS / "adr").glob("0*.md")}
    listed = LINK.findall((DOCS / "adr" / "README.md").read_text(encoding="utf-8"))
    assert sorted(decisions) == listed
    for name in decisions:
        parts = list(sections((DOCS / "adr" / name).read_text(encoding="utf-8")))
        assert parts == ["Context", "Choice", "What was measured here", "Consequences"], name
