"""What a deployment calls: its Redis, its models, and the endpoints that serve them. A part of the ``Settings``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestrator.settings.addresses import check_base_url
from orchestrator.settings.chain import MODEL_PATTERN, readable_fallbacks
from orchestrator.settings.limits import readable_limits
from orchestrator.settings.secrets import Key
from orchestrator.settings.sentinels import check_redis_url

ModelName = Annotated[str, Field(pattern=MODEL_PATTERN)]


class Services(BaseSettings):
    """Where questions are sent to, and who answers them."""

    model_config = SettingsConfigDict(
        env_prefix="TRIPTYCH_",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    redis_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("redis_url", "REDIS_URL", "TRIPTYCH_REDIS_URL"),
        description="Redis as broker, result backend and store: redis://, rediss://, unix:// or sentinel://. "
        "Unset: a private one per command.",
    )
    model: ModelName | None = Field(
        default=None,
        description="provider:model for every persona (openai:gpt-5-mini, anthropic:claude-sonnet-5, "
        "extractive). Unset: extractive.",
    )
    model_thesis: ModelName | None = Field(default=None, description="The thesis' model, where it differs.")
    model_antithesis: ModelName | None = Field(
        default=None, description="The antithesis' model, where it differs."
    )
    model_synthesis: ModelName | None = Field(
        default=None, description="The synthesis' model, where it differs."
    )
    model_judge: ModelName | None = Field(
        default=None,
        description="The model of a second opinion (--judge of triptych gate check and triptych compare), where it "
        "differs: another one than wrote the claims. It has no fallbacks.",
    )
    fallback: Annotated[str, AfterValidator(readable_fallbacks)] = Field(
        default="",
        description="Models to ask, in this order, where a persona's own cannot answer: openai:b, =anthropic:c, "
        "extractive. A result that one of them had a part in is degraded, unless = marks it as equally good. "
        "Unset: none.",
    )
    fallback_base_url: str | None = Field(
        default=None,
        description="An endpoint of their own for the openai: models of TRIPTYCH_FALLBACK. Unset: OPENAI_BASE_URL.",
    )
    fallback_api_key: Key = Field(
        default=None, description="Key for that endpoint; OPENAI_API_KEY is never sent there."
    )
    model_limits: Annotated[str, AfterValidator(readable_limits)] = Field(
        default="",
        description="What models' endpoints take from the whole fleet: openai concurrency=64; openai:gpt-5-mini "
        "rpm=500 tpm=200000. Calls at a time, requests and tokens a minute; a provider alone is its endpoint. "
        "Unset: no limit.",
    )
    hedge: Literal["off", "same", "equal"] = Field(
        default="same",
        description="A backup beside a call that is later than 99 in 100 of its kind, with its first word or, by its "
        "rate, with its last: same asks the same model again, equal the next one of TRIPTYCH_FALLBACK that is marked "
        "with = (where there is one), off makes none.",
    )
    hedge_share: float = Field(
        default=10.0,
        gt=0,
        le=100,
        description="Percent of a model's calls that may get a backup, counted for the whole fleet over ten minutes.",
    )
    openai_base_url: str = Field(
        default="https://api.openai.com/v1",
        validation_alias=AliasChoices("openai_base_url", "OPENAI_BASE_URL"),
        description="Any OpenAI-compatible endpoint, /v1 included.",
    )
    openai_api_key: Key = Field(
        default=None,
        validation_alias=AliasChoices("openai_api_key", "OPENAI_API_KEY"),
        description="Key for that endpoint; local servers often need none.",
    )
    anthropic_base_url: str = Field(
        default="https://api.anthropic.com",
        validation_alias=AliasChoices("anthropic_base_url", "ANTHROPIC_BASE_URL"),
        description="Anthropic's endpoint, without /v1.",
    )
    anthropic_api_key: Key = Field(
        default=None,
        validation_alias=AliasChoices("anthropic_api_key", "ANTHROPIC_API_KEY"),
        description="Key for Anthropic.",
    )

    @field_validator("redis_url")
    @classmethod
    def _redis_url_is_one(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_redis_url(url.get_secret_value())
        return url

    @field_validator("openai_base_url", "anthropic_base_url", "fallback_base_url")
    @classmethod
    def _base_url_is_http(cls, url: str | None) -> str | None:
        if url is not None:
            check_base_url(url)
        return url

    def model_for(self, persona: str) -> str:
        """Name the ``provider:model`` that a persona runs on."""
        return getattr(self, f"model_{persona}", None) or self.model or "extractive"
