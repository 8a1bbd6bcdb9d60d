"""Jobs of the protocols beside ours, while one fleet is replaced by another on the same Redis.

They are their own workers' affair. Only where none of those is left are they ended by whoever is there, long past
their deadline, so that nobody waits for ever and no key stays for good.
"""

from __future__ import annotations

from typing import cast

import redis

from orchestrator.store import keys
from orchestrator.store.connection import translated
from orchestrator.store.keys import JobRef

PAGE = 100


def abandoned(client: redis.Redis, before_ms: int) -> list[tuple[JobRef, int]]:
    """Open jobs whose deadline (epoch ms) was before, with their protocol; the first few."""
    with translated():
        pipeline = client.pipeline(transaction=False)
        for protocol in keys.NEIGHBOURS:
            pipeline.zrangebyscore(keys.active(protocol), "-inf", before_ms, start=0, num=PAGE)
        pages = cast("list[list[str]]", pipeline.execute())
    return [
        (JobRef.parse(address), protocol)
        for protocol, page in zip(keys.NEIGHBOURS, pages, strict=True)
        for address in page
    ]


def forget(client: redis.Redis, ref: JobRef, protocol: int) -> None:
    """Take a job off its protocol's list."""
    with translated():
        client.zrem(keys.active(protocol), str(ref))
