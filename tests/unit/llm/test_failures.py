"""What endpoints say when they refuse, and what of it may be repeated."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import RetryableModelError
from workers.llm.failures import Complaint, Target, complaint_in, failure_of, quotable, retry_after

TARGET = Target("models.test", "some-model", "OPENAI_API_KEY", "OPENAI_BASE_URL")
NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("status", "body", "kind", "retryable"),
    [
        (401, {}, "auth", False),
        (403, {"error": {"message": "Country not supported"}}, "auth", False),
        (400, {"error": {"code": "context_length_exceeded", "message": "too long"}}, "context_length", False),
        (
            400,
            {"error": {"message": "prompt is too long: 210000 tokens > 200000 maximum"}},
            "context_length",
            False,
        ),
        (
            400,
            {"object": "error", "message": "This model's maximum context length is 4096"},
            "context_length",
            False,
        ),
        (400, {"error": {"type": "exceed_context_size_error", "message": "x"}}, "context_length", False),
        (413, {}, "context_length", False),
        (400, {"error": {"message": "max_tokens is too large: 100000"}}, "provider", False),
        (404, {"error": {"code": "model_not_found"}}, "provider", False),
        (422, {"detail": "no"}, "provider", False),
        (402, {}, "provider", False),
        (307, {}, "provider", False),
        (429, {"error": {"code": "insufficient_quota"}}, "overloaded", False),
        (400, {"error": {"message": "Your credit balance is too low"}}, "overloaded", False),
        *((status, {}, "overloaded", True) for status in (408, 409, 425, 429, 500, 502, 503, 504, 529)),
    ],
)
def test_a_refusal_becomes_one_of_our_errors(status, body, kind, retryable):
    failure = failure_of(status, complaint_in(json.dumps(body).encode()), TARGET)
    assert (failure.kind, isinstance(failure, RetryableModelError)) == (kind, retryable)
    assert "models.test" in str(failure)


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (401, "OPENAI_API_KEY"),
        (404, "some-model"),
        (404, "TRIPTYCH_MODEL"),
        (404, "OPENAI_BASE_URL"),
        (301, "OPENAI_BASE_URL"),
    ],
)
def test_the_message_names_what_to_look_at(status, names):
    assert names in str(failure_of(status, Complaint(), TARGET))


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b'{"error": {"type": "overloaded_error", "message": "m"}}', Complaint("overloaded_error", "m", 529)),
        (b'{"type": "error", "error": {"type": "not_found_error"}}', Complaint("not_found_error", "", 404)),
        (b'{"error": {"code": 503, "message": "m"}}', Complaint("503", "m", 503)),
        (b'{"error": "model is loading"}', Complaint("", "model is loading")),
        (b'{"object": "error", "message": "m", "code": 400}', Complaint("400", "m", 400)),
        (b'{"detail": [{"msg": "m"}]}', Complaint()),
        (b'{"error": {"code": "%s"}}' % (b"5" * 5000), Complaint("5" * 5000)),
        (b"<html>502</html>", Complaint()),
        (b"[1]", Complaint()),
        (b"[" * 5000, Complaint()),
        (b"", Complaint()),
    ],
)
def test_error_bodies_of_any_shape_are_read(body, complaint):
    assert complaint_in(body) == complaint


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.text() | st.integers() | st.floats(allow_nan=False),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["error", "message", "type", "code", "detail"]), inner)
        ),
    ).map(lambda v: json.dumps(v).encode())
)
def test_no_error_body_breaks_the_reading(body):
    complaint_in(body)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:10 GMT"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "inf"}, 86_400.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "tomorrow"}, None),
    ],
)
def test_how_long_an_endpoint_asks_to_wait(headers, wait_s):
    assert retry_after(headers, NOW) == wait_s


KEY = "sk-proj-abcdefghijkl"
PROMPT = ("You are the thesis.", "The harbour master's salary is\n  a secret of the town.")


@pytest.mark.parametrize(
    ("said", "quote"),
    [
        ("stream_options: Extra inputs are not permitted", "stream_options: Extra inputs are not permitted"),
        ("two\nlines", "two lines"),
        ("", ""),
        (f"Incorrect API key provided: {KEY}", ""),
        ("Incorrect API key provided: sk-proj-********ijkl", ""),
        ("cannot parse 'salary is a secret of the town'", ""),
        ("cannot parse '\\ud55c\\uad6d'", ""),
    ],
)
def test_a_text_that_may_repeat_the_key_or_the_prompt_is_not_quoted(said, quote):
    assert quotable(said, key=KEY, prompt=PROMPT) == quote


def test_a_quote_is_short():
    assert len(quotable("no " * 4000, key=None, prompt=())) == 200
