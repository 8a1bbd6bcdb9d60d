"""What each mode runs, and what can run next: the one place from which canvas, joins and recovery are decided.

``sequential`` and ``parallel`` know all their steps from the start. ``single`` has one step, a synthesis of the
evidence itself. The steps of ``pipelined`` grow with the thesis: each claim that it has finished gets a rebuttal, each
rebuttal a resolution, and a short synthesis merges the resolutions. Finished claims count as done, as ``claim:1``,
``claim:2``, ... A ``parallel`` job in sections runs these between its two personas and the synthesis.

``awaited`` throughout is which steps the synthesis waits for beyond its fixed inputs (the thesis; in ``parallel`` both
personas); ``None`` while that is not known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, cast

from orchestrator.contracts import Mode, Persona

THESIS: Final = "thesis"
ANTITHESIS: Final = "antithesis"
ANTITHESIS_STANDALONE: Final = "antithesis_standalone"
SYNTHESIS: Final = "synthesis"
CRITIC: Final = "critic"
"""The standalone antithesis beside a pipelined thesis: it hears what the claims leave out. Nobody waits for it."""
CLAIM: Final = "claim"
REBUTTAL: Final = "rebuttal"
RESOLUTION: Final = "resolution"
SECTION: Final = "section"
"""A part of the synthesis: it settles some of the claims, at the same time as the others settle the rest."""

STEPS: Final = (THESIS, ANTITHESIS, ANTITHESIS_STANDALONE, CRITIC, REBUTTAL, RESOLUTION, SECTION, SYNTHESIS)
"""The names of all steps of all modes, in the order in which they are told. One claim's is ``rebuttal:2``."""
MOST_CLAIMS: Final = 8
"""A deployment may allow fewer."""
FEWEST_CLAIMS: Final = 2
"""A thesis of fewer is settled in sequence: a merge of one resolution would only cost its time."""

SINGLE: Final = "single"
"""The mode of one plain call, and the form in which its synthesis runs."""

SIDES: Final = (THESIS, ANTITHESIS_STANDALONE)
"""The two of a parallel job: its synthesis reads them, and so does each section of it."""

Flow = Mapping[str, Sequence[str]]
"""Step to the steps and claims whose outputs it reads. A failed output is an output: it is final and can be read."""

FLOWS: Final[Mapping[Mode, Flow]] = {
    "sequential": {THESIS: (), ANTITHESIS: (THESIS,), SYNTHESIS: (THESIS, ANTITHESIS)},
    "parallel": {THESIS: (), ANTITHESIS_STANDALONE: (), SYNTHESIS: SIDES},
    "single": {SYNTHESIS: ()},
}
"""The modes whose steps are all known from the start."""
_PARTS: Final[Flow] = {
    THESIS: (),
    CRITIC: (),
    REBUTTAL: (CLAIM,),
    RESOLUTION: (REBUTTAL,),
    SYNTHESIS: (THESIS,),
}
_PERSONAS: Final[Mapping[str, Persona]] = {
    ANTITHESIS_STANDALONE: ANTITHESIS,
    CRITIC: ANTITHESIS,
    REBUTTAL: ANTITHESIS,
    RESOLUTION: SYNTHESIS,
    SECTION: SYNTHESIS,
}


def part(name: str, number: int) -> str:
    """The step of one claim or section: ``rebuttal:2``."""
    return f"{name}:{number}"


def number_of(step: str) -> int:
    """Which claim a step is about, or which section it is, from 1; 0 for a step of the whole job."""
    return int(step.partition(":")[2] or 0)


def name_of(step: str) -> str:
    """A step's name, whichever claim or section it is."""
    return step.partition(":")[0]


def persona_of(step: str) -> Persona:
    """The persona that a step is spoken by. The plan, which none speaks, is given back as it is."""
    name = name_of(step)
    return _PERSONAS.get(name, cast("Persona", name))


def claims_in(done: Collection[str]) -> tuple[int, ...]:
    """The numbers of the claims that are recorded, ascending."""
    return tuple(sorted(number_of(each) for each in done if name_of(each) == CLAIM))


def sections(count: int) -> tuple[str, ...]:
    """The steps of a synthesis in so many sections; none where it is written in one piece."""
    return tuple(part(SECTION, number) for number in range(1, count + 1)) if count > 1 else ()


def awaited_after(mode: Mode, step: str, claims: int) -> tuple[str, ...] | None:
    """Which steps the synthesis waits for, now that ``step`` has ended with so many claims; else ``None``.

    Only the end of a pipelined thesis decides that. With no claims (it was lost) the critic stands in for the
    rebuttals; a single claim needs no resolution of its own.
    """
    if mode != "pipelined" or step != THESIS:
        return None
    if claims == 0:
        return (CRITIC,)
    last = REBUTTAL if claims < FEWEST_CLAIMS else RESOLUTION
    return tuple(part(last, number) for number in range(1, claims + 1))


def flow(mode: Mode, done: Collection[str] = (), awaited: Sequence[str] | None = None) -> Flow:
    """The steps of a job as far as they are known, in order, and what each needs.

    ``awaited`` of a pipelined job is what ``awaited_after`` said; of a parallel one, its sections.
    """
    if mode != "pipelined":
        return _in_sections(awaited) if awaited else FLOWS[mode]
    claims = claims_in(done)
    steps: dict[str, Sequence[str]] = {THESIS: (), CRITIC: ()}
    steps |= {part(REBUTTAL, n): (part(CLAIM, n),) for n in claims}
    # Whoever looks may not know of all claims, but what is awaited is final.
    resolved = [n for n in claims if awaited is None or part(RESOLUTION, n) in awaited]
    steps |= {part(RESOLUTION, n): (part(REBUTTAL, n),) for n in resolved}
    expected = [part(RESOLUTION, n) for n in resolved] if awaited is None else awaited
    return {**steps, SYNTHESIS: (THESIS, *expected)}


def _in_sections(awaited: Sequence[str]) -> Flow:
    begin: Flow = dict.fromkeys(SIDES, ())
    return {**begin, **dict.fromkeys(awaited, SIDES), SYNTHESIS: (*SIDES, *awaited)}


def ready(mode: Mode, done: Collection[str], awaited: Sequence[str] | None = None) -> tuple[str, ...]:
    """Steps without an output whose inputs are all there, in the flow's order; running ones are among them.

    Once the synthesis can be made nothing else is worth beginning, and once it is made nothing at all.
    """
    if SYNTHESIS in done:
        return ()
    steps = tuple(
        step
        for step, needs in flow(mode, done, awaited).items()
        if step not in done and all(need in done for need in needs)
    )
    return (SYNTHESIS,) if SYNTHESIS in steps else steps


def following(
    mode: Mode, step: str, done: Collection[str], awaited: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Of the steps that are ready, those that read this step's output."""
    needs = flow(mode, done, awaited)
    return tuple(each for each in ready(mode, done, awaited) if step in needs[each])


def growing(
    mode: Mode, step: str, awaited: Sequence[str] | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The steps to add to the chord when this one ends, and which other steps' outputs these read beside its own."""
    if name_of(step) == REBUTTAL:
        return (part(RESOLUTION, number_of(step)),), ()
    if mode == "parallel" and awaited and step in SIDES:
        return tuple(awaited), tuple(side for side in SIDES if side != step)
    return (), ()


def sent_at_once(mode: Mode) -> tuple[str, ...]:
    """The steps that need nothing: their messages leave when the plan is stored."""
    return tuple(step for step, needs in flow(mode).items() if not needs)


def needs_of(step: str) -> dict[Mode, tuple[str, ...]]:
    """By mode, the steps whose outputs this one reads; empty for a step that no mode has.

    What a synthesis reads beyond that stands in the record: of a pipelined job, where the thesis' end wrote it, in
    sections where the plan's did.
    """
    needs = {mode: tuple(steps[step]) for mode, steps in FLOWS.items() if step in steps}
    if name_of(step) == SECTION:
        needs["parallel"] = SIDES
    if name_of(step) in _PARTS:
        number = number_of(step)
        reads = _PARTS[name_of(step)]
        needs["pipelined"] = tuple(part(each, number) if number else each for each in reads)
    return needs
