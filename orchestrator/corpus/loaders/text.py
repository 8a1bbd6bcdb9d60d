"""Plain text: paragraphs between blank lines."""

from __future__ import annotations

import re

from orchestrator.corpus.decode import decode
from orchestrator.corpus.document import Document, DocumentBuilder, clean

_BLANK = re.compile(r"\n[^\S\n]*\n\s*")


def load(data: bytes, source: str) -> Document:
    """Read a plain text file of any common character set."""
    builder = DocumentBuilder(source)
    for paragraph in _BLANK.split(clean(decode(data, source))):
        builder.add("paragraph", paragraph)
    return builder.build(data)
