"""What every message shares: frozen, strict, closed, bounded, and versioned.

Version 1 is the wire format of the sequential pipeline that Triptych continues (its messages carry no
version); version 2 is this one. A reader upgrades what is older and refuses what is newer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

PROTOCOL = 2
"""The protocol's major number. It also stands in every queue's name, so that versions never meet there."""

ArguedMode = Literal["sequential", "parallel", "pipelined"]
"""The ways in which three personas argue: ``auto``, operators and rollouts choose among these."""
Mode = Literal["sequential", "parallel", "pipelined", "single"]
"""``single`` is one plain call that nobody opposes: what an argument has to beat."""
RequestedMode = Literal["auto", "sequential", "parallel", "pipelined", "single"]
Persona = Literal["thesis", "antithesis", "synthesis"]
Step = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,31}(:[0-9]{1,3})?$")]
"""The unit of work inside a job: ``plan``, ``thesis``, ``antithesis``, ``rebuttal:2`` (of one claim), ..."""

TaskId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
SMOKE_TENANT = "doctor"
"""Whose jobs `triptych doctor --job` sends: they are nobody's work, so reports and metrics leave them out."""
TENANT_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}$"
Tenant = Annotated[str, Field(pattern=TENANT_PATTERN)]
ClaimId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,15}$")]
PassageId = Annotated[str, Field(pattern=r"^[^\s\x00-\x1f\"<>]{1,64}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
MOST_SECTIONS = 4
Sections = Annotated[int, Field(ge=1, le=MOST_SECTIONS)]
"""Into how many parts a parallel job's synthesis is written side by side; 1 is in one piece."""
ToolName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


def _as_tuple(value: object) -> object:
    """Let callers pass lists where a message holds a tuple; strictness is about the items."""
    return tuple(value) if isinstance(value, list) else value


Sequence = BeforeValidator(_as_tuple)
"""Put beside a ``tuple[...]`` annotation so that Python callers may pass a list."""


class Frozen(BaseModel):
    """A value: immutable, strict about types, closed to unknown fields."""

    # An error's text may end up in a log: it says which field is wrong and never what stood there.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)


class Message(Frozen):
    """A value that crosses processes: it carries its version, and older versions are upgraded on the way in."""

    v: Literal[2] = 2

    upgrade_from_v1: ClassVar[Callable[[dict[str, Any]], dict[str, Any]] | None] = None
    """Turns version 1's fields into today's; ``None`` where version 1 had no such message."""

    @classmethod
    def from_wire(cls, raw: str | bytes) -> Self:
        """Read a message written by any supported version; one without ``v`` is version 1's.

        Raises ``pydantic.ValidationError`` for anything else, JSON that does not parse included.
        """
        try:
            data = json.loads(raw)
        except (ValueError, RecursionError):
            return cls.model_validate_json(raw)  # pydantic's message says where the JSON breaks
        if isinstance(data, dict) and "v" not in data and cls.upgrade_from_v1 is not None:
            raw = json.dumps({**data, "v": 1})
        return cls.model_validate_json(raw)

    @classmethod
    def from_store(cls, raw: str | bytes) -> Self:
        """Read what a Triptych of this protocol stored, a newer one included: fields unknown here are passed over.

        The door is strict, the store is lenient, so that versions can mix while a fleet is upgraded.
        Raises ``pydantic.ValidationError``.
        """
        return cls.model_validate_json(raw, extra="ignore")

    def to_wire(self) -> str:
        """Compact JSON, as stored and sent."""
        return self.model_dump_json(exclude_defaults=False)

    @model_validator(mode="before")
    @classmethod
    def _upgrade(cls, data: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever came in
        if not isinstance(data, dict) or data.get("v", PROTOCOL) == PROTOCOL:
            return data
        version = data["v"]
        if version == 1 and cls.upgrade_from_v1 is not None:
            try:
                return cls.upgrade_from_v1({k: value for k, value in data.items() if k != "v"})
            except (AttributeError, KeyError, TypeError):
                raise ValueError(
                    f"{cls.__name__} of version 1 lacks a field or holds one of another type"
                ) from None
        raise ValueError(
            f"{cls.__name__} of version {version!r} cannot be read by this Triptych (it reads {PROTOCOL}"
            f"{' and 1' if cls.upgrade_from_v1 else ''}); upgrade this process"
        )
