"""One job in which a process falls, and what there is to say about it afterwards; many of them side by side."""

from __future__ import annotations

import queue
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from orchestrator.client import new_task_id
from orchestrator.contracts import Result, TaskSpec
from orchestrator.contracts.events import Event, JobEnd, StepEnd, StepStart, parse_event
from orchestrator.routing.flow import CRITIC
from orchestrator.store import JobRef, history
from orchestrator.store.ledger import Ledger
from orchestrator.store.record import PLAN
from tests.faults.fleet import Fleet
from tests.faults.points import JOINED, Place, asks, flow_of, form_of
from tests.faults.worker import WHOLE, arm, fallen, passed
from tests.integration.conftest import question
from tests.integration.llm.wire import Gate
from tests.model_server import Asked, ModelServer, Reply, through
from tests.nodes import wait_for

DEADLINE_S = 60.0
LANES = 12
STEPS = sorted({PLAN, *(step for mode in JOINED for step in flow_of(mode))})


@dataclass(frozen=True)
class Outcome:
    """What became of the job. Times are s; what is counted is counted for this job alone."""

    result: Result
    kept: Result
    """What the record says once everybody has had a say."""
    took_s: float
    recovered_s: float
    """From the fall to the next sign of life of the step, or of one that follows it."""
    interrupted: frozenset[str]
    """Steps that the fallen process held. It may have taken others besides the one it fell in."""
    stored_then: Mapping[str, str]
    stored_now: Mapping[str, str]
    attempts: Mapping[str, int]
    calls: Mapping[str, int]
    """Model calls per form."""
    ends: Mapping[str, int]
    """How often each step ended, and the job, as its producer hears it."""
    ledger_ends: Mapping[str, int]
    """The same, as the ledger has it."""
    story: tuple[str, ...] = field(repr=False)
    """Who passed which point, and the ledger: for those who have to find out what went wrong."""


class Patient(ModelServer):
    """A model that knows jobs apart, and can be had to wait in the middle of an answer."""

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[tuple[str, str], Gate] = {}

    def about(self, task_id: str) -> list[Asked]:
        """This job's calls so far."""
        return [asked for asked in self.asked if f"case {task_id}" in asked.prompt]

    def hold(self, task_id: str, form: str) -> Gate:
        """Answer one persona of one job only as far as the middle, until the gate is opened."""
        gate = self._held[task_id, form] = self.gate()
        return gate

    def reply_for(self, asked: Asked) -> Reply:
        for (task_id, form), gate in self._held.items():
            if asked.form == form and f"case {task_id}" in asked.prompt:
                return through(gate)
        return super().reply_for(asked)


def killed(fleet: Fleet, model: Patient, place: Place, *, how: int = signal.SIGKILL) -> Outcome:
    """Run one job on two workers, of which the first one that comes to this place dies there."""
    spec = _begin(fleet, place, how)
    ref = fleet.client.submit(spec).ref
    return _outcome(fleet, model, ref, place, _fall(fleet, ref))


def stopped(fleet: Fleet, model: Patient, place: Place) -> Outcome:
    """The same, but it is only stopped, and goes on when the others have done without it.

    That is while they are at the last step, or once the job has ended where that is the step that it stopped in.
    """
    spec = _begin(fleet, place, signal.SIGSTOP)
    last = tuple(flow_of(place.mode))[-1]
    form = form_of(place.mode, last)
    in_the_middle = place.step != last
    gate = model.hold(spec.task_id, form) if in_the_middle else None
    ref = fleet.client.submit(spec).ref
    fall = _fall(fleet, ref)
    try:
        if in_the_middle:
            wait_for("the last step", lambda: any(asked.form == form for asked in model.about(ref.task_id)))
        else:
            fleet.client.wait(ref)
    finally:
        fleet.by_pid(fall.pid).send_signal(signal.SIGCONT)
    taken = [step for step, point in _points(fleet, ref, fall.pid) if point == "popped"]
    wait_for(
        "the worker that came back to be done with its messages",
        lambda: {(step, "acked") for step in taken} <= set(_points(fleet, ref, fall.pid)),
    )
    if gate:
        gate.open()
    return _outcome(fleet, model, ref, place, fall)


def killed_whole(fleet: Fleet, model: Patient, place: Place) -> Outcome:
    """The same, but what dies is the process that the one at this place was forked from, and with it that one."""
    return killed(fleet, model, place, how=WHOLE + signal.SIGKILL)


def _begin(fleet: Fleet, place: Place, number: int) -> TaskSpec:
    """Two workers that are ready, an armed place, and a job that the model can tell from others."""
    while len(running := [one for one in fleet.workers if one.alive]) < 2:
        fleet.start()
    for one in running:
        one.ready()
    task_id = new_task_id()
    arm(fleet.client.redis, task_id, place.step, place.point, number)
    # Its scope is in the prompt, and in no search.
    return question(task_id=task_id, scope=f"case {task_id}", deadline_s=DEADLINE_S, **asks(place.mode))


@dataclass(frozen=True)
class _Fall:
    """Which process, which one the signal went to, when (epoch ms), and what the job had by then."""

    pid: int
    hit: int
    at_ms: int
    interrupted: frozenset[str]
    stored: Mapping[str, str]


def _fall(fleet: Fleet, ref: JobRef) -> _Fall:
    """Wait for it."""
    redis = fleet.client.redis
    wait_for("a worker to fall", lambda: fallen(redis, ref.task_id))
    found = fallen(redis, ref.task_id)
    assert found is not None
    # A signal takes a moment to be obeyed. Until then the process writes; and where the job ends without it, the next
    # one would count on a worker that is about to be gone.
    wait_for("it to be still", lambda: _state(found.hit) in ("T", "") and _state(found.pid) in ("T", "Z", ""))
    stored = _stored(fleet, ref)
    steps = [step for step in STEPS if f"out:{step}" not in stored]
    holders = cast("list[str | None]", redis.mget([ref.lease(step) for step in steps]))
    held = {
        step for step, holder in zip(steps, holders, strict=True) if holder and f":{found.pid}:" in holder
    }
    return _Fall(*found, frozenset(held), stored)


def _state(pid: int) -> str:
    """A process's state as Linux has it, of which T is stopped and Z dead; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _points(fleet: Fleet, ref: JobRef, pid: int) -> list[tuple[str, str]]:
    """What one process has passed in this job."""
    return [(step, point) for who, step, point in passed(fleet.client.redis, ref.task_id) if who == pid]


def _stored(fleet: Fleet, ref: JobRef) -> dict[str, str]:
    fields = cast("dict[str, str]", fleet.client.redis.hgetall(ref.job))
    return {name: value for name, value in fields.items() if name.startswith("out:")}


def _outcome(fleet: Fleet, model: Patient, ref: JobRef, place: Place, fall: _Fall) -> Outcome:
    client = fleet.client
    result = client.wait(ref)
    wait_for("the queues to be empty", lambda: fleet.waiting() == 0)
    record = client.store.load(ref)
    assert record.result is not None
    events = history(client.redis, ref)
    ledger = [parse_event(raw, at_ms=0) for _, raw in Ledger(client.redis).all() if ref.task_id in raw]
    ended_ms = next(e.at_ms for e in events if isinstance(e, JobEnd))
    return Outcome(
        result=result,
        kept=record.result,
        took_s=(ended_ms - record.accepted_ms) / 1_000,
        recovered_s=(min(_signs_of_life(events, place, fall.at_ms), default=fall.at_ms) - fall.at_ms) / 1_000,
        interrupted=fall.interrupted,
        stored_then=fall.stored,
        stored_now=_stored(fleet, ref),
        attempts={step: state.attempts for step, state in record.steps.items()},
        calls=Counter(asked.form for asked in model.about(ref.task_id)),
        ends=Counter(_ends(events)),
        ledger_ends=Counter(_ends(ledger)),
        story=(
            f"fell: process {fall.pid} at {fall.at_ms}",
            *(" ".join(map(str, point)) for point in passed(client.redis, ref.task_id)),
            *(event.model_dump_json(exclude_defaults=True) for event in events),
        ),
    )


def _signs_of_life(events: Iterable[Event], place: Place, after_ms: int) -> Iterator[int]:
    """When the job went on: the step began (again), or one that needs it, or the job ended."""
    needs = {PLAN: (), **{step: (PLAN, *inputs) for step, inputs in flow_of(place.mode).items()}}
    for event in events:
        goes_on = isinstance(event, StepStart) and place.step in (event.step, *needs[event.step or PLAN])
        if event.at_ms >= after_ms and (goes_on or isinstance(event, JobEnd)):
            yield event.at_ms


def _ends(events: Iterable[Event]) -> Iterator[str]:
    for event in events:
        if isinstance(event, StepEnd | JobEnd):
            yield event.step if isinstance(event, StepEnd) and event.step else "job"


def came_to_its_end(place: Place, became: Outcome) -> None:
    """It ended: whole, within its deadline, with one result, nothing done again and nothing paid that was not lost."""
    print(*became.story, sep="\n")
    # A critic that is late is left out, and may die without anybody waiting for it.
    steps = [PLAN, *(step for step in flow_of(place.mode) if step != CRITIC)]
    forms = Counter(form_of(place.mode, step) for step in (*steps[1:], CRITIC))
    again = Counter(form_of(place.mode, step) for step in became.interrupted)
    assert (became.result.status, became.result.reasons) == ("complete", ())
    assert became.took_s < DEADLINE_S
    assert became.kept == became.result
    assert _but_critics(became.ends) == Counter((*steps, "job"))
    assert became.ends == became.ledger_ends
    assert became.ends.get(CRITIC, 0) <= 1
    assert became.stored_now.items() >= became.stored_then.items()
    assert _but_critics(became.attempts) == {step: 1 + (step in became.interrupted) for step in steps}
    assert set(became.calls) >= {form_of(place.mode, step) for step in steps[1:]}
    assert all(paid <= forms[form] + again[form] for form, paid in became.calls.items())


def _but_critics(counts: Mapping[str, int]) -> dict[str, int]:
    return {step: count for step, count in counts.items() if step != CRITIC}


Case = Callable[[Fleet, Patient, Place], Outcome]
Run = Callable[[Case, Place], Future[Outcome]]


@contextmanager
def lanes(model: Patient, count: int = LANES, *, slots: int = 4, **env: str) -> Iterator[Run]:
    """Fleets side by side: the next free one runs a case."""
    with ExitStack() as stack:
        free: queue.SimpleQueue[Fleet] = queue.SimpleQueue()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="triptych-faults-")))
        pool = stack.enter_context(ThreadPoolExecutor(count))
        for number in range(count):
            home = folder / str(number)
            home.mkdir()
            fleet = Fleet(home, {**model.environment(), **env}, slots=slots)
            stack.callback(fleet.close)
            free.put(fleet)

        def run(case: Case, place: Place) -> Outcome:
            fleet = free.get()
            try:
                return case(fleet, model, place)
            finally:
                free.put(fleet)

        yield lambda case, place: pool.submit(run, case, place)
