"""One soak: both sides offered the same jobs, and the same faults let loose on both."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from redis.exceptions import RedisError

from benchmarks.command import Told
from benchmarks.machine import this_machine
from benchmarks.soak.replay import Arrival, Fault, arrivals, faults
from benchmarks.soak.report import Report, Size
from benchmarks.soak.server import Server
from benchmarks.soak.sides import Naive, Side, Triptych
from orchestrator.store import connect

WARM_UP_S = 5.0
GRACE_S = 10.0
"""After the last job's deadline: what has not ended by then is lost."""
TELL_EVERY_S = 10.0
LOOK_S = 0.05


def soak(size: Size, *, seed: int, folder: Path, told: Told) -> Report:
    """Run it. Its processes end with it, however it ends.

    Raises ``BenchmarkFailed`` where it could not be run.
    """
    dice = random.Random(seed)  # noqa: S311 - a schedule, no secret
    jobs = arrivals(dice, jobs=size.jobs, per_s=size.per_s)
    schedule = faults(dice, until_s=jobs[-1].at_s, every_s=size.fault_every_s, workers=size.workers)
    with ExitStack() as stack:
        server = Server(folder)
        stack.callback(server.stop)
        server.start()
        machine = this_machine(f"unix://{server.socket}")
        told(f"seed {seed}; {machine}")
        sides: list[Side] = []
        for number, kind in enumerate((Naive, Triptych)):
            home = folder / kind.name
            home.mkdir()
            url = f"unix://{server.socket}?db={number}"
            side = kind(url, folder=home, workers=size.workers, slots=size.slots, deadline_s=size.deadline_s)
            stack.callback(side.stop)
            sides.append(side)
        time.sleep(WARM_UP_S)
        chaos = Chaos(server, sides, latest_end_s=size.deadline_s + GRACE_S, told=told)
        chaos.run(jobs, schedule)
        return Report(
            seed=seed,
            size=size,
            machine=machine,
            faults=dict(chaos.done),
            exits={side.name: side.exits for side in sides},
            tallies={side.name: side.tally(server.outages) for side in sides},
        )


class Chaos:
    """Lets the faults loose while the producers offer, and tells how it goes. ``done`` counts the faults by kind."""

    def __init__(self, server: Server, sides: Sequence[Side], *, latest_end_s: float, told: Told) -> None:
        self.done: Counter[str] = Counter()
        self._server = server
        self._sides = sides
        self._latest_end_s = latest_end_s
        self._told = told
        self._ends: list[tuple[float, Callable[[], None]]] = []
        """What ends a fault that lasts, and when."""

    def run(self, jobs: Sequence[Arrival], schedule: Sequence[Fault]) -> None:
        """From the first job's arrival until all have ended, or have had their time."""
        stop = threading.Event()
        began = tell_at = time.monotonic()
        offered_at: float | None = None
        waiting = list(reversed(schedule))
        try:
            for side in self._sides:
                side.offer(jobs, stop)
            while True:
                self._told.check()
                now = time.monotonic()
                while waiting and waiting[-1].at_s <= now - began:
                    self._let_loose(waiting.pop())
                self._end_faults(now)
                for side in self._sides:
                    side.tend()
                accepted = [side.offered(len(jobs)) for side in self._sides]  # each of them may have failed
                if offered_at is None and all(accepted):
                    offered_at = now
                if now >= tell_at:
                    self._tell(now - began, len(jobs), offered_at and now - offered_at)
                    tell_at += TELL_EVERY_S
                if offered_at and (now > offered_at + self._latest_end_s or self._all_ended()):
                    return
                time.sleep(LOOK_S)
        finally:
            stop.set()
            self._end_faults(float("inf"))

    def _let_loose(self, fault: Fault) -> None:
        end = time.monotonic() + fault.for_s
        if fault.kind in ("kill", "child"):
            for side in self._sides:
                side.kill(fault.victim, child=fault.kind == "child")
        elif fault.kind == "term":
            for side in self._sides:
                side.retire(fault.victim)
        elif fault.kind == "stop":
            for worker in [side.workers[fault.victim] for side in self._sides]:
                worker.freeze()
                self._ends.append((end, worker.thaw))
        elif not self._server.up:
            return  # it is down already
        elif fault.kind == "restart":
            self._server.stop()
            self._ends.append((end, self._server.start))
        else:
            client = connect(f"unix://{self._server.socket}")
            with suppress(RedisError):  # it may cut its own, too
                for kind in ("normal", "pubsub"):
                    client.client_kill_filter(_type=kind, skipme=True)
            client.close()
        self.done[fault.kind] += 1

    def _end_faults(self, now: float) -> None:
        over = [end for end in self._ends if end[0] <= now]
        self._ends = [end for end in self._ends if end[0] > now]
        for _, finish in over:
            finish()

    def _all_ended(self) -> bool:
        with suppress(RedisError):
            return all(side.ended() >= len(side.accepted) for side in self._sides)
        return False

    def _tell(self, for_s: float, jobs: int, offered_for_s: float | None) -> None:
        accepted = min(len(side.accepted) for side in self._sides)
        try:
            ended = ", ".join(f"{side.name} {side.ended():,}" for side in self._sides)
        except RedisError:
            ended = "Redis is away"
        done = ", ".join(f"{count} x {kind}" for kind, count in sorted(self.done.items())) or "no faults yet"
        if offered_for_s is not None:
            left = f"at most {_minutes(self._latest_end_s - offered_for_s)} left"
        elif accepted:
            left_s = (jobs - accepted) * for_s / accepted
            left = f"about {_minutes(left_s)} left, and up to {_minutes(self._latest_end_s)} for what hangs"
        else:
            left = ""
        self._told(f"{_minutes(for_s)}: {accepted:,} of {jobs:,} accepted; ended: {ended}; {done}; {left}")


def _minutes(seconds: float) -> str:
    whole = max(0, round(seconds))
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"
