"""Builds ``triptych-client`` from Triptych's own sources: one import package, ``triptych``, and nothing beside it.

``triptych.py`` becomes ``triptych/__init__.py``, and what it imports, directly or not, becomes
``triptych/_orchestrator``. Imports are renamed where the parser sees them, never by searching the text. What cannot be
renamed with certainty ends the build: ``import orchestrator.x``, which binds the old name, and a string that names
one of our modules.
"""

from __future__ import annotations

import ast
import re
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

SOURCES = Path(__file__).resolve().parents[2]
OLD, NEW = "orchestrator", "triptych._orchestrator"
FRONT = "triptych.py"
COMMANDS_ONLY = {"rich", "structlog", "typer"}
"""Requirements of the ``triptych`` distribution that only its commands and workers import."""


class CannotRename(Exception):
    """A source says ``orchestrator`` in a way that no rename would be sure of."""


def renamed(source: str) -> str:
    """A module's source with ``orchestrator`` renamed in its imports. Raises ``CannotRename``."""
    tree = ast.parse(source)
    lines = source.encode().splitlines(keepends=True)  # the parser counts columns in bytes
    # The last one first: a longer name moves what stands behind it on its line.
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in sorted(statements, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        if isinstance(node, ast.Import) and any(_ours(alias.name) for alias in node.names):
            raise CannotRename(
                f"line {node.lineno}: write 'from {OLD}... import', which binds no name of ours"
            )
        if isinstance(node, ast.ImportFrom) and not node.level and _ours(node.module or ""):
            line, start = lines[node.lineno - 1], node.col_offset
            statement, found = re.subn(
                rb"^from +" + OLD.encode() + rb"\b", f"from {NEW}".encode(), line[start:]
            )
            if not found:
                raise CannotRename(f"line {node.lineno}: write 'from {OLD}' on one line")
            lines[node.lineno - 1] = line[:start] + statement
    for line_number, text in _strings(tree):
        if re.search(rf"(?<![\w./]){OLD}[.:]\w", text):
            raise CannotRename(f"line {line_number}: a string names a module; make it of __name__")
    return b"".join(lines).decode()


def shipped(root: Path = SOURCES) -> dict[str, Path]:
    """The modules that the front imports, directly or not, by their names, with the packages they lie in."""
    found: dict[str, Path] = {}
    todo = [*_imports(root / FRONT)]
    while todo:
        name = todo.pop()
        path = _file(root, name)
        if name in found or path is None:
            continue
        found[name] = path
        todo += [name.rpartition(".")[0], *_imports(path)]
    return dict(sorted(found.items()))


def write_package(folder: Path) -> None:
    """Write the package ``triptych`` into an empty folder. Raises ``CannotRename``."""
    targets = {Path("__init__.py"): SOURCES / FRONT}
    targets |= {Path(f"_{path.relative_to(SOURCES)}"): path for path in shipped().values()}
    for target, path in targets.items():
        place = folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.write_text(renamed(path.read_text(encoding="utf-8")), encoding="utf-8")
        except CannotRename as problem:
            raise CannotRename(f"{path.relative_to(SOURCES)}, {problem}") from None
    (folder / "py.typed").touch()


def requirements() -> list[str]:
    """What Triptych requires, as it requires it, but for its commands."""
    project = _project()
    return [line for line in project["dependencies"] if re.split(r"[^\w-]", line)[0] not in COMMANDS_ONLY]


class ClientMetadata(MetadataHookInterface):
    """Requirements and supported Pythons, out of Triptych's own ``pyproject.toml``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Hatchling asks for them."""
        metadata["dependencies"] = requirements()
        metadata["requires-python"] = _project()["requires-python"]


class ClientPackage(BuildHookInterface[Any]):
    """Puts the package into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Hatchling is about to build."""
        if version != "standard":
            raise ValueError(
                "triptych-client is made of renamed sources; install 'triptych' itself to edit them"
            )
        self._made = tempfile.TemporaryDirectory()
        write_package(Path(self._made.name))
        build_data["force_include"][self._made.name] = "triptych"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's
        """The wheel is there."""
        self._made.cleanup()


def _project() -> dict[str, Any]:
    path = SOURCES / "pyproject.toml"
    if not path.exists() or not (SOURCES / FRONT).exists():
        raise FileNotFoundError(
            f"{SOURCES} holds no sources of Triptych; build triptych-client inside a clone of it"
        )
    project: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    return project


def _ours(module: str) -> bool:
    return module.partition(".")[0] == OLD


def _imports(path: Path) -> Iterator[str]:
    """Names that may be modules of ours; late imports count, and those for the type checker alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module and _ours(node.module):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(root: Path, module: str) -> Path | None:
    path = root.joinpath(*module.split("."))
    return next((p for p in (path / "__init__.py", path.with_suffix(".py")) if module and p.is_file()), None)


def _strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every string that is not a docstring, with its line."""
    prose = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
            yield node.lineno, node.value
