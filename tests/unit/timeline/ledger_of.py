"""Ledgers in a few words: the events of one job, on a clock that starts at ``ACCEPTED``."""

from __future__ import annotations

from typing import Any

from orchestrator.contracts import Note
from orchestrator.contracts.events import (
    ClaimClosed,
    Event,
    JobEnd,
    JobSubmitted,
    LeaseLost,
    PlanReady,
    StepEnd,
    StepStart,
)
from orchestrator.routing.flow import persona_of
from orchestrator.store.keys import JobRef
from orchestrator.store.origin import end_id

ACCEPTED = 1_700_000_000_000
_ids = iter(range(1, 10**9))


def event_id() -> str:
    return f"{next(_ids):032x}"


def submitted(at: int = 0, **more: Any) -> Event:
    return JobSubmitted(
        event_id=event_id(),
        task_id="job1",
        at_ms=ACCEPTED + at,
        requested_mode="auto",
        deadline_s=180.0,
        **more,
    )


def planned(at: int, mode: Any = "parallel") -> Event:
    return PlanReady(
        event_id=event_id(),
        task_id="job1",
        at_ms=ACCEPTED + at,
        mode=mode,
        mode_reason="",
        complexity=2.0,
        passages=3,
    )


def start(
    step: str, at: int, *, attempt: int = 1, queued: int | None = None, worker: str = "w1@host"
) -> Event:
    name: Any = f"{persona_of(step)}_start"
    return StepStart(
        event_id=event_id(), task_id="job1", at_ms=ACCEPTED + at, event=name, step=step, attempt=attempt,
        queued_ms=queued, worker=worker, process_id=42, thread_id=7,
    )  # fmt: skip


def end(
    step: str, at: int, ran: int, *, attempt: int = 1, status: Any = "ok", first_token: int | None = None
) -> Event:
    name: Any = f"{persona_of(step)}_end"
    return StepEnd(
        event_id=event_id(), task_id="job1", at_ms=ACCEPTED + at, event=name, step=step, attempt=attempt,
        status=status, duration_ms=ran, first_token_ms=first_token, worker="w1@host", process_id=42, thread_id=7,
    )  # fmt: skip


def job_end(at: int, status: Any = "complete") -> Event:
    return JobEnd(
        event_id=end_id(JobRef("default", "job1")), task_id="job1", at_ms=ACCEPTED + at, status=status, mode="parallel",
        total_ms=at,
    )  # fmt: skip


def parallel_job() -> list[Event]:
    """Plan 200 ms, thesis 4.5 s beside antithesis 10.8 s, synthesis 14.2 s, and the hops between them."""
    return [
        submitted(),
        start("plan", 20, queued=15),
        planned(210),
        end("plan", 220, 200),
        start("thesis", 250, queued=20),
        start("antithesis_standalone", 900, queued=660, worker="w2@host"),
        end("thesis", 4_750, 4_500, first_token=700),
        end("antithesis_standalone", 11_700, 10_800, first_token=720),
        start("synthesis", 11_760, queued=40),
        end("synthesis", 25_960, 14_200, first_token=710),
        job_end(26_000),
    ]


def claimed(number: int, at: int) -> Event:
    return ClaimClosed(
        event_id=event_id(),
        task_id="job1",
        at_ms=ACCEPTED + at,
        step="thesis",
        attempt=1,
        claim_id=f"t{number}",
    )


def pipelined_job() -> list[Event]:
    """Two claims: the thesis goes on for a while after the second, whose rebuttal and resolution take longest."""
    return [
        submitted(),
        start("plan", 20),
        planned(210, "pipelined"),
        end("plan", 220, 200),
        start("thesis", 250),
        start("critic", 260),
        claimed(1, 1_250),
        start("rebuttal:1", 1_300),
        claimed(2, 2_250),
        start("rebuttal:2", 2_300),
        end("thesis", 3_250, 3_000, first_token=700),
        end("rebuttal:1", 3_300, 2_000),
        start("resolution:1", 3_340),
        end("rebuttal:2", 5_300, 3_000),
        start("resolution:2", 5_340),
        end("resolution:1", 5_400, 2_060),
        end("critic", 8_300, 8_040),
        end("resolution:2", 8_340, 3_000),
        start("synthesis", 8_400),
        end("synthesis", 10_400, 2_000),
        job_end(10_430),
    ]


def late_critic_job(*notes: Any) -> list[Event]:
    """A pipelined job that ended without its critic, whose call was cut then."""
    ended = job_end(10_430).model_copy(update={"notes": notes or (Note(code="critic_late"),)})
    cut = LeaseLost(
        event_id=event_id(),
        task_id="job1",
        at_ms=ACCEPTED + 10_900,
        step="critic",
        attempt=1,
        why="cancelled",
    )
    told = [e for e in pipelined_job()[:-1] if not (isinstance(e, StepEnd) and e.step == "critic")]
    return [*told, ended, cut]


def troubled_job() -> list[Event]:
    """A parallel job whose thesis failed and whose antithesis was lost once."""
    return [
        submitted(),
        start("plan", 20),
        end("plan", 220, 200),
        start("thesis", 250),
        start("antithesis_standalone", 260),
        end("thesis", 3_000, 2_750, status="failed"),
        start("antithesis_standalone", 9_500, attempt=2, queued=400, worker="w2@host"),
        end("antithesis_standalone", 20_300, 10_800, attempt=2, first_token=720),
        start("synthesis", 20_350, queued=20),
        end("synthesis", 31_000, 10_650, first_token=800),
        job_end(31_030, "degraded"),
    ]
