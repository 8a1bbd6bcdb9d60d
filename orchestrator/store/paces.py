"""What the fleet learns of its models' pace, live from its calls, and the budget of backups that it shares.

One short script a call, of constant cost. The ledger would not do: it has steps, and a step may hold retries, tools, a
repair and waits at the gate.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Any, cast

import redis

from orchestrator.contracts import Usage
from orchestrator.report.pace import BudgetStats, ModelStats, Pace, PaceStats
from orchestrator.report.sketch import bucket_of
from orchestrator.store import keys, pace_scripts
from orchestrator.store.connection import translated
from orchestrator.store.endpoints import Scope

GENERATION = 1_000
"""Calls after which a generation becomes the one before; with it, a slow day is forgotten after as many."""
GENERATION_MS = 86_400_000
KEEP_MS = 7 * 86_400_000
WINDOW_S = 600
"""The moving window that backups are counted in."""
_RING = 10
_PARTS = 3
_MOST_LEARNED = 1_000
"""Of the list of what was learned, before somebody else has written there; the scripts keep 500."""
_WINDOW = {"ring": _RING, "window_ms": WINDOW_S * 1_000}


@dataclass(frozen=True)
class Seen:
    """One call that has ended; durations in s, from when it was let through, ``None`` where it came to none.

    ``chars`` of a whole answer. ``backup``: it was made beside another call that was late; ``won``: and answered before
    that one.
    """

    first_s: float | None = None
    whole_s: float | None = None
    usage: Usage = field(default_factory=Usage)
    backup: bool = False
    won: bool = False
    chars: int | None = None


class PaceStore:
    """Blocking; safe to share between threads. Every method raises ``StoreUnavailable`` when Redis is away."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._learn = client.register_script(pace_scripts.LEARN)
        self._take = client.register_script(pace_scripts.TAKE)
        self._give = client.register_script(pace_scripts.GIVE)
        self._spent = client.register_script(pace_scripts.SPENT)

    def learn(self, scope: Scope, step: str, seen: Seen) -> None:
        """Take in one call to a deployment for a kind of step (``rebuttal``, not ``rebuttal:2``)."""
        usage = seen.usage
        adds = {
            "calls": 1, "input": usage.input_tokens, "output": usage.output_tokens, "cached": usage.cached_tokens,
            "estimated": usage.estimated_tokens, "backups": int(seen.backup), "won": int(seen.won),
        }  # fmt: skip
        if seen.chars is not None:
            adds |= {"ended": 1, "said": seen.chars}
        if seen.first_s is not None:
            adds[f"f{bucket_of(seen.first_s)}"] = 1
        if seen.whole_s is not None:
            adds[f"w{bucket_of(seen.whole_s)}"] = 1
        call = {
            "id": scope.id, "model": scope.name, "step": step, "counts": int(not seen.backup),
            "adds": {name: by for name, by in adds.items() if by},
            "generation": GENERATION, "generation_ms": GENERATION_MS, "keep_ms": KEEP_MS, **_WINDOW,
        }  # fmt: skip
        now, before = keys.learned(scope.id, step)
        with translated():
            self._learn(keys=[now, before, keys.backups(scope.id), keys.LEARNED], args=[json.dumps(call)])

    def pace(self, scope: Scope, step: str) -> Pace:
        """What the last one to two thousand calls say."""
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            for key in keys.learned(scope.id, step):
                pipeline.hgetall(key)
            return _pace(pipeline.execute())

    def take(self, scope: Scope, share: float) -> bool:
        """Whether a deployment's budget has one more backup: ``share`` (0 to 1) of its calls in the window."""
        with translated():
            return bool(
                self._take(keys=[keys.backups(scope.id)], args=[json.dumps({"share": share, **_WINDOW})])
            )

    def give_back(self, scope: Scope) -> None:
        """Return a backup that was taken and not made."""
        with translated():
            self._give(keys=[keys.backups(scope.id)], args=[json.dumps(_WINDOW)])

    def of(self, wanted: Sequence[tuple[str, str]]) -> dict[str, PaceStats]:
        """What was learned of these (step, model), by step; one model at several places counts as one."""
        with translated():
            found = cast("list[str]", self._client.zrange(keys.LEARNED, 0, _MOST_LEARNED))
            known = [(scope, step) for scope, step, model in _entries(found) if (step, model) in wanted]
            pipeline = self._client.pipeline(transaction=False)
            for scope, step in known:
                for key in keys.learned(scope, step):
                    pipeline.hgetall(key)
            stored = pipeline.execute()
        by_step: dict[str, list[dict[str, Any]]] = {}
        for at, (_, step) in enumerate(known):
            by_step.setdefault(step, []).extend(stored[2 * at : 2 * at + 2])
        models = dict(wanted)
        return {step: PaceStats.of(models[step], step, _pace(both)) for step, both in by_step.items()}

    def look(self, share: float) -> ModelStats:
        """All that was learned, by model and step, and what is left of the budgets at this share (0 to 1)."""
        with translated():
            found = cast("list[str]", self._client.zrange(keys.LEARNED, 0, -1))
            known = sorted(_entries(found), key=_order)
            pipeline = self._client.pipeline(transaction=False)
            for scope_id, step, _ in known:
                for key in keys.learned(scope_id, step):
                    pipeline.hgetall(key)
            stored = pipeline.execute()
            models = dict.fromkeys((scope_id, model) for scope_id, _, model in known)
            spent = [self._spent(keys=[keys.backups(each)], args=[json.dumps(_WINDOW)]) for each, _ in models]
        paces = [
            PaceStats.of(model, step, _pace(stored[2 * at : 2 * at + 2]))
            for at, (_, step, model) in enumerate(known)
        ]
        budgets = [
            BudgetStats(
                model=model, window_s=WINDOW_S, calls=calls, backups=made, allowed=floor(share * calls)
            )
            for (_, model), (calls, made) in zip(models, spent, strict=True)
        ]
        return ModelStats(paces=tuple(paces), budgets=tuple(budgets))


def _entries(found: Iterable[str]) -> set[tuple[str, str, str]]:
    """Deployment, step and model of what is listed."""
    split = (tuple(entry.split(" ", 2)) for entry in found)
    return {cast("tuple[str, str, str]", entry) for entry in split if len(entry) == _PARTS}


def _order(entry: tuple[str, str, str]) -> tuple[str, str, str]:
    scope_id, step, model = entry
    return model, step, scope_id


def _pace(generations: list[dict[str, Any]]) -> Pace:
    firsts, wholes, sums = Counter[int](), Counter[int](), Counter[str]()
    for generation in generations:
        for name, count in generation.items():
            if name[0] in "fw" and name[1:].isdecimal():
                (firsts if name[0] == "f" else wholes)[int(name[1:])] += int(count)
            elif name != "began":
                sums[name] += int(count)
    return Pace(firsts, wholes, sums)
