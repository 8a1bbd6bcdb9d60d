"""Which tools there are: every module of this package that has a ``TOOL``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any

from pydantic import TypeAdapter

import workers.tools
from orchestrator.contracts.base import ToolName
from workers.tools.protocol import Tool

_MACHINERY = frozenset({"protocol", "registry", "toolbox"})
_name: TypeAdapter[str] = TypeAdapter(ToolName)


@cache
def installed_tools() -> Mapping[str, Tool[Any]]:
    """Every tool of this installation by name. Scans the package once per process."""
    return discover(workers.tools)


def discover(package: ModuleType) -> Mapping[str, Tool[Any]]:
    """Collect the tools of a package's modules; those that begin with an underscore are helpers.

    Raises ``TypeError`` for a module without ``TOOL`` and for a name that is malformed or taken: a mistake in
    the installation, which must not wait for the job that asks for that tool.
    """
    found: dict[str, Tool[Any]] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        if module_info.name.startswith("_") or module_info.name in _MACHINERY:
            continue
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        tool: Tool[Any] | None = getattr(module, "TOOL", None)
        if tool is None:
            raise TypeError(
                f"{module.__name__} has no TOOL; name the module with an underscore if it is none"
            )
        if not _is_name(tool.name) or tool.name in found:
            raise TypeError(
                f"{module.__name__}: the tool name {tool.name!r} is malformed or taken; choose another"
            )
        found[tool.name] = tool
    return MappingProxyType(found)


def _is_name(name: str) -> bool:
    try:
        return _name.validate_python(name) == name
    except ValueError:
        return False
