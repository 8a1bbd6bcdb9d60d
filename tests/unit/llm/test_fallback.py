"""A chain of models: patience, the record, and one error for all."""

from types import SimpleNamespace
from typing import Any

from orchestrator.contracts import Fallback
from orchestrator.errors import ModelError
from workers.llm.fallback import PATIENCE, Candidate, all_failed, patience_until, used_instead


def candidate(name: str, *, equal: bool = True) -> Candidate:
    provider: Any = SimpleNamespace(name=name.partition(":")[0], model=name.partition(":")[2] or name)
    return Candidate(provider, equal=equal)


A, B, C = candidate("openai:a"), candidate("openai:b", equal=False), candidate("extractive", equal=False)
BUSY, KEY = ModelError("overloaded", "busy"), ModelError("auth", "no key")


def test_another_model_that_stands_ready_shortens_the_wait():
    assert patience_until(100.0, 190.0, is_last=False) == 100.0 + 90.0 * PATIENCE
    assert patience_until(100.0, 190.0, is_last=True) == 190.0
    assert patience_until(100.0, 90.0, is_last=False) == 100.0


def test_every_model_that_failed_is_recorded_with_the_one_that_answered():
    assert used_instead([(A, BUSY), (B, KEY)], C) == (
        Fallback(model="openai:a", kind="overloaded", used="extractive", equal=False),
        Fallback(model="openai:b", kind="auth", used="extractive", equal=False),
    )
    assert used_instead([], A) == ()


def test_where_all_failed_the_first_gives_the_kind_and_all_give_their_words():
    assert all_failed([(A, BUSY)]) is BUSY
    error = all_failed([(A, BUSY), (B, KEY)])
    assert error.kind == "overloaded"
    assert str(error) == "openai:a: overloaded: busy; then openai:b: auth: no key"
