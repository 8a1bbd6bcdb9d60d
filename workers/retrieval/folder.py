"""The retriever that Triptych brings: corpora are SQLite files under ``TRIPTYCH_HOME``, a folder that workers share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.corpus import Corpus, CorpusInfo, Hit


class Folder:
    """Corpora of a home folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def search(self, corpus: str, queries: Sequence[str], limit: int) -> Sequence[Hit]:
        """See ``Retriever``."""
        return Corpus.open(self._home, corpus).search(queries, limit)

    def language(self, corpus: str) -> str:
        """See ``Retriever``."""
        return Corpus.open(self._home, corpus).language()

    def corpora(self) -> Sequence[CorpusInfo]:
        """See ``Retriever``."""
        return Corpus.list(self._home)
