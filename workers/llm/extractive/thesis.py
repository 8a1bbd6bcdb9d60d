"""The thesis: the position that the documents speak for, as the sentences that say it best."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import fsum

from workers.llm.extractive import cues, stances
from workers.llm.extractive.draft import Draft, Point, cite
from workers.llm.extractive.phrases import Phrases
from workers.llm.extractive.relations import oppose
from workers.llm.extractive.statements import Statement
from workers.llm.extractive.topic import Topic

MAX_CLAIMS = 5
POOL = 120
"""So many of the best sentences are compared with one another."""
WORTH_IN_ARGUMENT, WORTH_IN_ANSWER = 0.25, 0.45
"""A further claim needs this share of the best one's score: more where a fact is asked for, not a stand."""
OUTRIGHT_FIRST = 2.0
"""Who says yes or no to the question is quoted before who gives a reason."""
_OPPOSES = 0.5


@dataclass(frozen=True)
class Position:
    """The claims, best first, and how they lean: 1 for what the question proposes, -1 against, 0 neither."""

    claims: tuple[Statement, ...]
    leaning: int


def take_position(topic: Topic) -> Position:
    """Choose the claims: relevant, definite, on one side, different from one another, over several sources."""
    scored = [(topic.relevance(s), s) for s in topic.statements]
    relevant = [(r, s) for r, s in scored if r > 0]
    if not relevant:
        return Position((), 0)
    side = _leaning(topic, relevant)
    if side:
        relevant = [(r, s) for r, s in relevant if side * topic.stance(s) >= 0] or relevant
    pool = sorted(((r * _weight(topic, s, side), s) for r, s in relevant), key=lambda pair: -pair[0])[:POOL]
    claims = _diverse(topic, pool)
    return Position(claims, topic.leaning(claims))


def draft_thesis(topic: Topic, say: Phrases, *, written: Collection[str] = ()) -> Draft:
    """Write the thesis, without the claims that are ``written``. Without a relevant sentence it says so."""
    position = take_position(topic)
    if not position.claims:
        return Draft(summary=say.nothing_found, rationale=say.searched(*_reach(topic.statements)))
    top = headline(topic, position.claims)
    return Draft(
        summary=say.position(position.leaning, [s.text for s in top]),
        backing=cite(*top),
        points=tuple(Point("position", s.text, cite(s)) for s in position.claims if s.text not in written),
        rationale=say.chosen(len(position.claims), *_reach(topic.statements)),
    )


def headline(topic: Topic, claims: Sequence[Statement]) -> tuple[Statement, ...]:
    """The two claims that say the position in short: the first, and the next that speaks of what is proposed."""
    second = sorted(claims[1:], key=lambda s: topic.side(s) < 0)[:1]
    return (*claims[:1], *second)


def _leaning(topic: Topic, relevant: Sequence[tuple[float, Statement]]) -> int:
    if not topic.polar:
        return 0
    if said := {topic.decides(s) for _, s in relevant} - {0}:
        return 1 if 1 in said else -1
    best = sorted(relevant, key=lambda pair: -pair[0])[:40]
    lean = fsum(r * topic.stance(s) * (0.5 if s.contrast else 1.0) for r, s in best) / fsum(
        r for r, _ in best
    )
    # A document set that argues mostly against what is asked must not be quoted for it.
    return -1 if lean < -0.3 else 1


def _weight(topic: Topic, statement: Statement, side: int) -> float:
    weight = statement.shape
    if statement.figures:
        weight *= 1.15
    if cues.BOUNDED.search(statement.quote):
        weight *= 0.6
    if topic.wanted and topic.wanted == stances.sign(statement.text, topic.goal_terms):
        weight *= OUTRIGHT_FIRST
    if statement.position <= 1:
        weight *= 1.05
    if statement.contrast:
        weight *= 0.6
    if cues.ESTIMATED.search(statement.quote):
        weight *= 0.85
    if side:
        weight *= 0.8 + 0.7 * side * topic.stance(statement)
        if side * topic.outright(statement) > 0:
            weight *= OUTRIGHT_FIRST
    return weight


def _diverse(topic: Topic, pool: Sequence[tuple[float, Statement]]) -> tuple[Statement, ...]:
    """Maximal marginal relevance: each next claim is good, unlike those before, and contradicts none of them."""
    best = max((score for score, s in pool if not topic.outright(s)), default=pool[0][0])
    worth = WORTH_IN_ARGUMENT if topic.polar else WORTH_IN_ANSWER
    left = list(pool)
    chosen: list[Statement] = []
    while left and len(chosen) < MAX_CLAIMS:
        ranked = [
            (
                score
                * (1 - 0.8 * max((topic.closeness(s.terms, c.terms) for c in chosen), default=0.0))
                * 0.85 ** sum(c.source == s.source for c in chosen),
                -at,
            )
            for at, (score, s) in enumerate(left)
        ]
        value, at = max(ranked)
        if value < worth * best:
            break
        _, candidate = left.pop(-at)
        if not any(_contradicts(topic, claim, candidate) for claim in chosen):
            chosen.append(candidate)
    return tuple(chosen)


def _contradicts(topic: Topic, claim: Statement, candidate: Statement) -> bool:
    opposed = oppose(topic, claim, candidate)
    return opposed is not None and (opposed.kind in {"figures", "denies"} or opposed.strength >= _OPPOSES)


def _reach(found: Sequence[Statement]) -> tuple[int, int]:
    """(passages, sources) that were read."""
    return len({s.passage.id for s in found if s.passage}), len({s.source for s in found})
