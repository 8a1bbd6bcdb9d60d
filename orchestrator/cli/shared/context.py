"""The conversation so far, from a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from orchestrator.contracts import Turn
from orchestrator.errors import InvalidInput

MAX_BYTES = 1_000_000
_turns: TypeAdapter[tuple[Turn, ...]] = TypeAdapter(tuple[Turn, ...])


def read_context(path: Path) -> tuple[Turn, ...]:
    """Read a JSON list of ``{"role": "user" | "assistant", "text": ...}``. Raises ``InvalidInput``."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput("--context", f"{path} is over {MAX_BYTES:,} bytes; keep the last turns")
        return _turns.validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidInput("--context", f"{path} cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InvalidInput(
            "--context", f"{path}: {where}: {first['msg']}; write a list of {{role, text}}"
        ) from None
