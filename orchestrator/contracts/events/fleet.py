"""What somebody, or a rollout by itself, did to the fleet; no single job is concerned."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from orchestrator.contracts.base import RequestedMode
from orchestrator.contracts.events.base import BaseEvent
from orchestrator.contracts.lesson import Lesson, ModelNames, TaughtMode
from orchestrator.contracts.rollout import Move, Phase, RolloutId, RolloutSpec


class _FleetEvent(BaseEvent):
    """Something that concerns no single job: ``task_id`` is empty. ``who`` did it and said ``why``."""

    task_id: Literal[""] = ""
    who: Annotated[str, Field(max_length=200)]
    why: Annotated[str, Field(max_length=500)] = ""


class QueuePaused(_FleetEvent):
    """An operator paused a queue; what runs goes on, what waits stays."""

    event: Literal["queue_paused"] = "queue_paused"
    queue: str


class QueueResumed(_FleetEvent):
    """An operator let a paused queue go on."""

    event: Literal["queue_resumed"] = "queue_resumed"
    queue: str


class ModeSet(_FleetEvent):
    """An operator set the mode of all new jobs, or with ``mode`` of ``None`` let the deployment decide again."""

    event: Literal["mode_set"] = "mode_set"
    mode: RequestedMode | None
    force: bool = False


class RouteTaught(_FleetEvent):
    """An operator taught ``auto`` a mode on some models, or with ``lesson`` of ``None`` had it forget."""

    event: Literal["route_taught"] = "route_taught"
    mode: TaughtMode
    models: ModelNames
    lesson: Lesson | None = None


class RolloutStarted(_FleetEvent):
    """An operator began a staged rollout. ``decided_ms`` is Redis TIME, epoch: its first stage counts from there."""

    event: Literal["rollout_started"] = "rollout_started"
    spec: RolloutSpec
    decided_ms: int


class RolloutMoved(_FleetEvent):
    """A rollout moved: by itself, at what its jobs have shown until here, or by a person's word.

    ``phase``, ``stage`` and ``share`` (percent in force) are those after the move. ``evidence`` is the guard's E.
    """

    event: Literal["rollout_moved"] = "rollout_moved"
    rollout: RolloutId
    move: Move
    phase: Phase
    stage: int
    share: float
    evidence: float
    decided_ms: int
