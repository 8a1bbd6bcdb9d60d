"""A chain of models: how long one is waited for while another stands ready, and what is said when all failed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.contracts import Fallback
from orchestrator.errors import ModelError
from workers.llm.protocol import Provider

PATIENCE = 1 / 3
"""Share of the time left that a model may take before its first word while another one stands ready."""


@dataclass(frozen=True)
class Candidate:
    """One model of a chain; ``equal`` where its answers count as good as those of the first."""

    provider: Provider
    equal: bool = True

    @property
    def name(self) -> str:
        """``provider:model``, or the provider alone where it has one model."""
        provider, model = self.provider.name, self.provider.model
        return provider if model == provider else f"{provider}:{model}"


def patience_until(now: float, deadline: float, *, is_last: bool) -> float:
    """Until when a model may be waited for: at the gate, between attempts, and for its first word."""
    return deadline if is_last else now + PATIENCE * max(0.0, deadline - now)


def stand_in(chain: Sequence[Candidate], candidate: Candidate) -> Candidate:
    """Who may answer in a model's place as well as it does: the next of its chain that counts as equal, or itself."""
    later = chain[chain.index(candidate) + 1 :]
    return next((one for one in later if one.equal), candidate)


def used_instead(failed: Sequence[tuple[Candidate, ModelError]], used: Candidate) -> tuple[Fallback, ...]:
    """What to record of an answer that came after these failures."""
    return tuple(
        Fallback(model=one.name[:300], kind=error.kind, used=used.name[:300], equal=used.equal)
        for one, error in failed
    )


def all_failed(failed: Sequence[tuple[Candidate, ModelError]]) -> ModelError:
    """One error for a whole chain, of the kind that the first failed with: that is the one to mend."""
    if len(failed) == 1:
        return failed[0][1]
    said = "; then ".join(f"{one.name}: {error.kind}: {error.message}" for one, error in failed)
    return ModelError(failed[0][1].kind, said)
