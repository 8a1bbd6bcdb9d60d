"""Every setting, typed. Add one here, with a description, and run ``scripts/settings_table.py``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from orchestrator.contracts.base import MOST_SECTIONS
from orchestrator.routing.flow import MOST_CLAIMS
from orchestrator.routing.outlook import AutoPipelined
from orchestrator.settings.addresses import check_base_url, check_ledger_url
from orchestrator.settings.chain import MODEL_PATTERN, readable_fallbacks
from orchestrator.settings.file import FileSource
from orchestrator.settings.limits import readable_limits
from orchestrator.settings.secrets import Key, Login
from orchestrator.settings.sentinels import check_redis_url

FOLDER = "folder"
ModelName = Annotated[str, Field(pattern=MODEL_PATTERN)]


def default_home() -> Path:
    """Where Triptych keeps what it keeps on this machine: the ledger's archive and indexed corpora."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "triptych"


class Settings(BaseSettings):
    """The deployment's settings. Durations are seconds (``_s``)."""

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
    parallel_mode: Literal["auto", "sequential", "parallel", "pipelined"] = Field(
        default="auto",
        description="For jobs that ask for auto: auto lets the complexity choose; sequential (or off), "
        "parallel (or on) and pipelined settle it.",
    )
    parallel_share: float = Field(
        default=5.0,
        ge=0,
        le=100,
        description="Percent of the jobs that auto would run parallel which do; the others run sequential. "
        "A private fleet runs all of them parallel unless this is set.",
    )
    complexity_boundary: float = Field(
        default=5.0,
        ge=0,
        le=10,
        description="auto runs parallel below this complexity score, sequential from it on.",
    )
    auto_pipelined: AutoPipelined = Field(
        default="learned",
        description="When auto may run a job claim by claim (pipelined): learned waits until a comparison has shown it "
        "not worse on these models (triptych route learn), on does not wait, off never does.",
    )
    auto_cost_ceiling: float = Field(
        default=2.6,
        gt=0,
        le=100,
        description="Most that a job may cost for auto to run it claim by claim: tokens relative to sequential, cached "
        "input counted at its price.",
    )
    auto_explore: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="Percent of the jobs that auto decides which are assigned at random, half of them sequential and "
        "half of them faster whatever their complexity, for triptych route learn --live. None during a rollout.",
    )
    pipeline_claims: int = Field(
        default=6,
        ge=2,
        le=MOST_CLAIMS,
        description="Most claims of a pipelined thesis. More claims end sooner and cost more: each has a rebuttal and "
        "a resolution of its own, side by side.",
    )
    pipeline_merge_s: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="So long after its acceptance a job that is pipelined or in sections is merged with what is there, "
        "and names what is not settled. --merge-after overrides it. Unset: half of its deadline; at most 3 quarters.",
    )
    sections: int = Field(
        default=1,
        ge=1,
        le=MOST_SECTIONS,
        description="Into how many sections a parallel job's synthesis is divided where the job does not say. They are "
        "written side by side, then merged: sooner, and dearer. 1 writes it in one piece.",
    )
    deadline_s: float = Field(
        default=180.0, gt=0, le=3600, description="A job's deadline where it names none."
    )
    token_budget: int = Field(
        default=200_000, ge=1_000, description="A job's token budget where it names none."
    )
    max_output_tokens: int = Field(
        default=4_096, ge=64, description="Longest answer of one persona, in tokens."
    )
    home: Path = Field(
        default_factory=default_home, description="Folder for the ledger's archive and corpora."
    )
    retriever: str = Field(
        default=FOLDER,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Where corpora are searched: folder (TRIPTYCH_HOME, shared by the workers), or the name of a "
        "retriever that an installed package registers.",
    )
    ledger_url: SecretStr | None = Field(
        default=None,
        description="Postgres for the ledger's archive, which several hosts share: "
        "postgresql://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full. Unset: a file under TRIPTYCH_HOME.",
    )
    max_jobs: int = Field(
        default=1_000,
        ge=1,
        description="Jobs that may be under way in the fleet; from there on new ones are refused, and told when to "
        "come back. What the workers say counts: set it alike on all.",
    )
    max_tenant_jobs: int = Field(
        default=1_000,
        ge=1,
        description="Jobs that one tenant may have under way. Below TRIPTYCH_MAX_JOBS it keeps places for the others.",
    )
    ledger_backlog: int = Field(
        default=200_000,
        ge=1_000,
        description="Events that may wait in Redis for the ledger's archive (about 0.5 KB each); from there on new "
        "jobs are refused until it is mended.",
    )
    result_ttl_s: int = Field(
        default=86_400, ge=60, description="How long a finished job's record stays in Redis."
    )
    concurrency: int = Field(default=100, ge=1, le=5_000, description="Threads of one worker process.")
    drain_s: float = Field(
        default=180, ge=0, le=3_600, description="Seconds from SIGTERM until steps in flight are handed over."
    )
    metrics_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="Port of a worker's /metrics, /healthz and /readyz; 0 opens none. "
        "Workers on one host need one each.",
    )
    metrics_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        max_length=255,
        description="Address that port is opened on; 0.0.0.0 lets other machines scrape it.",
    )
    flower_login: Login = Field(
        default=None,
        description="Flower's login, USER:PASSWORD; several are separated by commas.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe log line."
    )

    @field_validator("redis_url")
    @classmethod
    def _redis_url_is_one(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_redis_url(url.get_secret_value())
        return url

    @field_validator("ledger_url")
    @classmethod
    def _ledger_url_is_one(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_ledger_url(url.get_secret_value())
        return url

    @field_validator("parallel_mode", mode="before")
    @classmethod
    def _flag_is_a_mode(cls, value: object) -> object:
        """Its name reads as a flag's, so a flag's values mean what they say; TOML's own true and false too."""
        flag = str(value).strip().lower()
        return {"on": "parallel", "true": "parallel", "off": "sequential", "false": "sequential"}.get(
            flag, value
        )

    @field_validator("home")
    @classmethod
    def _home_is_expanded(cls, home: Path) -> Path:
        return home.expanduser()

    @field_validator("openai_base_url", "anthropic_base_url", "fallback_base_url")
    @classmethod
    def _base_url_is_http(cls, url: str | None) -> str | None:
        if url is not None:
            check_base_url(url)
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments over environment over ``triptych.toml``."""
        return init_settings, env_settings, FileSource(settings_cls)

    def model_for(self, persona: str) -> str:
        """Name the ``provider:model`` that a persona runs on."""
        return getattr(self, f"model_{persona}", None) or self.model or "extractive"


def variables(field: str) -> tuple[str, ...]:
    """Name the environment variables that set a field, strongest first."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(str(choice) for choice in alias.choices if choice != field)
    return (f"TRIPTYCH_{field.upper()}",)
