"""From a job's record to what one of its steps is told. Pure."""

from __future__ import annotations

from typing import cast

from orchestrator.contracts import Passage, PersonaOutput
from orchestrator.parts import antithesis_of, claims_of, resolved
from orchestrator.routing.dividing import divided
from orchestrator.routing.flow import (
    ANTITHESIS,
    ANTITHESIS_STANDALONE,
    CRITIC,
    REBUTTAL,
    RESOLUTION,
    SECTION,
    SINGLE,
    SYNTHESIS,
    THESIS,
    name_of,
    number_of,
    part,
)
from orchestrator.store import JobRecord
from workers.brief import Brief, Form, Part, Section
from workers.personas.prompting import is_there


def brief_for(step: str, record: JobRecord, passages: tuple[Passage, ...], *, most_claims: int) -> Brief:
    """What a step is told. ``most_claims`` bounds a pipelined thesis."""
    assert record.plan is not None, "the executor lets no persona run before the plan"  # noqa: S101 - for mypy
    name, thesis = name_of(step), record.said.get(THESIS)
    concludes, sees_all = name == SYNTHESIS, name in (SECTION, SYNTHESIS)
    points = resolved(record.outputs) if concludes else ()
    # Where the time has come to merge, there may be nothing that was settled, and no time to settle all of it.
    hurried = concludes and SYNTHESIS not in record.ready
    return Brief(
        form=SINGLE if record.plan.mode == SINGLE else _form(name, thesis, merges=bool(points) or hurried),
        task=record.spec,
        plan=record.plan,
        passages=passages,
        thesis=thesis if sees_all or name == ANTITHESIS else None,
        antithesis=antithesis_of(record.outputs) if sees_all else None,
        most_claims=most_claims,
        written=tuple(record.claims.values()) if name == THESIS else (),
        part=_part(record, step) if name in (REBUTTAL, RESOLUTION) else None,
        section=_section(record, step) if name == SECTION else None,
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


def _section(record: JobRecord, step: str) -> Section:
    assert record.plan is not None, "as in brief_for"  # noqa: S101 - for mypy
    number, (thesis, antithesis) = number_of(step), claims_of(record.outputs)
    return Section(number, divided(thesis, antithesis, record.plan.sections)[number - 1])
