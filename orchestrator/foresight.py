"""What ``auto`` decides from beside the job itself: lessons, learned durations, room. Gathered in bounded time.

None of it is needed: whatever cannot be had is not known, and the plan is made without it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

import redis

from orchestrator.contracts import Complexity, Lesson, RequestedMode
from orchestrator.contracts.lesson import TaughtMode
from orchestrator.errors import TriptychError
from orchestrator.lessons import lessons, models_of
from orchestrator.report.pace import PaceStats
from orchestrator.routing.estimate import MERGE, StepFigures
from orchestrator.routing.flow import STEPS, SYNTHESIS, persona_of
from orchestrator.routing.modes import NO_LOT, Choice, Policy, choose
from orchestrator.routing.outlook import Outlook, Room, lacks_only_room
from orchestrator.routing.questions import derivations
from orchestrator.settings import Settings
from orchestrator.settings.limits import parse_limits
from orchestrator.store.keys import JobRef
from orchestrator.store.paces import PaceStore
from orchestrator.store.room import RoomStore

REFRESH_S = 15.0
"""How long learned durations are kept here."""
LEAST_CALLS = 20
"""Of a kind of step, before its figures are reckoned with."""
_MOST_TOKENS = 10**12
"""Of two thousand calls; who has seen more has written there himself."""

T = TypeVar("T")


class Foresight:
    """One process's. Threads may share it. No method raises: the client should be one that gives up soon."""

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._room = RoomStore(client)
        self._paces = PaceStore(client)
        self._models = models_of(settings)
        self._most_slots = _most_calls(settings)
        self._lock = threading.Lock()
        self._figures: Mapping[str, StepFigures] = {}
        self._read_at = -REFRESH_S

    def choose(
        self,
        requested: RequestedMode,
        complexity: Complexity,
        policy: Policy,
        draw: float,
        *,
        lot: float = NO_LOT,
        goal: str,
        passages: int,
        ref: JobRef | None = None,
    ) -> Choice:
        """Choose as ``routing.choose`` does, with what can be foreseen.

        A job that is to run claim by claim takes its slots; without a ``ref`` they are only looked at.
        """
        if requested != "auto" or not policy.asks_the_score:
            choice = choose(requested, complexity, policy, draw)
        else:
            policy = replace(policy, taught=self.taught())
            outlook = Outlook(
                claims=min(self._settings.pipeline_claims, passages),
                derivations=derivations(goal),
                figures=self._learned() if _may_be(policy) else {},
            )
            choice = choose(requested, complexity, policy, draw, outlook, lot=lot)
            if lacks_only_room(choice.considered):
                outlook = replace(outlook, room=self._room_for(ref))
                return self._kept(ref, choose(requested, complexity, policy, draw, outlook, lot=lot))
        if ref is not None and choice.mode == "pipelined":
            _if_possible(lambda: self._room.take(ref, always=True))
        return choice

    def _kept(self, ref: JobRef | None, choice: Choice) -> Choice:
        if ref is not None and choice.mode != "pipelined":
            _if_possible(lambda: self._room.give_back(ref))
        return choice

    def _room_for(self, ref: JobRef | None) -> Room | None:
        if ref is None:
            return _if_possible(lambda: self._room.look(most_slots=self._most_slots))
        return _if_possible(lambda: self._room.take(ref, most_slots=self._most_slots))

    def taught(self) -> Mapping[TaughtMode, Lesson]:
        """What ``auto`` was taught of the models in use."""
        return _if_possible(lambda: lessons(self._client, self._models)) or {}

    def _learned(self) -> Mapping[str, StepFigures]:
        """What the fleet has learned of the models in use; asked again where that is old."""
        with self._lock:
            now = time.monotonic()
            if now - self._read_at < REFRESH_S:
                return self._figures
            self._read_at = now
        models = {step: self._settings.model_for(persona_of(step)) for step in STEPS}
        wanted = [*models.items(), (MERGE, models[SYNTHESIS])]
        found = _if_possible(lambda: _all_figures(self._paces.of(wanted)))
        if found is not None:
            self._figures = found
        return self._figures


def _may_be(policy: Policy) -> bool:
    """Whether pipelined is allowed at all; nothing has to be gathered for it otherwise."""
    return policy.terms.allowed == "on" or (
        policy.terms.allowed == "learned" and "pipelined" in policy.taught
    )


def _all_figures(paces: Mapping[str, PaceStats]) -> Mapping[str, StepFigures]:
    return {step: figures for step, pace in paces.items() if (figures := _figures(pace))}


def _figures(pace: PaceStats) -> StepFigures | None:
    first, whole, calls = pace.first_token_s.p50, pace.answer_s.p50, pace.calls
    tokens = (pace.input_tokens, pace.cached_tokens, pace.output_tokens, pace.estimated_tokens)
    if (
        calls < LEAST_CALLS
        or first is None
        or whole is None
        or not all(0 <= n <= _MOST_TOKENS for n in tokens)
    ):
        return None
    return StepFigures(
        first_s=first,
        whole_s=whole,
        input=pace.input_tokens / calls,
        cached=min(pace.cached_tokens, pace.input_tokens) / calls,
        output=(pace.output_tokens + pace.estimated_tokens) / calls,
    )


def _most_calls(settings: Settings) -> int:
    """The fewest calls at a time that an endpoint of the personas' own models takes; 0 where none is limited."""
    limits = parse_limits(settings.model_limits)
    names = {name for model in models_of(settings) for name in (model, model.partition(":")[0])}
    return min(
        (limits[name].concurrency for name in names if name in limits and limits[name].concurrency), default=0
    )


def _if_possible(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except (TriptychError, ValueError, TypeError, OverflowError):  # away, full, or not what we put there
        return None
