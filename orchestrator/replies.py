"""Answers to producers that know only Celery: a job's end becomes the result of the task that submitted it.

No worker waits for it. The job's record keeps the Celery ids that are owed an answer; whoever ends the job gives it,
and where that process dies in between, the sweep does (``settle_owed``).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import cast

import redis

from orchestrator.store.connection import translated
from orchestrator.store.keys import OWED, REPLY, JobRef

REPLY_TTL_S = 86_400
"""As long as Celery keeps a result by default."""

# KEYS job owed; ARGV field ref -> the job's state. A record that has expired must not come back as half a one.
_PROMISE = """
local state = redis.call('HGET', KEYS[1], 'state')
if state then
  redis.call('HSET', KEYS[1], ARGV[1], '1')
  redis.call('SADD', KEYS[2], ARGV[2])
end
return state
"""


def promise(client: redis.Redis, ref: JobRef, celery_id: str) -> None:
    """Let the job's end become the Celery result of ``celery_id``; at once where it has ended. May be repeated."""
    with translated():
        state = client.eval(_PROMISE, 2, ref.job, OWED, ref.reply(celery_id), str(ref))
    if state == "ended":
        settle(client, ref)


def settle(client: redis.Redis, ref: JobRef) -> None:
    """Store the answers that a job which has ended owes. May be repeated. Raises ``StoreUnavailable``."""
    with translated():
        if not client.sismember(OWED, str(ref)):
            return
        result = cast("str | None", client.hget(ref.job, "result"))
        names = cast("list[str]", client.hkeys(ref.job))
        pipeline = client.pipeline(transaction=True)
        if result is not None:
            answer = {"task_id": ref.task_id, "status": json.loads(result)["status"]}
            for celery_id in [name.removeprefix(REPLY) for name in names if name.startswith(REPLY)]:
                # What Celery's Redis backend writes, and how it wakes a `get()`.
                key, meta = f"celery-task-meta-{celery_id}", _meta(celery_id, answer)
                pipeline.set(key, meta, ex=REPLY_TTL_S)
                pipeline.publish(key, meta)
        pipeline.srem(OWED, str(ref))
        pipeline.execute()


def settle_owed(client: redis.Redis) -> int:
    """Settle what was left by processes that died between a job's end and its answers; returns how many jobs."""
    with translated():
        refs = [JobRef.parse(ref) for ref in cast("set[str]", client.smembers(OWED))]
        pipeline = client.pipeline(transaction=False)
        for ref in refs:
            pipeline.hget(ref.job, "state")
        ended = [ref for ref, state in zip(refs, pipeline.execute(), strict=True) if state != "open"]
    for ref in ended:
        settle(client, ref)
    return len(ended)


def _meta(celery_id: str, result: dict[str, str]) -> str:
    meta: dict[str, object] = {
        "status": "SUCCESS",
        "result": result,
        "traceback": None,
        "children": [],
        "date_done": datetime.now(UTC).isoformat(),
        "task_id": celery_id,
    }
    return json.dumps(meta)
