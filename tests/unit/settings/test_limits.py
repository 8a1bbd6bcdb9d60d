"""Limits of models' endpoints, as one line."""

import pytest

from orchestrator.errors import InvalidSettings
from orchestrator.settings import load_settings
from orchestrator.settings.limits import Limit, parse_limits


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("", {}),
        (" ; ", {}),
        ("openai concurrency=64", {"openai": Limit(concurrency=64)}),
        (
            "openai concurrency=64; openai:llama3.2:3b rpm=500 tpm=200000;",
            {"openai": Limit(concurrency=64), "openai:llama3.2:3b": Limit(rpm=500, tpm=200_000)},
        ),
        ("anthropic rpm=5\n; anthropic tpm=7", {"anthropic": Limit(rpm=5, tpm=7)}),
    ],
)
def test_what_can_be_written(text, limits):
    assert parse_limits(text) == limits


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gpt-5 rpm=5", "'gpt-5'"),
        ("openai", "no limit for 'openai'"),
        ("openai 64", "'64'"),
        ("openai threads=64", "'threads=64'"),
        ("openai rpm=0", "'rpm=0'"),
        ("openai rpm=-1", "'rpm=-1'"),
        ("openai rpm=1e3", "'rpm=1e3'"),
        ("openai rpm=", "'rpm='"),
        ("extractive rpm=5", "'extractive'"),
    ],
)
def test_what_cannot_names_the_setting_and_says_what_to_write(monkeypatch, text, said):
    monkeypatch.setenv("TRIPTYCH_MODEL_LIMITS", text)
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    assert caught.value.field == "TRIPTYCH_MODEL_LIMITS"
    assert said in str(caught.value)
    assert "openai concurrency=64" in str(caught.value)
