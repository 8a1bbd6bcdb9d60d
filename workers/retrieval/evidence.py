"""What one job may search."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from orchestrator.contracts import TaskSpec
from orchestrator.corpus import Hit, rank_passages
from orchestrator.corpus.terms import query_terms
from orchestrator.language import detect_language
from workers.retrieval.protocol import Retriever

MAX_LACKING = 8
"""Words that are looked for alone to say why nothing was found; each is one search."""


@dataclass(frozen=True)
class Evidence:
    """A job's corpus, its inline passages, or both. Raises as its ``Retriever``."""

    spec: TaskSpec
    retriever: Retriever

    def search(self, queries: tuple[str, ...], limit: int) -> tuple[Hit, ...]:
        """The best passages for any of the queries."""
        hits: list[Hit] = []
        if self.spec.inputs.corpus:
            hits += self.retriever.search(self.spec.inputs.corpus, queries, limit)
        if self.spec.inputs.passages:
            hits += rank_passages(self.spec.inputs.passages, queries, limit)
        return tuple(sorted(hits, key=lambda hit: -hit.score)[:limit])

    def lacks(self, goal: str) -> tuple[str, ...]:
        """Which of the words that name the goal's subject find nothing, looked for alone; the first few."""
        naming = dict.fromkeys(term.word for term in query_terms(goal) if term.telling)
        return tuple(word for word in islice(naming, MAX_LACKING) if not self.search((word,), 1))

    def language(self) -> str | None:
        """The evidence's main language; ``None`` where there is no evidence."""
        if self.spec.inputs.corpus:
            return self.retriever.language(self.spec.inputs.corpus)
        sample = " ".join(p.text for p in self.spec.inputs.passages[:20])
        return detect_language(sample) if sample else None
