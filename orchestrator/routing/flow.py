"""What each mode runs, and what can run next: the one table from which canvas, joins and recovery are decided."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from orchestrator.contracts import Mode

THESIS: Final = "thesis"
ANTITHESIS: Final = "antithesis"
ANTITHESIS_STANDALONE: Final = "antithesis_standalone"
SYNTHESIS: Final = "synthesis"

FLOWS: Final[Mapping[Mode, Mapping[str, tuple[str, ...]]]] = {
    "sequential": {THESIS: (), ANTITHESIS: (THESIS,), SYNTHESIS: (THESIS, ANTITHESIS)},
    "parallel": {THESIS: (), ANTITHESIS_STANDALONE: (), SYNTHESIS: (THESIS, ANTITHESIS_STANDALONE)},
}
"""Mode to step to the steps whose outputs it reads. A failed output is an output: it is final and can be read."""


def ready(mode: Mode, done: Collection[str]) -> tuple[str, ...]:
    """Steps without an output whose inputs are all there, in the flow's order."""
    return tuple(
        step
        for step, needs in FLOWS[mode].items()
        if step not in done and all(need in done for need in needs)
    )


def needs_of(step: str) -> dict[Mode, tuple[str, ...]]:
    """By mode, the steps whose outputs this one reads; empty for a step that no mode has."""
    return {mode: flow[step] for mode, flow in FLOWS.items() if step in flow}
