"""The fleet at one moment, for the operators' overview: looked at once a second at most, however many look."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from orchestrator.api.deployment import Deployed, Deployment, Operating
from orchestrator.api.events import BEAT, BEGIN, HEARTBEAT_S, EventStream, Places, frame, pause
from orchestrator.api.problems import problem_of
from orchestrator.api.sharing import Shared
from orchestrator.contracts.base import ArguedMode, Frozen
from orchestrator.contracts.rollout import Phase
from orchestrator.errors import RecordUnreadable, TriptychError
from orchestrator.exporter.sample import FleetSample, take_sample
from orchestrator.listing import Board, Line
from orchestrator.pausing import Pause, paused
from orchestrator.store.archive_state import ArchiveState
from orchestrator.store.rollouts import Rollout, RolloutStore
from orchestrator.store.room import Present, RoomStore
from orchestrator.switch import Switch, current

FRESH_S = 1.0
MOST_LINES = 50
"""Of jobs under way, and of jobs that ended."""


class QueueView(Frozen):
    """Messages that wait, the oldest one's age in s where that is known, and who paused the queue."""

    name: str
    waiting: int
    oldest_s: float | None
    paused: Pause | None


class RunningView(Frozen):
    """How many steps of a kind are under a live lease."""

    step: str
    count: int


class AdmissionView(Frozen):
    """Whether new jobs are let in: ``full`` of jobs it is not, nor with a ledger that cannot be archived."""

    open: bool
    full: bool
    jobs: int
    max_jobs: int
    ledger_waiting: int
    ledger_backlog: int


class ArchiveView(Frozen):
    """Where the ledger is archived, how old the oldest event is that is not yet, and what ails it."""

    place: str | None
    waiting_s: float
    problem: str | None


class EndpointView(Frozen):
    """A model or endpoint that is left alone: its breaker is open for so long, or it asked for a pause."""

    name: str
    open_s: float
    cooling_s: float


class RolloutView(Frozen):
    """Where the rollout in force is. ``share`` is the stage's, in percent; ``why`` its last move's reason."""

    from_mode: ArguedMode
    to_mode: ArguedMode
    phase: Phase
    stage: int
    stages: int
    share: float
    why: str
    since_ms: int


class FleetView(Frozen):
    """The fleet by Redis TIME (epoch ms). ``jobs`` are those under way, the most urgent first, and those that ended."""

    now_ms: int
    jobs_active: int
    jobs_overdue: int
    queues: tuple[QueueView, ...]
    running: tuple[RunningView, ...]
    workers: tuple[Present, ...]
    admission: AdmissionView
    archive: ArchiveView
    endpoints: tuple[EndpointView, ...]
    switch: Switch | None
    rollout: RolloutView | None
    jobs: tuple[Line, ...]


@dataclass(frozen=True)
class _Look:
    """What was seen, when (monotonic), and what it says apart from the clock: two looks that say the same are one."""

    view: FleetView
    at: float
    says: str


class Feed:
    """Looks at the fleet for all who want to know."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._board = Board(deployment.client.store, MOST_LINES)
        self._shared = Shared(self._see)
        self._look: _Look | None = None

    async def look(self) -> _Look:
        """Look, or show what was seen less than a second ago. Raises ``StoreUnavailable``."""
        if self._look is None or time.monotonic() - self._look.at >= FRESH_S:
            self._look = await self._shared()
        return self._look

    async def frames(self) -> AsyncIterator[bytes]:
        """Write what changes, once a second; where Redis is away, that it is."""
        yield BEGIN
        closing, said, written = self._deployment.closing, "", 0.0
        while True:
            try:
                look = await self.look()
                says, written_now = look.says, frame("fleet", look.view.model_dump_json())
            except TriptychError as error:
                problem = problem_of(error)
                says, written_now = problem.code, frame("problem", problem.json())
            if says != said:
                yield written_now
                said, written = says, time.monotonic()
            elif time.monotonic() - written >= HEARTBEAT_S:
                yield BEAT
                written = time.monotonic()
            if await pause(closing, FRESH_S):
                return

    def _see(self) -> _Look:
        client = self._deployment.client.redis
        at, sample = time.monotonic(), take_sample(client)
        flags = paused(client)
        view = FleetView(
            now_ms=sample.now_ms,
            jobs_active=sample.active,
            jobs_overdue=sample.overdue,
            queues=tuple(
                QueueView(name=name, waiting=queue.waiting, oldest_s=queue.oldest_s, paused=flags.get(name))
                for name, queue in sample.queues.items()
            ),
            running=tuple(RunningView(step=step, count=count) for step, count in sample.running.items()),
            workers=RoomStore(client).present(now_ms=sample.now_ms),
            admission=_admission(sample.archive),
            archive=_archive(sample.archive),
            endpoints=_resting(sample),
            switch=current(client),
            rollout=_rollout(RolloutStore(client)),
            jobs=tuple(self._board.look(sample.now_ms)),
        )
        return _Look(view, at, view.model_dump_json(exclude={"now_ms"}))


def router(feed: Feed, places: Places) -> APIRouter:
    """Make the routes."""
    routes = APIRouter(tags=["fleet"])

    @routes.get("/fleet")
    async def show_fleet(_: Operating) -> FleetView:
        """Show the fleet as it was a second ago at most."""
        return (await feed.look()).view

    @routes.get(
        "/fleet/events",
        response_class=Response,
        responses={200: {"content": {"text/event-stream": {}}, "description": "Looks, as `fleet` events."}},
    )
    async def follow_fleet(who: Operating, _: Deployed) -> Response:
        """Follow the fleet: `fleet` events, each a whole look, once a second while something changes."""
        return EventStream(feed.frames(), places, who)

    return routes


def _admission(state: ArchiveState) -> AdmissionView:
    bounds = state.admission
    return AdmissionView(
        open=bounds.open and not bounds.full,
        full=bounds.full,
        jobs=bounds.jobs,
        max_jobs=bounds.max_jobs,
        ledger_waiting=bounds.waiting,
        ledger_backlog=bounds.backlog,
    )


def _archive(state: ArchiveState) -> ArchiveView:
    problem = f"{state.problem.what} ({state.problem.place})" if state.problem else None
    return ArchiveView(place=state.place, waiting_s=state.waiting_s, problem=problem)


def _resting(sample: FleetSample) -> tuple[EndpointView, ...]:
    return tuple(
        EndpointView(name=each.name, open_s=each.open_s, cooling_s=each.cooling_s)
        for each in sample.endpoints
        if each.open_s > 0 or each.cooling_s > 0
    )


def _rollout(store: RolloutStore) -> RolloutView | None:
    """The rollout in force; one that cannot be read costs its own figures only."""
    try:
        stands: Rollout | None = store.load()
    except RecordUnreadable:
        return None
    if stands is None:
        return None
    spec, status = stands.spec, stands.status
    return RolloutView(
        from_mode=spec.from_mode,
        to_mode=spec.to_mode,
        phase=status.phase,
        stage=status.stage,
        stages=len(spec.stages),
        share=spec.stages[status.stage].share,
        why=status.why,
        since_ms=status.since_ms,
    )
