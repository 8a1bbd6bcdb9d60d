"""Writes docs/settings.md from the settings themselves; ``--check`` only says whether it is current."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from orchestrator.settings import Settings, variables

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
INTRO = """\
# Settings

<!-- Written by scripts/settings_table.py from orchestrator/settings/model.py and services.py; edit there. -->

Every setting can be given in the environment or, under the name in the last column, in a TOML file:
`triptych.toml` in the working folder, or the file that `TRIPTYCH_CONFIG` names. The environment is stronger
than the file; an argument of a command is stronger than both. An empty variable counts as unset.
`triptych config` prints what is in effect and where each value comes from; `triptych config --check` fails on
a misspelt variable.

"""


def page() -> str:
    """Write the whole page."""
    rows = ["| variable | default | what it does | in the file |", "| --- | --- | --- | --- |"]
    rows += [
        f"| {' or '.join(f'`{v}`' for v in variables(name))} | {default(name, field)} "
        f"| {escaped(field.description or '')} | `{name}` |"
        for name, field in Settings.model_fields.items()
    ]
    return INTRO + "\n".join(rows) + "\n"


def default(name: str, field: FieldInfo) -> str:
    """Write a default as in a shell; one that depends on the machine is named, not evaluated."""
    if name == "home":
        return "`$XDG_DATA_HOME/triptych`, else `~/.local/share/triptych`"
    if field.default is None:
        return "unset (secret)" if SecretStr in get_args(field.annotation) else "unset"
    return f"`{field.default}`"


def escaped(text: str) -> str:
    """Text that stays inside its table cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> int:
    """Write the page, or with ``--check`` compare it: 0 where it is current, 1 where not."""
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE.name} is not current; run: python scripts/settings_table.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
