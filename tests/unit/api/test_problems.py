"""What each of our errors means over HTTP."""

from __future__ import annotations

import json

import pytest

from orchestrator.api.problems import problem_of
from orchestrator.errors import (
    AdmissionClosed,
    ArchiveUnusable,
    DocumentError,
    IdempotencyConflict,
    InvalidInput,
    InvalidSettings,
    JobNotFound,
    RecordUnreadable,
    StillRunning,
    StoreRefused,
    StoreUnavailable,
    TriptychError,
)


@pytest.mark.parametrize(
    ("error", "status", "code", "again"),
    [
        (InvalidInput("mode", "is none"), 422, "invalid_input", None),
        (DocumentError("a.pdf", "is empty"), 422, "document_error", None),
        (JobNotFound("no job 'x'"), 404, "job_not_found", None),
        (IdempotencyConflict("taken"), 409, "idempotency_conflict", None),
        (StillRunning("no result yet"), 409, "still_running", None),
        (AdmissionClosed("full", 7.2, "tenant_jobs"), 429, "admission_closed", "8"),
        (AdmissionClosed("full", 30.0, "jobs"), 503, "admission_closed", "30"),
        (AdmissionClosed("full", 0.0, "ledger"), 503, "admission_closed", "1"),
        (StoreUnavailable("Redis is away"), 503, "store_unavailable", "2"),
        (StoreRefused("Redis is full"), 503, "store_refused", "2"),
        (ArchiveUnusable("the archive /var/lib/ledger.sqlite is damaged"), 503, "archive_unusable", "2"),
        (InvalidSettings("REDIS_URL", "is not set"), 500, "invalid_settings", None),
        (RecordUnreadable("the record cannot be read"), 500, "record_unreadable", None),
        (TriptychError("?"), 500, "triptych_error", None),
    ],
)
def test_an_error_has_its_status_its_code_and_when_to_come_back(error, status, code, again):
    response = problem_of(error).response()
    body = json.loads(bytes(response.body))
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert response.headers.get("Retry-After") == again
    assert response.headers["Content-Type"] == "application/problem+json"
    assert body["detail"]


def test_an_input_names_its_field_and_says_what_is_wrong():
    body = problem_of(InvalidInput("merge_after_s", "leaves no time")).body()
    assert (body["field"], body["detail"]) == ("merge_after_s", "leaves no time")


@pytest.mark.parametrize(
    "error",
    [
        ArchiveUnusable("/data/ledger.sqlite is damaged"),
        StoreRefused("Redis refused the credentials of /data; check REDIS_URL"),
    ],
)
def test_what_is_to_be_mended_and_where_it_lies_is_the_operators_business(error):
    said = problem_of(error).json()
    assert "the server's log says why" in said
    assert not [word for word in ("/data", "REDIS_URL") if word in said]
