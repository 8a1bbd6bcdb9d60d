"""The synthesis: what both sides leave standing, what one side wins and why, and what stays open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.contracts import Claim, PersonaOutput
from orchestrator.contracts.evidence import MAX_CLAIMS
from workers.brief import Brief
from workers.llm.extractive.draft import Draft, Point, cite
from workers.llm.extractive.phrases import Outcome, Phrases
from workers.llm.extractive.relations import (
    SAME_FIGURE,
    dates_of,
    oppose,
    prefer,
    rival_figures,
    supporters,
)
from workers.llm.extractive.statements import Statement, statement_of
from workers.llm.extractive.thesis import headline
from workers.llm.extractive.topic import Topic

MAX_ACTIONS = 5
_ACTION_CHARS = 500
MAX_SHOWN, MAX_TEXT = 3, 2_000
MAX_RIVALS = 3
"""So many sentences of other documents are weighed against one figure."""

_Side = dict[str, Statement]


@dataclass(frozen=True)
class _Settled:
    """One point, its effect on the thesis (for, against, bounds, open, aside) and the statement at its core."""

    point: Point
    effect: str
    leading: Statement
    action: str = ""


def draft_synthesis(topic: Topic, brief: Brief, say: Phrases) -> Draft:
    """Settle thesis and antithesis against one another; either may be missing. Names every claim of both."""
    thesis, antithesis = _read(brief, brief.thesis), _read(brief, brief.antithesis)
    if not thesis and not antithesis:
        return Draft(summary=say.nothing_found, rationale=say.nothing_found)
    settle = _Settler(topic, brief, say)
    blind = brief.antithesis is not None and brief.antithesis.step == "antithesis_standalone"
    pairs = _pairs(topic, thesis, antithesis, _claims(brief.antithesis), blind=blind)
    settled: list[_Settled] = []
    for claim_id, claim in thesis.items():
        objections = {other: antithesis[other] for other, targets in pairs.items() if claim_id in targets}
        if objections:
            settled += settle.against(claim_id, claim, objections)
        else:
            settled.append(settle.alone(claim_id, claim, heard_both=bool(antithesis), effect="for"))
    for other_id, other in antithesis.items():
        if other_id not in pairs:
            settled.append(
                settle.alone(other_id, other, heard_both=bool(thesis), effect=_effect(topic, thesis, other))
            )
    settled = _bounded(_merged(settled))
    lost = (not thesis, not antithesis)
    return _conclude(topic, thesis, settled, say, lost)


def _merged(settled: Sequence[_Settled]) -> list[_Settled]:
    """Points that came out with the same text, as one that is about all that they were about."""
    merged: dict[frozenset[tuple[str, str]], _Settled] = {}
    for each in settled:
        key = frozenset(each.point.citations) or frozenset({("", each.point.text)})
        if key not in merged:
            merged[key] = each
            continue
        first = merged[key]
        about = tuple(dict.fromkeys((*first.point.about, *each.point.about)))
        why = "; ".join(dict.fromkeys((first.point.why, each.point.why)))
        merged[key] = replace(first, point=replace(first.point, about=about, why=why))
    return list(merged.values())


def _bounded(settled: list[_Settled]) -> list[_Settled]:
    """At most as many points as an answer may hold; the last one is also about what the others were about."""
    kept, rest = settled[:MAX_CLAIMS], settled[MAX_CLAIMS:]
    if rest:
        about = dict.fromkeys(each for s in (kept[-1], *rest) for each in s.point.about)
        kept[-1] = replace(kept[-1], point=replace(kept[-1].point, about=tuple(about)))
    return kept


class _Settler:
    """Decides one pair, or one claim that stands alone."""

    def __init__(self, topic: Topic, brief: Brief, say: Phrases) -> None:
        self._topic = topic
        self._say = say
        self._dates = dates_of((*brief.passages, *brief.new_passages))

    def against(self, claim_id: str, claim: Statement, objections: _Side) -> list[_Settled]:
        """Settle a claim with its objections: a point for each contradiction, and one for all that bounds it."""
        settled: list[_Settled] = []
        bounds: _Side = {}
        whys, actions = [], []
        for other_id, other in objections.items():
            opposed = oppose(self._topic, claim, other)
            if opposed and opposed.kind in {"figures", "denies"}:
                settled.append(self._contradiction((claim_id, other_id), claim, other))
                continue
            bounds[other_id] = other
            if contradicted := self.rivals(other_id, other):
                settled.append(contradicted)
            limits = opposed is not None and opposed.kind == "limits"
            whys.append((self._say.condition if limits else self._say.weighed)(claim_id, other_id))
            if limits:
                actions.append(self._say.check_condition(other.source, other.text))
        if bounds:
            # More than this no claim may hold; the others are still named in ``about``.
            shown = list(bounds.values())[:MAX_SHOWN]
            text = self._both(claim, *shown)[:MAX_TEXT]
            point = Point("resolution", text, cite(claim, *shown), (claim_id, *bounds), "; ".join(whys))
            settled.insert(0, _Settled(point, "bounds", next(iter(bounds.values())), next(iter(actions), "")))
        return settled

    def alone(self, claim_id: str, claim: Statement, *, heard_both: bool, effect: str) -> _Settled:
        """Settle a claim that nobody answered: a document may still contradict it, others may agree."""
        if contradicted := self.rivals(claim_id, claim):
            return contradicted
        agreeing = supporters(self._topic, claim)
        if not heard_both and not agreeing:
            return _Settled(
                Point("open", claim.text, cite(claim), (claim_id,), self._say.untested), effect, claim
            )
        why = self._say.uncontested(1 + len(agreeing))
        return _Settled(Point("consensus", claim.text, cite(claim), (claim_id,), why), effect, claim)

    def _contradiction(self, about: tuple[str, ...], claim: Statement, other: Statement) -> _Settled:
        say = self._say
        preferred = prefer(self._topic, claim, other, self._dates)
        if preferred is None:
            why = say.unsettled(claim.source, other.source)
            point = Point("open", self._both(claim, other)[:MAX_TEXT], cite(claim, other), about, why)
            return _Settled(point, "open", claim, say.settle_figures(claim.source, other.source))
        kept, reason = preferred
        dropped = other if kept is claim else claim
        why = say.preferred(reason, kept.source, dropped.source)
        return _Settled(
            Point("resolution", kept.text, cite(kept), about, why),
            "for" if kept is claim else "against",
            kept,
        )

    def rivals(self, claim_id: str, claim: Statement) -> _Settled | None:
        """Where other documents give another figure for what a claim says: which of them to keep, if any."""
        if not claim.figures:
            return None
        near = [
            (self._topic.closeness(claim.terms, s.terms), -at, s)
            for at, s in enumerate(self._topic.statements)
            if rival_figures(self._topic, claim, s)
        ]
        close = [s for value, _, s in sorted(near, key=lambda r: r[:2], reverse=True) if value >= SAME_FIGURE]
        settled: _Settled | None = None
        for rival in close[:MAX_RIVALS]:
            kept = settled.leading if settled else claim
            settled = self._contradiction((claim_id,), kept, rival)
            if settled.effect == "open":
                break
        return settled

    def _both(self, claim: Statement, first: Statement, *more: Statement) -> str:
        return " ".join((claim.text, self._say.but, first.text, *(s.text for s in more)))


def _claims(output: PersonaOutput | None) -> Sequence[Claim]:
    return output.claims if output and output.status == "ok" else ()


def _read(brief: Brief, output: PersonaOutput | None) -> _Side:
    passages = {p.id: p for p in (*brief.passages, *brief.new_passages)}
    return {claim.id: statement_of(claim, passages) for claim in _claims(output)}


def _pairs(
    topic: Topic, thesis: _Side, antithesis: _Side, objections: Sequence[Claim], *, blind: bool
) -> dict[str, tuple[str, ...]]:
    """Objection id -> the thesis claims that it answers: those it names; written blind, the one it hits most."""
    pairs: dict[str, tuple[str, ...]] = {}
    for objection in objections:
        named = tuple(dict.fromkeys(claim_id for claim_id in objection.about if claim_id in thesis))
        if not named and blind:
            said = antithesis[objection.id]
            ranked = [
                (opposed.strength, -at, claim_id)
                for at, (claim_id, claim) in enumerate(thesis.items())
                if (opposed := oppose(topic, claim, said))
            ]
            named = (max(ranked)[2],) if ranked else ()
        if named:
            pairs[objection.id] = named
    return pairs


def _conclude(
    topic: Topic, thesis: _Side, settled: Sequence[_Settled], say: Phrases, lost: tuple[bool, bool]
) -> Draft:
    standing = [s for s in settled if s.effect == "for"]
    bounding = [s for s in settled if s.effect == "bounds"]
    against = [s for s in settled if s.effect == "against"]
    unsettled = [s for s in settled if s.effect == "open"]
    outcome = _outcome(len(thesis), len(standing), len(bounding), len(against), len(unsettled))
    leaning = topic.leaning(thesis.values())
    lost_claims = {s.point.about[0] for s in against}
    kept = [s for claim_id, s in thesis.items() if claim_id not in lost_claims]
    carrying = [s.leading for s in against[:2]] if outcome == "falls" else list(headline(topic, kept))
    limits = [s.leading for s in (*bounding, *against) if s.leading not in carrying][:2]
    parts = [say.concluded(outcome, leaning)]
    if any(lost):
        parts = [say.one_sided(lost_thesis=lost[0])]
    if carrying:
        parts += [say.speaks_for, *(s.text for s in carrying)]
    if limits:
        parts += [say.speaks_against, *(s.text for s in limits)]
    if unsettled:
        parts += [say.still_open, unsettled[0].point.text]
    kinds = [s.point.kind for s in settled]
    counts = say.tallied(kinds.count("consensus"), kinds.count("resolution"), kinds.count("open"))
    reasons = "; ".join(f"s{n}: {s.point.why}" for n, s in enumerate(settled, start=1))
    backing = (*cite(*carrying, *limits), *(unsettled[0].point.citations if unsettled else ()))
    actions = dict.fromkeys(s.action[:_ACTION_CHARS] for s in (*unsettled, *bounding) if s.action)
    return Draft(
        summary=" ".join(parts),
        backing=tuple(dict.fromkeys(backing)),
        points=tuple(s.point for s in settled),
        rationale=f"{counts} {reasons}.",
        actions=tuple(actions)[:MAX_ACTIONS],
    )


def _effect(topic: Topic, thesis: _Side, objection: Statement) -> str:
    """What an objection that answers no claim does to the thesis: it bounds it only where it speaks against it."""
    leaning = topic.leaning(thesis.values())
    return "bounds" if objection.contrast or topic.stance(objection) * leaning < 0 else "aside"


def _outcome(claims: int, standing: int, bounding: int, against: int, unsettled: int) -> Outcome:
    if against and against * 2 >= claims:
        return "falls"
    if unsettled and unsettled >= standing + bounding:
        return "unsettled"
    return "conditions" if bounding or against or unsettled else "holds"
