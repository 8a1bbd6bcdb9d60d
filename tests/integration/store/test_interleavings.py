"""A step that several owners are after, in every order that Hypothesis thinks of: one output, or none yet, never two.

Owners ask, renew, hand over and write; leases run out and are taken over; replies are lost, so that the same call
comes twice; messages are lost and come twice; the job is cancelled, or its time is up. After each of these the store
has to be as a small model says, and a step that nobody is at must not be forgotten.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orchestrator.contracts.events import JobEnd, StepEnd
from orchestrator.recovery import LONGEST_LOOK_MS, due
from orchestrator.store import JobRef, JobStore, StepState, history
from orchestrator.store.leases import Lease
from tests.integration.store.conftest import ended, output, result

pytestmark = pytest.mark.integration
STEP = "thesis"


@dataclass(frozen=True)
class Held:
    """A lease that somebody believes to hold, and the attempt that it was granted for."""

    lease: Lease
    attempt: int


class Owners(RuleBasedStateMachine):
    """The store, and beside it the model: plain values, changed by the rules that the docs state."""

    store: ClassVar[JobStore]
    accept: ClassVar[Callable[..., JobRef]]
    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.ref = type(self).accept()
        self.client = self.store.client
        self.store.mark_sent(self.ref, [STEP])
        self.numbers = itertools.count(1)
        self.messages = 1
        self.message_lost = False
        self.attempts = 0
        self.holder: str | None = None
        self.written: str | None = None
        self.open = True
        self.overdue = False

    # What owners do. Each call may come twice: its reply was lost.

    @precondition(lambda self: self.messages)
    @rule(target=leases, twice=st.booleans())
    def takes_a_message(self, twice: bool) -> object:
        self.messages -= 1
        owner = f"owner{next(self.numbers)}"
        expected = self.answer()
        for _ in range(1 + twice):
            grant = self.store.acquire(self.ref, STEP, owner)
            assert (grant.status, grant.attempt) == (expected, self.attempts + (expected == "granted"))
        if expected != "granted":
            return multiple()
        assert grant.granted is not None
        self.attempts += 1
        self.holder = grant.granted.lease.token
        return Held(grant.granted.lease, self.attempts)

    def answer(self) -> str:
        """What whoever asks for the step now is told."""
        if not self.open:
            return "ended"
        if self.written:
            return "done"
        if self.holder:
            return "held"
        return "expired" if self.overdue else "granted"

    @precondition(lambda self: self.messages and self.attempts and self.answer() == "granted")
    @rule()
    def asks_without_taking_over(self) -> None:
        assert self.store.acquire(self.ref, STEP, "hesitant", take_over=False).status == "begun"

    @rule(held=leases, twice=st.booleans())
    def renews(self, held: Held, twice: bool) -> None:
        for _ in range(1 + twice):
            if not self.is_owner(held):
                expected = "lost"
            elif not self.open:
                expected, self.holder = "cancelled", None
            elif self.overdue:
                expected = "expired"
            else:
                expected, self.holder = "kept", held.lease.token
            assert self.store.renew([held.lease]) == [expected]

    @rule(
        held=leases, words=st.sampled_from(["yes", "no", "perhaps"]), last=st.booleans(), twice=st.booleans()
    )
    def writes(self, held: Held, words: str, last: bool, twice: bool) -> None:
        for _ in range(1 + twice):
            if self.written:
                expected = "duplicate" if held.attempt == self.attempts else "lost"
            elif not self.is_owner(held):
                expected = "lost"
            elif not self.open:
                expected, self.holder = "ended", None
            else:
                expected, self.holder = "written", self.holder if last else None
            told = output(self.ref, words)
            answer = self.store.write_output(held.lease, told, events=[ended(self.ref)], keep_lease=last)
            assert answer.status == expected
            if expected == "written":
                self.written = told.to_wire()

    @rule(held=leases)
    def lets_go(self, held: Held) -> None:
        self.store.release(held.lease)
        if self.holder == held.lease.token:
            self.holder = None

    def is_owner(self, held: Held) -> bool:
        """A lease that ran out is still its owner's until somebody takes it."""
        return self.holder == held.lease.token if self.holder else self.attempts == held.attempt

    # What happens to them.

    @precondition(lambda self: self.holder)
    @rule()
    def the_lease_runs_out(self) -> None:
        self.client.delete(self.ref.lease(STEP))
        self.holder = None

    @rule()
    def a_message_comes_twice(self) -> None:
        self.messages += 1

    @precondition(lambda self: self.messages)
    @rule()
    def a_message_is_lost(self) -> None:
        self.messages -= 1
        self.message_lost = True

    @rule(final=st.sampled_from([STEP, "synthesis"]), twice=st.booleans())
    def the_job_ends(self, final: str, twice: bool) -> None:
        for _ in range(1 + twice):
            end = JobEnd(
                event_id=f"{next(self.numbers):032x}", task_id=self.ref.task_id, status="failed", total_ms=1
            )
            finished = self.store.finish(self.ref, result(self.ref), events=[end], final_step=final)
            assert finished.first == self.open
            if self.open and final == STEP:
                self.holder = None
            self.open = False

    @rule()
    def its_time_is_up(self) -> None:
        self.client.hset(self.ref.job, "deadline_ms", self.store.now_ms() - 1)
        self.overdue = True

    @precondition(lambda self: self.waits)
    @rule(backlog=st.booleans())
    def the_sweep_looks(self, backlog: bool) -> None:
        if due(self.state, runnable_since_ms=0, now_ms=self.store.now_ms(), backlog=backlog):
            self.store.mark_sent(self.ref, [STEP])
            self.messages, self.message_lost = self.messages + 1, False

    @property
    def waits(self) -> bool:
        """Whether the step wants doing and nobody is at it."""
        return self.open and not self.written and not self.holder

    @property
    def state(self) -> StepState:
        return self.store.load(self.ref).steps[STEP]

    # What always holds.

    @invariant()
    def the_store_is_as_the_model_says(self) -> None:
        stored = self.client.hmget(self.ref.job, [f"out:{STEP}", f"attempts:{STEP}"])
        assert stored == [self.written, str(self.attempts) if self.attempts else None]
        assert self.client.get(self.ref.lease(STEP)) == self.holder

    @invariant()
    def nobody_forgets_the_step(self) -> None:
        if not self.waits:
            return
        now = self.store.now_ms()
        assert due(self.state, runnable_since_ms=0, now_ms=now + LONGEST_LOOK_MS, backlog=True)
        if self.attempts and not self.messages and not self.message_lost and not self.overdue:
            # It was begun, it is not done, and no message for it is left: the sweep must not hesitate. (Once its time
            # is up, whoever takes a message ends the job, and so does the sweep, whatever was sent.)
            assert due(self.state, runnable_since_ms=now, now_ms=now, backlog=True)

    def teardown(self) -> None:
        told = history(self.client, self.ref)
        assert sum(isinstance(event, StepEnd) for event in told) == (self.written is not None)
        assert sum(isinstance(event, JobEnd) for event in told) == (not self.open)


def test_no_order_of_events_yields_two_outputs_or_forgets_the_step(
    store: JobStore, accept: Callable[..., JobRef]
) -> None:
    class Bound(Owners):
        pass

    Bound.store, Bound.accept = store, staticmethod(accept)
    run_state_machine_as_test(
        Bound, settings=settings(max_examples=100, stateful_step_count=40, deadline=None, print_blob=True)
    )
