"""The synthesis: what both sides leave standing, what one side wins and why, and what stays open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from orchestrator.contracts import Claim, PersonaOutput
from orchestrator.contracts.evidence import MAX_CLAIMS
from workers.brief import MOST_OF_A_PART, MOST_OF_A_SECTION, MOST_OF_THE_WHOLE, Brief
from workers.llm.extractive.conclusion import Settled, Side, conclude
from workers.llm.extractive.draft import Draft, Point, cite
from workers.llm.extractive.phrases import Phrases
from workers.llm.extractive.relations import (
    dates_of,
    disputes,
    oppose,
    prefer,
    supporters,
)
from workers.llm.extractive.statements import Statement, statement_of
from workers.llm.extractive.topic import Topic

MAX_SHOWN, MAX_TEXT = 3, 2_000
MAX_RIVALS = 3
"""So many sentences of other documents are weighed against one figure."""


def draft_synthesis(topic: Topic, brief: Brief, say: Phrases) -> Draft:
    """Settle thesis and antithesis against one another; either may be missing. Names every claim of both."""
    thesis, antithesis = _read(brief, brief.thesis), _read(brief, brief.antithesis)
    if not thesis and not antithesis:
        return Draft(summary=say.nothing_found, rationale=say.nothing_found)
    return conclude(topic, brief, (thesis, antithesis), _settled(topic, brief, say), say)


def draft_resolution(topic: Topic, brief: Brief, say: Phrases) -> Draft:
    """Settle one claim against its rebuttal."""
    if brief.part is None:
        return Draft(summary=say.nothing_found)
    rebuttal = brief.part.rebuttal
    objections = _read(brief, rebuttal)
    claim_id, claim = brief.part.claim.id, _statements(brief, [brief.part.claim])[brief.part.claim.id]
    settle = _Settler(topic, brief, say)
    if objections:
        settled = settle.against(claim_id, claim, objections)
    else:
        heard = rebuttal is not None and rebuttal.status == "ok"
        settled = [settle.alone(claim_id, claim, heard_both=heard, effect="for")]
    return Draft(points=tuple(each.point for each in _bounded(_merged(settled), MOST_OF_A_PART)))


def draft_section(topic: Topic, brief: Brief, say: Phrases) -> Draft:
    """Settle some of the claims, against one another."""
    mine = brief.section.claims if brief.section else ()
    settled = _bounded(_settled(topic, brief, say, only=mine), MOST_OF_A_SECTION)
    return Draft(points=tuple(each.point for each in settled))


def draft_merge(topic: Topic, brief: Brief, say: Phrases) -> Draft:
    """Conclude from what was settled claim by claim; of what was not, add what the documents decide."""
    sides = _read(brief, brief.thesis), _read(brief, brief.antithesis)
    settled = _settled(topic, brief, say)
    whole = conclude(topic, brief, sides, settled, say)
    known = {name: point for point in brief.resolved for name in point.about}
    said = {claim.text: known[claim.id].id for claim in _claims(brief.antithesis) if claim.id in known}
    loose = {claim.id: claim.text for claim in _claims(brief.antithesis) if claim.id not in known}
    covers = tuple((said[text], (name,)) for name, text in loose.items() if text in said)
    open_names = {*loose, *(name for name in sides[0] if name not in known)} - {n for _, (n,) in covers}
    own = tuple(point for point in whole.points if open_names & set(point.about))
    return replace(whole, points=own[: MOST_OF_THE_WHOLE["merge"]], covers=covers, rationale="")


def _settled(topic: Topic, brief: Brief, say: Phrases, only: Collection[str] | None = None) -> list[Settled]:
    """Every claim of both sides, settled; or ``only`` those of these ids, as if there were no others."""
    sides = _read(brief, brief.thesis), _read(brief, brief.antithesis)
    thesis, antithesis = ({n: c for n, c in side.items() if only is None or n in only} for side in sides)
    settle = _Settler(topic, brief, say)
    heard = bool(sides[1]) or (brief.antithesis is not None and brief.antithesis.status == "ok")
    written_blind = brief.antithesis is not None and brief.antithesis.step == "antithesis_standalone"
    blind = written_blind or brief.plan.mode == "pipelined"  # the critic is
    objections = [claim for claim in _claims(brief.antithesis) if claim.id in antithesis]
    pairs = _pairs(topic, thesis, antithesis, objections, blind=blind)
    settled: list[Settled] = []
    for claim_id, claim in thesis.items():
        against = {other: antithesis[other] for other, targets in pairs.items() if claim_id in targets}
        if against:
            settled += settle.against(claim_id, claim, against)
        else:
            settled.append(settle.alone(claim_id, claim, heard_both=heard, effect="for"))
    for other_id, other in antithesis.items():
        if other_id not in pairs:
            settled.append(
                settle.alone(
                    other_id, other, heard_both=bool(sides[0]), effect=_effect(topic, sides[0], other)
                )
            )
    return _bounded(_merged(settled))


def _merged(settled: Sequence[Settled]) -> list[Settled]:
    """Points that came out with the same text, as one that is about all that they were about."""
    merged: dict[frozenset[tuple[str, str]], Settled] = {}
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


def _bounded(settled: list[Settled], most: int = MAX_CLAIMS) -> list[Settled]:
    """At most as many points as an answer may hold; the last one is also about what the others were about."""
    kept, rest = settled[:most], settled[most:]
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

    def against(self, claim_id: str, claim: Statement, objections: Side) -> list[Settled]:
        """Settle a claim with its objections: a point for each contradiction, and one for all that bounds it.

        What merely weighs on the other side contests nothing that the claim says; it stands beside it.
        """
        settled: list[Settled] = []
        bounds: Side = {}
        for other_id, other in objections.items():
            opposed = oppose(self._topic, claim, other)
            if opposed and opposed.kind in {"figures", "denies"}:
                settled.append(self._contradiction((claim_id, other_id), claim, other))
            elif opposed and opposed.kind == "limits":
                bounds[other_id] = other
                if contradicted := self.rivals(other_id, other):
                    settled.append(contradicted)
            else:
                settled.append(self.alone(other_id, other, heard_both=True, effect="bounds"))
        if not bounds:
            if not any(claim_id in each.point.about for each in settled):
                settled.insert(0, self.alone(claim_id, claim, heard_both=True, effect="for"))
            return settled
        # More than this no claim may hold; the others are still named in ``about``.
        # A rebuttal and the critic may have found the same sentence: it is said once.
        shown = list({other.text: other for other in bounds.values()}.values())[:MAX_SHOWN]
        text = self._both(claim, *shown)[:MAX_TEXT]
        why = "; ".join(self._say.condition(claim_id, other_id) for other_id in bounds)
        point = Point("resolution", text, cite(claim, *shown), (claim_id, *bounds), why)
        action = self._say.check_condition(shown[0].source, shown[0].text)
        return [Settled(point, "bounds", shown[0], action), *settled]

    def alone(self, claim_id: str, claim: Statement, *, heard_both: bool, effect: str) -> Settled:
        """Settle a claim that nobody answered: a document may still contradict it, others may agree."""
        if contradicted := self.rivals(claim_id, claim):
            return contradicted
        agreeing = supporters(self._topic, claim)
        if not heard_both and not agreeing:
            return Settled(
                Point("open", claim.text, cite(claim), (claim_id,), self._say.untested), effect, claim
            )
        why = self._say.uncontested(1 + len(agreeing))
        cited = cite(claim, *agreeing[:MAX_SHOWN])
        return Settled(Point("consensus", claim.text, cited, (claim_id,), why), effect, claim)

    def _contradiction(self, about: tuple[str, ...], claim: Statement, other: Statement) -> Settled:
        say = self._say
        preferred = prefer(self._topic, claim, other, self._dates)
        if preferred is None:
            why = say.unsettled(claim.source, other.source)
            point = Point("open", self._both(claim, other)[:MAX_TEXT], cite(claim, other), about, why)
            return Settled(point, "open", claim, say.settle_figures(claim.source, other.source))
        kept, reason = preferred
        dropped = other if kept is claim else claim
        why = say.preferred(reason, kept.source, dropped.source)
        text, cited = kept.text, cite(kept)
        if len(about) == 1:  # the other is no claim, and would be seen nowhere else
            text = self._both(kept, dropped)[:MAX_TEXT]
            cited = cite(kept, dropped)
        point = Point("resolution", text, cited, about, why)
        return Settled(point, "for" if kept is claim else "against", kept, decided=why)

    def rivals(self, claim_id: str, claim: Statement) -> Settled | None:
        """Where other documents give another figure for what a claim says: which of them to keep, if any."""
        if not claim.figures:
            return None
        near = [
            (rival, -at, s)
            for at, s in enumerate(self._topic.statements)
            if (rival := disputes(self._topic, claim, s))
        ]
        close = [s for _, _, s in sorted(near, key=lambda r: r[:2], reverse=True)]
        settled: Settled | None = None
        for other in close[:MAX_RIVALS]:
            kept = settled.leading if settled else claim
            settled = self._contradiction((claim_id,), kept, other)
            if settled.effect == "open":
                break
        return settled

    def _both(self, claim: Statement, first: Statement, *more: Statement) -> str:
        return " ".join((claim.text, self._say.but, first.text, *(s.text for s in more)))


def _claims(output: PersonaOutput | None) -> Sequence[Claim]:
    return output.claims if output and output.status == "ok" else ()


def _read(brief: Brief, output: PersonaOutput | None) -> Side:
    return _statements(brief, _claims(output))


def _statements(brief: Brief, claims: Sequence[Claim]) -> Side:
    passages = {p.id: p for p in (*brief.passages, *brief.new_passages)}
    return {claim.id: statement_of(claim, passages) for claim in claims}


def _pairs(
    topic: Topic, thesis: Side, antithesis: Side, objections: Sequence[Claim], *, blind: bool
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


def _effect(topic: Topic, thesis: Side, objection: Statement) -> str:
    """What an objection that answers no claim does to the thesis: it bounds it only where it speaks against it."""
    leaning = topic.leaning(thesis.values())
    return "bounds" if objection.contrast or topic.stance(objection) * leaning < 0 else "aside"
