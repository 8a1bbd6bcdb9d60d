"""The journal of a comparison: one JSON line per finished job, on the disk before the next one is begun.

The first line says what is compared. The same command finds it again and goes on behind the last whole line; a line
that a crash tore is dropped, and its job runs again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ValidationError

from orchestrator.comparing.lines import OPTION, Lines, growing
from orchestrator.contracts.base import Frozen, Sequence
from orchestrator.errors import InvalidInput
from orchestrator.experiment import Arm, Trial

NAME = "journal.jsonl"


class Header(Frozen):
    """What has to be the same for a comparison to go on. ``goals`` and ``evidence`` are fingerprints."""

    kind: Literal["comparison"] = "comparison"
    v: Literal[1] = 1
    seed: int
    arms: Annotated[tuple[Arm, ...], Sequence]
    goals: str
    evidence: str


class Journal:
    """An open journal; ``trials`` are those that it holds. One process at a time."""

    def __init__(self, lines: Lines, header: Header, trials: list[Trial]) -> None:
        self._lines = lines
        self.header = header
        self.trials = trials

    def add(self, trial: Trial) -> None:
        """Keep a finished job, through a crash of the machine too. Raises ``InvalidInput`` where there is no room."""
        self._lines.add(trial)
        self.trials.append(trial)

    @classmethod
    @contextmanager
    def open(cls, folder: Path, wanted: Header, *, seed_given: bool) -> Iterator[Journal]:
        """Open the journal in ``folder``, begun with ``wanted`` where there is none.

        An old one keeps its seed unless one was given. Raises ``InvalidInput`` where it is of another comparison,
        damaged, or in use.
        """
        with growing(folder / NAME) as lines:
            if not lines.whole:
                lines.add(wanted)
                yield cls(lines, wanted, [])
                return
            header = _header(lines.path, lines.whole[0])
            _check(lines.path, header, wanted, seed_given=seed_given)
            yield cls(
                lines,
                header,
                [_trial(lines.path, n, line) for n, line in enumerate(lines.whole[1:], start=2)],
            )


def _header(path: Path, line: bytes) -> Header:
    try:
        return Header.model_validate_json(line)
    except ValidationError:
        raise InvalidInput(
            OPTION, f"{path} is no journal of this version; name another folder, or remove it"
        ) from None


def _trial(path: Path, number: int, line: bytes) -> Trial:
    try:
        return Trial.model_validate_json(line)
    except ValidationError:
        raise InvalidInput(
            OPTION, f"{path} line {number} cannot be read; remove the line, and its job runs again"
        ) from None


def _check(path: Path, found: Header, wanted: Header, *, seed_given: bool) -> None:
    changed = {
        "the arms": found.arms != wanted.arms,
        "the goals": found.goals != wanted.goals,
        "the evidence found in the documents": found.evidence != wanted.evidence,
        "the seed": seed_given and found.seed != wanted.seed,
    }
    if any(changed.values()):
        names = " and ".join(name for name, differs in changed.items() if differs)
        raise InvalidInput(
            OPTION,
            f"{path} is of a comparison that differs in {names}; name another folder, or give what it was begun with",
        )
