"""What a person sees of a running job: a state folded from its events, and two ways to show it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrator.cli.shared.output import counted
from orchestrator.cli.shared.tree import bar, in_rows, label
from orchestrator.contracts.events import (
    ClaimClosed,
    Event,
    PlanReady,
    StepEnd,
    StepRecovered,
    StepStart,
    ToolCall,
)
from orchestrator.plaintext import one_line
from orchestrator.routing.flow import CLAIM, SECTION, flow, name_of, part, sections
from orchestrator.store import LiveText

_MARK = {"waiting": "\N{MIDDLE DOT}", "running": "\N{BLACK RIGHT-POINTING TRIANGLE}", "ok": "\N{CHECK MARK}"}
ROOM_FOR_WORKERS = 90
"""Columns from which on there is room to say where a step runs."""
ROOM_FOR_WORDS = 50
"""Columns from which on words stand beside the steps; below, the plan's stand under them, and the others nowhere."""
BAR_CELLS = 16
_STYLE = {"waiting": "dim", "running": "cyan", "ok": "green", "failed": "red", "timeout": "red"}


@dataclass
class StepView:
    """One step on the screen. ``duration_ms`` is set when it has ended."""

    name: str
    status: str = "waiting"
    started_ms: int | None = None
    duration_ms: int | None = None
    where: str = ""
    words: str = ""
    model: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass
class JobView:
    """A job as far as its events tell. ``now_ms`` runs on between events, by this process's clock.

    ``awaiting`` says what has to come before the plan begins.
    """

    awaiting: str = ""
    steps: dict[str, StepView] = field(default_factory=lambda: {"plan": StepView("plan")})
    decided: str = ""
    _at_ms: int = 0
    _heard: float = 0.0

    def now_ms(self) -> int:
        """Redis TIME, as estimated from the newest event."""
        return self._at_ms + round((time.monotonic() - self._heard) * 1_000) if self._at_ms else 0

    def apply(self, event: Event | LiveText) -> StepView | None:
        """Fold one event in; returns the step that it changed, if any."""
        if isinstance(event, LiveText):
            view = self._step(event.step)
            if view.status == "running" or name_of(event.step) == CLAIM:
                view.words = event.text
            return view
        if event.at_ms > self._at_ms:
            self._at_ms, self._heard = event.at_ms, time.monotonic()
        if isinstance(event, PlanReady):
            self._planned(event)
            return None
        if isinstance(event, ClaimClosed):
            view = self._step(part(CLAIM, int(event.claim_id[1:])))
            view.status = "ok"
            return view
        if not isinstance(event, (StepStart, StepEnd, ToolCall, StepRecovered)) or event.step is None:
            return None
        return self._changed(self._step(event.step), event)

    def _planned(self, event: PlanReady) -> None:
        if not event.passages:
            self.decided = "no passages found"  # as a rule the job ends with that
            return
        self.decided = f"{event.mode}: {one_line(event.mode_reason, 200)}"
        for step in flow(event.mode, awaited=sections(event.sections)):
            self._step(step)

    @staticmethod
    def _changed(view: StepView, event: StepStart | StepEnd | ToolCall | StepRecovered) -> StepView:
        if isinstance(event, StepStart):
            view.status, view.started_ms = "running", event.at_ms
            view.where = f"{event.worker}:{event.process_id}/{event.thread_id}"
        elif isinstance(event, StepEnd):
            view.status, view.duration_ms = event.status, event.duration_ms
            view.model = event.model
            if event.kind:
                view.notes.append(event.kind)
        elif isinstance(event, ToolCall):
            view.notes.append(f"{event.tool}: {counted(event.passages, 'passage')}")
        else:
            view.notes.append("taken over after its worker was lost")
        return view

    def elapsed_ms(self, view: StepView) -> int | None:
        """How long a step ran, or has been running."""
        if view.duration_ms is not None:
            return view.duration_ms
        return max(0, self.now_ms() - view.started_ms) if view.started_ms else None

    def bar(self, view: StepView) -> str:
        """When a step ran, drawn on the job's time so far; nothing for a claim, which took none."""
        first = self.steps["plan"].started_ms
        running = any(step.status == "running" for step in self.steps.values())
        now = self.now_ms() if running else self._at_ms
        if first is None:
            return ""
        return bar(view.started_ms, self.elapsed_ms(view), first_ms=first, now_ms=now, cells=BAR_CELLS)

    def _step(self, name: str) -> StepView:
        return self.steps.setdefault(name, StepView(name))


class LiveTable:
    """The view of a terminal: one row per step, redrawn in place."""

    def __init__(self, console: Console, awaiting: str = "waiting for a worker") -> None:
        self.view = JobView(awaiting)
        self._live = Live(self, console=console, refresh_per_second=8, transient=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, event: Event | LiveText | None) -> None:
        """Take one event."""
        if event is not None:
            self.view.apply(event)

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the table for the terminal's width as it is now."""
        wide, narrow = options.max_width >= ROOM_FOR_WORKERS, options.max_width < ROOM_FOR_WORDS
        table = Table(box=None, pad_edge=False, expand=True, show_header=False)
        table.add_column(width=1)
        table.add_column(min_width=21, no_wrap=True)
        table.add_column(justify="right", width=8, no_wrap=True)
        rows = [self.view.steps[step] for step in in_rows(self.view.steps)]
        in_parts = any(name_of(view.name) in (CLAIM, SECTION) for view in rows)
        if wide:
            if in_parts:  # what ran beside what says more than where it did
                table.add_column(width=BAR_CELLS, no_wrap=True, style="cyan")
            else:
                table.add_column(no_wrap=True, max_width=30, style="dim")
        if not narrow:
            table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for view in rows:
            elapsed = self.view.elapsed_ms(view)
            said = Text(_said(view, self.view), style=_STYLE.get(view.status, ""))
            if view.name == "plan":
                said.no_wrap = False  # why the mode was chosen is read to its end; words as they come are not
            table.add_row(
                Text(_MARK.get(view.status, "\N{BALLOT X}"), style=_STYLE.get(view.status, "")),
                label(view.name),
                f"{elapsed / 1_000:.2f} s" if elapsed else "",
                *([self.view.bar(view) if in_parts else view.where] if wide else []),
                *([] if narrow else [said]),
            )
        yield table
        if narrow:
            yield Text(_said(self.view.steps["plan"], self.view), style="dim")


class PlainLines:
    """The view of a log or a pipe: one line per event, nothing redrawn."""

    def __init__(self, say: Callable[[str], None], awaiting: str = "") -> None:
        self.view = JobView(awaiting)
        self._say = say
        self._spoke: set[str] = set()

    def __enter__(self) -> Self:
        if self.view.awaiting:
            self._say(self.view.awaiting)
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, event: Event | LiveText | None) -> None:
        """Take one event and say what it changed."""
        if event is None:
            return
        step = self.view.apply(event)
        if isinstance(event, PlanReady):
            found = f", {counted(event.passages, 'passage')}" if event.passages else ""
            self._say(f"plan: {self.view.decided}{found}")
        elif isinstance(event, LiveText) and step and step.words and step.name not in self._spoke:
            self._spoke.add(step.name)
            who = label(step.name).strip() if name_of(step.name) == CLAIM else step.name
            self._say(f"{who}: {one_line(step.words, 100)}")
        elif isinstance(event, StepStart) and step:
            self._say(f"{step.name}: started on {step.where}")
        elif isinstance(event, StepEnd) and step and event.step != "plan":
            kind = f" ({event.kind})" if event.kind else ""
            self._say(f"{step.name}: {event.status}{kind} after {event.duration_ms / 1_000:.2f} s")
        elif isinstance(event, (ToolCall, StepRecovered)) and step:
            self._say(f"{step.name}: {step.notes[-1]}")


def _said(view: StepView, job: JobView) -> str:
    if view.status == "running":
        return one_line(view.words, 400) or "..."
    if view.name == "plan" and job.decided:
        return job.decided
    if view.status == "waiting":
        return f"{job.awaiting} ..." if view.name == "plan" else ""
    return one_line(", ".join(view.notes) or view.words or view.model, 400)
