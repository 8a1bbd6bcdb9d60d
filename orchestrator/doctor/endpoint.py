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

TIMEOUT_S = 10.0
MAX_LIST_BYTES = 2_000_000
PERSONAS = ("thesis", "antithesis", "synthesis")


def examine_models(settings: Settings) -> Iterator[Finding]:
    """Ask each configured provider's endpoint once."""
    wanted: dict[str, list[str]] = {}
    for persona in PERSONAS:
        provider, _, model = settings.model_for(persona).partition(":")
        known = wanted.setdefault(provider, [])
        if model not in known:
            known.append(model)
    for provider, models in wanted.items():
        if provider == "extractive":
            yield skipped("model extractive", "needs no endpoint")
        else:
            yield _ask(provider, models, settings)


def _ask(provider: str, models: list[str], settings: Settings) -> Finding:
    base: str = getattr(settings, f"{provider}_base_url")
    key: SecretStr | None = getattr(settings, f"{provider}_api_key")
    check, variable = f"model {provider}", provider.upper()
    path = "/v1/models" if provider == "anthropic" else "/models"
    try:
        status, body = _get(base.rstrip("/") + path, _headers(provider, key))
    except (OSError, http.client.HTTPException, ValueError) as problem:
        return error(
            check,
            f"{base} cannot be reached ({type(problem).__name__})",
            f"check {variable}_BASE_URL, the network and any proxy",
        )
    if status in (401, 403):
        return error(
            check, f"{base} refuses the key (HTTP {status})", f"set {variable}_API_KEY to a key it takes"
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
            f"check that {variable}_BASE_URL ends as the provider says; else `triptych doctor --job` tells more",
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
