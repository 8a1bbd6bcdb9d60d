"""From the objects a model wrote to the lines of ``wire``: other common spellings are read as ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from workers.brief import Form
from workers.personas.wire import AnswerLine, ClaimLine, CoversLine, DoneLine, TextLine, ToolLine

CLAIM_KINDS: dict[Form, tuple[str, ...]] = {
    "thesis": ("position",),
    "antithesis": ("objection",),
    "antithesis_standalone": ("objection",),
    "synthesis": ("consensus", "resolution", "open"),
    "rebuttal": ("objection",),
    "resolution": ("consensus", "resolution", "open"),
    "section": ("consensus", "resolution", "open"),
    "merge": ("consensus", "resolution", "open"),
    "single": ("position", "open"),
}
"""Which claims each form may make."""

_KINDS = {
    "conclusion": "summary",
    "reasoning": "rationale",
    "next_action": "action",
    "tool_call": "tool",
    "end": "done",
    "agreement": "consensus",
    "contradiction": "resolution",
    "resolved": "resolution",
    "open_question": "open",
}
_SAME_CLAIM = {
    "thesis": {"claim", "thesis", "argument", "point"},
    "single": {"claim", "finding", "argument", "point"},
    "antithesis": {"claim", "antithesis", "argument", "point", "counterclaim", "counterargument", "rebuttal"},
}
_LIKE = {"antithesis_standalone": "antithesis", "rebuttal": "antithesis"}
_KEYS = {
    "kind": ("type",),
    "text": ("content", "claim", "statement"),
    "citations": ("citation", "evidence", "quotes"),
    "passage": ("passage_id", "passageId", "id", "source"),
    "quote": ("text", "content"),
    "depends_on": ("dependsOn", "depends"),
    "name": ("tool",),
    "input": ("args", "arguments", "parameters"),
}
_line: TypeAdapter[TextLine | ClaimLine | CoversLine | ToolLine | DoneLine] = TypeAdapter(AnswerLine)


class BadLineError(ValueError):
    """An object is no answer line; the message says why and holds nothing of the object's text."""


def unwrap(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the object, or, where it only wraps a list of lines (``{"claims": [...]}``), those lines."""
    inner = [
        item for part in value.values() if isinstance(part, list) for item in part if isinstance(item, dict)
    ]
    if "kind" not in value and any("kind" in item or "type" in item for item in inner):
        yield from inner
    else:
        yield value


def read_line(value: dict[str, Any], form: Form) -> TextLine | ClaimLine | CoversLine | ToolLine | DoneLine:
    """Make an answer line of an object. Raises ``BadLineError``."""
    known = _renamed(value, "kind", "text", "citations", "depends_on", "name", "input")
    kind = _kind(known.get("kind"), form)
    known["kind"] = kind
    if "id" in known:
        known["id"] = _text(known["id"])
    for key in ("depends_on", "about"):
        known[key] = _names(known.get(key))
    known["citations"] = _citations(known.get("citations"))
    if known.get("input") is None:
        known.pop("input", None)
    try:
        return _line.validate_python(known)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = first["loc"][1] if len(first["loc"]) > 1 else "it"
        raise BadLineError(f"a line of kind {kind!r}: {field!r}: {first['msg']}") from None


def _kind(given: object, form: Form) -> str:
    if not isinstance(given, str):
        raise BadLineError('an object without a "kind"')
    kind = given.strip().lower().replace(" ", "_").replace("-", "_")
    allowed = CLAIM_KINDS[form]
    if kind in _SAME_CLAIM.get(_LIKE.get(form, form), ()):
        return allowed[0]
    kind = _KINDS.get(kind, kind)
    others = ("covers",) if form == "merge" else ()
    if kind not in ("summary", "rationale", "action", "tool", "done", *others, *allowed):
        expected = ", ".join(repr(name) for name in allowed)
        raise BadLineError(f"a kind that this answer cannot have; its claims are of kind {expected}")
    return kind


def _citations(given: object) -> list[dict[str, str]]:
    """Read citations; what is unreadable in one is left empty, so that the claim is not lost with it."""
    if given is None:
        return []
    cited = []
    for item in given if isinstance(given, list) else [given]:
        known = _renamed(item, "passage", "quote") if isinstance(item, dict) else {}
        cited.append({key: _text(known.get(key)) for key in ("passage", "quote")})
    return cited


def _renamed(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    out = dict(value)
    for key in keys:
        for other in _KEYS[key]:
            if key not in out and other in out:
                out[key] = out[other]
    return out


def _names(given: object) -> list[str]:
    """List ids from a list, one string, or several in one string with commas."""
    items = given if isinstance(given, list) else str(given).split(",") if isinstance(given, str) else [given]
    return [name for item in items if (name := _text(item).strip())]


def _text(value: object) -> str:
    """Keep a string, write a small number in digits, make nothing of anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and abs(value) < 1_000_000 else ""
