"""The job record and its leases: accept, lease, write once, finish."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import redis

from orchestrator.contracts import Claim, Mode, Passage, PersonaOutput, Plan, Reason, Result, TaskSpec
from orchestrator.contracts.events import KnownEvent, StepStart, TaskStart
from orchestrator.rollout.tally import Counted
from orchestrator.store import keys, scripts
from orchestrator.store.admission import closed
from orchestrator.store.connection import translated
from orchestrator.store.keys import JobRef
from orchestrator.store.leases import LEASE_MS, Grant, Granted, Lease, Renewal, Stored, Written
from orchestrator.store.reading import JobReader
from orchestrator.store.record import Finished, JobRecord, readable


class JobStore(JobReader):
    """Reads and changes the record; every method raises ``StoreUnavailable`` when Redis is away.

    ``observe`` is told of every event that was stored, after it was, and never of one that was refused.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        result_ttl_s: int = 86_400,
        observe: Callable[[KnownEvent], None] = lambda _: None,
    ) -> None:
        super().__init__(client)
        self._observe = observe
        self._retention_ms = result_ttl_s * 1_000
        self._accept = client.register_script(scripts.ACCEPT)
        self._acquire = client.register_script(scripts.ACQUIRE)
        self._renew = client.register_script(scripts.RENEW)
        self._release = client.register_script(scripts.RELEASE)
        self._write = client.register_script(scripts.WRITE_OUTPUT)
        self._write_claim = client.register_script(scripts.WRITE_CLAIM)
        self._sent = client.register_script(scripts.MARK_SENT)
        self._finish = client.register_script(scripts.FINISH)
        self._emit = client.register_script(scripts.EMIT)

    def accept(
        self, spec: TaskSpec, *, deadline_s: float, event: KnownEvent, reply_to: str | None = None
    ) -> tuple[str, str]:
        """Record a new job. Returns (``created`` | ``existing`` | ``conflict``, the task id that holds the place).

        The same spec twice, or the same idempotency key with the same spec, is ``existing``; another spec under
        either is ``conflict``. Its time counts from here. A new job's end will be the result of the Celery
        task ``reply_to``. Raises ``AdmissionClosed`` where no new one may come in.
        """
        ref = JobRef(spec.tenant, spec.task_id)
        wire = spec.to_wire()
        # With a key, the key is the identity: two producers that retry under it choose different task ids. What is
        # left at its default does not count: a producer that was upgraded between two tries sends the same body.
        unsaid = {"task_id"} if spec.idempotency_key else set()
        body = spec.model_dump_json(exclude=unsaid, exclude_defaults=True)
        digest = hashlib.sha256(body.encode()).hexdigest()
        with translated():
            status, said, pace_ms = self._accept(
                keys=[
                    ref.job,
                    keys.ACTIVE,
                    keys.idempotency(spec.tenant, spec.idempotency_key or ""),
                    ref.events,
                    keys.LEDGER,
                    keys.ADMISSION,
                    keys.REFUSED,
                    keys.open_jobs(spec.tenant),
                    keys.PACE,
                    # Not every producer may touch it.
                    *([keys.OWED] if reply_to else []),
                ],
                args=[
                    str(ref),
                    wire,
                    digest,
                    deadline_s,
                    self._retention_ms,
                    event.model_dump_json(),
                    1 if spec.idempotency_key else 0,
                    spec.task_id,
                    ref.reply(reply_to) if reply_to else "",
                ],
            )
        if status == "refused":
            raise closed(said, pace_ms)
        return status, said

    def acquire(
        self,
        ref: JobRef,
        step: str,
        owner: str,
        needs: Mapping[Mode, Sequence[str]] | None = None,
        *,
        take_over: bool = True,
        events: Sequence[TaskStart | StepStart] = (),
    ) -> Grant:
        """Ask for a step's lease. Only ``granted`` allows work; the attempt counts from 1.

        ``needs`` names, by mode, the outputs that the step reads; while one is missing the answer is ``not ready``.
        Without ``take_over`` a step that was started before and that nobody holds is not granted: ``begun``. With the
        lease, and only then, ``events`` are recorded; the script fills in the attempt and, for the first attempt, how
        long the step was queued. Raises ``RecordUnreadable`` where the record cannot be parsed; the lease then expires
        by itself.
        """
        wanted = [part for mode, steps in (needs or {}).items() for part in (mode, ",".join(steps))]
        told = [event.model_dump_json() for event in events]
        with translated():
            status, attempt, now, *more = self._acquire(
                keys=[ref.job, ref.lease(step), ref.watch, ref.events, keys.LEDGER],
                args=[step, owner, LEASE_MS, int(take_over), len(events), *told, *wanted],
            )
        if not more:
            return Grant(status, attempt, now)
        watched, queued, flat = more
        for event in events:
            known = {"attempt": attempt}
            if isinstance(event, StepStart) and attempt == 1:
                known["queued_ms"] = queued
            self._observe(event.model_copy(update=known))
        with readable(ref):
            record = JobRecord.from_hash(dict(zip(flat[::2], flat[1::2], strict=True)))
        lease = Lease(ref, step, f"{attempt} {owner}")
        return Grant(status, attempt, now, Granted(lease, record, watched=bool(watched), queued_ms=queued))

    def renew(self, leases: Sequence[Lease]) -> list[Renewal]:
        """Renew leases in one round trip. ``lost`` and ``cancelled`` mean: stop working now.

        ``expired`` means that the job's time is up and the lease runs out; what is being written may still be.
        """
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            for lease in leases:
                ref = lease.ref
                self._renew(
                    keys=[ref.job, ref.lease(lease.step), ref.watch],
                    args=[lease.token, LEASE_MS, lease.step],
                    client=pipeline,
                )
            return list(pipeline.execute())

    def release(self, lease: Lease) -> None:
        """Let go of a lease, so that its step can be taken up at once. Nothing where it is no longer ours."""
        with translated():
            self._release(keys=[lease.ref.lease(lease.step)], args=[lease.token])

    def write_output(
        self,
        lease: Lease,
        output: PersonaOutput | Plan,
        *,
        events: Sequence[KnownEvent],
        passages: Iterable[Passage] = (),
        cause: Reason | None = None,
        keep_lease: bool = False,
        awaited: Sequence[str] | None = None,
        sends: Sequence[str] = (),
        beside: Sequence[str] = (),
    ) -> Stored:
        """Store a step's output under its lease, once. Anything but ``written`` means that nothing was stored.

        One script does all of it: ``passages`` join the job's evidence, ``events`` are recorded, and a ``cause`` marks
        the job as ended early, so that whoever reads the record next finishes it. ``keep_lease`` keeps the lease until
        ``finish``. ``awaited`` records which steps the synthesis waits for, once that is known.

        ``sends`` are steps that the caller adds to the job's chord afterwards; they are marked as sent. Where they also
        read other outputs (``beside``), only whoever stores the last of these marks and sends them: the answer's
        ``sends`` is empty for the others.
        """
        ref = lease.ref
        found = [part for passage in passages for part in (passage.id, passage.model_dump_json())]
        args: list[str | int] = [lease.step, lease.token, output.to_wire(), int(keep_lease)]
        args += [
            cause.model_dump_json() if cause else "",
            ",".join(awaited or ()),
            ",".join(beside),
            len(events),
        ]
        args += [event.model_dump_json() for event in events]
        args += [len(found) // 2, *found, *sends]
        with translated():
            status, loose, fixed, sent = self._write(
                keys=[ref.job, ref.lease(lease.step), ref.passages, ref.events, keys.LEDGER], args=args
            )
        if status == "written":
            for event in events:
                self._observe(event)
        known = tuple(fixed.split(",")) if fixed else None
        return Stored(status, loose=bool(loose), awaited=known, sends=tuple(sends) if sent else ())

    def write_claim(
        self, lease: Lease, claim_step: str, claim: Claim, *, event: KnownEvent, sends: str
    ) -> Written:
        """Record a claim of a thesis that is still being written, under its lease, once.

        In the same stroke ``event`` is told, and the step ``sends`` is marked as sent. ``duplicate``: it was recorded
        before, by this attempt.
        """
        ref = lease.ref
        with translated():
            written: Written = self._write_claim(
                keys=[ref.job, ref.lease(lease.step), ref.events, keys.LEDGER],
                args=[
                    lease.step, lease.token, claim_step, claim.model_dump_json(), event.model_dump_json(), sends
                ],
            )  # fmt: skip
        if written == "written":
            self._observe(event)
        return written

    def mark_sent(self, ref: JobRef, steps: Sequence[str]) -> None:
        """Record that messages for these steps are about to be sent; call it before sending them.

        They are sent outside the job's chord, which does not count them: from now on the job is ``Stored.loose``.
        """
        with translated():
            self._sent(keys=[ref.job], args=list(steps))

    def finish(
        self,
        ref: JobRef,
        result: Result,
        *,
        events: Sequence[KnownEvent],
        final_step: str = "synthesis",
        counts: Counted | None = None,
    ) -> Finished:
        """Store the job's one result and tell ``events``, unless it has one; what was stored first stays.

        In the same stroke ``counts`` joins its rollout's tally, if that is still the one that is counted.
        """
        with translated():
            first, owes = self._finish(
                keys=[
                    ref.job, keys.ACTIVE, ref.passages, ref.events, keys.LEDGER, ref.lease(final_step),
                    keys.open_jobs(ref.tenant), keys.PACE, keys.OWED,
                    *([keys.ROLLOUT_TALLY] if counts else []),
                ],
                args=[
                    str(ref), ref.task_id, result.to_wire(), self._retention_ms,
                    *((counts.rollout, len(counts.amounts), *counts.flat) if counts else ("", 0)),
                    *(event.model_dump_json() for event in events),
                ],
            )  # fmt: skip
        for event in events if first else ():
            self._observe(event)
        return Finished(bool(first), bool(owes))

    def emit(self, ref: JobRef, *events: KnownEvent, once: Collection[str] = ()) -> None:
        """Append events that change no state to the job's stream and the ledger, in one stroke.

        Those whose name is in ``once`` only where this job has none of that name yet.
        """
        args = [
            part
            for event in events
            for part in (event.event if event.event in once else "", event.model_dump_json())
        ]
        with translated():
            told = self._emit(keys=[ref.job, ref.events, keys.LEDGER], args=args)
        for event, was_told in zip(events, told, strict=True):
            if was_told:
                self._observe(event)

    def forget_active(self, address: str) -> None:
        """Take an address off the lists of open jobs: its record is gone, or it never was one."""
        ref = JobRef.parse(address)
        with translated():
            pipeline = self.client.pipeline(transaction=True)
            pipeline.zrem(keys.ACTIVE, address)
            pipeline.srem(keys.open_jobs(ref.tenant), ref.task_id)
            pipeline.execute()
