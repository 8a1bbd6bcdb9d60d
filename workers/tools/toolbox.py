"""The tools that one step may call: permitted by its job, counted, and with failures turned into data."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError

from orchestrator.errors import JobCancelled, LeaseLost
from orchestrator.plaintext import one_line
from workers.tools.protocol import Tool, ToolContext, ToolResult
from workers.tools.registry import installed_tools

MAX_CALLS = 4
MAX_PASSAGES = 16
MAX_RESULT_CHARS = 4_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ToolUse:
    """One call that was asked for, for the ledger: ``tool`` is ``unknown`` where the name is no tool's."""

    tool: str
    ok: bool
    passages: int
    duration_ms: int


class Toolbox:
    """One step's tools. Holds the count of its calls, so: one per step, used by one thread.

    ``permissions`` is ``TaskSpec.permissions``; a permission without an installed tool grants nothing.
    """

    def __init__(
        self,
        permissions: Collection[str],
        context: ToolContext,
        *,
        tools: Mapping[str, Tool[Any]] | None = None,
        max_calls: int = MAX_CALLS,
        max_passages: int = MAX_PASSAGES,
    ) -> None:
        installed = installed_tools() if tools is None else tools
        self._tools = {name: installed[name] for name in permissions if name in installed}
        self._context = context
        self._calls_left = max_calls
        self._passages_left = max_passages

    @property
    def descriptions(self) -> tuple[tuple[str, str], ...]:
        """Name and description (what it is for, and its input) of each tool: what ``Brief.tools`` takes."""
        return tuple(
            (name, f"{tool.description} Input: {_input_of(tool.input_model)}")
            for name, tool in self._tools.items()
        )

    def call(self, name: str, given: Mapping[str, object]) -> tuple[ToolResult, ToolUse]:
        """Call a tool as a model asked for it. Never raises for what the model or the tool did wrong.

        ``JobCancelled`` and ``LeaseLost`` pass through: they end the step, not the call.
        """
        started = monotonic()
        result = self._call(name, given)
        kept = result.passages[: self._passages_left]
        self._passages_left -= len(kept)
        duration_ms = round((monotonic() - started) * 1000)
        use = ToolUse(name if name in self._tools else "unknown", result.ok, len(kept), duration_ms)
        return ToolResult(result.text[:MAX_RESULT_CHARS], kept, result.ok), use

    def _call(self, name: str, given: Mapping[str, object]) -> ToolResult:
        tool = self._tools.get(name)
        if tool is None:
            permitted = ", ".join(self._tools) or "none"
            return ToolResult(
                f"There is no such tool, or it is not permitted here. Permitted: {permitted}.", ok=False
            )
        if self._calls_left <= 0:
            return ToolResult(
                "Not called: the limit of tool calls is reached. Answer with what you have.", ok=False
            )
        self._calls_left -= 1
        try:
            checked = tool.input_model.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = one_line(".".join(str(part) for part in first["loc"]), 80)
            return ToolResult(f"Not called: input {field}: {first['msg']}.", ok=False)
        try:
            return tool.call(checked, self._context)
        except (JobCancelled, LeaseLost):
            raise
        except Exception as error:  # noqa: BLE001 - a broken tool costs its result, never the persona's answer
            _log.warning("tool_failed", tool=name, error=type(error).__name__, exc_info=True)
            return ToolResult("The tool failed. Answer with what you have.", ok=False)


def _input_of(model: type[BaseModel]) -> str:
    """One line on an input model's fields, from its JSON schema."""
    schema = model.model_json_schema()
    required = schema.get("required", [])
    fields = {
        name: part.get("type", "value") + ("" if name in required else ", optional")
        for name, part in schema.get("properties", {}).items()
    }
    return json.dumps(fields, ensure_ascii=False)
