"""``triptych.toml``: where it is, and what it says."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic_settings import PydanticBaseSettingsSource

from orchestrator.errors import InvalidSettings

CONFIG_VARIABLE = "TRIPTYCH_CONFIG"
"""Names the settings file; the only ``TRIPTYCH_`` variable that is not a setting itself."""

MAX_FILE_BYTES = 1_000_000


def settings_file() -> Path:
    """Name the file that would be read; it need not be there unless ``TRIPTYCH_CONFIG`` names it."""
    return Path(os.environ.get(CONFIG_VARIABLE) or "triptych.toml")


def read_file() -> dict[str, Any]:
    """The file's settings; none where there is no file. Raises ``InvalidSettings`` naming the file and its line."""
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


def nearest(key: str, names: Iterable[str]) -> str:
    """The end of a message about a name that is no setting's: what may have been meant."""
    match = get_close_matches(key.lower(), list(names), n=1)
    return f"; did you mean {match[0]!r}?" if match else "; `triptych config` lists all"


class FileSource(PydanticBaseSettingsSource):
    """``triptych.toml``, flat: one setting a line, under its field's name."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401, ARG002 - pydantic-settings' signature
        """What the file says of one field."""
        return read_file().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All that the file says. Raises ``InvalidSettings`` for a name that is no setting's."""
        values, names = read_file(), self.settings_cls.model_fields
        for key in values:
            if key not in names:
                raise InvalidSettings(
                    str(settings_file()), f"has an unknown setting {key!r}{nearest(key, names)}"
                )
        return values
