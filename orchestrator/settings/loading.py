"""Reading the settings once, and telling where each comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator.errors import InvalidSettings
from orchestrator.settings.file import CONFIG_VARIABLE, nearest, read_file, settings_file
from orchestrator.settings.model import Settings, variables


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
    in_file = read_file()
    return {name: _origin(name, overrides, in_file) for name in Settings.model_fields}


def unknown_variables(environ: Mapping[str, str]) -> tuple[tuple[str, str | None], ...]:
    """List every ``TRIPTYCH_*`` variable that nothing reads, with the nearest name that something does."""
    known = {name for field in Settings.model_fields for name in variables(field)} | {CONFIG_VARIABLE}
    # The common prefix would make every name look near to every other.
    short = {name.removeprefix("TRIPTYCH_"): name for name in sorted(known)}
    strange = sorted(n for n in environ if n.upper().startswith("TRIPTYCH_") and n.upper() not in known)
    matches = {n: get_close_matches(n.upper().removeprefix("TRIPTYCH_"), short, n=1) for n in strange}
    return tuple((name, short[found[0]] if found else None) for name, found in matches.items())


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
        return InvalidSettings(key, f"is not a setting{nearest(key, Settings.model_fields)}")
    problem = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
    if error["type"] == "string_pattern_mismatch":
        problem = "must be extractive, openai:MODEL or anthropic:MODEL"
    origin = _origin(field, overrides, read_file())
    name = origin.name if origin.kind == "environment" else variables(field)[0]
    where = f" (set in {origin.name})" if origin.kind == "file" else ""
    return InvalidSettings(name, f"{problem}{where}")


def require_model(settings: Settings) -> None:
    """Raise ``InvalidSettings`` where a persona has no model: a fleet's worker does not fall back unasked."""
    for persona in ("thesis", "antithesis", "synthesis"):
        if settings.model is None and getattr(settings, f"model_{persona}") is None:
            raise InvalidSettings(
                "TRIPTYCH_MODEL",
                "is not set; name the model that this worker answers with (openai:MODEL, anthropic:MODEL), or say "
                "extractive to have it answer with sentences from the documents",
            )
