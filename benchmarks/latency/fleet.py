"""Real workers, asked by a real producer: everything but the model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from benchmarks.arms import LedgerClock
from benchmarks.processes import ROOT, Worker, wait_until
from orchestrator.broker import QUEUES
from orchestrator.client import AsyncClient, new_task_id
from orchestrator.contracts import Inputs, RequestedMode, TaskSpec, Usage
from orchestrator.contracts.events import Event, StepEnd, StepStart
from orchestrator.corpus import Corpus
from orchestrator.errors import TriptychError
from orchestrator.settings import Settings
from orchestrator.store import LiveText

CORPUS = "bench"
GOAL = "Should the Harbor team move order processing from the nightly batch to an event queue?"
DOCUMENTS = ROOT / "examples" / "queue-migration"
PATIENCE_S = 600.0
"""A job's deadline: far off, so that a slow one is measured as slow and not as lost."""
SLOTS = 500


@dataclass(frozen=True)
class Sample:
    """One job as its user saw it, in s at scale 1; ``ideal_s``, where known, is what it would take of model time alone.

    ``argument_s`` counts from the plan's end, ``words_s`` until the model began to word the first resolution, which is
    when those who watch begin to read it, ``first_s`` until the first settled claim was there. Status and reasons are
    the result's; a job that nobody answered is ``lost``.
    """

    arm: str
    world: str
    number: int
    total_s: float = 0.0
    ideal_s: float | None = None
    argument_s: float | None = None
    words_s: float | None = None
    first_s: float | None = None
    status: str = "complete"
    reasons: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)


class _Clock(LedgerClock):
    """Reads off a job's events when its first claim was settled, and when its first words were said, too."""

    def __init__(self) -> None:
        super().__init__()
        self.settled = self.words = 0.0
        self._began: dict[str, float] = {}

    def hear(self, entry_id: str, event: Event | LiveText | None) -> None:
        super().hear(entry_id, event)
        if not isinstance(event, StepStart | StepEnd) or event.step is None:
            return
        if event.step.partition(":")[0] not in ("resolution", "section", "synthesis"):
            return
        at = int(entry_id.partition("-")[0]) / 1_000
        if isinstance(event, StepStart):
            self._began[event.step] = at
            return
        self.settled = self.settled or at
        if event.first_token_ms is not None:
            words = self._began.get(event.step, at) + event.first_token_ms / 1_000
            self.words = min(self.words or words, words)


class Fleet:
    """Worker processes of the same settings on one Redis database, and a producer. ``environment``: their model."""

    def __init__(
        self,
        name: str,
        *,
        url: str,
        folder: Path,
        workers: int,
        environment: Mapping[str, str],
        documents: Sequence[Path] = (DOCUMENTS,),
    ) -> None:
        self._settings = Settings(redis_url=SecretStr(url), home=folder / name)
        Corpus.build(self._settings.home, CORPUS, documents)
        env = {**environment, "REDIS_URL": url, "TRIPTYCH_HOME": str(self._settings.home)}
        command = ["-m", "workers", "--queues", ",".join(QUEUES), "--concurrency", str(SLOTS)]
        self.workers = [Worker(f"{name}-{n}", command, folder=folder, env=env) for n in range(workers)]
        self._client: AsyncClient | None = None

    def wait_until_ready(self) -> None:
        """Return once every worker takes messages. Raises ``BenchmarkFailed``."""
        for worker in self.workers:
            worker.wait_for("worker_ready")

    def alive(self) -> bool:
        """True. Raises ``BenchmarkFailed`` where a worker has ended."""
        return all(worker.alive() for worker in self.workers)

    async def run(self, spec: TaskSpec, sample: Sample, scale: float = 1.0) -> Sample:
        """One job from being submitted until its result is in hand; ``sample`` says whose, and comes back filled."""
        if self._client is None:
            self._client = AsyncClient(self._settings)
        clock, began = _Clock(), time.time()
        try:
            ref = (await self._client.submit(spec)).ref
            async for entry_id, event in self._client.stream(ref, watch=False, within_s=PATIENCE_S):
                clock.hear(entry_id, event)
            result = await self._client.result(ref)
        except TriptychError as error:
            return replace(sample, total_s=PATIENCE_S, status="lost", reasons=(str(error),))
        now = time.time()
        return replace(
            sample,
            total_s=(now - began) * scale,
            argument_s=(now - clock.planned) * scale if clock.planned else None,
            words_s=(clock.words - began) * scale if clock.words else None,
            first_s=(clock.settled - began) * scale if clock.settled else None,
            status=result.status if result else "lost",
            reasons=tuple(reason.code for reason in result.reasons) if result else (),
            usage=result.usage if result else Usage(),
        )

    async def close(self) -> None:
        """Close the producer's connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def stop(self) -> None:
        """End the workers."""
        for worker in self.workers:
            worker.stop()


class Model:
    """The endpoint's process."""

    def __init__(self, *, seed: int, scale: float, folder: Path) -> None:
        command = ["-m", "benchmarks.latency.endpoint", "--seed", str(seed), "--scale", str(scale)]
        self.worker = Worker("model", command, folder=folder, env={})
        wait_until("the simulated model", lambda: self.worker.alive() and "listening on" in self.worker.log())
        self.port = int(self.worker.log().partition("listening on ")[2].split()[0])

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """What a worker needs to ask it."""
        return {
            "TRIPTYCH_MODEL": "openai:simulated",
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_API_KEY": "none",
        }


def spec_for(
    mode: str, *, sections: int = 1, goal: str = GOAL, scope: str = "", budget: int | None = None
) -> TaskSpec:
    """A job about the benchmark's corpus. No tools: what a model would look up is not what is compared."""
    return TaskSpec(
        task_id=new_task_id(),
        goal=goal,
        scope=scope,
        inputs=Inputs(corpus=CORPUS),
        permissions=(),
        mode=cast("RequestedMode", mode),
        sections=sections,
        deadline_s=PATIENCE_S,
        token_budget=budget,
    )
