"""``triptych-client``: one package made of Triptych's own sources, renamed where the parser sees a name."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import triptych
from tests.distributions import CLIENT, ROOT, build, required, requirements, sources, top_level


def load_hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", CLIENT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hook = load_hook()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(CLIENT, tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("whole"))


def imported(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or "", [alias.name for alias in node.names]


def bound(tree: ast.Module) -> set[str]:
    """The names that a module has at its top."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.ImportFrom():
                names |= {alias.asname or alias.name for alias in node.names}
    return names


# What is in it


def test_it_puts_one_name_into_site_packages(wheel):
    assert top_level(wheel) == {"triptych", "*.dist-info"}


def test_it_is_typed(wheel):
    assert "triptych/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_every_import_of_ours_leads_to_something_in_the_wheel(wheel):
    modules = sources(wheel)
    there = {*modules, *(f"{module}.{name}" for module, tree in modules.items() for name in bound(tree))}
    wanted = {
        f"{module}.{name}".rstrip(".")
        for tree in modules.values()
        for module, names in imported(tree)
        for name in names or [""]
        if module.partition(".")[0] in {"triptych", "orchestrator", "workers"}
    }
    assert len(wanted) > 150
    assert wanted - there == set()


def test_it_carries_no_command_no_document_reader_and_no_fleet(wheel):
    rooms = {name.split(".")[2] for name in sources(wheel) if name.count(".") > 1}
    assert rooms & {"cli", "corpus", "local", "doctor", "exporter", "recovery", "report", "pausing"} == set()


def test_it_requires_what_it_imports_as_triptych_requires_it(wheel, whole):
    core = {str(need) for need in requirements(whole) if not need.marker}
    wanted = requirements(wheel)
    assert {str(need) for need in wanted} <= core
    foreign = {
        name.partition(".")[0] for tree in sources(wheel).values() for name, _ in imported(tree)
    } - sys.stdlib_module_names
    late = {"rapidfuzz"}  # asked for, and done without
    brought = {"pydantic_core"}  # by pydantic
    assert foreign - late - brought - {"triptych"} == {need.name.replace("-", "_") for need in wanted}
    assert not required(wanted) & {"aiohttp", "rich", "structlog", "typer", "tenacity", "rapidfuzz"}


def test_it_has_triptychs_version(wheel, whole):
    assert wheel.name.split("-")[1] == whole.name.split("-")[1] == triptych.__version__


def test_it_is_built_the_same_every_time(wheel, tmp_path):
    assert build(CLIENT, tmp_path).read_bytes() == wheel.read_bytes()


def test_away_from_the_sources_the_build_says_what_to_do(tmp_path):
    lone = tmp_path / "a" / "deploy" / "client"
    shutil.copytree(CLIENT, lone)
    (tmp_path / "a" / "orchestrator").mkdir()
    (tmp_path / "a" / "orchestrator" / "__init__.py").write_text('__version__ = "0"\n')
    hatchling = str(Path(sys.executable).with_name("hatchling"))
    done = subprocess.run(
        [hatchling, "build", "-t", "wheel"], cwd=lone, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "inside a clone" in done.stderr


# Renaming


@pytest.mark.parametrize(
    ("source", "becomes"),
    [
        ("from orchestrator import __version__\n", "from triptych._orchestrator import __version__\n"),
        ("from orchestrator.a.b import c as d\n", "from triptych._orchestrator.a.b import c as d\n"),
        ("from orchestrator.a import (\n    b,  # c\n)\n", "from triptych._orchestrator.a import (\n    b,  # c\n)\n"),
        ("def f():\n    from orchestrator.a import b\n", "def f():\n    from triptych._orchestrator.a import b\n"),
        (
            "from orchestrator.a import b; from orchestrator.c import d\n",
            "from triptych._orchestrator.a import b; from triptych._orchestrator.c import d\n",
        ),
        ('x = "é"; from orchestrator.a import b\n', 'x = "é"; from triptych._orchestrator.a import b\n'),
        ('"""from orchestrator.a import b"""\n', '"""from orchestrator.a import b"""\n'),
        ("# from orchestrator.a import b\n", "# from orchestrator.a import b\n"),
        ("from orchestrators import b\n", "from orchestrators import b\n"),
        ("from a.orchestrator import b\n", "from a.orchestrator import b\n"),
        ("x = 'the orchestrator.'\n", "x = 'the orchestrator.'\n"),
    ],
)  # fmt: skip
def test_imports_are_renamed_and_nothing_else(source, becomes):
    assert hook.renamed(source) == becomes


@pytest.mark.parametrize(
    "source",
    [
        "import orchestrator\n",
        "import orchestrator.a as b\n",
        "import os, orchestrator.a\n",
        "from \\\n  orchestrator.a import b\n",
        "x = 'orchestrator.a:B'\n",
        "x = f'orchestrator.a.{name}'\n",
    ],
)
def test_what_cannot_be_renamed_for_certain_is_refused_with_its_line(source):
    with pytest.raises(hook.CannotRename, match="line 1"):
        hook.renamed(source)


def test_what_is_imported_late_or_for_the_type_checker_is_shipped_too(tmp_path):
    (tmp_path / "orchestrator" / "a").mkdir(parents=True)
    for name, text in {
        "triptych.py": "from orchestrator.a import b\n",
        "orchestrator/__init__.py": "",
        "orchestrator/a/__init__.py": "",
        "orchestrator/a/b.py": "def f():\n    from orchestrator.late import x\n",
        "orchestrator/late.py": "if TYPE_CHECKING:\n    from orchestrator import typed\n",
        "orchestrator/typed.py": "",
        "orchestrator/unused.py": "",
    }.items():
        (tmp_path / name).write_text(text)
    assert list(hook.shipped(tmp_path)) == [
        "orchestrator", "orchestrator.a", "orchestrator.a.b", "orchestrator.late", "orchestrator.typed",
    ]  # fmt: skip
