"""Who answers: the fleet that REDIS_URL names, or a private one that ends with the command."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.client import Client
    from orchestrator.local import PrivateFleet
    from orchestrator.settings import Settings


def engine_line(settings: Settings) -> str:
    """The first line of every run: who will answer."""
    names = {p: settings.model_for(p) for p in ("thesis", "antithesis", "synthesis")}
    if settings.redis_url is not None:
        return "The fleet on REDIS_URL answers with the models its workers are configured for."
    if set(names.values()) == {"extractive"}:
        hint = ""
        if settings.openai_api_key or settings.anthropic_api_key:
            hint = " A key is set: TRIPTYCH_MODEL=openai:NAME or anthropic:NAME would use it."
        return (
            "No model is configured (TRIPTYCH_MODEL): the extractive engine answers with sentences from your "
            f"documents, no LLM is used.{hint}"
        )
    others = f"; where it cannot answer: {settings.fallback}" if settings.fallback else ""
    if len(set(names.values())) == 1:
        return f"Model: {names['thesis']}{others}"
    return "Models: " + ", ".join(f"{persona} {name}" for persona, name in names.items()) + others


def join_fleet(settings: Settings, stack: ExitStack) -> PrivateFleet | None:
    """Start a private fleet that ends with the stack, unless REDIS_URL names another."""
    if settings.redis_url is not None:
        return None
    from orchestrator.local import private_fleet

    return stack.enter_context(private_fleet(settings))


def keep_ledger(client: Client, settings: Settings, notes: Console) -> None:
    """Archive what a private fleet's ledger has, where it will be looked for when that is gone."""
    from orchestrator.errors import ArchiveUnusable, StoreUnavailable
    from orchestrator.store.archive import archive_of
    from orchestrator.store.archiving import drain

    try:
        with closing(archive_of(settings)) as archive:
            drain(client.redis, archive)
    except ArchiveUnusable as error:
        # The answer is there all the same, and nobody can be made to wait for it until the disk is mended.
        notes.print(f"This job's ledger is not kept: {error}", style="yellow")
    except StoreUnavailable:
        pass  # the private Valkey has died; the command says so itself
