"""A file of goals, one JSON object a line, read strictly: an error names the line, the field and what to write."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, ValidationError, field_validator

from orchestrator.contracts.base import Frozen, Language, Sequence
from orchestrator.contracts.evidence import Passage
from orchestrator.contracts.task import MAX_GOAL_CHARS, MAX_INLINE_PASSAGES
from orchestrator.errors import InvalidInput

MAX_GOALS = 10_000
_MAX_PROBLEMS = 3


class Goal(Frozen):
    """One question that every arm answers. ``id`` is ``g`` and the line's number where the file gives none.

    ``passages`` are its evidence, instead of what is found in the documents. The other fields are a ``TaskSpec``'s.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    goal: Annotated[str, Field(min_length=1, max_length=MAX_GOAL_CHARS)]
    constraints: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Sequence, Field(max_length=32)
    ] = ()
    scope: Annotated[str, Field(max_length=2_000)] = ""
    language: Language | None = None
    complexity: Annotated[float, Field(ge=0, le=10, strict=False)] | None = None
    passages: Annotated[tuple[Passage, ...], Sequence, Field(max_length=MAX_INLINE_PASSAGES)] = ()

    @field_validator("goal")
    @classmethod
    def _says_something(cls, goal: str) -> str:
        if not goal.strip():
            raise ValueError("is empty; ask a question")
        return goal.strip()


def parse_goals(lines: Iterable[str], name: str) -> tuple[Goal, ...]:
    """Read goals; empty lines are passed over. ``name`` is the file's, for messages. Raises ``InvalidInput``."""
    goals: dict[str, tuple[int, Goal]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        goal = _goal(line, number, name)
        if goal.id in goals:
            first = goals[goal.id][0]
            raise InvalidInput(
                name, f"line {number}: id {goal.id!r} is line {first}'s already; give each its own"
            )
        goals[goal.id] = number, goal
        if len(goals) > MAX_GOALS:
            raise InvalidInput(
                name, f"line {number}: more than {MAX_GOALS:,} goals; compare on a part of them"
            )
    if not goals:
        raise InvalidInput(name, 'holds no goal; write one JSON object a line: {"goal": "Should we ...?"}')
    return tuple(goal for _, goal in goals.values())


def _goal(line: str, number: int, name: str) -> Goal:
    def wrong(problem: str) -> InvalidInput:
        return InvalidInput(name, f"line {number}: {problem}")

    try:
        fields = json.loads(line.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"))
    except RecursionError:
        raise wrong("is nested too deeply") from None
    except ValueError as error:
        at = f"column {error.colno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise wrong(f'is no JSON ({at}); write {{"goal": "Should we ...?"}}') from None
    if not isinstance(fields, dict):
        raise wrong('is no JSON object; write {"goal": "Should we ...?"}')
    try:
        return Goal.model_validate({"id": f"g{number}", **fields})
    except ValidationError as error:
        problems = [_problem(item["loc"], item["type"], item["msg"]) for item in error.errors()]
        more = f"; and {len(problems) - _MAX_PROBLEMS} more" if len(problems) > _MAX_PROBLEMS else ""
        raise wrong("; ".join(problems[:_MAX_PROBLEMS]) + more) from None


def _problem(loc: tuple[int | str, ...], kind: str, message: str) -> str:
    place = ".".join(str(part)[:80] for part in loc)
    if kind == "missing":
        return f"{place} is missing"
    if kind == "extra_forbidden":
        return f"{place} is no field of a goal; there are {', '.join(Goal.model_fields)}"
    return f"{place}: {message.removeprefix('Value error, ')}"
