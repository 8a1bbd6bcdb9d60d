"""Answers ``triptych doctor``: what this worker is, what it takes, what it can read. Ids and figures, no secrets."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from typing import Any

from celery.worker.control import inspect_command

from orchestrator import __version__
from orchestrator.broker import ALL_QUEUES, queue_for
from orchestrator.contracts.base import PROTOCOL
from orchestrator.doctor.about import COMMAND, About
from orchestrator.errors import ArchiveUnusable, TriptychError
from orchestrator.settings import Settings
from orchestrator.settings.places import PERSONAS, chain_for
from orchestrator.store.archive import archive_of
from workers.retrieval.protocol import Retriever

MOST_CORPORA = 500


def answer_for(settings: Settings, queues: Sequence[str], retriever: Retriever) -> None:
    """Have this process's consumer answer; ``queues`` are those it was started for. Call before the worker is made."""
    serves = tuple(queues)

    def about(state: Any) -> dict[str, Any]:  # noqa: ANN401 - celery's signature
        """Say what this worker is and what it can use."""
        corpora, problems = _usable(settings, retriever)
        archive, archive_id = _archive(settings)
        consumer = state.consumer.task_consumer
        taken = {queue.name for queue in consumer.queues} if consumer else set()
        return About(
            host=socket.gethostname(),
            process_id=os.getpid(),
            version=__version__,
            protocol=PROTOCOL,
            time_ms=int(time.time() * 1_000),
            queues=tuple(queue for queue in ALL_QUEUES if queue_for(queue) in taken),
            serves=serves,
            models=tuple(f"{persona} {_chain(settings, persona)}" for persona in PERSONAS),
            corpora=corpora,
            problems=problems,
            archive=archive[:500],
            archive_id=archive_id[:500],
            judge=settings.model_judge or "",
        ).model_dump(mode="json")

    inspect_command(name=COMMAND)(about)


def _chain(settings: Settings, persona: str) -> str:
    return ", else ".join(choice.name for choice in chain_for(settings, persona))


def _archive(settings: Settings) -> tuple[str, str]:
    """Where the ledger is archived, for people, and the same for comparing: containers may share a file."""
    archive = archive_of(settings)
    if settings.ledger_url is not None:
        return archive.label, archive.label  # a server that is away would hold up the answer
    try:
        return archive.label, archive.identity() or ""
    except ArchiveUnusable:
        return archive.label, ""  # its archiver says so in Redis
    finally:
        archive.close()


def _usable(settings: Settings, retriever: Retriever) -> tuple[tuple[str, ...], tuple[str, ...]]:
    problems: list[str] = []
    home = settings.home
    try:
        if home.exists() and not os.access(home, os.W_OK | os.X_OK):
            problems.append(f"{home} cannot be written")
        found = retriever.corpora()[:MOST_CORPORA]
    except (OSError, TriptychError) as error:
        return (), (*problems, f"corpora ({settings.retriever}) cannot be listed: {str(error)[:200]}")
    problems += [f"corpus {c.name}: {c.problem}"[:300] for c in found if c.problem]
    return tuple(c.name for c in found if not c.problem), tuple(problems)
