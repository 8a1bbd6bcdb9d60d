"""Every setting, typed, read once.

Sources, strongest first: arguments, environment, ``triptych.toml``, defaults; an empty environment
variable counts as unset. Read them with :func:`load_settings`, which turns every defect into one
``InvalidSettings`` that names the variable, says what to do, and never shows a value.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from orchestrator.errors import InvalidSettings

CONFIG_VARIABLE = "TRIPTYCH_CONFIG"
"""Names the settings file; the only ``TRIPTYCH_`` variable that is not a setting itself."""

MAX_FILE_BYTES = 1_000_000

ModelName = Annotated[str, Field(pattern=r"^(extractive|(openai|anthropic):[^\s:][^\s]*)$")]


def default_home() -> Path:
    """Where Triptych keeps what it keeps on this machine: the ledger's archive and indexed corpora."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "triptych"


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
        description="Redis as broker, result backend and store: redis://, rediss:// or unix://. "
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
    openai_base_url: str = Field(
        default="https://api.openai.com/v1",
        validation_alias=AliasChoices("openai_base_url", "OPENAI_BASE_URL"),
        description="Any OpenAI-compatible endpoint, /v1 included.",
    )
    openai_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("openai_api_key", "OPENAI_API_KEY"),
        description="Key for that endpoint; local servers often need none.",
    )
    anthropic_base_url: str = Field(
        default="https://api.anthropic.com",
        validation_alias=AliasChoices("anthropic_base_url", "ANTHROPIC_BASE_URL"),
        description="Anthropic's endpoint, without /v1.",
    )
    anthropic_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("anthropic_api_key", "ANTHROPIC_API_KEY"),
        description="Key for Anthropic.",
    )
    parallel_mode: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="For jobs that ask for auto: let the router choose, always run side by side, "
        "or always in sequence.",
    )
    complexity_boundary: float = Field(
        default=5.0,
        ge=0,
        le=10,
        description="auto runs parallel below this complexity score, sequential from it on.",
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
    result_ttl_s: int = Field(
        default=86_400, ge=60, description="How long a finished job's record stays in Redis."
    )
    concurrency: int = Field(default=100, ge=1, le=5_000, description="Threads of one worker process.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe log line."
    )

    @field_validator("redis_url")
    @classmethod
    def _redis_url_is_one(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            _check_redis_url(url.get_secret_value())
        return url

    @field_validator("home")
    @classmethod
    def _home_is_expanded(cls, home: Path) -> Path:
        return home.expanduser()

    @field_validator("openai_base_url", "anthropic_base_url")
    @classmethod
    def _base_url_is_http(cls, url: str) -> str:
        parts = _split(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("is not an address; write http://HOST or https://HOST, with its port and path")
        if parts.username is not None or parts.password is not None:
            raise ValueError("holds a user name or password; give the key in its own variable instead")
        return url

    @field_validator("openai_api_key", "anthropic_api_key")
    @classmethod
    def _key_fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None:
            return None
        value = key.get_secret_value().strip()
        if not value:
            return None
        if not (value.isascii() and value.isprintable() and " " not in value):
            raise ValueError("holds spaces, line breaks or letters outside ASCII; copy the key again")
        return SecretStr(value)

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
        return init_settings, env_settings, _FileSource(settings_cls)

    def model_for(self, persona: str) -> str:
        """Name the ``provider:model`` that a persona runs on."""
        return getattr(self, f"model_{persona}", None) or self.model or "extractive"


@dataclass(frozen=True)
class Origin:
    """Where a setting's value came from; ``name`` is the variable's or the file's."""

    kind: Literal["argument", "environment", "file", "default"]
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip()


def load_settings(**overrides: Any) -> Settings:  # noqa: ANN401 - each is checked by its field
    """Read the settings once; ``overrides`` are the strongest source.

    Raises ``InvalidSettings`` naming the variable (or the file's line) and what to do, and never a value.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        # from None: the chained error would print the file's and the environment's values in a traceback.
        raise _as_invalid(error.errors(include_url=False, include_input=False)[0], overrides) from None


def origins(**overrides: Any) -> dict[str, Origin]:  # noqa: ANN401 - see load_settings
    """Tell where every setting's value comes from, by field name, for ``load_settings``' arguments."""
    in_file = _read_file()
    return {name: _origin(name, overrides, in_file) for name in Settings.model_fields}


def variables(field: str) -> tuple[str, ...]:
    """Name the environment variables that set a field, strongest first."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(str(choice) for choice in alias.choices if choice != field)
    return (f"TRIPTYCH_{field.upper()}",)


def unknown_variables(environ: Mapping[str, str]) -> tuple[tuple[str, str | None], ...]:
    """List every ``TRIPTYCH_*`` variable that nothing reads, with the nearest name that something does."""
    known = {name for field in Settings.model_fields for name in variables(field)} | {CONFIG_VARIABLE}
    # The common prefix would make every name look near to every other.
    short = {name.removeprefix("TRIPTYCH_"): name for name in sorted(known)}
    strange = sorted(n for n in environ if n.upper().startswith("TRIPTYCH_") and n.upper() not in known)
    matches = {n: get_close_matches(n.upper().removeprefix("TRIPTYCH_"), short, n=1) for n in strange}
    return tuple((name, short[found[0]] if found else None) for name, found in matches.items())


def masked_url(url: str) -> str:
    """Write a URL for people: user, host and path, but neither password nor query values."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "***"
    user = "" if "@" not in parts.netloc else f"{parts.username or ''}:***@"
    return f"{parts.scheme}://{user}{host}{parts.path}{'?***' if parts.query else ''}"


def settings_file() -> Path:
    """Name the file that would be read; it need not be there unless ``TRIPTYCH_CONFIG`` names it."""
    return Path(os.environ.get(CONFIG_VARIABLE) or "triptych.toml")


def _read_file() -> dict[str, Any]:
    path = settings_file()
    named = bool(os.environ.get(CONFIG_VARIABLE))
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        if named:
            problem = f"{path} is not there; create it or unset the variable"
            raise InvalidSettings(CONFIG_VARIABLE, problem) from None
        return {}
    except OSError as error:
        if not named and path.is_dir():
            return {}
        raise InvalidSettings(str(path), f"cannot be read ({error.strerror}); mend its permissions") from None
    if len(raw) > MAX_FILE_BYTES:
        raise InvalidSettings(str(path), f"is over {MAX_FILE_BYTES:,} bytes; settings are a few lines")
    try:
        return tomllib.loads(raw.decode())
    except UnicodeDecodeError:
        raise InvalidSettings(str(path), "is not UTF-8; save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # from None: a TOMLDecodeError carries the whole document, keys included.
        raise InvalidSettings(str(path), f"is not TOML: {error}; mend that line") from None


class _FileSource(PydanticBaseSettingsSource):
    """``triptych.toml``, flat: one setting a line, under its field's name."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401, ARG002 - pydantic-settings' signature
        return _read_file().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        values = _read_file()
        for key in values:
            if key not in self.settings_cls.model_fields:
                raise InvalidSettings(str(settings_file()), f"has an unknown setting {key!r}{_nearest(key)}")
        return values


def _nearest(key: str) -> str:
    match = get_close_matches(key.lower(), Settings.model_fields, n=1)
    return f"; did you mean {match[0]!r}?" if match else "; `triptych config` lists all"


def _origin(field: str, overrides: Mapping[str, Any], in_file: Mapping[str, Any]) -> Origin:
    if field in overrides or any(name in overrides for name in variables(field)):
        return Origin("argument")
    # pydantic-settings reads variables in any case; the first alias that is set to something wins.
    present = {name.upper(): name for name, value in os.environ.items() if value}
    for name in (*variables(field), field if _aliased(field) else ""):
        if name.upper() in present:
            return Origin("environment", present[name.upper()])
    return Origin("file", str(settings_file())) if field in in_file else Origin("default")


def _aliased(field: str) -> bool:
    return Settings.model_fields[field].validation_alias is not None


def _as_invalid(error: ErrorDetails, overrides: Mapping[str, Any]) -> InvalidSettings:
    key = str(error["loc"][0]) if error["loc"] else "settings"
    field = next((f for f in Settings.model_fields if key == f or key in variables(f)), None)
    if field is None:
        return InvalidSettings(key, f"is not a setting{_nearest(key)}")
    problem = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
    if error["type"] == "string_pattern_mismatch":
        problem = "must be extractive, openai:MODEL or anthropic:MODEL"
    origin = _origin(field, overrides, _read_file())
    name = origin.name if origin.kind == "environment" else variables(field)[0]
    where = f" (set in {origin.name})" if origin.kind == "file" else ""
    return InvalidSettings(name, f"{problem}{where}")


def _check_redis_url(url: str) -> None:
    parts = _split(url)
    if parts.scheme == "unix":
        if not parts.path:
            raise ValueError("names no socket; write unix:///path/to/redis.sock")
        return
    if parts.scheme not in {"redis", "rediss"}:
        raise ValueError("must start with redis://, rediss:// (TLS) or unix:// (a socket)")
    if not parts.hostname:
        raise ValueError("names no host; write redis://HOST:6379/0")
    database = parts.path.removeprefix("/")
    if database and not (database.isascii() and database.isdigit()):
        raise ValueError("names a database that is not a number; write redis://HOST:6379/0")


def _split(url: str) -> SplitResult:
    """Split a URL, port included; urllib's own messages would quote it, password and all."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = None
    if parts is None or url != url.strip() or not url.isprintable():
        raise ValueError(
            "is not a URL that can be read; look at its port (1 to 65535), and write special characters of a "
            "password as %XX"
        )
    return parts


def require_keys(settings: Settings) -> None:
    """Raise ``InvalidSettings`` where a persona's model is on a public endpoint that takes no call without a key."""
    wanted = {settings.model_for(p).partition(":")[0] for p in ("thesis", "antithesis", "synthesis")}
    for provider, host in (("openai", "api.openai.com"), ("anthropic", "api.anthropic.com")):
        base_url, key = getattr(settings, f"{provider}_base_url"), getattr(settings, f"{provider}_api_key")
        if provider in wanted and key is None and _split(base_url).hostname == host:
            name = provider.upper()
            raise InvalidSettings(
                f"{name}_API_KEY",
                f"is not set, and {host} needs it; set it, or point {name}_BASE_URL elsewhere",
            )
