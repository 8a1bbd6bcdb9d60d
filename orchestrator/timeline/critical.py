"""Which attempts determined when a job ended, and how many ran at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from orchestrator.routing.flow import (
    CRITIC,
    REBUTTAL,
    RESOLUTION,
    SYNTHESIS,
    THESIS,
    name_of,
    number_of,
    part,
)
from orchestrator.timeline.model import UNHEARD, Row, RowStatus

_UNFINISHED: frozenset[RowStatus] = UNHEARD | {"running"}


def critical(rows: Sequence[Row], total_ms: int) -> frozenset[int]:
    """Walk back from the attempt that ended last to the one that let it begin, and so on; indexes of ``rows``.

    That is the latest-ending one before its start; of a part of a pipelined job, the part before it on the same claim,
    and of a rebuttal the thesis, which goes on beside it. What outlived the job did not determine its end, nor did a
    step that a finished synthesis went on without.
    """
    candidates = [i for i, row in enumerate(rows) if row.end_ms <= total_ms] or list(range(len(rows)))
    if not candidates:
        return frozenset()

    def ended(index: int) -> tuple[int, int, int]:
        return rows[index].end_ms, rows[index].start_ms, index

    finished = [i for i in candidates if rows[i].step == SYNTHESIS and rows[i].status not in _UNFINISHED]
    current = max(finished or candidates, key=ended)
    path = {current}
    while (before := _before(current, candidates, rows, ended)) is not None and before not in path:
        path.add(before)
        current = before
    return frozenset(path)


def _before(
    current: int,
    candidates: Sequence[int],
    rows: Sequence[Row],
    ended: Callable[[int], tuple[int, int, int]],
) -> int | None:
    """What let this attempt begin; ``None`` where nothing came before."""
    row = rows[current]
    name = name_of(row.step)
    if name == REBUTTAL:
        writing = [i for i in candidates if rows[i].step == THESIS and rows[i].start_ms <= row.start_ms]
        if writing:
            return max(writing, key=lambda i: rows[i].start_ms)
    # Each one sorts before its successor: attempts of no length at one instant cannot go in circles.
    earlier = [i for i in candidates if rows[i].end_ms <= row.start_ms and ended(i) < ended(current)]
    if name == RESOLUTION:
        own = part(REBUTTAL, number_of(row.step))
        earlier = [i for i in earlier if rows[i].step == own] or earlier
    elif any(name_of(rows[i].step) == RESOLUTION for i in earlier):
        earlier = [i for i in earlier if rows[i].step != CRITIC]  # nobody waits for it
    return max(earlier, key=ended, default=None)


def path_ms(path: Iterable[Row]) -> int:
    """The length of a chain of attempts: of one that goes on beside its successor, as much as that waited for."""
    rows = sorted(path, key=lambda row: (row.start_ms, row.end_ms))
    ends = [row.start_ms for row in rows[1:]]
    return sum(
        min(row.end_ms, max(row.start_ms, until)) - row.start_ms
        for row, until in zip(rows, chain(ends, [row.end_ms for row in rows[-1:]]), strict=True)
    )


def at_once(rows: Iterable[Row]) -> int:
    """The most attempts that ran at one moment."""
    changes = sorted(
        change for row in rows if row.duration_ms > 0 for change in ((row.start_ms, 1), (row.end_ms, -1))
    )
    most = running = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most
