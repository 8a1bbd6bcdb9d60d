"""From a command's options to a ``TaskSpec``, with errors that name the option."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from orchestrator.contracts import TaskSpec
from orchestrator.errors import InvalidInput

_OPTIONS = {
    "goal": "QUESTION",
    "constraints": "--constraint",
    "complexity": "--complexity",
    "scope": "--scope",
    "language": "--language",
    "mode": "--mode",
    "sections": "--sections",
    "on_partial": "--on-partial",
    "deadline_s": "--deadline",
    "merge_after_s": "--merge-after",
    "title": "--title",
    "token_budget": "--token-budget",
    "tenant": "--tenant",
    "idempotency_key": "--idempotency-key",
    "inputs": "--corpus",
}
_WRITE = {
    "language": "write the language's two letters: en, ko",
    "tenant": "write small letters, digits and -, at most 32",
    "inputs": "write the name of a corpus: letters, digits, . _ and -, at most 64",
}
"""What a field that has a pattern takes, in words."""


def build_spec(**fields: Any) -> TaskSpec:  # noqa: ANN401 - pydantic checks them, that is the point
    """A ``TaskSpec`` from options. Raises ``InvalidInput`` that names the option and says what to do."""
    try:
        return TaskSpec(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = str(first["loc"][0]) if first["loc"] else "task"
        raise InvalidInput(
            _OPTIONS.get(field, field), _say(field, first["type"], first["msg"], first.get("ctx", {}))
        ) from None


def _say(field: str, kind: str, message: str, context: dict[str, Any]) -> str:
    if kind == "string_pattern_mismatch" and field in _WRITE:
        return f"cannot be taken; {_WRITE[field]}"
    if kind == "string_too_long":
        return f"is longer than {context['max_length']:,} characters; shorten it, and put long material into --docs"
    if kind == "string_too_short":
        return "is empty; ask a question"
    if kind == "literal_error":
        return f"must be one of {str(context['expected']).replace(chr(39), '')}"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    return message[0].lower() + message[1:]
