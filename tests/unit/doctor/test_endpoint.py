"""A model's endpoint, asked over real HTTP: reachable, key taken, model known."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Response

from orchestrator.doctor.endpoint import examine_models
from orchestrator.settings import Settings


def settings(server: HTTPServer, provider: str = "openai", **more: Any) -> Settings:
    base = server.url_for("/v1") if provider == "openai" else server.url_for("")
    return Settings(
        model=f"{provider}:m1",
        **{f"{provider}_base_url": base, f"{provider}_api_key": SecretStr("k-123"), **more},
    )


LISTED = {"data": [{"id": "m1"}, {"id": "m2"}]}


@pytest.mark.parametrize(
    ("status", "body", "level", "says"),
    [
        (200, LISTED, "ok", "lists m1"),
        (200, {"data": [{"id": "m2"}]}, "warning", "does not list m1"),
        (200, ["something", "else"], "ok", "answers"),
        (401, {}, "error", "refuses the key"),
        (403, {}, "error", "refuses the key"),
        (404, {}, "warning", "no list of models"),
        (429, {}, "warning", "HTTP 429"),
        (503, {}, "warning", "HTTP 503"),
    ],
)
def test_what_an_endpoint_says(httpserver: HTTPServer, status, body, level, says):
    httpserver.expect_request("/v1/models", headers={"Authorization": "Bearer k-123"}).respond_with_json(
        body, status=status
    )
    (found,) = examine_models(settings(httpserver))
    assert found.level == level
    assert says in found.what
    assert "k-123" not in found.model_dump_json()
    httpserver.check_assertions()


def test_anthropic_is_asked_its_own_way(httpserver: HTTPServer):
    httpserver.expect_oneshot_request("/v1/models", headers={"x-api-key": "k-123"}).respond_with_json(LISTED)
    (found,) = examine_models(settings(httpserver, "anthropic"))
    assert found.level == "ok", found


def test_a_redirect_does_not_take_the_key_elsewhere(httpserver: HTTPServer):
    httpserver.expect_request("/v1/models").respond_with_response(
        Response(status=302, headers={"Location": httpserver.url_for("/elsewhere")})
    )
    (found,) = examine_models(settings(httpserver))
    assert (found.level, len(httpserver.log)) == ("warning", 1)


def test_an_endpoint_that_is_not_there(httpserver: HTTPServer):
    gone = settings(httpserver, openai_base_url="http://127.0.0.1:1/v1")
    (found,) = examine_models(gone)
    assert found.level == "error"
    assert "OPENAI_BASE_URL" in found.do


def test_the_extractive_engine_has_no_endpoint():
    (found,) = examine_models(Settings())
    assert found.level == "skipped"


def test_each_provider_is_asked_once_for_all_its_models(httpserver: HTTPServer):
    httpserver.expect_request("/v1/models").respond_with_json(LISTED)
    (found,) = examine_models(settings(httpserver, model_antithesis="openai:m2"))
    assert (found.level, len(httpserver.log)) == ("ok", 1)
    assert "m1, m2" in found.what
