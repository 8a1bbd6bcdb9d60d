"""Fences around everything in a prompt that somebody else wrote: data, not instructions.

A fence's tag ends in a hash of all that it fences: a text that closes the fence would have to hold a hash of
itself. The same data makes the same tag, so that all personas of a job send the same bytes and prefix caches
hit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from orchestrator.plaintext import one_line, without_controls

_TAG_CHARS = 16
_ESCAPED = str.maketrans({'"': "&quot;", "<": "&lt;", ">": "&gt;"})


class Fence:
    """Fences for one set of texts: everything that will be fenced, and what makes the job its own."""

    def __init__(self, *texts: str) -> None:
        digest = hashlib.sha256()
        for text in texts:
            data = text.encode("utf-8", "replace")
            digest.update(len(data).to_bytes(8, "big") + data)
        self.tag = digest.hexdigest()[:_TAG_CHARS]

    def wrap(self, name: str, text: str, attributes: Mapping[str, object] | None = None) -> str:
        """Put the text between its tags. Attributes are escaped, those without a value left out."""
        named = "".join(
            f' {key}="{one_line(str(value), 400).translate(_ESCAPED)}"'
            for key, value in (attributes or {}).items()
            if value not in ("", None)
        )
        return f"<{name}-{self.tag}{named}>\n{without_controls(text).strip()}\n</{name}-{self.tag}>"
