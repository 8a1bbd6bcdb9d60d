"""The antithesis, with and without a thesis before it: what limits, contradicts or is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.contracts import Claim, PersonaOutput
from workers.brief import MOST_OF_A_PART, Brief
from workers.llm.extractive.draft import Draft, Point, cite
from workers.llm.extractive.phrases import Phrases
from workers.llm.extractive.relations import disputes, oppose
from workers.llm.extractive.statements import Statement, statement_of
from workers.llm.extractive.thesis import take_position
from workers.llm.extractive.topic import Topic

MAX_OBJECTIONS = 6
POOL = 120
"""So many of the strongest are compared with one another."""
POOL_OF_FIGURES = 60
"""So many relevant sentences with figures are held against one another."""
GAP, WORTH_RAISING = 0.25, 0.12
"""A sentence with so much of what the claims leave out is on the matter, and must weigh so much to be raised."""
DISPUTED = 0.5
"""What a figure that another document contradicts weighs by that alone."""
AGAINST = 0.55
"""What a sentence on the other side weighs; one that says no outright, twice."""
ENOUGH = 2
"""With fewer opposing sentences than this, the tool is asked for more."""
SAME = 0.75
"""Two sentences this close say one thing."""
ADDRESSED = 0.2
"""An objection that was not found through a claim is about the closest one from here on."""
RETRIEVE = "retrieve"


@dataclass(frozen=True)
class _Objection:
    said: Statement
    kind: str
    strength: float
    attacked: str = ""


def draft_antithesis(topic: Topic, brief: Brief, say: Phrases) -> Draft:
    """Answer a thesis. Asks the retrieve tool once for more where the evidence holds too little opposition."""
    thesis = brief.thesis if brief.thesis and brief.thesis.claims else None
    if thesis is None:
        return draft_standalone(topic, brief, say)
    claims = _read(thesis, brief)
    found = _objections(topic, claims, named=True)
    return _ask(topic, brief, found, say) or _draft(found, say)


def draft_standalone(topic: Topic, brief: Brief, say: Phrases) -> Draft:
    """Raise what opposes the position that one would take on this evidence, without having seen it."""
    inferred = {f"t{n}": s for n, s in enumerate(take_position(topic).claims, start=1)}
    found = _objections(topic, inferred, named=False)
    return _ask(topic, brief, found, say) or _draft(found, say)


def draft_rebuttal(topic: Topic, brief: Brief, say: Phrases) -> Draft:
    """Raise what opposes one claim; what a whole thesis leaves out is the critic's to say."""
    if brief.part is None:
        return Draft(summary=say.unopposed)
    claim = brief.part.claim
    claims = _claims([claim], brief)
    free = _free(topic, claims)
    ranked = _attacks(topic, claims, free)
    ranked += [o for o in _against(topic, claims, free) if _closest(topic, claims, o.said)]
    chosen = _diverse(topic, sorted(ranked, key=lambda o: -o.strength)[:POOL])
    return _draft(chosen[:MOST_OF_A_PART], say)


def _read(thesis: PersonaOutput, brief: Brief) -> dict[str, Statement]:
    return _claims(thesis.claims, brief)


def _claims(claims: Sequence[Claim], brief: Brief) -> dict[str, Statement]:
    passages = {p.id: p for p in (*brief.passages, *brief.new_passages)}
    return {claim.id: statement_of(claim, passages) for claim in claims}


def _free(topic: Topic, claims: dict[str, Statement]) -> list[Statement]:
    """The sentences that are none of these claims."""
    taken = {s.key for s in claims.values()} | {s.quote for s in claims.values()}
    return [s for s in topic.statements if s.key not in taken and s.quote not in taken]


def _objections(topic: Topic, claims: dict[str, Statement], *, named: bool) -> tuple[_Objection, ...]:
    free = _free(topic, claims)
    kinds = (_attacks, _against, _disputed, _missing)
    ranked = [objection for find in kinds for objection in find(topic, claims, free)]
    if claims and not ranked:
        ranked = _left_over(topic, free)
    chosen = _diverse(topic, sorted(ranked, key=lambda o: -o.strength)[:POOL])
    order = {claim_id: at for at, claim_id in enumerate(claims)}
    chosen.sort(key=lambda o: order.get(o.attacked, len(order)))
    return tuple(chosen) if named else tuple(_Objection(o.said, o.kind, o.strength) for o in chosen)


def _diverse(topic: Topic, left: list[_Objection]) -> list[_Objection]:
    """Choose the strongest, each unlike those before, over several documents, at most three on one claim."""
    chosen: list[_Objection] = []
    while left and len(chosen) < MAX_OBJECTIONS:
        ranked = []
        for at, candidate in enumerate(left):
            near = max((topic.closeness(candidate.said.terms, c.said.terms) for c in chosen), default=0.0)
            heard = sum(c.said.source == candidate.said.source for c in chosen)
            ranked.append((0.0 if near >= SAME else candidate.strength * (1 - near) * 0.85**heard, -at))
        value, at = max(ranked)
        if value <= 0:
            break
        candidate = left.pop(-at)
        if not candidate.attacked or sum(c.attacked == candidate.attacked for c in chosen) < 3:
            chosen.append(candidate)
    return chosen


def _attacks(topic: Topic, claims: dict[str, Statement], free: Sequence[Statement]) -> list[_Objection]:
    """Sentences that oppose a claim directly, each under the claim that it hits hardest."""
    found = []
    for said in free:
        best: _Objection | None = None
        for claim_id, claim in claims.items():
            opposed = oppose(topic, claim, said)
            if opposed is None:
                continue
            strength = opposed.strength * said.shape * (0.6 + 0.6 * topic.relevance(said))
            if best is None or strength > best.strength:
                best = _Objection(said, opposed.kind, strength, claim_id)
        if best:
            found.append(best)
    return found


def _against(topic: Topic, claims: dict[str, Statement], free: Sequence[Statement]) -> list[_Objection]:
    """Relevant sentences on the other side of the question, whether or not a claim speaks of the same."""
    if not topic.polar or not claims:
        return []
    side = 1 if sum(topic.stance(s) for s in claims.values()) >= 0 else -1
    found = []
    for said in free:
        relevance, stance = topic.relevance(said), topic.stance(said) * side
        if relevance > 0 and stance < 0:
            attacked = _closest(topic, claims, said) or next(iter(claims))
            weight = AGAINST * (2 if topic.outright(said) else 1.6 if topic.does_without(said) else 1)
            strength = weight * said.shape * (0.4 + 0.6 * relevance) * -stance
            found.append(_Objection(said, "weighs", strength, attacked))
    return found


def _disputed(topic: Topic, claims: dict[str, Statement], free: Sequence[Statement]) -> list[_Objection]:
    """Relevant figures that another document gives differently: what any position would have to settle first."""
    figured = [s for s in free if s.figures and topic.relevance(s) > 0]
    figured = sorted(figured, key=lambda s: -topic.relevance(s))[:POOL_OF_FIGURES]
    trusted = next(iter(claims.values())).source if claims else ""
    found = []
    for said in figured:
        rival = max((disputes(topic, said, other) for other in figured), default=0.0)
        if rival and said.source != trusted:
            strength = said.shape * (DISPUTED + rival) * (0.6 + 0.4 * topic.relevance(said))
            found.append(_Objection(said, "disputed", strength))
    return found


def _missing(topic: Topic, claims: dict[str, Statement], free: Sequence[Statement]) -> list[_Objection]:
    """Sentences on parts of the question that no claim speaks of, and of documents passed over."""
    absent = topic.missing(s.terms for s in claims.values())
    heard = {s.source for s in claims.values()}
    found = []
    for said in free:
        gap = topic.coverage(said.terms & absent)
        relevance = topic.relevance(said)
        if gap >= GAP or (relevance > 0 and (gap > 0 or said.source not in heard)):
            strength = said.shape * (0.5 * gap + 0.3 * relevance) * (1.1 if said.contrast else 1.0)
            if strength >= WORTH_RAISING:
                found.append(_Objection(said, "missing", strength))
    return found


def _left_over(topic: Topic, free: Sequence[Statement]) -> list[_Objection]:
    """Where nothing opposes: the one sentence nearest to the question that the position says nothing of."""
    found = [
        _Objection(s, "missing", s.shape * topic.coverage(s.terms))
        for s in free
        if topic.coverage(s.terms) > 0
    ]
    return sorted(found, key=lambda o: -o.strength)[:1]


def _closest(topic: Topic, claims: dict[str, Statement], said: Statement) -> str:
    near, _, claim_id = max(
        (topic.closeness(said.terms, claim.terms), -at, claim_id)
        for at, (claim_id, claim) in enumerate(claims.items())
    )
    return claim_id if near >= ADDRESSED else ""


def _ask(topic: Topic, brief: Brief, found: Sequence[_Objection], say: Phrases) -> Draft | None:
    opposing = sum(o.kind != "missing" for o in found)
    may_ask = (
        brief.tool_rounds_left > 0 and not brief.new_passages and any(n == RETRIEVE for n, _ in brief.tools)
    )
    if opposing >= ENOUGH or not may_ask:
        return None
    return Draft(query=" ".join((*topic.key_terms(6), say.contrast_words)))


def _draft(found: Sequence[_Objection], say: Phrases) -> Draft:
    if not found:
        return Draft(summary=say.unopposed, rationale=say.unopposed)
    top = [o.said for o in sorted(found, key=lambda o: -o.strength)[:2]]
    reasons = (
        f"a{n}: {say.objection(o.kind, o.said.source, o.attacked)}" for n, o in enumerate(found, start=1)
    )
    return Draft(
        summary=say.opposed([s.text for s in top]),
        backing=cite(*top),
        points=tuple(
            Point("objection", o.said.text, cite(o.said), about=(o.attacked,) if o.attacked else ())
            for o in found
        ),
        rationale="; ".join(reasons) + ".",
    )
