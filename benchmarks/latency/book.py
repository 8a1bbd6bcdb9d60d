"""What the endpoint has written down of every call, and what a job's calls cost together. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

INPUT_PRICE: Final = 0.2
"""Of an output token's: what most price lists have."""
CACHED_PRICE: Final = 0.1
"""Of an input token's."""


class Entry(NamedTuple):
    """One call (or a job's, together): tokens of its prompt, of these cached, and written until it ended or was cut."""

    run: str
    job: int
    part: str
    attempt: int
    prompt: int
    cached: int
    written: int
    calls: int = 1


@dataclass(frozen=True)
class Cost:
    """What jobs cost, in output tokens; ``cached`` is with a prefix cache. ``calls`` are all, backups included."""

    plain: float
    cached: float
    written: float
    calls: float

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Cost:
        """Add calls up."""
        plain = cached = written = calls = 0.0
        for entry in entries:
            calls += entry.calls
            written += entry.written
            plain += entry.written + INPUT_PRICE * entry.prompt
            cached += entry.written + INPUT_PRICE * (entry.prompt - entry.cached * (1 - CACHED_PRICE))
        return cls(plain, cached, written, calls)

    def each(self, jobs: int) -> Cost:
        """The mean over so many jobs."""
        return Cost(self.plain / jobs, self.cached / jobs, self.written / jobs, self.calls / jobs)
