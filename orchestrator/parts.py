"""Puts a job's parts together: rebuttals and critic as one antithesis, resolutions or sections as one synthesis.

Pure. The outputs of modes without parts pass through as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.contracts import Claim, PersonaOutput
from orchestrator.contracts.evidence import MAX_CLAIMS
from orchestrator.routing.flow import (
    ANTITHESIS,
    ANTITHESIS_STANDALONE,
    CRITIC,
    REBUTTAL,
    RESOLUTION,
    SECTION,
    STEPS,
    SYNTHESIS,
    THESIS,
    name_of,
    number_of,
)

APART = 10
"""Ids of what is said about claim 2 begin behind this many times 2: its objections are ``a21`` and ``a22``.

So do those of the second section: ``s21``, ``s22`` and so on.
"""

LEFT_OPEN = 9
"""The last digit of the point under which a claim stands that nobody settled: ``s29`` for claim 2."""

Outputs = Mapping[str, PersonaOutput]


def in_order(outputs: Outputs) -> tuple[PersonaOutput, ...]:
    """All outputs in the order in which a job's story is told: persona by persona, claim by claim."""
    place = {name: at for at, name in enumerate(STEPS)}
    steps = sorted(outputs, key=lambda step: (place.get(name_of(step), len(place)), number_of(step)))
    return tuple(outputs[step] for step in steps)


def numbered(outputs: Outputs, name: str) -> dict[int, PersonaOutput]:
    """The outputs of one kind of part, by the number of their claim or section."""
    found = {number_of(step): output for step, output in outputs.items() if name_of(step) == name}
    return dict(sorted(found.items()))


def antithesis_of(outputs: Outputs) -> PersonaOutput | None:
    """The antithesis in whichever form it ran; of its parts, one that holds all their objections.

    Parts that were lost are left out; where all were, the first of them stands for the antithesis.
    """
    whole = outputs.get(ANTITHESIS) or outputs.get(ANTITHESIS_STANDALONE)
    critic = outputs.get(CRITIC)
    parts = [*numbered(outputs, REBUTTAL).values(), *([critic] if critic else [])]
    if whole or not parts:
        return whole
    said = [each for each in parts if each.status == "ok"]
    if not said:
        return parts[0]
    claims = tuple(claim for each in said for claim in each.claims)[:MAX_CLAIMS]
    summary = next((each.summary for each in reversed(said) if each.summary), "")
    return said[0].model_copy(update={"step": ANTITHESIS, "claims": claims, "summary": summary})


def personas(outputs: Outputs) -> tuple[PersonaOutput, ...]:
    """What each persona said, at most one output a persona: what the gate judges."""
    found = (outputs.get(THESIS), antithesis_of(outputs), outputs.get(SYNTHESIS))
    return tuple(output for output in found if output is not None)


def claims_of(outputs: Outputs) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
    """What thesis and antithesis claim; nothing where one was lost."""
    sides = outputs.get(THESIS), antithesis_of(outputs)
    thesis, antithesis = (side.claims if side and side.status == "ok" else () for side in sides)
    return thesis, antithesis


def resolved(outputs: Outputs) -> tuple[Claim, ...]:
    """The points that resolutions or sections settled, in the order of their claims."""
    said = (*numbered(outputs, RESOLUTION).values(), *numbered(outputs, SECTION).values())
    return tuple(claim for output in said if output.status == "ok" for claim in output.claims)


def unresolved(outputs: Outputs, *, sections: int = 1) -> tuple[str, ...]:
    """Ids of claims that the synthesis repeats as open because no resolution or section settled them.

    Of a job in ``sections`` both personas' claims are looked at, of others the thesis' alone.
    """
    thesis, synthesis = outputs.get(THESIS), outputs.get(SYNTHESIS)
    if synthesis is None or synthesis.status != "ok":
        return ()
    if sections > 1:
        said = {claim.id: claim.text for side in claims_of(outputs) for claim in side}
        left = [claim for claim in synthesis.claims if claim.kind == "open" and _number(claim) > APART**2]
        return tuple(name for claim in left for name in claim.about if said.get(name) == claim.text)
    if thesis is None:
        return ()
    stand = {claim.id for claim in synthesis.claims}
    return tuple(c.id for n, c in enumerate(thesis.claims, start=1) if _left_id(n) in stand)


@dataclass(frozen=True)
class Merge:
    """What a merge adds to the resolutions: points of its own, and what else a resolution settles."""

    own: Sequence[Claim] = ()
    covers: Sequence[tuple[str, Sequence[str]]] = ()


def merged(outputs: Outputs, merge: Merge) -> tuple[Claim, ...]:
    """The synthesis' claims: resolutions as they were written, then the merge's own points, then what is left open.

    No claim is lost: one that no point is about stands open in its own words. None is invented: a point of the
    merge's own is about claims that were made, or it is dropped.
    """
    thesis, antithesis = outputs.get(THESIS), antithesis_of(outputs)
    upstream = {claim.id for each in (thesis, antithesis) if each for claim in each.claims}
    points = [_covering(claim, merge.covers, upstream) for claim in resolved(outputs)]
    for claim in merge.own:
        about = tuple(name for name in claim.about if name in upstream)
        if about:
            points.append(claim.model_copy(update={"about": about}))
    settled = {name for point in points for name in point.about}
    raised = [c for c in (antithesis.claims if antithesis else ()) if c.id not in settled]
    if ANTITHESIS_STANDALONE in outputs:  # it has not seen the thesis: each claim stands for itself
        raised = [c for c in (*(thesis.claims if thesis else ()), *raised) if c.id not in settled]
        return tuple(points + _open_each(raised))[:MAX_CLAIMS]
    for number, claim in enumerate(thesis.claims if thesis else (), start=1):
        theirs = [c for c in raised if _about_part(c) == number]
        if claim.id not in settled:
            points.append(_open(_left_id(number), claim, (claim.id, *(c.id for c in theirs))))
        else:
            points += [
                _open(f"s{APART * number + LEFT_OPEN - n}", c, (c.id,)) for n, c in enumerate(theirs, 1)
            ]
    points += _open_each([c for c in raised if not _about_part(c)])
    return tuple(points)[:MAX_CLAIMS]


def _covering(claim: Claim, covers: Sequence[tuple[str, Sequence[str]]], upstream: set[str]) -> Claim:
    more = [name for point, about in covers if point == claim.id for name in about if name in upstream]
    return claim.model_copy(update={"about": tuple(dict.fromkeys((*claim.about, *more)))})


def _open(name: str, claim: Claim, about: tuple[str, ...]) -> Claim:
    return Claim(id=name, kind="open", text=claim.text, citations=claim.citations, about=about)


def _open_each(claims: Sequence[Claim]) -> list[Claim]:
    return [_open(f"s{APART**2 + n}", claim, (claim.id,)) for n, claim in enumerate(claims, start=1)]


def _left_id(number: int) -> str:
    return f"s{APART * number + LEFT_OPEN}"


def _about_part(claim: Claim) -> int:
    """Which claim's rebuttal raised an objection; 0 for the critic."""
    return _number(claim) // APART


def _number(claim: Claim) -> int:
    return int(claim.id[1:]) if claim.id[1:].isdecimal() else 0
