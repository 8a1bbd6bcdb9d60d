"""Tools: found by being there, permitted by the job, counted, and never an exception."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from orchestrator.contracts import Passage
from orchestrator.errors import JobCancelled, LeaseLost, StoreUnavailable
from workers.tools.protocol import ToolContext, ToolResult
from workers.tools.registry import discover, installed_tools
from workers.tools.toolbox import MAX_RESULT_CHARS, Toolbox

FOUND = tuple(Passage(id=f"p{n}", source="s", text="t") for n in range(20))


def searching(*, found: tuple[Passage, ...] = FOUND) -> ToolContext:
    return ToolContext(retrieve=lambda _queries, limit: found[:limit])


class EchoInput(BaseModel):
    n: int = 1


class Echo:
    name = "echo"
    description = "Says what it was given."
    input_model = EchoInput

    def __init__(self, error: Exception | None = None, text: str = "") -> None:
        self.error, self.text = error, text

    def call(self, given: EchoInput, context: ToolContext) -> ToolResult:
        if self.error:
            raise self.error
        return ToolResult(self.text or f"n={given.n}")


def test_retrieve_is_installed_and_finds_what_the_retriever_finds() -> None:
    assert "retrieve" in installed_tools()
    asked = []

    def retrieve(queries: object, limit: int) -> tuple[Passage, ...]:
        asked.append((queries, limit))
        return FOUND  # more than was asked for

    result, use = Toolbox(("retrieve",), ToolContext(retrieve)).call(
        "retrieve", {"query": " cost ", "limit": 2}
    )
    assert asked == [(["cost"], 2)]
    assert result.passages == FOUND[:2]
    assert "p0, p1" in result.text
    assert (use.tool, use.ok, use.passages) == ("retrieve", True, 2)


@pytest.mark.parametrize(("context", "ok"), [(ToolContext(), False), (searching(found=()), True)])
def test_nothing_to_search_and_nothing_found_are_told_apart(context: ToolContext, ok: bool) -> None:
    result, _ = Toolbox(("retrieve",), context).call("retrieve", {"query": "x"})
    assert result.passages == ()
    assert result.ok is ok


@pytest.mark.parametrize(
    ("permissions", "name"), [((), "retrieve"), (("retrieve",), "shell"), (("shell",), "shell")]
)
def test_what_is_unknown_or_not_permitted_is_said_and_not_raised(
    permissions: tuple[str, ...], name: str
) -> None:
    result, use = Toolbox(permissions, searching()).call(name, {"query": "x"})
    assert not result.ok
    assert "not permitted" in result.text
    assert name not in result.text.replace("Permitted: retrieve", "")
    assert (use.tool, use.ok) == ("unknown", False)


@pytest.mark.parametrize(
    ("given", "field"),
    [({}, "query"), ({"query": ""}, "query"), ({"query": "x" * 401}, "query"), ({"query": "x", "limit": 99}, "limit"),
     ({"query": "x", "evil\x1b[31m": 1}, "evil"), ({"query": "\ud800"}, "query")],
)  # fmt: skip
def test_bad_input_is_said_with_the_field(given: dict[str, object], field: str) -> None:
    result, use = Toolbox(("retrieve",), searching()).call("retrieve", given)
    assert not result.ok
    assert field in result.text
    assert "\x1b" not in result.text
    assert use.tool == "retrieve"


def test_calls_and_passages_are_limited() -> None:
    box = Toolbox(("retrieve",), searching(), max_calls=3, max_passages=5)
    brought = [box.call("retrieve", {"query": "x", "limit": 4})[1].passages for _ in range(4)]
    assert brought == [4, 1, 0, 0]
    result, use = box.call("retrieve", {"query": "x"})
    assert not use.ok
    assert "limit of tool calls" in result.text


@pytest.mark.parametrize("error", [StoreUnavailable("away"), OSError("disk PLANTED"), ZeroDivisionError()])
def test_a_tool_that_breaks_costs_its_result_only(error: Exception) -> None:
    result, use = Toolbox(("echo",), ToolContext(), tools={"echo": Echo(error)}).call("echo", {})
    assert not result.ok
    assert not use.ok
    assert "PLANTED" not in result.text


@pytest.mark.parametrize("error", [JobCancelled("gone"), LeaseLost("taken")])
def test_losing_the_step_ends_it(error: Exception) -> None:
    with pytest.raises(type(error)):
        Toolbox(("echo",), ToolContext(), tools={"echo": Echo(error)}).call("echo", {})


def test_a_long_result_is_bounded() -> None:
    result, _ = Toolbox(("echo",), ToolContext(), tools={"echo": Echo(text="x" * 99_999)}).call("echo", {})
    assert len(result.text) == MAX_RESULT_CHARS


def test_descriptions_say_what_a_tool_takes() -> None:
    ((name, text),) = Toolbox(("retrieve", "unheard_of"), ToolContext()).descriptions
    assert name == "retrieve"
    assert text.endswith('Input: {"query": "string", "limit": "integer, optional"}')


# --- discovery

TOOL_FILE = """
from workers.tools.protocol import ToolResult
from workers.tools.retrieve import RetrieveInput

class T:
    name = {name!r}
    description = "d"
    input_model = RetrieveInput
    def call(self, given, context):
        return ToolResult("hello")

TOOL = T()
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "some_tools").mkdir()
    (tmp_path / "some_tools" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.split(".")[0] == "some_tools"]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module("some_tools")


def put(package: ModuleType, file: str, text: str) -> None:
    Path(package.__path__[0], file).write_text(text)
    importlib.invalidate_caches()


def test_one_file_adds_a_tool(package: ModuleType) -> None:
    put(package, "greet.py", TOOL_FILE.format(name="greet"))
    put(package, "_helpers.py", "")
    tools = discover(package)
    assert list(tools) == ["greet"]
    result, _ = Toolbox(("greet",), ToolContext(), tools=tools).call("greet", {"query": "x"})
    assert result.text == "hello"


X = TOOL_FILE.format(name="x")


@pytest.mark.parametrize(
    "files", [{"a.py": ""}, {"a.py": TOOL_FILE.format(name="Bad Name")}, {"a.py": X, "b.py": X}]
)
def test_a_mistake_in_the_installation_is_found_at_once(package: ModuleType, files: dict[str, str]) -> None:
    for file, text in files.items():
        put(package, file, text)
    with pytest.raises(TypeError, match=r"some_tools\.[ab]"):
        discover(package)
