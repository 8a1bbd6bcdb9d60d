"""A job's record as a value: what the sweep, the joins and the result are decided from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from orchestrator.contracts import (
    Claim,
    Failure,
    Passage,
    PersonaOutput,
    Plan,
    Reason,
    RequestedMode,
    Result,
    TaskSpec,
)
from orchestrator.contracts.events import Event
from orchestrator.errors import RecordUnreadable
from orchestrator.routing.flow import (
    CLAIM,
    SIDES,
    SYNTHESIS,
    THESIS,
    following,
    name_of,
    number_of,
    part,
    ready,
)
from orchestrator.store.keys import JobRef

PLAN = "plan"
_NUMBERS = {
    "started": "started_ms",
    "ended": "ended_ms",
    "sent": "sent_ms",
    "attempts": "attempts",
    "sends": "sends",
    "sent_at_attempt": "sent_at_attempt",
}
"""What a job's hash holds of each step, and a ``StepState``."""


@dataclass(frozen=True)
class StepState:
    """One step's bookkeeping. Times are epoch ms by Redis TIME, ``None`` where it has not happened.

    ``sends`` counts messages known to have been sent for it since it was last started; ``sent_at_attempt`` is how often
    it had been started when the last of them was.
    """

    started_ms: int | None = None
    ended_ms: int | None = None
    sent_ms: int | None = None
    attempts: int = 0
    sends: int = 0
    sent_at_attempt: int = 0


class _Progress:
    """What can be told of a job's progress from its plan and the steps that are done."""

    accepted_ms: int
    plan: Plan | None
    awaited: tuple[str, ...] | None

    @property
    def done(self) -> frozenset[str]:
        """Steps whose output is stored, and claims."""
        raise NotImplementedError

    def to_be_merged(self, now_ms: int) -> bool:
        """Whether ``merge_after_s`` is up (epoch ms) and there is something to merge, whatever is still running."""
        if self.plan is None or self.plan.merge_after_ms is None or SYNTHESIS in self.done:
            return False
        claimed = any(name_of(step) == CLAIM for step in self.done)
        argued = claimed if self.plan.mode == "pipelined" else self.done >= set(SIDES)
        return argued and now_ms >= self.accepted_ms + self.plan.merge_after_ms

    @property
    def ready(self) -> tuple[str, ...]:
        """Steps without an output whose inputs are all stored, running ones included; none before there is a plan."""
        return ready(self.plan.mode, self.done, self.awaited) if self.plan else ()

    def following(self, step: str) -> tuple[str, ...]:
        """The ready steps that read this step's output."""
        return following(self.plan.mode, step, self.done, self.awaited) if self.plan else ()


@dataclass(frozen=True)
class JobRecord(_Progress):
    """All that the store knows of a job, its passages aside.

    ``claims`` are those that a pipelined thesis has finished writing, by their number. ``awaited`` is as in
    ``orchestrator.routing.flow``: of a pipelined job the last step of each claim, of others the sections.
    """

    spec: TaskSpec
    open: bool
    accepted_ms: int
    deadline_ms: int
    plan: Plan | None = None
    outputs: Mapping[str, PersonaOutput] = field(default_factory=dict)
    claims: Mapping[int, Claim] = field(default_factory=dict)
    awaited: tuple[str, ...] | None = None
    steps: Mapping[str, StepState] = field(default_factory=dict)
    cause: Reason | None = None
    """What ended the job early; all that is left to do is to store its result."""
    result: Result | None = None

    @property
    def mode(self) -> RequestedMode:
        """The mode the job runs in; until its plan is stored, the one that was asked for."""
        return self.plan.mode if self.plan else self.spec.mode

    @property
    def done(self) -> frozenset[str]:
        """Steps whose output is stored, and claims."""
        claims = (part(CLAIM, number) for number in self.claims)
        return frozenset({*self.outputs, *claims, *((PLAN,) if self.plan else ())})

    @property
    def said(self) -> Mapping[str, PersonaOutput]:
        """The outputs; in place of a thesis that has not ended, one made of the claims it has finished so far."""
        if THESIS in self.outputs or not self.claims:
            return self.outputs
        cut = Failure(kind="deadline", message="the argument was merged before the thesis had ended")
        thesis = PersonaOutput(
            task_id=self.spec.task_id,
            persona=THESIS,
            step=THESIS,
            claims=tuple(self.claims.values()),
            failure=cut,
        )
        return {**self.outputs, THESIS: thesis}

    def with_output(
        self,
        step: str,
        output: PersonaOutput | Plan,
        *,
        cause: Reason | None,
        awaited: tuple[str, ...] | None = None,
    ) -> JobRecord:
        """This record once a step's output is stored, for whoever stored it; the bookkeeping is left as it was."""
        later = replace(self, cause=self.cause or cause, awaited=awaited or self.awaited)
        if isinstance(output, Plan):
            return replace(later, plan=output)
        return replace(later, outputs={**self.outputs, step: output})

    @classmethod
    def from_hash(cls, fields: Mapping[str, str]) -> JobRecord:
        """Read the job's hash. Raises ``ValidationError`` where it holds something Triptych did not write."""
        outputs: dict[str, PersonaOutput] = {}
        claims: dict[int, Claim] = {}
        for key, value in fields.items():
            kind, _, step = key.partition(":")
            if kind != "out" or step == PLAN:
                continue
            if name_of(step) == CLAIM:
                claims[number_of(step)] = Claim.model_validate_json(value, extra="ignore")
            else:
                outputs[step] = PersonaOutput.from_store(value)
        return cls(
            spec=TaskSpec.from_store(fields["spec"]),
            outputs=outputs,
            claims=dict(sorted(claims.items())),
            result=Result.from_store(fields["result"]) if "result" in fields else None,
            **_shared(fields),
        )


@dataclass(frozen=True)
class Outline(_Progress):
    """A job's record without its texts: what the sweep decides from. ``stored`` names its outputs, plan and claims."""

    open: bool
    accepted_ms: int
    deadline_ms: int
    stored: frozenset[str] = frozenset()
    plan: Plan | None = None
    awaited: tuple[str, ...] | None = None
    steps: Mapping[str, StepState] = field(default_factory=dict)
    cause: Reason | None = None

    @property
    def done(self) -> frozenset[str]:
        """Steps whose output is stored, and claims."""
        return self.stored

    @classmethod
    def from_hash(cls, fields: Mapping[str, str], stored: Iterable[str]) -> Outline:
        """Read the job's hash without its outputs, which ``stored`` names. Raises as ``JobRecord.from_hash`` does."""
        return cls(stored=frozenset(stored), **_shared(fields))


def _shared(fields: Mapping[str, str]) -> dict[str, Any]:
    """The fields that a record and its outline have in common."""
    numbers: dict[str, dict[str, int]] = {}
    for key, value in fields.items():
        kind, _, step = key.partition(":")
        if kind in _NUMBERS:
            numbers.setdefault(step, {})[_NUMBERS[kind]] = int(value)
    return {
        "open": fields["state"] == "open",
        "accepted_ms": int(fields["accepted_ms"]),
        "deadline_ms": int(fields["deadline_ms"]),
        "plan": Plan.from_store(fields["out:plan"]) if "out:plan" in fields else None,
        "awaited": tuple(fields["awaited"].split(",")) if fields.get("awaited") else None,
        "steps": {step: StepState(**values) for step, values in numbers.items()},
        "cause": Reason.model_validate_json(fields["cause"], extra="ignore") if "cause" in fields else None,
    }


@dataclass(frozen=True)
class Closing:
    """What a result is made of beside the record: the evidence, what happened so far, and Redis TIME, epoch ms."""

    passages: tuple[Passage, ...]
    events: tuple[Event, ...]
    now_ms: int


@dataclass(frozen=True)
class Finished:
    """``first``: no result was stored before. ``owes``: a Celery task's result is still to be set to it."""

    first: bool
    owes: bool


@contextmanager
def readable(ref: JobRef) -> Iterator[None]:
    """Turn errors of parsing a record into ``RecordUnreadable``: what is in Redis is untrusted."""
    try:
        yield
    except (ValidationError, KeyError, ValueError) as error:
        raise RecordUnreadable(
            f"the record of job {ref.task_id!r} cannot be read ({type(error).__name__}): it was tampered with, or a "
            "newer Triptych wrote it"
        ) from error


def read_passages(ref: JobRef, stored: Mapping[str, str], plan: Plan | None) -> tuple[Passage, ...]:
    """Read a job's evidence: in the order of the plan and then by id."""
    with readable(ref):
        found = [Passage.model_validate_json(raw, extra="ignore") for raw in stored.values()]
    order = {p: i for i, p in enumerate(plan.passage_ids)} if plan else {}
    return tuple(sorted(found, key=lambda p: (order.get(p.id, len(order)), p.id)))
