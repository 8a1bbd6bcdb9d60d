"""The fleet's state as gauges, looked up when Prometheus asks, and at most once a second.

A Redis that hangs answers after many seconds, or never. A scraper that waits for it gives up, and cannot tell that from
an exporter that has died; so scrapes wait for a look for a while only, and share one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future

import redis
import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from orchestrator.errors import RecordUnreadable, StoreUnavailable
from orchestrator.exporter.rollout import rolled
from orchestrator.exporter.sample import FleetSample, take_sample
from orchestrator.pausing import Pause, paused
from orchestrator.store.archive_state import ArchiveState
from orchestrator.store.endpoints import EndpointState
from orchestrator.store.rollouts import Rollout, RolloutStore
from orchestrator.switch import MODES, Switch, current

FRESH_S = 1.0
PATIENCE_S = 2.0
"""Well within a scraper's timeout, 5 s in deploy/prometheus."""
PROVIDERS = ("anthropic", "openai")
"""Those that are called over a network."""

Seen = tuple[FleetSample, dict[str, Pause], Switch | None, Rollout | None]

log = structlog.get_logger(__name__)


class FleetGauges(Collector):
    """Gauges of one look at Redis.

    Where Redis is away ``triptych_redis_up`` is 0 and the others are absent: a figure that cannot be read is not 0.
    """

    def __init__(
        self, client: redis.Redis, registry: CollectorRegistry, *, sweep_age_s: Callable[[], float]
    ) -> None:
        self._client = client
        self._sweep_age_s = sweep_age_s
        self._lock = threading.Lock()
        self._looked: tuple[float, Future[Seen]] | None = None
        registry.register(self)

    def describe(self) -> list[Metric]:
        """Nothing: what there is depends on Redis, which need not be up when this is made."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Look, or show what was seen a moment ago."""
        try:
            sample, pauses, switch, rollout = self._look().result(PATIENCE_S)
        except (StoreUnavailable, TimeoutError) as error:
            log.warning("fleet_not_seen", error=str(error) or f"no answer within {PATIENCE_S:g} s")
            yield gauge("triptych_redis_up", "Whether Redis answers.", 0)
            return
        yield gauge("triptych_redis_up", "Whether Redis answers.", 1)
        yield from families(sample, pauses, switch)
        yield from rolled(rollout)
        yield gauge(
            "triptych_sweep_age_seconds", "Since a recovery sweep was last seen.", self._sweep_age_s()
        )

    def _look(self) -> Future[Seen]:
        """The look that is under way or was a moment ago, or else a new one."""
        with self._lock:
            now = time.monotonic()
            if self._looked and (not self._looked[1].done() or now - self._looked[0] <= FRESH_S):
                return self._looked[1]
            look: Future[Seen] = Future()
            self._looked = (now, look)
        threading.Thread(target=self._fulfil, args=(look,), name="triptych-look", daemon=True).start()
        return look

    def _fulfil(self, look: Future[Seen]) -> None:
        try:
            client = self._client
            look.set_result((take_sample(client), paused(client), current(client), _rollout(client)))
        except Exception as error:  # noqa: BLE001 - it is raised where somebody waits for it
            look.set_exception(error)


def _rollout(client: redis.Redis) -> Rollout | None:
    """The rollout in force; one that cannot be read costs its own figures only."""
    try:
        return RolloutStore(client).load()
    except RecordUnreadable as error:
        log.warning("rollout_not_read", error=str(error))
        return None


def gauge(name: str, what: str, value: float) -> Metric:
    """Make a gauge without labels."""
    return GaugeMetricFamily(name, what, value=value)


def switched(switch: Switch | None) -> Metric:
    """Lay the mode switch out as a metric."""
    family = GaugeMetricFamily(
        "triptych_mode_switched", "Whether the operators' switch sets this mode.", labels=("mode",)
    )
    for mode in MODES:
        family.add_metric([mode], float(switch is not None and switch.mode == mode))
    return family


def archived(state: ArchiveState) -> Iterator[Metric]:
    """Lay out how far the ledger's archive is, and whether that lets new jobs in."""
    admission = state.admission
    yield gauge(
        "triptych_ledger_unarchived_entries",
        "Entries of the stream that are not archived.",
        admission.waiting,
    )
    yield gauge(
        "triptych_ledger_unarchived_seconds",
        "Age of the oldest entry that is not archived; 0 where none is.",
        state.waiting_s,
    )
    yield gauge(
        "triptych_ledger_backlog_entries",
        "Entries that may wait for the archive before new jobs are refused.",
        admission.backlog,
    )
    yield gauge("triptych_admission_open", "Whether new jobs are accepted.", float(admission.open))
    yield gauge("triptych_jobs_max", "Jobs that may be under way in the fleet.", admission.max_jobs)
    refused = CounterMetricFamily(
        "triptych_jobs_refused", "New jobs refused, by the bound they were over.", labels=("bound",)
    )
    for bound, count in admission.refused.items():
        refused.add_metric([bound], count)
    yield refused


def troubled(endpoints: Collection[EndpointState]) -> Iterator[Metric]:
    """Lay out how many of each provider's endpoints and deployments rest; their names would be too many labels."""
    resting = GaugeMetricFamily(
        "triptych_endpoints_open",
        "Endpoints and models whose breaker is open: no call is let through.",
        labels=("provider",),
    )
    cooling = GaugeMetricFamily(
        "triptych_endpoints_cooling", "Models that asked for a pause.", labels=("provider",)
    )
    for provider in PROVIDERS:
        theirs = [e for e in endpoints if e.name.partition(":")[0] == provider]
        resting.add_metric([provider], sum(e.open_s > 0 for e in theirs))
        cooling.add_metric([provider], sum(e.cooling_s > 0 for e in theirs))
    yield from (resting, cooling)


def families(sample: FleetSample, pauses: dict[str, Pause], switch: Switch | None) -> Iterator[Metric]:
    """Lay one sample out as metrics."""
    waiting = GaugeMetricFamily("triptych_queue_messages", "Messages waiting in a queue.", labels=("queue",))
    oldest = GaugeMetricFamily(
        "triptych_queue_oldest_seconds",
        "How long the longest waiting message has waited; 0 where none waits.",
        labels=("queue",),
    )
    stopped = GaugeMetricFamily("triptych_queue_paused", "Whether a queue is paused.", labels=("queue",))
    for name, queue in sample.queues.items():
        waiting.add_metric([name], queue.waiting)
        if queue.oldest_s is not None or not queue.waiting:
            oldest.add_metric([name], queue.oldest_s or 0.0)
        stopped.add_metric([name], float(name in pauses))
    running = GaugeMetricFamily("triptych_steps_running", "Steps under a live lease.", labels=("step",))
    for step, count in sample.running.items():
        running.add_metric([step], count)
    yield from (waiting, oldest, stopped, running, switched(switch), *troubled(sample.endpoints))
    yield gauge("triptych_jobs_active", "Jobs without a result.", sample.active)
    yield gauge(
        "triptych_jobs_overdue", "Jobs past their deadline and still without a result.", sample.overdue
    )
    yield gauge("triptych_ledger_entries", "Entries in the ledger's stream.", sample.ledger_entries)
    yield from archived(sample.archive)
    yield gauge("triptych_redis_memory_used_bytes", "Memory that Redis uses.", sample.memory_used)
    yield gauge("triptych_redis_memory_max_bytes", "Redis' maxmemory; 0 is no limit.", sample.memory_max)
