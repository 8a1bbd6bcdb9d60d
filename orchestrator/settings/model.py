"""Every setting, typed. Add one here, with a description, and run ``scripts/settings_table.py``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from orchestrator.contracts.base import MOST_SECTIONS
from orchestrator.routing.flow import MOST_CLAIMS
from orchestrator.routing.outlook import AutoPipelined
from orchestrator.settings.addresses import check_ledger_url
from orchestrator.settings.file import FileSource
from orchestrator.settings.secrets import ApiKeys, Login
from orchestrator.settings.services import Services

FOLDER = "folder"


def default_home() -> Path:
    """Where Triptych keeps what it keeps on this machine: the ledger's archive and indexed corpora."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "triptych"


class Settings(Services):
    """The deployment's settings. Durations are seconds (``_s``)."""

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
    one_core: bool = Field(
        default=True,
        description="Keep a worker process on one core, the one that others use least: its threads take turns, and on "
        "several cores that costs much more CPU. Linux only; off leaves it to the kernel.",
    )
    drain_s: float = Field(
        default=180, ge=0, le=3_600, description="Seconds from SIGTERM until steps in flight are handed over."
    )
    metrics_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="Port of a worker's /metrics, /healthz and /readyz, and of triptych serve's /metrics; 0 opens "
        "none. Processes on one host need one each.",
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
    api_login: Login = Field(
        default=None,
        description="Operators' login for triptych serve, USER:PASSWORD; several are separated by commas. "
        "They see every tenant's jobs.",
    )
    api_keys: ApiKeys = Field(
        default=None,
        description="Programs' keys for triptych serve, TENANT=KEY, at least 16 characters each; several are separated "
        "by commas. A key reaches its tenant's jobs alone.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe log line."
    )

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


def variables(field: str) -> tuple[str, ...]:
    """Name the environment variables that set a field, strongest first."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(str(choice) for choice in alias.choices if choice != field)
    return (f"TRIPTYCH_{field.upper()}",)
