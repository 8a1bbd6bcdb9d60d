"""Fallbacks: what may be written, and whom a persona's chain asks where."""

import pytest

from orchestrator.errors import InvalidSettings
from orchestrator.settings import Settings, load_settings
from orchestrator.settings.chain import Choice, parse_fallbacks
from orchestrator.settings.places import chain_for, choices, missing_keys, place_of

ELSEWHERE = "http://127.0.0.1:9000/v1"


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("", ()),
        ("openai:b", (Choice("openai:b", equal=False),)),
        (
            " =openai:llama3.2:3b , anthropic:c, extractive,",
            (
                Choice("openai:llama3.2:3b"),
                Choice("anthropic:c", equal=False),
                Choice("extractive", equal=False),
            ),
        ),
    ],
)
def test_what_can_be_written(text, chain):
    assert parse_fallbacks(text, elsewhere=False) == chain


@pytest.mark.parametrize(
    ("text", "said"),
    [("gpt-5", "'gpt-5'"), ("openai:", "'openai:'"), ("==openai:b", "'==openai:b'"),
     (",".join(["openai:b"] * 9), "8 are the most")],
)  # fmt: skip
def test_what_cannot_names_the_setting(monkeypatch, text, said):
    monkeypatch.setenv("TRIPTYCH_FALLBACK", text)
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    assert caught.value.field == "TRIPTYCH_FALLBACK"
    assert said in str(caught.value)


def test_a_personas_own_model_comes_first_and_never_twice():
    settings = Settings(
        model="openai:a",
        model_synthesis="openai:b",
        model_thesis="extractive",
        fallback="openai:a, =openai:b",
    )
    assert chain_for(settings, "antithesis") == (Choice("openai:a"), Choice("openai:b"))
    assert chain_for(settings, "synthesis") == (Choice("openai:b"), Choice("openai:a", equal=False))
    assert chain_for(settings, "thesis") == (Choice("extractive"),)
    assert [choice.name for choice in choices(settings)] == ["extractive", "openai:a", "openai:b"]


def test_without_the_operators_word_no_chain_ends_in_the_extractive_engine():
    assert chain_for(Settings(model="openai:a"), "thesis") == (Choice("openai:a"),)


def test_fallbacks_may_have_an_address_and_a_key_of_their_own_and_never_get_the_others():
    settings = Settings(
        model="openai:a",
        openai_api_key="sk-first",
        fallback="openai:a, anthropic:c",
        fallback_base_url=ELSEWHERE,
    )
    own, twin, other = chain_for(settings, "thesis")
    assert (own.name, twin.name, twin.elsewhere, other.elsewhere) == ("openai:a", "openai:a", True, False)
    place = place_of(settings, twin)
    assert place is not None
    assert (place.base_url, place.api_key) == (ELSEWHERE, None)
    assert (place.url_setting, place.key_setting) == (
        "TRIPTYCH_FALLBACK_BASE_URL",
        "TRIPTYCH_FALLBACK_API_KEY",
    )
    assert [problem.field for problem in missing_keys(settings)] == ["ANTHROPIC_API_KEY"]
