"""What an endpoint's refusal means: foreign statuses and error bodies in, our errors out. Pure.

Texts from the endpoint are quoted only where they repeat neither the prompt nor the key: error messages
travel into results, logs and the ledger.
"""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic_core import from_json

from orchestrator.errors import ModelError, RetryableModelError

RETRYABLE = frozenset({408, 409, 425, 429})
"""Refusals below 500 that may pass; from 500 on all may."""

_MAX_QUOTE_CHARS = 200
_MAX_RETRY_AFTER_S = 86_400.0
_PROMPT_WINDOW = 16
_KEY_WINDOW = 6

_CONTEXT_LENGTH = re.compile(
    r"context[ _-]?(length|window|size)|maximum context|prompt is too long|input is too long|"
    r"too many (input |prompt )?tokens|reduce the length|request_too_large",
    re.IGNORECASE,
)
_QUOTA_SPENT = re.compile(r"insufficient_quota|billing_hard_limit|credit balance", re.IGNORECASE)

# What error types inside a stream would have been as a status.
_STATUS_OF_TYPE: Mapping[str, int] = {
    "authentication_error": 401,
    "context_length_exceeded": 400,
    "insufficient_quota": 429,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "request_too_large": 413,
    "timeout_error": 504,
}

Failure = ModelError | RetryableModelError


@dataclass(frozen=True)
class Target:
    """Who is called, as messages name it, and the variables (``*_setting``) to look at."""

    host: str
    model: str
    key_setting: str
    url_setting: str


@dataclass(frozen=True)
class Complaint:
    """An error body: its machine-readable part, and its words."""

    code: str = ""
    message: str = ""
    status: int | None = None


def complaint_in(body: bytes) -> Complaint:
    """Read an error body in any of the shapes in use; one that is not JSON says nothing."""
    try:
        data = from_json(body)
    except ValueError:
        return Complaint()
    error = data.get("error", data) if isinstance(data, dict) else data
    if isinstance(error, str):
        return Complaint(message=error)
    if not isinstance(error, dict):
        return Complaint()
    message = error.get("message") or error.get("detail") or ""
    codes = [str(code) for code in (error.get("type"), error.get("code")) if isinstance(code, (str, int))]
    known = [_STATUS_OF_TYPE[code] for code in codes if code in _STATUS_OF_TYPE]
    numbers = [int(code) for code in codes if re.fullmatch(r"[45][0-9]{2}", code, re.ASCII)]
    return Complaint(
        code=" ".join(codes),
        message=message if isinstance(message, str) else "",
        status=next(iter((*numbers, *known)), None),
    )


def failure_of(  # noqa: PLR0911 - one return per meaning reads as the table it is
    status: int, complaint: Complaint, target: Target, *, retry_after_s: float | None = None, quote: str = ""
) -> Failure:
    """What a status other than 200 means for the call. ``quote`` is a text that is safe to repeat."""
    said = f"{target.host} answered HTTP {status}"
    words = f"{complaint.code} {complaint.message}"
    if 300 <= status < 400:
        return ModelError("provider", f"{said}, a redirect; set {target.url_setting} to the final address")
    if status in (401, 403):
        return ModelError("auth", f"{said}: it refused the credentials; check {target.key_setting}")
    if status == 413 or (status in (400, 422) and _CONTEXT_LENGTH.search(words)):
        return ModelError(
            "context_length",
            f"{said}: the prompt does not fit {target.model}; give fewer documents or take a longer context",
        )
    if status == 404:
        return ModelError(
            "provider",
            f"{said}: it has no model {target.model!r}, or nothing at this path; "
            f"check TRIPTYCH_MODEL and {target.url_setting}",
        )
    if status in (400, 429) and _QUOTA_SPENT.search(words):
        return ModelError("overloaded", f"{said}: the account's quota is spent; check its plan and billing")
    if status in RETRYABLE or status >= 500:
        return RetryableModelError(
            "overloaded", f"{said}: it is overloaded or failing; try again later", retry_after_s
        )
    return ModelError("provider", f"{said}: it refused the request" + (f" ({quote})" if quote else ""))


def quotable(text: str, *, key: str | None, prompt: Iterable[str]) -> str:
    """``text`` shortened to one line, or nothing where it may repeat the key or the prompt.

    Any run of 16 characters shared with the prompt, or of 6 with the key, counts as repeating it; so do
    escapes, which could hide either.
    """
    line = " ".join(text.split())[:_MAX_QUOTE_CHARS]
    flat = [" ".join(part.split()) for part in prompt]
    if "\\" in line or any(_shares(line, part, _PROMPT_WINDOW) for part in flat):
        return ""
    return "" if key and _shares(line, key, _KEY_WINDOW) else line


def _shares(line: str, other: str, window: int) -> bool:
    return (
        any(line[i : i + window] in other for i in range(max(1, len(line) - window + 1))) if line else False
    )


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait as the endpoint asked, 0 or more, ``None`` where it did not or made no sense.

    Reads ``retry-after-ms`` first, then ``retry-after`` as seconds or as an HTTP date; ``now`` is epoch
    seconds. ``headers`` must look names up in any case.
    """
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wait_s = float(headers[name]) * unit_s
        except (KeyError, ValueError):
            continue
        if not math.isnan(wait_s):
            return min(max(wait_s, 0.0), _MAX_RETRY_AFTER_S)
    try:
        when = email.utils.parsedate_to_datetime(headers["retry-after"])
        return min(max(when.timestamp() - now, 0.0), _MAX_RETRY_AFTER_S)
    except (KeyError, ValueError, OverflowError):
        return None
