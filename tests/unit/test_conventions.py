"""What every file of this repository keeps to, beyond what ruff, mypy and import-linter look at."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator.corpus.files import SUFFIXES
from orchestrator.corpus.load import _LOADERS

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = ("orchestrator", "workers", "triptych.py", "deploy", "scripts", "benchmarks")

MAX_LINES = 300
LONGER: dict[str, str] = {}

MACHINE_PATH = re.compile(r"(?<![\w.~/$}-])/(?:home|Users|root|work|mnt)/\w")
REGISTRY_HOST = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs|npmjs\.org|static\.crates|index\.crates|proxy\.golang"
    r"|conda\.anaconda|--(?:extra-)?index-url"
)
NOQA = re.compile(r"#\s*noqa\b(?P<codes>:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?(?P<reason>\s+-\s+\S.*)?")
TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore\b(?P<codes>\[[\w\-, ]+\])?(?P<reason>\s+#\s+\S.*)?")


@cache
def tracked() -> tuple[str, ...]:
    """Every file that is in the repository or about to be."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return tuple(name for name in listing.stdout.splitlines() if (ROOT / name).is_file())


def python_files() -> list[str]:
    return [name for name in tracked() if name.endswith(".py")]


def production_files() -> list[str]:
    return [name for name in python_files() if name.split("/")[0] in PRODUCTION]


def source(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def hits(pattern: re.Pattern[str]) -> list[str]:
    """Where a pattern stands in any tracked file, binary ones included."""
    texts = ((name, (ROOT / name).read_bytes().decode("utf-8", "replace")) for name in tracked())
    return [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in texts
        for number, line in enumerate(text.split("\n"), start=1)
        if pattern.search(line)
    ]


def unexplained(text: str) -> list[str]:
    """Comments that waive a check without naming it or without saying why."""
    comments = (t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.COMMENT)
    return [
        f"{comment.start[0]}: {comment.string}"
        for comment in comments
        for pattern in (NOQA, TYPE_IGNORE)
        if (waiver := pattern.search(comment.string)) and not (waiver["codes"] and waiver["reason"])
    ]


def test_there_is_something_to_look_at():
    assert {"pyproject.toml", "requirements.lock"} <= set(tracked())
    assert len(production_files()) > 100


def test_every_module_says_what_it_is_for():
    silent = [
        name
        for name in python_files()
        if source(name).strip() and not ast.get_docstring(ast.parse(source(name)))
    ]
    assert silent == []


def test_no_production_file_is_too_long_to_hold_in_the_head():
    long = {name for name in production_files() if len(source(name).splitlines()) > MAX_LINES}
    assert long == set(LONGER), "split it, or (for one that shrank) take it off the list"


def test_every_waived_check_is_named_and_says_why():
    found = {name: waivers for name in python_files() if (waivers := unexplained(source(name)))}
    assert found == {}


@pytest.mark.parametrize(
    ("comment", "is_fine"),
    [
        ("# noqa: S603 - our own commands", True),
        ("# noqa: FBT001, FBT002 - celery's signature", True),
        ("# noqa: S603", False),
        ("# noqa", False),
        ("# noqa - because", False),
        ("# type: ignore[arg-type]  # pydantic checks the literal", True),
        ("# type: ignore[arg-type]", False),
        ("# type: ignore  # because", False),
        ("# says nothing of the kind", True),
    ],
)
def test_a_waiver_needs_its_code_and_its_reason(comment, is_fine):
    assert (unexplained(f"x = 1  {comment}\n") == []) is is_fine


def test_a_waiver_inside_a_string_is_none():
    assert unexplained("x = '# noqa'\n") == []


def test_no_file_names_a_path_of_some_machine():
    assert hits(MACHINE_PATH) == []


def test_no_file_names_a_package_registry():
    assert hits(REGISTRY_HOST) == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (MACHINE_PATH, "see /" + "home/ada/x"),
        (MACHINE_PATH, "'/" + "work/main'"),
        (REGISTRY_HOST, "https://py" + "pi.org/simple"),
        (REGISTRY_HOST, "--index" + "-url x"),
    ],
)
def test_what_must_not_be_named_is_recognised(pattern, text):
    assert pattern.search(text)


def test_the_lock_pins_every_package_by_hash_and_holds_no_address():
    lock = source("requirements.lock")
    assert re.findall(r".*(?:://|\s@\s|^-).*", lock, re.MULTILINE) == []
    packages = re.split(r"\n(?=\S)", lock.strip())
    unpinned = [p.splitlines()[0] for p in packages if "==" not in p or "--hash=sha256:" not in p]
    assert len(packages) > 50
    assert unpinned == []


def test_every_document_format_has_a_loader_and_every_loader_a_format():
    assert set(_LOADERS) == SUFFIXES
    modules: list[ModuleType] = [
        import_module(f"orchestrator.corpus.loaders.{name}") for name in _LOADERS.values()
    ]
    assert all(callable(module.load) for module in modules)
    here = {path.stem for path in (ROOT / "orchestrator/corpus/loaders").glob("[!_]*.py")}
    assert here == set(_LOADERS.values())
