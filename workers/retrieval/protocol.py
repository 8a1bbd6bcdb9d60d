"""What a retriever is: it knows corpora by name, wherever they are, and finds passages in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from orchestrator.corpus import CorpusInfo, Hit
from orchestrator.settings import Settings


class Retriever(Protocol):
    """Searches corpora. One per process, shared by its threads.

    Blocks, and bounds its own time: a step waits for it. A passage's id has to be the same whenever it is found again,
    and no other passage's in that corpus. Raises ``InvalidInput`` where there is no such corpus; whatever else it
    raises is its own failure, and ends as ``RetrieverFailed``.
    """

    def search(self, corpus: str, queries: Sequence[str], limit: int) -> Sequence[Hit]:
        """At most ``limit`` passages for the queries together, best first (``Hit.score``, 0 to 1); maybe none."""
        ...

    def language(self, corpus: str) -> str:
        """The language that most of a corpus is written in, as an ISO 639 code."""
        ...

    def corpora(self) -> Sequence[CorpusInfo]:
        """Those that can be searched from here, and with ``problem`` those that cannot: what the doctor is told."""
        ...


MakeRetriever = Callable[[Settings], Retriever]
"""What a package registers: called once, when a worker starts. Raises ``InvalidSettings`` where it cannot be used."""
