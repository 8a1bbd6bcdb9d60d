"""Does a model's endpoint answer, and does it take our key? Asked only on request: GET /models, which costs no tokens.

From this machine and with this environment's key; a worker elsewhere may see another world.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import SecretStr

from orchestrator.doctor.finding import Finding, error, ok, skipped, warning
from orchestrator.settings import Settings
from orchestrator.settings.places import Place, choices, place_of

TIMEOUT_S = 10.0
MAX_LIST_BYTES = 2_000_000


def examine_models(settings: Settings) -> Iterator[Finding]:
    """Ask the endpoint of each configured model once, fallbacks included."""
    wanted: dict[tuple[str, Place], list[str]] = {}
    for choice in choices(settings):
        place = place_of(settings, choice)
        if place is None:
            yield skipped("model extractive", "needs no endpoint")
        else:
            wanted.setdefault((choice.provider, place), []).append(choice.model)
    for (provider, place), models in wanted.items():
        yield _ask(provider, place, models)


def _ask(provider: str, place: Place, models: list[str]) -> Finding:
    base, key = place.base_url, place.api_key
    check = f"model {provider}"
    path = "/v1/models" if provider == "anthropic" else "/models"
    try:
        status, body = _get(base.rstrip("/") + path, _headers(provider, key))
    except (OSError, http.client.HTTPException, ValueError) as problem:
        return error(
            check,
            f"{base} cannot be reached ({type(problem).__name__})",
            f"check {place.url_setting}, the network and any proxy",
        )
    if status in (401, 403):
        return error(
            check, f"{base} refuses the key (HTTP {status})", f"set {place.key_setting} to a key it takes"
        )
    if status == 200:
        lacking = [model for model in models if model not in _listed(body, models)]
        if lacking:
            return warning(
                check,
                f"{base} answers, and does not list {', '.join(lacking)}",
                "check the model's name; some endpoints serve more than they list",
            )
        return ok(check, f"{base} answers and lists {', '.join(models)}")
    if status == 404:
        return warning(
            check,
            f"{base} answers, but has no list of models (HTTP 404)",
            f"check that {place.url_setting} ends as the provider says; else `triptych doctor --job` tells more",
        )
    return warning(check, f"{base} answers with HTTP {status}", "try again later, or ask the provider")


def _headers(provider: str, key: SecretStr | None) -> dict[str, str]:
    headers = {"Accept": "application/json", "User-Agent": "triptych-doctor"}
    if provider == "anthropic":
        headers["anthropic-version"] = "2023-06-01"
        if key:
            headers["x-api-key"] = key.get_secret_value()
    elif key:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return headers


def _get(url: str, headers: dict[str, str]) -> tuple[int, bytes]:
    # http.client follows no redirect: the key goes to the address that was configured, and nowhere else.
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT_S, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_S)
    )
    try:
        connection.request("GET", parts.path or "/", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(MAX_LIST_BYTES)
    finally:
        connection.close()


def _listed(body: bytes, models: list[str]) -> set[str]:
    """The models that an answer lists; all that were asked for where it is no list we know."""
    try:
        entries = json.loads(body)["data"]
        return {str(entry["id"]) for entry in entries}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set(models)
