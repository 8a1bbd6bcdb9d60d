"""The conclusion of a synthesis: a verdict where the documents give one, else both sides, and what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workers.brief import Brief
from workers.llm.extractive import stances
from workers.llm.extractive.draft import Draft, Point, cite
from workers.llm.extractive.phrases import Outcome, Phrases
from workers.llm.extractive.relations import supporters
from workers.llm.extractive.statements import Statement
from workers.llm.extractive.thesis import headline
from workers.llm.extractive.topic import Topic

MAX_ACTIONS = 3
_ACTION_CHARS = 500
MAX_SAID = 3
"""So many sentences of a side stand in the conclusion."""
MAX_CONSTRAINTS, _CONSTRAINT_CHARS = 8, 200
MAX_BACKING = 40
NEARLY = 0.75
"""A further answer holds so much of what the best one holds of the question."""
ON_MATTER = 0.5
"""A limit to an answer holds so much of the question's weight."""

Side = dict[str, Statement]


@dataclass(frozen=True)
class Settled:
    """One point, its effect on the thesis (for, against, bounds, open, aside) and the statement at its core."""

    point: Point
    effect: str
    leading: Statement
    action: str = ""
    decided: str = ""


def conclude(
    topic: Topic,
    brief: Brief,
    sides: tuple[Side, Side],
    settled: Sequence[Settled],
    say: Phrases,
) -> Draft:
    """Write the answer of what was settled. ``sides`` are the claims of thesis and antithesis by their ids."""
    thesis, antithesis = sides
    parts = _verdict(topic, sides, settled, say) if topic.polar else _reply(topic, thesis, settled, say)
    if not thesis or not antithesis:
        lost = brief.antithesis is None or brief.antithesis.status != "ok" if thesis else True
        if lost:
            parts = [_Part(say.one_sided(lost_thesis=not thesis)), *parts[1:]]
    unsettled = [s for s in settled if s.effect == "open"]
    if unsettled:
        parts.append(_Part(say.open_points(len(unsettled))))
    if decided := tuple(dict.fromkeys(s.decided for s in settled if s.decided))[:MAX_SAID]:
        parts.append(_Part(say.decided(decided)))
    parts += _constraints(topic, brief, say)
    kinds = [s.point.kind for s in settled]
    counts = say.tallied(kinds.count("consensus"), kinds.count("resolution"), kinds.count("open"))
    reasons = "; ".join(f"s{n}: {s.point.why}" for n, s in enumerate(settled, start=1))
    actions = dict.fromkeys(s.action[:_ACTION_CHARS] for s in (*unsettled, *settled) if s.action)
    return Draft(
        summary="\n\n".join(part.text for part in parts),
        backing=tuple(dict.fromkeys(each for part in parts for each in cite(*part.said)))[:MAX_BACKING],
        points=tuple(s.point for s in settled),
        rationale=f"{counts} {reasons}.",
        actions=tuple(actions)[:MAX_ACTIONS],
    )


@dataclass(frozen=True)
class _Part:
    """A paragraph of the conclusion: words of this engine, and the sentences that follow them."""

    opening: str
    said: tuple[Statement, ...] = ()

    @property
    def text(self) -> str:
        return " ".join((self.opening, *(s.text for s in self.said)))


def _verdict(topic: Topic, sides: tuple[Side, Side], settled: Sequence[Settled], say: Phrases) -> list[_Part]:
    """Yes or no only where at least two documents say so outright and none the opposite; then both sides."""
    said = [(topic.decides(s), s) for s in topic.statements if topic.relevance(s) > 0]
    yes = tuple(dict.fromkeys(s.source for sign, s in said if sign > 0))
    no = tuple(dict.fromkeys(s.source for sign, s in said if sign < 0))
    claims = _distinct((*sides[0].values(), *sides[1].values()))
    contested = {
        s.key for each in settled if each.effect == "open" for s in claims if s.text in each.point.text
    }
    named = {**sides[0], **sides[1]}
    lost = {
        named[name].key
        for each in settled
        if each.decided
        for name in each.point.about
        if name in named and named[name].key != each.leading.key
    }
    free = [s for s in claims if (s.key not in contested and s.key not in lost) or topic.outright(s)]
    ranked = sorted(free, key=lambda s: -abs(topic.outright(s)))
    weighing = {
        sign: tuple(s for s in ranked if topic.stance(s) * sign > 0 and not _bounds(topic, s))[:MAX_SAID]
        for sign in (1, -1)
    }
    limits = tuple(s for s in ranked if _bounds(topic, s))[: MAX_SAID - 1]
    other = weighing[-1] if yes else weighing[1]
    bounded = bool(other or limits or any(each.effect in {"open", "bounds"} for each in settled))
    parts = [_Part(say.verdict(yes, no, bounded=bounded))]
    for opening, found in (
        (say.speaks_for, weighing[1]), (say.speaks_against, weighing[-1]), (say.limits, limits)
    ):  # fmt: skip
        if found:
            parts.append(_Part(opening, found))
    return parts


def _bounds(topic: Topic, statement: Statement) -> bool:
    """Whether it sets a condition or limit, and is no plain yes or no itself."""
    if topic.decides(statement) and not statement.contrast:
        return False
    if topic.stance(statement) > 0 or topic.side(statement) < 0:
        return False
    return statement.contrast or bool(topic.outright(statement)) or stances.forbids(statement.text)


def _reply(topic: Topic, thesis: Side, settled: Sequence[Settled], say: Phrases) -> list[_Part]:
    count = {
        effect: sum(s.effect == effect for s in settled) for effect in ("for", "bounds", "against", "open")
    }
    outcome = _outcome(len(thesis), count["for"], count["bounds"], count["against"], count["open"])
    against = [s for s in settled if s.effect == "against"]
    lost_claims = {s.point.about[0] for s in against}
    kept = [s for claim_id, s in thesis.items() if claim_id not in lost_claims]
    carrying = tuple(s.leading for s in against[:2]) if outcome == "falls" else headline(topic, kept)
    nearest = max((topic.coverage(s.terms) for s in carrying), default=0.0)
    carrying = tuple(s for s in carrying if topic.coverage(s.terms) >= NEARLY * nearest)
    sources = 1 + len(supporters(topic, carrying[0])) if carrying else 0
    if outcome == "unsettled":
        contested = [s.point.text for s in settled if s.effect == "open"]
        carrying = tuple(s for s in carrying if not any(s.text in text for text in contested))
    bounding = _distinct(
        s.leading
        for s in settled
        if s.effect == "bounds" and s.leading not in carrying and topic.coverage(s.leading.terms) >= ON_MATTER
    )
    parts = [_Part(say.reply(outcome, sources), carrying)]
    return [*parts, _Part(say.limits, bounding[:2])] if bounding else parts


def _constraints(topic: Topic, brief: Brief, say: Phrases) -> list[_Part]:
    """For each constraint, and the scope, the sentences that speak to it, over several documents."""
    asked = [(text, False) for text in brief.task.constraints[:MAX_CONSTRAINTS]]
    if brief.task.scope:
        asked.append((brief.task.scope, True))
    parts = []
    for text, scope in asked:
        found = topic.speaking_to(text, MAX_SAID)
        shown = " ".join(text.split())[:_CONSTRAINT_CHARS]
        parts.append(_Part(say.constraint(shown, scope=scope, spoken_to=bool(found)), found))
    return parts


def _distinct(found: Iterable[Statement]) -> tuple[Statement, ...]:
    return tuple({s.key: s for s in found}.values())


def _outcome(claims: int, standing: int, bounding: int, against: int, unsettled: int) -> Outcome:
    if against and against * 2 >= claims:
        return "falls"
    if unsettled and unsettled >= standing + bounding:
        return "unsettled"
    return "conditions" if bounding or against or unsettled else "holds"
