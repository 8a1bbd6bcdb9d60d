"""What a persona may still spend, call by call and side by side."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestrator.contracts import Complexity, Mode, PersonaOutput, Plan, TaskSpec, Usage
from orchestrator.errors import ModelError
from orchestrator.settings import Settings
from orchestrator.store import JobRecord
from workers.argument import LEAST_OUTPUT_TOKENS, Argument, BoundModel
from workers.brief import Brief
from workers.llm.cancellation import Cancellation
from workers.llm.protocol import ChatTurn, ModelRequest


def brief(mode: Mode = "parallel", spent: int = 0) -> Brief:
    plan = Plan(
        task_id="a",
        complexity=Complexity(score=1, source="observed"),
        mode=mode,
        mode_reason="test",
        language="en",
        usage=Usage(input_tokens=spent),
    )
    return Brief(form="thesis", task=TaskSpec(task_id="a", goal="Why?"), plan=plan, passages=())


class Counting:
    """A model that notes how much it was allowed, and costs the same each time (a unit-test double)."""

    def __init__(self, cost: int) -> None:
        self.cost = cost
        self.allowed: list[int] = []

    def complete(self, request: ModelRequest, **_: Any) -> Any:
        self.allowed.append(request.max_output_tokens)
        return SimpleNamespace(usage=Usage(input_tokens=self.cost // 2, output_tokens=self.cost // 2))


def test_every_call_of_a_step_eats_from_the_same_budget() -> None:
    model = Counting(cost=600)
    bound = BoundModel(
        model=cast("Any", model),
        deadline=time.monotonic() + 60,
        tokens_left=1_000,
        cancel=Cancellation(),
        writing=cast("Any", None),
    )
    request = ModelRequest("", (ChatTurn("user", "?"),), brief(), max_output_tokens=4_096)
    bound.complete(request)
    bound.complete(request)
    assert model.allowed == [1_000, 400]
    with pytest.raises(ModelError) as caught:
        bound.complete(request)
    assert caught.value.kind == "token_budget"
    assert len(model.allowed) == 2


@pytest.mark.parametrize(
    ("mode", "step", "left"),
    [
        ("sequential", "thesis", 8_000),
        ("sequential", "synthesis", 8_000),
        ("parallel", "thesis", 4_000),
        ("parallel", "antithesis_standalone", 4_000),
        ("parallel", "synthesis", 8_000),
        ("single", "synthesis", 8_000),
    ],
)
def test_steps_that_run_side_by_side_halve_what_is_left(mode: Mode, step: str, left: int) -> None:
    earlier = PersonaOutput(task_id="a", persona="thesis", step="other", usage=Usage(output_tokens=1_500))
    record = JobRecord(
        spec=TaskSpec(task_id="a", goal="Why?", token_budget=10_000),
        open=True,
        accepted_ms=0,
        deadline_ms=1,
        outputs={"other": earlier},
    )
    nothing = cast("Any", None)
    argument = Argument(Settings(), store=nothing, live=nothing, models=nothing, retriever=nothing)
    attempt = cast("Any", SimpleNamespace(record=record, step=step))
    assert argument._tokens_left(attempt, brief(mode, spent=500)) == left
    assert left > LEAST_OUTPUT_TOKENS
