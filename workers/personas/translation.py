"""The plan's search queries in the documents' language, where a model is there to translate them."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.contracts import TaskSpec
from orchestrator.plaintext import one_line
from workers.llm.protocol import ChatTurn, ModelRequest
from workers.personas.fences import Fence
from workers.personas.prompting import fill, language_name
from workers.personas.scan import Found, ObjectScanner, read_object

MAX_QUERY_CHARS = 400
MAX_OUTPUT_TOKENS = 512


def translation_request(task: TaskSpec, queries: Sequence[str], language: str) -> ModelRequest:
    """Ask for the queries in ``language`` (ISO 639). Nobody argues, so the request has no brief."""
    listed = [one_line(query, MAX_QUERY_CHARS) for query in queries]
    fence = Fence(task.task_id, *listed)
    said = fill(
        "translate_queries",
        language=language_name(language),
        tag=fence.tag,
        queries="\n".join(fence.wrap("query", query) for query in listed),
    )
    return ModelRequest("", (ChatTurn("user", said),), None, MAX_OUTPUT_TOKENS)


def read_translation(text: str, *, limit: int) -> tuple[str, ...]:
    """Read the queries of an answer, each once, at most ``limit``; none where it holds none. Never raises."""
    scanner = ObjectScanner()
    found = [*scanner.feed(text), *scanner.close()]
    objects = [read_object(item.text) or {} for item in found if isinstance(item, Found) and item.closed]
    queries = [
        one_line(query, MAX_QUERY_CHARS) for each in objects if isinstance(query := each.get("query"), str)
    ]
    return tuple(dict.fromkeys(query for query in queries if query))[:limit]
