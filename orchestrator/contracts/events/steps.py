"""One step of a job: begun, ended, and what happened in between or instead."""

from __future__ import annotations

from typing import Annotated, Literal

from orchestrator.contracts.base import ClaimId, Sequence
from orchestrator.contracts.events.base import BaseEvent
from orchestrator.contracts.persona import ErrorKind, Fallback, Hedge, Status, Usage


class StepStart(BaseEvent):
    """A step got its lease and begins; ``queued_ms`` is how long it lay in the queue, where that is known."""

    event: Literal["plan_start", "thesis_start", "antithesis_start", "synthesis_start"]
    queued_ms: int | None = None


class StepEnd(BaseEvent):
    """A step's output is stored."""

    event: Literal["plan_end", "thesis_end", "antithesis_end", "synthesis_end"]
    status: Status
    duration_ms: int
    first_token_ms: int | None = None
    kind: ErrorKind | None = None
    provider: str = ""
    model: str = ""
    fallbacks: Annotated[tuple[Fallback, ...], Sequence] = ()
    hedges: Annotated[tuple[Hedge, ...], Sequence] = ()
    usage: Usage = Usage()


class ClaimClosed(BaseEvent):
    """A pipelined thesis has written a claim to its end: it is recorded, and its rebuttal may begin.

    ``depends_on`` names the earlier claims that it rests on.
    """

    event: Literal["claim_closed"] = "claim_closed"
    claim_id: ClaimId
    depends_on: Annotated[tuple[ClaimId, ...], Sequence] = ()


class ToolCall(BaseEvent):
    """A persona used a tool."""

    event: Literal["tool_call"] = "tool_call"
    tool: str
    passages: int
    duration_ms: int


class StepRecovered(BaseEvent):
    """The sweep sent a step again: nobody held its lease and no output was there."""

    event: Literal["step_recovered"] = "step_recovered"


Stopped = Literal["lost", "cancelled", "handed_over"]
"""Why a step was stopped: another worker took it over, its job has ended, or its worker ends."""


class LeaseLost(BaseEvent):
    """A worker stopped a step: its lease is no longer its own, or it ends and lets another one do it."""

    event: Literal["lease_lost"] = "lease_lost"
    why: Stopped
    provider: str = ""
    usage: Usage = Usage()
