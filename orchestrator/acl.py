"""What each kind of process may do on Redis, as rules for ``ACL SETUSER``. Pure; ``triptych acl`` prints them.

The rules need Redis 7 or Valkey: a selector gives one command on one key without giving it on all. A producer reads and
writes its own tenant's keys, adds to what the fleet shares (ledger, list of open jobs, plan queue) and reads nothing of
that. Lua gives no way around: commands inside a script are checked against the same rules.
"""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

from orchestrator.broker import JUDGE_QUEUE, queue_for
from orchestrator.broker.screening import SUBMIT_LIST
from orchestrator.contracts import PROTOCOL
from orchestrator.store import keys

Role = Literal["producer", "celery-producer", "worker", "operator", "flower"]
ROLES: tuple[Role, ...] = get_args(Role)


def _on(keys_: str, commands: str) -> str:
    """A selector: these commands, on these keys alone."""
    return f"({commands} {keys_})"


_TALK = (
    "+ping +hello +auth +select +multi +exec +discard "
    # Not by naming what is allowed: Redis 7.0 refuses rules about subcommands that came after it (setinfo).
    "+client -client|kill -client|list -client|pause -client|unpause -client|unblock -client|reply -client|no-evict "
    "-client|tracking -client|caching"
)
_PLAN, _JUDGE = queue_for("plan"), queue_for(JUDGE_QUEUE)
_CELERY_RESULTS = "celery-task-meta-*"
_JUDGED = "celery-task-meta-judge.{tenant}.*"
"""The judge's answers to one tenant's questions."""


def _binding(queue: str) -> str:
    return _on(
        f"~_kombu.binding.{queue} ~_kombu.binding_permanent.{queue}",
        "+sadd +srem +smembers +sismember +exists",
    )


_BINDING = _binding(_PLAN)
"""kombu keeps in Redis which queue an exchange feeds, and writes it down again before it sends."""


def rules(role: Role, *, tenant: str = "default", password: str | None = None) -> str:
    """The rules of one user, as ``ACL SETUSER NAME`` and a line of an ACL file take them.

    Without a ``password`` nobody can log in until one is set; with one its SHA-256 is written, never itself.
    """
    secret = f"#{hashlib.sha256(password.encode()).hexdigest()}" if password else "resetpass"
    return f"reset on {secret} {_ALLOWED[role].format(tenant=tenant)}"


_ALLOWED: dict[Role, str] = {
    "producer": " ".join(
        (
            # Its own jobs: the record, its streams, and the place of an idempotency key.
            f"~{keys.ROOT}:job:{{tenant}}:* ~{keys.ROOT}:idempotency:{{tenant}}:*",
            f"{_TALK} +script|load +script|exists +time +info +get +set +exists +del +pexpire +pttl",
            "+hget +hset +hsetnx +hmget +hgetall +hkeys +hincrby +mget +xadd +xrange +xread",
            # A script names all its keys; what it does to each is checked again, by the rules around this one.
            _on(
                f"~{keys.ROOT}:job:{{tenant}}:* ~{keys.ROOT}:idempotency:{{tenant}}:* "
                f"~{keys.LEDGER} ~{keys.ACTIVE} ~{keys.OWED} ~{keys.ADMISSION} ~{keys.REFUSED} ~{keys.PACE} "
                f"~{keys.open_jobs('{tenant}')} ~{keys.ROLLOUT_TALLY}",
                "+eval +evalsha",
            ),
            # What it shares with others it adds to, and does not read.
            _on(f"%W~{keys.LEDGER}", "+xadd"),
            # The bounds that it is admitted by; only the count of those who were not is its to write.
            _on(f"%R~{keys.LEDGER}", "+xlen"),
            _on(f"%R~{keys.ADMISSION}", "+hmget"),
            _on(f"~{keys.REFUSED}", "+hincrby"),
            _on(f"~{keys.PACE}", "+get +set"),
            _on(f"~{keys.open_jobs('{tenant}')}", "+scard +sadd +srem +pexpire"),
            _on(f"%R~{keys.ACTIVE}", "+zcard"),
            _on(f"%W~{keys.ACTIVE}", "+zadd +zrem"),
            _on(f"~{keys.OWED}", "+sismember +srem"),
            # The end of a job that nobody worked on counts for its rollout.
            _on(f"~{keys.ROLLOUT_TALLY}", "+hget +hincrby"),
            _on(f"~{keys.ROOT}:wake:*", "+xadd +pexpire +xread"),
            # Its own streams and the one that wakes its reader, in one read.
            _on(f"%R~{keys.ROOT}:job:{{tenant}}:* %R~{keys.ROOT}:wake:*", "+xread"),
            _on(f"%W~{_PLAN}:*", "+lpush"),
            _on(f"%R~{_PLAN} %R~{_PLAN}:*", "+llen"),
            _BINDING,
            # Questions to the judge, and the answers to its own.
            _on(f"%W~{_JUDGE}:*", "+lpush"),
            _on(f"%R~{_JUDGE} %R~{_JUDGE}:*", "+llen"),
            _on(f"%R~{keys.DESK}", "+exists"),
            _binding(_JUDGE),
            _on(f"~{_JUDGED}", "+mget +del"),
        )
    ),
    "celery-producer": " ".join(
        (
            f"~{_CELERY_RESULTS} &{_CELERY_RESULTS}",
            f"{_TALK} +get +mget +subscribe +unsubscribe +psubscribe +punsubscribe +quit",
            _on(f"%W~{SUBMIT_LIST}", "+lpush"),
            _on(f"%R~{_PLAN} %R~{_PLAN}*", "+llen"),
            _BINDING,
        )
    ),
    "worker": " ".join(
        (
            f"~{keys.ROOT}:* ~{keys.ROOT}.v{PROTOCOL}.* ~_kombu.binding* ~unacked* ~{_CELERY_RESULTS}",
            "~celery-taskset-meta-* ~*.celery.pidbox* &*",
            "+@all -@dangerous -@admin +info",
        )
    ),
    "operator": " ".join(
        (
            f"~{keys.ROOT}:* ~{keys.ROOT}.v{PROTOCOL}.* ~_kombu.binding* ~unacked*",
            "~celery-task-meta-judge.* ~*.celery.pidbox* &*",
            "+@all -@dangerous -@admin +info",
        )
    ),
    "flower": " ".join(
        (
            "~_kombu.binding* ~celeryev* ~*.celery.pidbox* &*",
            f"{_TALK} +info +sadd +srem +smembers +sismember +exists +lpush +brpop +llen +del +publish",
            "+eval +evalsha +script|load +script|exists +time +zadd +zrem +zrangebyscore",
            "+subscribe +unsubscribe +psubscribe +punsubscribe +quit",
            _on(f"%R~{keys.ROOT}.v{PROTOCOL}.*", "+llen"),
            # kombu looks for messages to restore on every connection; what is in them is not to be read.
            _on("~unacked_mutex", "+set +get +del +eval +evalsha"),
            _on("%R~unacked_index", "+zrange +zrevrangebyscore"),
        )
    ),
}
