"""What a comparison's jobs ask for: the arm's mode and sections, and the goal's evidence as it stands."""

from __future__ import annotations

from typing import Any, cast

import pytest

from orchestrator.cli.judge.compare_input import arms_of
from orchestrator.client import Client
from orchestrator.comparing import Runner
from orchestrator.contracts import Passage, TaskSpec
from tests.unit.experiment.runs import goals


class Submitted(Exception):
    """Carries a job that was to be sent."""


class Sends:
    """A client that stops at the first job."""

    def submit(self, spec: TaskSpec) -> Any:
        raise Submitted(spec)


@pytest.mark.parametrize(
    ("name", "mode", "sections"),
    [("parallel", "parallel", None), ("parallel/3", "parallel", 3), ("single", "single", None)],
)
def test_a_job_asks_for_what_its_arm_is(name, mode, sections):
    passage = Passage(id="p1", source="memo", text="It costs 3 euros.")
    runner = Runner(cast("Client", Sends()), {"g0": [passage]}, at_a_time=1, look=lambda: None)
    with pytest.raises(Submitted) as sent:
        list(runner.run([(goals(1)[0], arms_of(f"{name},sequential")[0])]))
    (spec,) = sent.value.args
    assert (spec.mode, spec.sections, spec.inputs.passages, spec.inputs.as_given) == (
        mode,
        sections,
        (passage,),
        True,
    )
