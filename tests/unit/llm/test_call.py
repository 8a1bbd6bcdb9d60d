"""What a call cost of which its endpoint did not tell."""

from typing import cast

import pytest

from orchestrator.contracts import Usage
from workers.brief import Brief
from workers.llm.exchange import completed, prompt_tokens
from workers.llm.protocol import ChatTurn, ModelRequest, estimated

REQUEST = ModelRequest(
    "s" * 40, (ChatTurn("user", "u" * 40),), brief=cast("Brief", None), max_output_tokens=64
)


@pytest.mark.parametrize(
    ("told", "heard", "estimate"),
    [
        (Usage(), "", 0),  # no model was reached
        (Usage(calls=1), "", 20),  # nothing was counted: the prompt
        (Usage(calls=1), "w" * 40, 30),  # and what was said
        (Usage(calls=1, input_tokens=25, output_tokens=1), "w" * 40, 9),  # the prompt was counted
        (Usage(calls=1, input_tokens=25, output_tokens=12), "w" * 40, 0),  # and all that was said
    ],
)
def test_only_what_was_not_counted_is_estimated(told, heard, estimate):
    usage = completed(told, REQUEST, [heard[:7], heard[7:]])
    assert usage == told.model_copy(update={"estimated_tokens": estimate})
    assert usage.tokens == told.input_tokens + told.output_tokens + estimate


def test_korean_costs_what_its_bytes_say():
    assert prompt_tokens(REQUEST) == 20
    assert estimated("주문 처리를 이벤트 큐로") == 8
