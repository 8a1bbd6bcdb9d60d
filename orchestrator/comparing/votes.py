"""A blind judge's votes, beside the journal: one line each, so that none is paid for twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from orchestrator.comparing.lines import OPTION, Lines, growing
from orchestrator.errors import InvalidInput
from orchestrator.experiment import Vote

NAME = "votes.jsonl"


class Votes:
    """An open file of votes; ``all`` are those that it holds. One process at a time."""

    def __init__(self, lines: Lines, found: list[Vote]) -> None:
        self._lines = lines
        self.all = found

    def add(self, vote: Vote) -> None:
        """Keep one, through a crash of the machine too. Raises ``InvalidInput`` where there is no room."""
        self._lines.add(vote)
        self.all.append(vote)

    @staticmethod
    def begun(folder: Path) -> bool:
        """Whether a judge was asked about what is in this folder."""
        return (folder / NAME).exists()

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Votes]:
        """Open those in ``folder``. Raises ``InvalidInput`` where they are damaged or in use."""
        with growing(folder / NAME) as lines:
            yield cls(lines, [_vote(lines.path, n, line) for n, line in enumerate(lines.whole, start=1)])


def _vote(path: Path, number: int, line: bytes) -> Vote:
    try:
        return Vote.model_validate_json(line)
    except ValidationError:
        raise InvalidInput(
            OPTION, f"{path} line {number} cannot be read; remove the line, and the judge is asked again"
        ) from None
