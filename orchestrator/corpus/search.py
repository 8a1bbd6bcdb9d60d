"""Which passages answer a question: BM25 over the index, above a floor of relevance.

BM25 orders passages but cannot say that none is relevant: some passage always scores best. The floor does, by
coverage: the share of the question's weight (inverse document frequency of its content words, taken from the
index) that stands in the passage. A passage that shares only words any text may hold stays below it, and a question
about something else returns nothing.

Inverse document frequency fails where all documents are about one thing: the words they share weigh nothing, one
word that they lack weighs everything. So a question that names what the documents are about is judged by the plain
share of its words, and a passage that is written in one script is not asked for the words of another.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from orchestrator.contracts import Passage
from orchestrator.corpus.terms import Term, query_terms

COVERAGE_FLOOR = 0.38
"""Least share of a question's weight that a passage must hold. Measured on Wikipedia claims (WiCE's development
split) against the articles they cite: over one article this keeps 94 % of the supported claims and lets 0 % of
other articles' claims through, over five 100 % and 1 %, over forty 96 % and 21 % (which share their subjects)."""

SHORT_WORDS, SHORT_FLOOR = 3, 0.5
"""The same for a question of at most three words, where one chance word is much already."""

LONG_QUERY_WORDS = 9.0
"""A question heavier than so many plain words is judged as if it had this weight: nobody's one passage holds all
of a long brief."""

SUBJECT_SHARE, SUBJECT_PASSAGES = 0.3, 2
"""A telling word that so many of the passages hold is what they are about."""

RANK_FLOOR = 0.25
"""What BM25 leaves to coverage in the order: its own weights are nothing for words that most passages hold."""

POOL = 100
FREQUENT = 250
ROWS_BUDGET = 6_000
SAME_SOURCE_FACTOR = 0.92
FULL_CHARS = 200
"""A passage shorter than this may be found for its heading alone (a date line under a title) and counts less."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found. ``score`` (0 to 1) orders hits; ``coverage`` is what the floor judged.

    ``matched`` holds the words of the queries that led here, in the queries' order.
    """

    passage: Passage
    score: float
    coverage: float
    matched: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Match:
    rowid: int
    score: float
    coverage: float
    matched: tuple[str, ...]


def search(db: sqlite3.Connection, queries: Sequence[str], limit: int) -> tuple[Hit, ...]:
    """The best ``limit`` passages for any of the queries, best first; the same input gives the same order.

    A passage counts by the query it answers best. Passages of equal text come once; each further passage of one
    source counts a little less, so that other sources are heard.
    """
    if limit < 1:
        return ()
    best: dict[int, _Match] = {}
    for query in dict.fromkeys(queries):
        for match in _matches(db, query):
            other = best.get(match.rowid)
            words = tuple(dict.fromkeys((other.matched if other else ()) + match.matched))
            top = max((match, other) if other else (match,), key=lambda m: (m.score, m.coverage))
            best[match.rowid] = _Match(match.rowid, top.score, top.coverage, words)
    return tuple(_diverse(_hits(db, best.values()), limit))


def _matches(db: sqlite3.Connection, query: str) -> list[_Match]:
    terms: Sequence[Term] = query_terms(query)
    (passages,) = db.execute("SELECT count(*) FROM passages").fetchone()
    if not terms or not passages:
        return []
    terms, holding = _telling(db, terms, passages)
    ranked = _ranked(
        db, sorted((t for t in terms if holding[t]), key=lambda t: (holding[t], t.match)), holding
    )
    if not ranked:
        return []
    found = {rowid: list[Term]() for rowid in ranked}
    among = ",".join(map(str, ranked))
    for term in terms:
        if holding[term]:
            # The plus keeps SQLite from looking rows up one by one, each time with the whole match anew.
            sql = f"SELECT rowid FROM search WHERE search MATCH ? AND +rowid IN ({among})"  # noqa: S608 - integers
            for (rowid,) in db.execute(sql, (term.match,)):
                found[rowid].append(term)
    coverage = _Coverage(terms, holding, passages)
    foreign = _other_script(db, terms, among)
    best = max(ranked.values())
    matches = []
    for rowid, held in found.items():
        if coverage.suffices(held, foreign.get(rowid, ())):
            cover = coverage.of(held)
            score = cover * (RANK_FLOOR + (1 - RANK_FLOOR) * ranked[rowid] / best)
            matched = tuple(dict.fromkeys(term.word for term in held))
            matches.append(_Match(rowid, score, cover, matched))
    top = max((match.score for match in matches), default=1.0)
    return [replace(match, score=match.score / top) for match in matches]


class _Coverage:
    """The share of one question's weight that a passage holds, and whether that is enough."""

    def __init__(self, terms: Sequence[Term], holding: dict[Term, int], passages: int) -> None:
        subject = [t for t in terms if t.telling and _is_subject(holding[t], passages)]
        if subject:
            self._weights = {term: term.share for term in terms}
            self._total = min(sum(self._weights.values()), LONG_QUERY_WORDS)
        else:
            self._weights = {term: term.weight(passages, holding[term]) for term in terms}
            plain = Term("", "", 1.0).weight(passages, passages // 50)
            self._total = min(sum(self._weights.values()), LONG_QUERY_WORDS * plain)
        self._total = self._total or 1.0
        self._words = len({term.word for term in terms})

    def of(self, held: Sequence[Term]) -> float:
        """The share, 0 to 1."""
        return min(1.0, sum(self._weights[term] for term in held) / self._total)

    def suffices(self, held: Sequence[Term], foreign: Sequence[Term]) -> bool:
        """Whether a passage with these terms is on the question, but for those its script cannot hold."""
        asked = self._words - len({term.word for term in foreign})
        floor, least = (SHORT_FLOOR, 1) if asked <= SHORT_WORDS else (COVERAGE_FLOOR, 2)
        if foreign and not any(term.telling for term in held):
            return False
        total = self._total - sum(self._weights[term] for term in foreign)
        share = sum(self._weights[term] for term in held) / total if total > 0 else 0.0
        return share >= floor and len({term.word for term in held}) >= least


def _is_subject(holding: int, passages: int) -> bool:
    return holding >= max(SUBJECT_PASSAGES, SUBJECT_SHARE * passages)


def _other_script(db: sqlite3.Connection, terms: Sequence[Term], among: str) -> dict[int, list[Term]]:
    """The CJK terms of a question that also has telling Latin ones, for each passage without a CJK letter."""
    foreign = [term for term in terms if term.match.startswith("bigrams:")]
    if not foreign or not any(term.telling for term in terms if term not in foreign):
        return {}
    sql = f"SELECT rowid FROM search WHERE bigrams = '' AND rowid IN ({among})"  # noqa: S608 - integers
    return {rowid: foreign for (rowid,) in db.execute(sql)}


def _telling(
    db: sqlite3.Connection, terms: Sequence[Term], passages: int
) -> tuple[Sequence[Term], dict[Term, int]]:
    """The terms that tell passages apart, with the number of passages that hold each.

    In a large corpus what stands in every fourth passage is left out: it weighs next to nothing and takes most of
    the time. The two rarest that any passage holds always stay.
    """
    holding = {term: _count(db, term) for term in terms}
    rarest = sorted((term for term in terms if holding[term]), key=lambda term: holding[term])[:2]
    telling = [term for term in terms if holding[term] <= max(FREQUENT, passages / 4) or term in rarest]
    return telling, holding


def _count(db: sqlite3.Connection, term: Term) -> int:
    count: int = db.execute("SELECT count(*) FROM search WHERE search MATCH ?", (term.match,)).fetchone()[0]
    return count


def _ranked(db: sqlite3.Connection, rarest_first: list[Term], holding: dict[Term, int]) -> dict[int, float]:
    """BM25 of the best passages, rowid to score, over as many terms, rarest first, as time allows."""
    asked: list[str] = []
    rows = 0
    for term in rarest_first:
        rows += holding[term]
        if len(asked) >= 2 and rows > ROWS_BUDGET:
            break
        asked.append(term.match)
    if not asked:
        return {}
    sql = "SELECT rowid, -bm25(search, 1.0, 0.7) FROM search WHERE search MATCH ? ORDER BY 2 DESC, 1 LIMIT ?"
    # In a corpus of a few passages BM25's own idf is about nothing; coverage decides then.
    return {rowid: max(score, 1e-6) for rowid, score in db.execute(sql, (" OR ".join(asked), POOL))}


def _hits(db: sqlite3.Connection, matches: Iterable[_Match]) -> list[Hit]:
    by_row = {match.rowid: match for match in matches}
    sql = (
        "SELECT p.id, d.source, p.text, p.heading, p.start, p.stop, p.page FROM passages p "  # noqa: S608 - integers
        f"JOIN documents d ON d.id = p.document WHERE p.id IN ({','.join(map(str, by_row))})"
    )
    hits = []
    for rowid, source, text, heading, start, end, page in db.execute(sql):
        match = by_row[rowid]
        passage = Passage(
            id=f"p{rowid}", source=source, text=text, heading=heading, start=start, end=end, page=page
        )
        fullness = min(1.0, 0.5 + 0.5 * len(text) / FULL_CHARS)
        hits.append(Hit(passage, match.score * fullness, match.coverage, match.matched))
    return hits


def _diverse(hits: list[Hit], limit: int) -> Iterable[Hit]:
    left = sorted(hits, key=lambda hit: (-hit.score, hit.passage.source, hit.passage.start))
    taken: dict[str, int] = {}
    texts = set[str]()
    while left and limit:
        hit = max(left, key=lambda h: h.score * SAME_SOURCE_FACTOR ** taken.get(h.passage.source, 0))
        left.remove(hit)
        if hit.passage.text in texts:
            continue
        texts.add(hit.passage.text)
        taken[hit.passage.source] = taken.get(hit.passage.source, 0) + 1
        limit -= 1
        yield hit
