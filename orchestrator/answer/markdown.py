"""Foreign text inside our Markdown: it reads the same and can neither build structure nor steer a terminal."""

from __future__ import annotations

import re

from orchestrator.plaintext import one_line

_INLINE = re.compile(
    r"[\\`*\[\]<~]"  # without its opening, a ">" ends nothing
    r"|(?<![^\W_])_|_(?![^\W_])"  # an underscore inside a word emphasises nothing
    r"|&(?=#?\w+;)"  # an entity could spell a control character
)
_LINE_START = re.compile(r"^(?:[#=>]|[+-](?=[\s-]|$)|\d{1,9}(?=[.)](?:\s|$)))")


def inline(text: str, limit: int | None = None) -> str:
    """One line of Markdown that shows ``text`` as it is, clipped to ``limit`` characters before escaping."""
    escaped = _INLINE.sub(r"\\\g<0>", one_line(text, limit))
    start = _LINE_START.match(escaped)
    if start is None:
        return escaped
    # A backslash before a digit would be shown; what makes a list of a number is the mark behind it.
    at = start.end() if start.group().isdigit() else 0
    return f"{escaped[:at]}\\{escaped[at:]}"
