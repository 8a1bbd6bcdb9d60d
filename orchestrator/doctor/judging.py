"""The judgements of the fleet: values in, findings out. Each says what to do where something has to be done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from orchestrator.broker import JUDGE_QUEUE, QUEUES
from orchestrator.contracts.base import PROTOCOL
from orchestrator.doctor.about import About, Answers
from orchestrator.doctor.finding import Finding, error, ok, warning
from orchestrator.exporter.sample import FleetSample
from orchestrator.pausing import Pause
from orchestrator.store.endpoints import EndpointState
from orchestrator.switch import Switch

SKEW_MS = 2_000
WAITED_S = 60.0


def judge_workers(
    answers: Answers, pauses: Mapping[str, Pause], *, corpora: Iterable[str] = ()
) -> Iterator[Finding]:
    """Judge whether every queue has a worker, and the workers themselves; ``corpora`` are this machine's."""
    workers = answers.workers
    if not workers and not answers.unknown:
        yield error("workers", "no worker answers", "start one: triptych worker")
        return
    yield ok("workers", f"{len(workers)} answered: {_some(w.name for w in workers)}")
    if answers.unknown:
        yield warning(
            "workers",
            f"{answers.unknown} answered in a way this version does not know",
            "finish the upgrade: run one version of Triptych everywhere",
        )
    # Those of another protocol take from queues of their own.
    ours = [w for w in workers if w.protocol == PROTOCOL]
    for queue in QUEUES:
        yield _judge_queue(queue, ours, pauses.get(queue)) or error(
            f"queue {queue}", "no worker takes from it: its steps wait", f"triptych worker --queues {queue}"
        )
    yield from _judge_versions(ours)
    for worker in workers:
        for problem in worker.problems:
            yield error(
                f"home of {worker.name}",
                problem,
                "give that worker a TRIPTYCH_HOME it can write, the same shared folder for all",
            )
    yield from judge_corpora(ours, corpora)


def judge_questions(
    workers: Sequence[About], pauses: Mapping[str, Pause], *, waiting: int, expected: bool
) -> Iterator[Finding]:
    """Judge whether the judge's questions are answered; nothing to say where nobody asks and no model is set for it.

    ``waiting`` questions lie in the queue. ``expected``: a model is named for the judge where this is asked.
    """
    ours = [w for w in workers if w.protocol == PROTOCOL]
    if not ours:
        return  # said of the workers
    found = _judge_queue(JUDGE_QUEUE, ours, pauses.get(JUDGE_QUEUE))
    if found is not None:
        yield found
    elif waiting or expected or any(w.judge for w in ours):
        yield warning(
            f"queue {JUDGE_QUEUE}",
            f"no worker takes from it, {waiting:,} questions wait: --judge gets no answer",
            f"triptych worker --queues {JUDGE_QUEUE}, with TRIPTYCH_MODEL_JUDGE or TRIPTYCH_MODEL",
        )


def _judge_queue(queue: str, workers: Sequence[About], pause: Pause | None) -> Finding | None:
    """What there is to say of a queue that is paused, or that somebody takes from."""
    taking = [w.name for w in workers if queue in w.queues]
    check = f"queue {queue}"
    if pause:
        return warning(
            check,
            f"paused by {pause.who}: {pause.why}"
            + (f"; {_some(taking)} still take from it" if taking else ""),
            f"triptych resume {queue}, once that is over",
        )
    return ok(check, f"{len(taking)} of {len(workers)} workers take from it") if taking else None


def _judge_versions(workers: Sequence[About]) -> Iterator[Finding]:
    versions = sorted({w.version for w in workers})
    if len(versions) > 1:
        yield warning("versions", f"mixed: {', '.join(versions)}", "finish the rolling upgrade")
    models = sorted({", ".join(w.models) for w in workers})
    if len(models) > 1:
        yield warning(
            "models",
            f"workers differ: {_some(models)}",
            "set the same TRIPTYCH_MODEL on all, unless you mean it: any of them may answer a job",
        )


def judge_switch(switch: Switch | None) -> Iterator[Finding]:
    """Say that an operator has set the mode by hand, which is meant to be for a while."""
    if switch is not None:
        whose = "all new jobs" if switch.force else "new jobs that ask for auto"
        yield warning(
            "mode",
            f"{switch.mode} for {whose}, by {switch.who}: {switch.why}",
            "triptych mode clear, once that is over",
        )


def judge_protocols(workers: Sequence[About], open_jobs: Mapping[int, int]) -> Iterator[Finding]:
    """Judge the fleet of another protocol beside this one; ``open_jobs`` are those of each protocol."""
    for protocol in sorted({w.protocol for w in workers} | {p for p, jobs in open_jobs.items() if jobs}):
        if protocol == PROTOCOL:
            continue
        names, jobs = [w.name for w in workers if w.protocol == protocol], open_jobs.get(protocol, 0)
        there = (
            f"{jobs:,} jobs open, {len(names)} workers ({_some(names)})" if names else f"{jobs:,} jobs open"
        )
        check = f"protocol {protocol}"
        if not names:
            yield error(
                check,
                f"{there} and no worker of that protocol",
                "start one of that version until they are done; a minute past their deadline they end as failed",
            )
        elif jobs or protocol > PROTOCOL:
            yield warning(
                check,
                f"{there}: they see no job of this one, which speaks {PROTOCOL}",
                "move the producers to the newer version; stop the older workers when they have no job open",
            )
        else:
            yield warning(
                check, there, "stop these workers, once all producers have moved to the newer version"
            )


def judge_corpora(workers: Sequence[About], here: Iterable[str]) -> Iterator[Finding]:
    """Judge whether every corpus that one worker reads is read by all: any of them may plan a job.

    ``here`` are the corpora of this machine, which somebody may name in a job.
    """
    planning = [w for w in workers if set(w.serves) - {"synthesis", "judge"}]
    names = sorted({name for w in planning for name in w.corpora})
    for name in names:
        lacking = [w.name for w in planning if name not in w.corpora]
        if lacking:
            yield error(
                f"corpus {name}",
                f"{_some(lacking)} cannot read it",
                "put TRIPTYCH_HOME of all workers on one shared folder, or index it there too",
            )
        else:
            yield ok(f"corpus {name}", f"read by all {len(planning)} workers")
    nobodys = sorted(set(here) - set(names))
    if nobodys and planning:
        yield warning(
            "corpora here",
            f"no worker can read {_some(nobodys)}: a job that names one of them fails",
            "put TRIPTYCH_HOME of this machine and of all workers on one shared folder",
        )


def judge_clocks(answers: Answers, *, ahead_ms: int) -> Iterator[Finding]:
    """Judge clocks against Redis TIME, which Triptych runs on; a host's own clock is what its logs and TLS run on.

    ``ahead_ms`` is how far this machine's clock is ahead of Redis'. A worker's time was taken at some moment between
    asking and the end of the wait, so only what lies outside that is skew.
    """
    asked, until = answers.asked_ms - ahead_ms, answers.until_ms - ahead_ms
    found = {"this machine": ahead_ms} | {w.name: _outside(w.time_ms, asked, until) for w in answers.workers}
    skewed = {name: ms for name, ms in found.items() if abs(ms) > SKEW_MS}
    for name, ms in skewed.items():
        yield warning(
            f"clock of {name}",
            f"{abs(ms) / 1_000:.1f} s {'ahead of' if ms > 0 else 'behind'} Redis'",
            "run NTP there: jobs are timed by Redis' clock, but logs and certificates are not",
        )
    if not skewed:
        yield ok("clocks", f"within {SKEW_MS / 1_000:g} s of Redis' on {len(found)} hosts and processes")


def _outside(value: int, low: int, high: int) -> int:
    """How far a value lies outside an interval; negative below it."""
    return value - high if value > high else value - low if value < low else 0


def judge_load(sample: FleetSample, pauses: Mapping[str, Pause]) -> Iterator[Finding]:
    """Judge what waits, and whether the sweep does its work."""
    late = {
        queue: state
        for queue, state in sample.queues.items()
        if queue not in pauses and (state.oldest_s or 0) > WAITED_S
    }
    for queue, state in late.items():
        yield warning(
            f"queue {queue}",
            f"{state.waiting:,} messages wait, the oldest for {state.oldest_s or 0:.0f} s",
            "add workers for it, or raise --concurrency",
        )
    if not late:
        waiting = sum(queue.waiting for queue in sample.queues.values())
        yield ok("load", f"{sample.active:,} jobs open, {waiting:,} messages wait")
    if sample.overdue:
        yield warning(
            "sweep",
            f"{sample.overdue:,} jobs are past their deadline and have no result",
            "look again in 10 s; where it stays, read the workers' logs for sweep_missed and sweep_failed",
        )


def judge_endpoints(endpoints: Iterable[EndpointState]) -> Iterator[Finding]:
    """Judge what the workers share about models' endpoints; nothing to say of those that answer."""
    for endpoint in endpoints:
        check = f"model {endpoint.name}"
        if endpoint.is_open:
            again = (
                f"in {endpoint.open_s:.0f} s one call tries it"
                if endpoint.open_s
                else "the next call tries it"
            )
            yield warning(
                check,
                f"its breaker is open: calls failed too often ({endpoint.opens} in a row); {again}",
                "triptych doctor --model; it closes by itself when a call succeeds",
            )
        if endpoint.cooling_s:
            yield warning(
                check,
                f"asked for a pause: no worker calls it for {endpoint.cooling_s:.0f} s more",
                "its limits are reached: say them (TRIPTYCH_MODEL_LIMITS), ask for more, or list a TRIPTYCH_FALLBACK",
            )


def judge_unknown(unknown: Iterable[tuple[str, str | None]]) -> Iterator[Finding]:
    """Judge environment variables that nothing reads."""
    for name, nearest in unknown:
        yield warning(
            "settings",
            f"{name} is no setting",
            f"did you mean {nearest}?" if nearest else "unset it; `triptych config` lists all settings",
        )


def _some(names: Iterable[str], most: int = 4) -> str:
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
