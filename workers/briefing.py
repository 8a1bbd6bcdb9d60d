"""From a job's record to what one of its steps is told. Pure."""

from __future__ import annotations

from typing import cast

from orchestrator.contracts import Passage, PersonaOutput
from orchestrator.parts import antithesis_of, resolved
from orchestrator.routing.flow import (
    ANTITHESIS,
    ANTITHESIS_STANDALONE,
    CRITIC,
    REBUTTAL,
    RESOLUTION,
    SYNTHESIS,
    THESIS,
    name_of,
    number_of,
    part,
)
from orchestrator.store import JobRecord
from workers.brief import Brief, Form, Part
from workers.personas.prompting import is_there


def brief_for(step: str, record: JobRecord, passages: tuple[Passage, ...], *, most_claims: int) -> Brief:
    """What a step is told. ``most_claims`` bounds a pipelined thesis."""
    assert record.plan is not None, "the executor lets no persona run before the plan"  # noqa: S101 - for mypy
    name, thesis = name_of(step), record.said.get(THESIS)
    sees_all = name == SYNTHESIS
    points = resolved(record.outputs) if sees_all else ()
    # Where the time has come to merge, there may be nothing that was settled, and no time to settle all of it.
    hurried = sees_all and SYNTHESIS not in record.ready
    return Brief(
        form=_form(name, thesis, merges=bool(points) or hurried),
        task=record.spec,
        plan=record.plan,
        passages=passages,
        thesis=thesis if sees_all or name == ANTITHESIS else None,
        antithesis=antithesis_of(record.outputs) if sees_all else None,
        most_claims=most_claims,
        written=tuple(record.claims.values()) if name == THESIS else (),
        part=_part(record, step) if name in (REBUTTAL, RESOLUTION) else None,
        resolved=points,
    )


def _form(name: str, thesis: PersonaOutput | None, *, merges: bool) -> Form:
    if name == CRITIC or (name == ANTITHESIS and not is_there(thesis)):
        # Where the thesis was lost there is nothing to attack, but there is still something to oppose.
        return ANTITHESIS_STANDALONE
    return "merge" if merges else cast("Form", name)


def _part(record: JobRecord, step: str) -> Part:
    number = number_of(step)
    claim = record.claims[number]
    return Part(
        number=number,
        claim=claim,
        parents=tuple(each for each in record.claims.values() if each.id in claim.depends_on),
        rebuttal=record.outputs.get(part(REBUTTAL, number)) if name_of(step) == RESOLUTION else None,
    )
