"""One look at the fleet's state in Redis: queues, running steps, open jobs, ledger, endpoints. No scan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import redis

from orchestrator.broker import ALL_QUEUES, queue_for
from orchestrator.broker.screening import JUDGE_ID
from orchestrator.contracts import PROTOCOL
from orchestrator.contracts.base import MOST_SECTIONS
from orchestrator.errors import RecordUnreadable
from orchestrator.routing.flow import MOST_CLAIMS, REBUTTAL, RESOLUTION, SECTION, name_of, part, sections
from orchestrator.routing.flow import STEPS as PERSONA_STEPS
from orchestrator.store import JobRef, keys
from orchestrator.store.archive_state import ArchiveState, archive_state
from orchestrator.store.connection import time_ms, translated
from orchestrator.store.desk import asked_ms
from orchestrator.store.endpoints import EndpointState, EndpointStore
from orchestrator.store.record import PLAN

MOST_JOBS = 1_000
"""Open jobs whose leases are looked at. Beyond that running steps are a lower bound, and queues tell the load."""
_ID = re.compile(r'"id": ?"([^"\\]{1,200})"')
"""A message's id as kombu writes it, near the end: what is in front is the body, in base64."""
# What a message may hold is bounded by Redis alone, and this is read once a second.
_ENDS = r"""
local ends = {}
for i, name in ipairs(KEYS) do
  local oldest = redis.call('LINDEX', name, -1) -- kombu pushes on the left and pops on the right
  ends[i] = oldest and string.gsub(string.sub(oldest, -4096), '[^ -~]', '?') or ''
end
return ends
"""
STEPS = (PLAN, *sorted(PERSONA_STEPS))
_LEASED = (
    *(step for step in STEPS if step not in (REBUTTAL, RESOLUTION, SECTION)),
    *(part(name, number) for name in (REBUTTAL, RESOLUTION) for number in range(1, MOST_CLAIMS + 1)),
    *sections(MOST_SECTIONS),
)
"""What can be leased; figures are by the names of ``STEPS``."""


@dataclass(frozen=True)
class QueueSample:
    """Messages waiting, and for how long the longest one has (s); ``None`` where none waits or nobody can tell."""

    waiting: int = 0
    oldest_s: float | None = None


@dataclass(frozen=True)
class FleetSample:
    """The state at one moment, by Redis TIME. ``overdue`` jobs are past their deadline and have no result.

    ``neighbours`` are the open jobs of the protocols beside ours, while a fleet is upgraded.
    """

    now_ms: int
    queues: Mapping[str, QueueSample] = field(default_factory=dict)
    running: Mapping[str, int] = field(default_factory=dict)
    active: int = 0
    neighbours: Mapping[int, int] = field(default_factory=dict)
    overdue: int = 0
    ledger_entries: int = 0
    archive: ArchiveState = field(default_factory=ArchiveState)
    endpoints: tuple[EndpointState, ...] = ()
    memory_used: int = 0
    memory_max: int = 0


def take_sample(client: redis.Redis) -> FleetSample:
    """Look once. Raises ``StoreUnavailable``. The client has to decode responses, as ``store.connect``'s do."""
    now = time_ms(client)
    with translated():
        lists = {queue: keys.queue_lists(queue_for(queue)) for queue in ALL_QUEUES}
        pipeline = client.pipeline(transaction=False)
        every = [name for names in lists.values() for name in names]
        for name in every:
            pipeline.llen(name)
        pipeline.eval(_ENDS, len(every), *every)
        for protocol in (*keys.NEIGHBOURS, PROTOCOL):
            pipeline.zcard(keys.active(protocol))
        pipeline.zcount(keys.ACTIVE, "-inf", now)
        pipeline.zrange(keys.ACTIVE, 0, MOST_JOBS - 1)
        pipeline.xlen(keys.LEDGER)
        pipeline.info("memory")
        *lengths, ends, older, newer, active, overdue, refs, entries, memory = pipeline.execute()
        queues, oldest = _queues(lists, lengths, ends)
        jobs = [JobRef.parse(ref) for ref in refs]
        running, since = _states(client, jobs, oldest)
        since |= _asked(oldest)
        archive = archive_state(client, now_ms=now)
    return FleetSample(
        now_ms=now,
        queues={
            queue: QueueSample(
                waiting, max((_age_s(now, since[o]) for o in oldest[queue] if o in since), default=None)
            )
            for queue, waiting in queues.items()
        },
        running=running,
        active=int(active),
        neighbours=dict(zip(keys.NEIGHBOURS, (int(older), int(newer)), strict=True)),
        overdue=int(overdue),
        ledger_entries=int(entries),
        archive=archive,
        endpoints=_endpoints(client),
        memory_used=int(memory.get("used_memory", 0)),
        memory_max=int(memory.get("maxmemory", 0)),
    )


def _endpoints(client: redis.Redis) -> tuple[EndpointState, ...]:
    try:
        return EndpointStore(client).look()
    except RecordUnreadable:
        return ()  # somebody else wrote there: it costs this figure, and no other


_Waiting = tuple[JobRef, str] | str
"""The job and step that a message is for, or the id of a question to the judge."""


def _queues(
    lists: Mapping[str, Sequence[str]], lengths: Sequence[int], ends: Sequence[str]
) -> tuple[dict[str, int], dict[str, list[_Waiting]]]:
    waiting: dict[str, int] = {}
    oldest: dict[str, list[_Waiting]] = {}
    turn = zip(lengths, ends, strict=True)
    for queue, names in lists.items():
        waiting[queue], oldest[queue] = 0, []
        for _ in names:
            length, end = next(turn)
            waiting[queue] += length
            if message := _addressed(end):
                oldest[queue].append(message)
    return waiting, oldest


def _addressed(end: str) -> _Waiting | None:
    """What a message is, by its end; ``None`` where it is none of ours."""
    found = _ID.search(end)
    if found is None:
        return None
    message_id = found[1]
    if JUDGE_ID.fullmatch(message_id):
        return message_id
    tenant, _, rest = message_id.partition(".")
    # A task id may hold dots, a tenant and a step may not.
    task_id, _, step = rest.rpartition(".")
    return (JobRef(tenant, task_id), step) if task_id else None


def _states(
    client: redis.Redis, jobs: Sequence[JobRef], oldest: Mapping[str, Sequence[_Waiting]]
) -> tuple[dict[str, int], dict[_Waiting, int]]:
    """Running steps by name, and when each of the oldest messages was sent or its step became runnable (epoch ms)."""
    messages = sorted({m for found in oldest.values() for m in found if not isinstance(m, str)}, key=str)
    ended = [f"ended:{step}" for step in _LEASED]
    pipeline = client.pipeline(transaction=False)
    for ref in jobs:
        pipeline.mget([ref.lease(step) for step in _LEASED])
    for ref, step in messages:
        pipeline.hmget(ref.job, [f"sent:{step}", "accepted_ms", *ended])
    # A key that holds something else than we put there costs its own figure, not the others'.
    answers = pipeline.execute(raise_on_error=False)
    running = dict.fromkeys(STEPS, 0)
    for held in answers[: len(jobs)]:
        for step, holder in zip(_LEASED, held, strict=True):
            running[name_of(step)] += holder is not None
    since: dict[_Waiting, int] = {}
    for message, found in zip(messages, answers[len(jobs) :], strict=True):
        if isinstance(found, Exception):
            continue
        sent, *others = found
        times = [int(value) for value in ([sent] if sent else others) if value and value.isdecimal()]
        if times:
            since[message] = max(times)
    return running, since


def _asked(oldest: Mapping[str, Sequence[_Waiting]]) -> dict[_Waiting, int]:
    """When each question was asked, where its id says so (epoch ms)."""
    ids = [message for found in oldest.values() for message in found if isinstance(message, str)]
    return {name: at_ms for name in ids if (at_ms := asked_ms(name)) is not None}


def _age_s(now_ms: int, then_ms: int) -> float:
    return max(0, now_ms - then_ms) / 1_000
