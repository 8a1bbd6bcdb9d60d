"""The judgement of the Redis server, by its INFO."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.doctor.finding import Finding, error, ok, warning

OLDEST_REDIS = (6, 2)
MEMORY_SHARE = 0.8


def judge_redis(info: Mapping[str, Any]) -> Iterator[Finding]:
    """Judge a server by its INFO: too old, evicting, about to refuse writes, forgetting at a restart."""
    version = str(info.get("redis_version", "0"))
    if _version(version) < OLDEST_REDIS:
        yield error("redis version", f"{version} is too old", "use Redis 6.2 or newer, or Valkey")
    else:
        yield ok("redis version", version)
    yield from _judge_memory(info)
    if str(info.get("aof_enabled", "0")) == "1":
        yield ok("redis persistence", "append-only file is on")
    else:
        yield warning(
            "redis persistence",
            "no append-only file: a restart of Redis loses the jobs of the last minutes, or all",
            "set appendonly yes (and appendfsync everysec)",
        )
    if str(info.get("role", "master")) not in ("master", ""):
        yield error("redis role", "this is a replica; it refuses writes", "point REDIS_URL at the primary")


def _judge_memory(info: Mapping[str, Any]) -> Iterator[Finding]:
    policy, limit = str(info.get("maxmemory_policy", "noeviction")), int(info.get("maxmemory", 0))
    used, evicted = int(info.get("used_memory", 0)), int(info.get("evicted_keys", 0))
    mend = "set maxmemory-policy noeviction"
    if evicted:
        yield error("redis eviction", f"{evicted:,} keys were evicted since it started: jobs were lost", mend)
    if policy != "noeviction" and limit:
        yield error("redis eviction", f"{policy} may evict jobs and leases when memory is short", mend)
    elif policy != "noeviction":
        yield warning("redis eviction", f"{policy} would evict jobs as soon as maxmemory is set", mend)
    elif not evicted:
        yield ok("redis eviction", policy)
    if limit and used > MEMORY_SHARE * limit:
        share = f"{100 * used / limit:.0f} % of {limit / 2**20:,.0f} MiB is used"
        yield warning("redis memory", share, "raise maxmemory, or lower TRIPTYCH_RESULT_TTL_S")
    elif limit:
        yield ok("redis memory", f"{used / 2**20:,.0f} of {limit / 2**20:,.0f} MiB")
    else:
        yield warning(
            "redis memory",
            "no maxmemory: when the machine's memory is full the kernel kills Redis",
            "set maxmemory to what the machine can spare, with maxmemory-policy noeviction",
        )


def _version(text: str) -> tuple[int, ...]:
    parts = text.split(".")[:2]
    return tuple(int(part) if part.isdecimal() else 0 for part in parts)
