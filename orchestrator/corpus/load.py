"""One file in, one ``Document`` out: picks the loader by the file's suffix."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from orchestrator.corpus import files
from orchestrator.corpus.document import Document
from orchestrator.errors import DocumentError

Loader = Callable[[bytes, str], Document]
"""(bytes, source) to a document; raises ``DocumentError``."""

_LOADERS = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "word",
}


def load_document(path: str | os.PathLike[str], source: str | None = None) -> Document:
    """Read one file; blocks on disk and CPU. ``source`` is the name it is cited by (default: the path).

    Raises ``DocumentError`` with one line that says what is wrong with it.
    """
    source = source or os.fspath(path)
    data, _ = files.read(os.fspath(path), source)
    return parse(data, source)


def parse(data: bytes, source: str) -> Document:
    """Turn a file's bytes into a document, by the suffix of ``source``. Raises ``DocumentError``."""
    module = importlib.import_module(f"orchestrator.corpus.loaders.{_LOADERS[Path(source).suffix.lower()]}")
    loader: Loader = module.load
    try:
        document = loader(data, source)
    except (MemoryError, RecursionError) as error:
        raise DocumentError(source, "is too deep or too large to be read") from error
    return document if document.title else replace(document, title=Path(source).stem[:200])
