"""The one exception tree.

::

    TriptychError
    ├── CallerError              the caller's fault: fix the input, then try again (CLI exit code 2)
    │   ├── InvalidInput         a field, an option or a file is not acceptable
    │   │   └── DocumentError    a document cannot be read
    │   ├── InvalidSettings      a setting is missing or malformed
    │   ├── IdempotencyConflict  the key was used for a different job
    │   └── JobNotFound          no such job, or it has expired
    ├── JobError                 this job's fault: other jobs are fine (CLI exit code 1)
    │   ├── LeaseLost            the step belongs to another worker now
    │   ├── JobCancelled         the job was cancelled or is past its deadline
    │   ├── RecordUnreadable     the job's record holds something that this Triptych cannot read
    │   └── ModelError           a model call failed for good; ``kind`` is a ``Failure.kind``
    └── WorldError               something outside is away or broken: try again later (CLI exit code 2)
        ├── StoreUnavailable     Redis cannot be reached
        │   └── StoreRefused     Redis answers, and takes nothing: its memory is full, it does not know us
        ├── AdmissionClosed      no new jobs for now; ``retry_after_s`` says when to come back
        ├── StillRunning         a wait was given up; the job goes on
        ├── RetrieverFailed      a retriever that an installed package registers could not answer
        ├── ArchiveUnusable      the ledger's archive cannot be opened, read or written
        └── RetryableModelError  a model call failed in a way that may pass; ``retry_after_s`` where it was told

Every one of them takes positional arguments only, so that it survives Celery's JSON; a test walks the tree.
Messages name what is wrong and say what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.contracts.persona import ErrorKind, Hedge, Usage


class TriptychError(Exception):
    """Anything Triptych raises on purpose."""


class CallerError(TriptychError):
    """The caller's fault."""


class InvalidInput(CallerError):
    """``field`` is not acceptable; ``problem`` says why and what to do."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


class DocumentError(InvalidInput):
    """A document cannot be read; ``field`` is its path."""


class InvalidSettings(InvalidInput):
    """A setting is missing or malformed; ``field`` is its environment variable."""


class IdempotencyConflict(CallerError):
    """The idempotency key was used for a different job."""


class JobNotFound(CallerError):
    """No such job, or its record has expired."""


class JobError(TriptychError):
    """This job's fault."""

    usage: Usage | None = None
    """What a failed model call is known to have cost; it does not cross Celery's JSON."""
    asked: tuple[str, str] | None = None
    """Provider and model of a failed model call; does not cross Celery's JSON either."""
    hedges: tuple[Hedge, ...] = ()
    """The backup of a failed model call; nor does this."""


class LeaseLost(JobError):
    """The step belongs to another worker now; nothing of this attempt may be written."""


class JobCancelled(JobError):
    """The job was cancelled, or its deadline has passed."""


class RecordUnreadable(JobError):
    """The job's record holds something that this Triptych cannot read: it was tampered with, or is newer."""


class ModelError(JobError):
    """A model call failed for good. ``kind`` is one of ``contracts.persona.ErrorKind``."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message

    def __str__(self) -> str:
        return self.message


class WorldError(TriptychError):
    """Something outside is away or broken."""


class StoreUnavailable(WorldError):
    """Redis cannot be reached, or answers with something else than Redis would."""


class StoreRefused(StoreUnavailable):
    """Redis answered, and has done nothing: its memory is full, say, or the password is another."""


class AdmissionClosed(WorldError):
    """The fleet takes no new jobs for now; nothing was recorded. Try again after ``retry_after_s`` seconds.

    ``bound`` names what a new job would have been over (``store.admission``).
    """

    def __init__(self, why: str, retry_after_s: float, bound: str = "") -> None:
        super().__init__(why, retry_after_s, bound)
        self.why = why
        self.retry_after_s = retry_after_s
        self.bound = bound

    def __str__(self) -> str:
        return f"no new jobs are accepted: {self.why}; try again in {self.retry_after_s:g} s"


class StillRunning(WorldError):
    """The job has not ended in the time that its caller gave it; it goes on."""


class RetrieverFailed(WorldError):
    """A retriever that an installed package registers could not answer."""


class ArchiveUnusable(WorldError):
    """The ledger's archive cannot be opened, read or written."""


class RetryableModelError(WorldError):
    """A model call failed in a way that may pass. ``kind`` names what it becomes when retries are used up."""

    def __init__(self, kind: ErrorKind, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(kind, message, retry_after_s)
        self.kind = kind
        self.message = message
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.message
