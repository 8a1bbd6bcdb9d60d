"""Names of keys. Nothing else in Triptych spells one."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.contracts.base import PROTOCOL

ROOT = "triptych"
LEDGER = f"{ROOT}:ledger"
LEDGER_ID = f"{ROOT}:ledger:id"


def active(protocol: int) -> str:
    """Sorted set of a protocol's jobs without a result, scored by deadline (epoch ms): what its sweep looks at.

    Two majors side by side share one Redis: each sees, sends and ends its own jobs alone.
    """
    return f"{ROOT}:v{protocol}:active"


ACTIVE = active(PROTOCOL)
NEIGHBOURS = (PROTOCOL - 1, PROTOCOL + 1)
"""The protocols that an upgrade may have beside ours."""
SWEEP_LOCK = f"{ROOT}:v{PROTOCOL}:sweep"
ARCHIVE_LOCK = f"{ROOT}:archive"
OWED = f"{ROOT}:replies"
"""Set of jobs whose end somebody was promised to be told of."""
ENDPOINTS = f"{ROOT}:endpoints"
"""Sorted set of the ids of endpoints and deployments that something happened to, by when it last did."""
ENDPOINT = f"{ROOT}:endpoint:"
"""And an id: hash, what workers share about an endpoint or a deployment; with suffixes, who holds it and who waits."""
TURN = f"{ROOT}:turn:"
"""And a process's name: list of its waiting calls that are to ask again."""
LEARNED = f"{ROOT}:learned"
"""Sorted set of what the fleet has learned of its models' pace (``id step model``), by when it last did."""
ARCHIVED = f"{ROOT}:ledger:archived"
"""Hash: where the ledger is archived, how far, what was trimmed, and what ails it. See ``store.archiving``."""
ADMISSION = f"{ROOT}:admission"
"""Hash: the bounds that new jobs are admitted by. See ``store.admission``; producers may read it."""
REFUSED = f"{ROOT}:admission:refused"
"""Hash: how many new jobs each of the bounds refused."""
PACE = f"{ROOT}:pace"
"""String: how long jobs take of late, in ms: after so long it is worth asking again for a place."""

SLOTS = f"{ROOT}:v{PROTOCOL}:slots"
"""Hash: each worker process, until when it is believed to live, its slots and the queues that it takes from."""
IN_PARTS = f"{ROOT}:v{PROTOCOL}:pipelined"
"""Set of jobs that run claim by claim, for the slots that each takes; those that have ended drop out when looked at."""
DESK = f"{ROOT}:v{PROTOCOL}:judge"
"""String that exists while some worker takes the judge's questions; producers may look."""
LESSONS = f"{ROOT}:lessons"
"""Hash: what ``auto`` was taught, by mode and models (``lesson``)."""

ROLLOUT = f"{ROOT}:rollout"
"""Hash: the staged rollout that is in force, its spec and its status. See ``store.rollouts``."""
ROLLOUT_TALLY = f"{ROOT}:rollout:tally"
"""Hash: the ``id`` of the rollout that jobs are counted for, how many were, and what they came to."""
ROLLOUT_HISTORY = f"{ROOT}:rollout:history"
"""List: the last moves of rollouts, as their events."""


def open_jobs(tenant: str) -> str:
    """Set of a tenant's jobs without a result, for its bound; gone with the last of their records at the latest."""
    return f"{ROOT}:v{PROTOCOL}:open:{tenant}"


def learned(deployment: str, step: str) -> tuple[str, str]:
    """Two hashes: what was seen of a deployment (its id) and kind of step of late, and in the generation before."""
    return f"{ROOT}:learned:{deployment}:{step}", f"{ROOT}:learned:{deployment}:{step}:before"


def backups(deployment: str) -> str:
    """Hash: a deployment's calls and backups in a moving window, for the budget that the fleet shares."""
    return f"{ROOT}:backups:{deployment}"


def lesson(mode: str, models: tuple[str, ...]) -> str:
    """Field of ``LESSONS``: a mode, and the models of the three personas."""
    return " ".join((mode, *models))


REPLY = "reply:"


@dataclass(frozen=True)
class JobRef:
    """A job's address: ids only, which is all that ever travels in a message."""

    tenant: str
    task_id: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.task_id}"

    @classmethod
    def parse(cls, text: str) -> JobRef:
        """The inverse of ``str``."""
        tenant, _, task_id = text.partition("/")
        return cls(tenant, task_id)

    @property
    def job(self) -> str:
        """Hash: spec, state, step outputs, attempts, result."""
        return f"{ROOT}:job:{self.tenant}:{self.task_id}"

    @property
    def passages(self) -> str:
        """Hash: passage id to passage."""
        return f"{self.job}:passages"

    @property
    def events(self) -> str:
        """Stream: what happened to this job."""
        return f"{self.job}:events"

    @property
    def live(self) -> str:
        """Stream: the last words of what is being written, while somebody watches."""
        return f"{self.job}:live"

    @property
    def watch(self) -> str:
        """String that exists while somebody watches."""
        return f"{self.job}:watch"

    @staticmethod
    def reply(celery_id: str) -> str:
        """Field of the job's hash that is there while the job owes this Celery task a result."""
        return f"{REPLY}{celery_id}"

    def lease(self, step: str) -> str:
        """String that exists while a worker holds the step."""
        return f"{self.job}:lease:{step}"

    def message_id(self, step: str) -> str:
        """The deterministic Celery task id of a step: a second message for it is recognisably the same."""
        return f"{self.tenant}.{self.task_id}.{step}"


def idempotency(tenant: str, key: str) -> str:
    """String: the task id that a tenant's idempotency key stands for."""
    return f"{ROOT}:idempotency:{tenant}:{key}"


PRIORITY_STEPS = (0, 3, 6, 9)


def queue_lists(queue: str) -> tuple[str, ...]:
    """The lists that kombu's Redis transport keeps a queue in: one per priority step, the first without a suffix."""
    return tuple(queue if step == 0 else f"{queue}:{step}" for step in PRIORITY_STEPS)
