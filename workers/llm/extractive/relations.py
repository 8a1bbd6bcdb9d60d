"""How two statements stand to one another, and which of two that cannot both hold is to be preferred."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from orchestrator.contracts import Passage
from workers.llm.extractive import cues
from workers.llm.extractive.statements import Statement
from workers.llm.extractive.topic import Topic

Kind = Literal["figures", "denies", "limits", "weighs"]
Reason = Literal["measured", "recent", "sources"]

SAME_FIGURE, SAME_MATTER, RELATED, SUPPORTS = 0.4, 0.42, 0.14, 0.4
"""Closeness from which figures compare, a denial counts, a limit belongs, and another source agrees."""
NEXT = 2
"""A limit that follows within so many sentences belongs to the claim whatever its words are."""

_DATE = re.compile(
    r"(?P<y>(?:19|20)\d\d)\s*(?:[-./]|년\s*)\s*(?P<m>1[0-2]|0?[1-9])(?!\d)"
    r"|(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+(?:\d{1,2},?\s+)?(?P<y2>(?:19|20)\d\d)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<![\d.,])((?:19|20)\d\d)(?![\d.,]\d|\d)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HEAD_CHARS = 300


@dataclass(frozen=True)
class Opposition:
    """``other`` opposes a claim: by another figure, by denial, by a limit, or as a weight on the other side."""

    other: Statement
    kind: Kind
    strength: float


def oppose(topic: Topic, claim: Statement, other: Statement) -> Opposition | None:
    """Find the strongest way in which ``other`` opposes ``claim``."""
    if claim.key == other.key:
        return None
    near = topic.closeness(claim.terms, other.terms)
    follows = claim.passage == other.passage and 0 < other.position - claim.position <= NEXT and other.turns
    stances = topic.stance(claim) * topic.stance(other)
    against, along = stances < 0, stances > 0 and topic.polar
    found: list[tuple[float, Kind]] = []
    if rival := disputes(topic, claim, other):
        found.append((0.55 + rival, "figures"))
    denied = claim.negated != other.negated and not along and not agreeing_figures(claim, other)
    if (
        denied
        and near >= SAME_MATTER
        and comparable(topic, claim, other)
        and not any(cues.BOUNDED.search(s.text) for s in (claim, other))
    ):
        found.append((0.4 + near, "denies"))
    limits = other.contrast and other.valence <= 0 and topic.side(other) >= 0
    if limits and not along and (follows or near >= RELATED):
        found.append((0.3 + near + 0.3 * follows + 0.1 * against, "limits"))
    if against and near >= RELATED and topic.polar:
        found.append((0.2 + near + 0.1 * (claim.source != other.source), "weighs"))
    if not found:
        return None
    strength, kind = max(found, key=lambda pair: pair[0])
    return Opposition(other, kind, strength)


def comparable(topic: Topic, one: Statement, other: Statement) -> bool:
    """Whether both name their subject and neither speaks of the old where the other speaks of the new."""
    return one.stands_alone and other.stands_alone and topic.side(one) * topic.side(other) >= 0


def disputes(topic: Topic, one: Statement, other: Statement) -> float:
    """How close two documents' different figures for the same thing are; 0 where they are of different things.

    The same thing: the same words; two comparisons with the same figure; or the work that the question would take.
    """
    units = {unit for unit, _ in one.figures} & {unit for unit, _ in other.figures}
    if (
        not units
        or one.source == other.source
        or not comparable(topic, one, other)
        or _named_apart(one, other)
    ):
        return 0.0
    near = topic.closeness(one.terms, other.terms)
    if same_baseline(one, other):
        return max(near, SAME_FIGURE) if near >= RELATED else 0.0
    if not figures_disagree(one, other) or any(cues.BOUNDED.search(s.text) for s in (one, other)):
        return 0.0
    if near >= SAME_FIGURE:
        return near
    effort = {unit for unit, _ in one.figures if cues.EFFORT.match(unit)} & {
        unit for unit, _ in other.figures
    }
    return SAME_FIGURE if effort and topic.on_proposal(one) and topic.on_proposal(other) else 0.0


def same_baseline(one: Statement, other: Statement) -> bool:
    """Whether both set a figure against the same other one, and differ in theirs ("38, against 52" and "94 ...")."""
    ours, theirs = set(one.figures), set(other.figures)
    both_compare = all(cues.COMPARING.search(s.text) for s in (one, other))
    return (
        both_compare
        and bool(ours & theirs)
        and bool({unit for unit, _ in ours - theirs} & {unit for unit, _ in theirs - ours})
    )


def _named_apart(one: Statement, other: Statement) -> bool:
    """Whether each names something that the other does not: team 1 and team 10 have figures of their own."""
    return bool(one.labels - other.labels) and bool(other.labels - one.labels)


def figures_disagree(one: Statement, other: Statement) -> bool:
    """Whether both give a number in the same unit and none of those numbers is the same."""
    shared = {unit for unit, _ in one.figures} & {unit for unit, _ in other.figures}
    return any(
        {v for u, v in one.figures if u == unit}.isdisjoint({v for u, v in other.figures if u == unit})
        for unit in shared
    )


def agreeing_figures(one: Statement, other: Statement) -> bool:
    """Whether they share a number with its unit."""
    return not set(one.figures).isdisjoint(other.figures)


def supporters(topic: Topic, statement: Statement) -> tuple[Statement, ...]:
    """Find the best statement of each other source that says the same: close, no other figure, same polarity."""
    best: dict[str, tuple[float, Statement]] = {}
    for other in topic.statements:
        if (
            other.source == statement.source
            or other.negated != statement.negated
            or figures_disagree(statement, other)
            or _named_apart(statement, other)
            or cues.BOUNDED.search(other.text)
            or cues.DOUBTED.search(other.text)
        ):
            continue
        near = topic.closeness(statement.terms, other.terms)
        if topic.stance(statement) * topic.stance(other) < 0 or (
            near < SUPPORTS and not agreeing_figures(statement, other)
        ):
            continue
        if near >= RELATED * 1.5 and near > best.get(other.source, (0.0, other))[0]:
            best[other.source] = (near, other)
    return tuple(statement for _, statement in sorted(best.values(), key=lambda pair: -pair[0]))


def prefer(
    topic: Topic, one: Statement, other: Statement, dates: dict[str, int]
) -> tuple[Statement, Reason] | None:
    """Choose which of two contradicting statements to keep, and why; ``None`` where nothing decides.

    What was measured goes before what was estimated (work to be done always is); then what is newer before what is
    older, unless both are estimates (a later guess is still a guess); then what more sources say.
    """
    if same_baseline(one, other):
        return None  # two measurements under conditions that differ; a date does not tell which counts
    work = any(cues.EFFORT.match(unit) for s in (one, other) for unit, _ in s.figures)
    guesses = [
        bool(work or cues.ESTIMATED.search(s.quote)) and not cues.MEASURED.search(s.quote)
        for s in (one, other)
    ]
    if guesses[0] != guesses[1]:
        return (other if guesses[0] else one), "measured"
    if not all(guesses):
        days = [_date(s.quote) or dates.get(s.source, 0) for s in (one, other)]
        if all(days) and days[0] != days[1]:
            return (one if days[0] > days[1] else other), "recent"
    sides = {one.source, other.source}
    backing = [sum(s.source not in sides for s in supporters(topic, each)) for each in (one, other)]
    if backing[0] != backing[1]:
        return (one if backing[0] > backing[1] else other), "sources"
    return None


def dates_of(passages: Iterable[Passage]) -> dict[str, int]:
    """Year and month (``yyyymm``) of each source that tells: in its name, a heading, or the top of its text."""
    dates: dict[str, int] = {}
    for passage in sorted(passages, key=lambda p: p.start):
        if passage.source not in dates:
            head = passage.text[:_HEAD_CHARS] if passage.start < _HEAD_CHARS else ""
            if found := _date(f"{passage.source}\n{passage.heading}\n{head}"):
                dates[passage.source] = found
    return dates


def _date(text: str) -> int:
    if found := _DATE.search(text):
        if found["y"]:
            return int(found["y"]) * 100 + int(found["m"])
        return int(found["y2"]) * 100 + _MONTHS.index(found["name"].lower()) + 1
    year = _YEAR.search(text)
    return int(year[1]) * 100 if year else 0
