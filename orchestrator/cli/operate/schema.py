"""``triptych schema``: the contracts as JSON Schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.shared.output import emit, pipe_safe, write_file
from orchestrator.errors import InvalidInput


@pipe_safe
def command(
    name: Annotated[
        str | None, typer.Argument(help="TaskSpec, Plan, Result, Event, ...; none for all.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write NAME.schema.json files into this folder.")] = None,
) -> None:
    """Print a contract's JSON Schema, or all of them as one object by name."""
    export(select(name), single=name is not None, out=out)


def select(name: str | None) -> dict[str, dict[str, object]]:
    """Give the schemas asked for by name, in any case. Raises ``InvalidInput`` for a name there is not."""
    from orchestrator.contracts.schemas import NAMES, schema

    chosen = NAMES if name is None else tuple(known for known in NAMES if known.lower() == name.lower())
    if not chosen:
        raise InvalidInput("NAME", f"is no contract; choose one of {', '.join(NAMES)}")
    return {known: schema(known) for known in chosen}


def export(schemas: dict[str, dict[str, object]], *, single: bool, out: Path | None) -> None:
    """Print the schemas, or write one file each into a folder, made if need be."""
    if out is None:
        shown: object = next(iter(schemas.values())) if single else schemas
        emit(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput("--out", f"{out} cannot be made ({error.strerror}); name a folder") from None
    for name, body in schemas.items():
        write_file(out / f"{name}.schema.json", json.dumps(body, indent=2, ensure_ascii=False) + "\n")
