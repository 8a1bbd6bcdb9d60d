"""What the API says of itself holds: every route is asked what its description allows, and some that it does not."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.api.conftest import Served

pytestmark = pytest.mark.integration

ENDLESS = {"/api/v1/fleet/events"}
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
FEW = settings(
    max_examples=6,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_route_answers_as_it_is_described(served: Served, mode: GenerationMode) -> None:
    described = served.operator.get("/api/v1/openapi.json").json
    asked = set()
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        takes = (operation.path_parameters, operation.query, operation.headers, operation.body)
        nothing_to_get_wrong = mode is GenerationMode.NEGATIVE and not any(map(list, takes))
        if operation.path in ENDLESS or nothing_to_get_wrong:
            continue

        def ask(case: Any) -> None:
            answer = case.call(base_url=served.url, headers=served.operator.headers, timeout=20)
            case.validate_response(answer, checks=CHECKS)

        FEW(given(case=operation.as_strategy(generation_mode=mode))(ask))()
        asked.add(operation.label)
    assert len(asked) >= 10
