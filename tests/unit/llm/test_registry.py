"""Which provider answers for which setting."""

import pytest

from orchestrator.errors import InvalidSettings
from orchestrator.settings import Settings
from orchestrator.settings.chain import Choice
from workers.llm import registry
from workers.llm.anthropic import Anthropic
from workers.llm.openai_compat import OpenAICompatible

LOCAL = "http://127.0.0.1:8000/v1"


@pytest.fixture(autouse=True)
def _fresh():
    yield
    registry.close()


@pytest.mark.parametrize(
    ("spec", "settings", "kind"),
    [
        ("openai:gpt-x", {"openai_api_key": "sk-1"}, OpenAICompatible),
        ("openai:llama3.2:3b", {"openai_base_url": LOCAL}, OpenAICompatible),
        ("anthropic:claude-x", {"anthropic_api_key": "sk-1"}, Anthropic),
        ("anthropic:claude-x", {"anthropic_base_url": LOCAL}, Anthropic),
    ],
)
def test_a_spec_names_a_provider_and_its_model(spec, settings, kind):
    provider = registry.provider_for(Choice(spec), Settings(**settings))
    assert type(provider) is kind
    assert provider.model == spec.partition(":")[2]


def test_the_extractive_engine_needs_no_setting():
    assert registry.provider_for(Choice("extractive"), Settings()).model == "extractive"


def test_one_instance_serves_all_calls_with_the_same_settings():
    settings = Settings(openai_base_url=LOCAL, openai_api_key="sk-1")
    first = registry.provider_for(Choice("openai:a"), settings)
    assert (
        registry.provider_for(Choice("openai:a"), Settings(openai_base_url=LOCAL, openai_api_key="sk-1"))
        is first
    )
    assert registry.provider_for(Choice("openai:b"), settings) is not first
    assert (
        registry.provider_for(Choice("openai:a"), Settings(openai_base_url=LOCAL, openai_api_key="sk-2"))
        is not first
    )


@pytest.mark.parametrize(
    ("spec", "settings", "variable"),
    [
        ("openai:gpt-x", {}, "OPENAI_API_KEY"),
        ("openai:gpt-x", {"openai_api_key": " "}, "OPENAI_API_KEY"),
        ("anthropic:claude-x", {}, "ANTHROPIC_API_KEY"),
        ("openai:", {}, "TRIPTYCH_MODEL"),
        ("gpt-x", {}, "TRIPTYCH_MODEL"),
        ("extractive:x", {}, "TRIPTYCH_MODEL"),
    ],
)
def test_a_missing_or_wrong_setting_is_named(spec, settings, variable):
    with pytest.raises(InvalidSettings) as caught:
        registry.provider_for(Choice(spec), Settings(**settings))
    assert caught.value.field == variable


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({}, None),
        ({"model": "openai:gpt-x", "openai_api_key": "sk-1"}, None),
        ({"model": "openai:gpt-x"}, "OPENAI_API_KEY"),
        ({"model": "extractive", "model_synthesis": "anthropic:claude-x"}, "ANTHROPIC_API_KEY"),
        ({"model": "openai:m", "openai_api_key": "k", "fallback": "anthropic:claude-x"}, "ANTHROPIC_API_KEY"),
        ({"model": "openai:m", "openai_api_key": "k", "fallback": "=openai:n, extractive"}, None),
        (
            {"model": "openai:m", "openai_api_key": "k", "fallback": "openai:m", "fallback_base_url": LOCAL},
            None,
        ),
        (
            {
                "model": "openai:m",
                "openai_base_url": LOCAL,
                "fallback": "openai:m",
                "fallback_base_url": "https://api.openai.com/v1",
                "openai_api_key": "k",
            },
            "TRIPTYCH_FALLBACK_API_KEY",
        ),
    ],
)
def test_the_door_checks_every_personas_model(settings, variable):
    if variable is None:
        registry.check_model(Settings(**settings))
    else:
        with pytest.raises(InvalidSettings, match=variable):
            registry.check_model(Settings(**settings))
