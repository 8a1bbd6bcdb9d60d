"""Runs what is left of a comparison, a given number of jobs at a time, and hands over each trial as its job ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice

from orchestrator.client import Client, new_task_id
from orchestrator.contracts import Inputs, Passage, Result, TaskSpec
from orchestrator.errors import AdmissionClosed, JobNotFound, StoreUnavailable, WorldError
from orchestrator.experiment import Arm, Goal, Trial, fingerprint_of, trial_of
from orchestrator.store import JobRef

_LOOK_S = 0.2


class Runner:
    """Runs jobs on one fleet. ``evidence`` is by goal id; ``look`` is called all along, and may raise to stop."""

    def __init__(
        self,
        client: Client,
        evidence: Mapping[str, Sequence[Passage]],
        *,
        at_a_time: int,
        look: Callable[[], None],
        deadline_s: float | None = None,
    ) -> None:
        self._client = client
        self._evidence = evidence
        self._at_a_time = at_a_time
        self._look = look
        self._deadline_s = deadline_s
        self._stopped = threading.Event()
        self._under_way: set[JobRef] = set()

    def run(self, order: Sequence[tuple[Goal, Arm]]) -> Iterator[Trial]:
        """Run in this order. Whatever ends it early, Ctrl-C included, cancels the jobs that are under way.

        Raises ``WorldError`` where the fleet is away, or runs jobs otherwise than they ask.
        """
        waiting = iter(order)
        with ThreadPoolExecutor(self._at_a_time, thread_name_prefix="compare") as pool:
            running: set[Future[Trial]] = set()
            try:
                while True:
                    for goal, arm in islice(waiting, self._at_a_time - len(running)):
                        running.add(pool.submit(self._trial, goal, arm))
                    if not running:
                        return
                    done, running = wait(running, _LOOK_S, FIRST_COMPLETED)
                    for future in done:
                        yield future.result()
                    self._look()
            except BaseException:
                self._stop()
                raise

    def warm_up(self, goal: Goal, arm: Arm) -> None:
        """Run one job that counts nowhere, so that a worker that is just starting slows no arm down."""
        for _ in self.run([(goal, arm)]):
            pass

    def _trial(self, goal: Goal, arm: Arm) -> Trial:
        passages = self._evidence[goal.id]
        spec = TaskSpec(
            task_id=new_task_id(),
            goal=goal.goal,
            constraints=goal.constraints,
            scope=goal.scope,
            language=goal.language,
            complexity=goal.complexity,
            inputs=Inputs(passages=tuple(passages), as_given=True),
            mode=arm.mode,
            sections=arm.sections,
            deadline_s=self._deadline_s,
        )
        ref = self._submitted(spec)
        self._under_way.add(ref)
        try:
            if self._stopped.is_set():  # it came too late to be cancelled with the others
                self._cancel(ref)
            result = self._client.wait(ref)
        finally:
            self._under_way.discard(ref)
        _check(result, arm)
        return trial_of(goal.id, arm, result, passages, fingerprint=fingerprint_of(passages))

    def _submitted(self, spec: TaskSpec) -> JobRef:
        while True:
            try:
                return self._client.submit(spec).ref
            except AdmissionClosed as closed:
                if self._stopped.wait(closed.retry_after_s):
                    raise

    def _stop(self) -> None:
        self._stopped.set()
        for ref in tuple(self._under_way):
            self._cancel(ref)

    def _cancel(self, ref: JobRef) -> None:
        with suppress(JobNotFound, StoreUnavailable):
            self._client.cancel(ref, who="its comparison")


def _check(result: Result, arm: Arm) -> None:
    if any(reason.code == "cancelled" for reason in result.reasons):
        raise WorldError(f"job {result.task_id} was cancelled by somebody else; the same command goes on")
    if result.plan is None and any(reason.code == "deadline" for reason in result.reasons):
        raise WorldError(
            "no worker took a job in its time; start one (triptych worker), and the same command goes on"
        )
    if result.mode is not None and result.mode != arm.mode:
        raise WorldError(
            f"the fleet ran {result.task_id} {result.mode} although it asked for {arm.mode} "
            f"({result.mode_reason}); clear the switch (triptych mode clear), and the same command goes on"
        )


def remaining_s(left: Sequence[Arm], trials: Sequence[Trial], at_a_time: int) -> float | None:
    """Estimate how long the jobs that are left take, from those of the same arms that ran; ``None`` where none has."""
    seconds: dict[str, list[float]] = {}
    for trial in trials:
        seconds.setdefault(trial.arm, []).append(trial.latency_s)
    if any(arm.name not in seconds for arm in left):
        return None
    each = {name: sum(found) / len(found) for name, found in seconds.items()}
    return sum(each[arm.name] for arm in left) / min(at_a_time, max(1, len(left)))
