"""A rollout, as people and programs read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.cli.shared.operator import since
from orchestrator.contracts.events import RolloutMoved, RolloutStarted
from orchestrator.plaintext import one_line
from orchestrator.rollout.decide import Hold, decide, read
from orchestrator.rollout.guard import THRESHOLD
from orchestrator.rollout.moving import share_in_force
from orchestrator.rollout.tally import ArmTally
from orchestrator.store.rollouts import Rollout
from orchestrator.switch import Switch

Moves = Sequence[RolloutStarted | RolloutMoved]
_MOVES = {
    "advance": "advanced",
    "complete": "completed",
    "roll_back": "ROLLED BACK",
    "promote": "promoted by hand",
    "pause": "paused",
    "resume": "resumed",
    "abort": "aborted",
    "clear": "cleared",
}


def as_object(stands: Rollout | None, history: Moves) -> str:
    """One JSON object; ``rollout`` is null where there is none."""
    if stands is None:
        return json.dumps({"rollout": None, "history": _told(history)}, ensure_ascii=False)
    reading = read(stands.spec, stands.status.stage, stands.tallies)
    found = decide(stands.spec, stands.status, stands.tallies, stands.now_ms)
    said = {
        "rollout": stands.spec.id,
        "spec": stands.spec.model_dump(),
        "status": stands.status.model_dump(),
        "share": share_in_force(stands.spec, stands.status),
        "evidence": reading.evidence,
        "threshold": THRESHOLD,
        "excess_bound": reading.excess,
        "slower_bound": reading.slower,
        "waits": list(found.waits) if isinstance(found, Hold) else [],
        "jobs": {f"{share:g}": asdict(both) for share, both in stands.tallies.items()},
        "history": _told(history),
    }
    return json.dumps(said, ensure_ascii=False)


def _told(history: Moves) -> list[dict[str, object]]:
    return [event.model_dump(exclude_defaults=True) | {"event": event.event} for event in history]


def layout(stands: Rollout | None, history: Moves, switch: Switch | None) -> Group:
    """Lay it out: where it is, what is known, what it waits for, what was."""
    if stands is None:
        said = "no rollout: TRIPTYCH_PARALLEL_SHARE of the workers decides (triptych rollout start --help)"
        return Group(Text(said), *_history(history))
    return Group(
        _headline(stands),
        Text(_way(stands), style="dim"),
        *([_table(stands)] if stands.counted else []),
        *_known(stands),
        *_waits(stands, switch),
        *_history([event for event in history if _about(event) == stands.spec.id]),
    )


def _about(event: RolloutStarted | RolloutMoved) -> str:
    return event.spec.id if isinstance(event, RolloutStarted) else event.rollout


def _headline(stands: Rollout) -> Text:
    spec, status = stands.spec, stands.status
    style = {"rolled_back": "bold red", "aborted": "bold red", "paused": "yellow"}.get(status.phase, "green")
    return Text.assemble(
        f"{spec.from_mode} -> {spec.to_mode}: ",
        (status.phase.replace("_", " "), style),
        f", {share_in_force(spec, status):g} % of the eligible jobs run {spec.to_mode}  ({spec.id}, since "
        f"{since(status.moved_ms)})",
    )


def _way(stands: Rollout) -> str:
    stages = [
        f"[{stage.share:g}]" if number == stands.status.stage else f"{stage.share:g}"
        for number, stage in enumerate(stands.spec.stages)
    ]
    return f"stages {' -> '.join(stages)} %"


def _table(stands: Rollout) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 0, 0, 2))
    for name in ("share", "mode", "jobs", "failures", "failed", "degraded", "rate", "mean"):
        table.add_column(name, justify="left" if name in ("share", "mode") else "right", header_style="dim")
    for share, both in stands.tallies.items():
        for mode, arm in ((stands.spec.to_mode, both.canary), (stands.spec.from_mode, both.control)):
            if arm.jobs:
                table.add_row(f"{share:g} %", mode, *_figures(arm))
    return table


def _figures(arm: ArmTally) -> Iterator[str]:
    yield from (str(n) for n in (arm.jobs, arm.failures, arm.failed, arm.degraded))
    yield "-" if arm.rate is None else f"{100 * arm.rate:.1f} %"
    yield f"{arm.seconds.mean:.2f} s" if arm.measured else "-"


def _known(stands: Rollout) -> Iterator[RenderableType]:
    reading = read(stands.spec, stands.status.stage, stands.tallies)
    spec, nothing = stands.spec, "nothing to compare yet"
    yield Text(f"guard    E = {reading.evidence:.3g}; rolls back at {THRESHOLD:g}")
    fails = (
        nothing if reading.excess is None else f"at most {100 * reading.excess:.1f} points more often (95 %)"
    )
    yield Text(f"fails    {fails}; promotes below {100 * spec.margin:g}")
    takes = nothing if reading.slower is None else f"at most {100 * reading.slower:+.0f} % in the mean (95 %)"
    yield Text(f"takes    {takes}; promotes up to {100 * spec.slower:+g} %")


def _waits(stands: Rollout, switch: Switch | None) -> Iterator[RenderableType]:
    found = decide(stands.spec, stands.status, stands.tallies, stands.now_ms)
    if not isinstance(found, Hold):
        yield Text(f"next     {found.move.replace('_', ' ')}: {found.why}")
        return
    for number, wait in enumerate(found.waits):
        yield Text(f"{'' if number else 'waits':<9}{wait}")
    if switch and switch.mode != "auto":
        who = f"set by {one_line(switch.who, 60)}"
        yield Text(
            f"No job is assigned: all new jobs run {switch.mode} (triptych mode, {who}).", style="yellow"
        )
    elif not stands.counted:
        yield Text(
            "No job has been counted yet. Eligible ones ask for auto, lie below the complexity boundary, and their "
            "workers leave TRIPTYCH_PARALLEL_MODE at auto.",
            style="dim",
        )


def _history(history: Moves) -> Iterator[RenderableType]:
    for number, event in enumerate(history):
        if isinstance(event, RolloutStarted):
            first = event.spec.stages[0].share
            what = f"started {event.spec.id}, {event.spec.from_mode} -> {event.spec.to_mode}, at {first:g} %"
        else:
            what = f"{_MOVES[event.move]}, {event.share:g} %"
        why = f": {one_line(event.why, 300)}" if event.why else ""
        head = "history" if number == 0 else ""
        yield Text(
            f"{head:<9}{since(event.decided_ms)} {what}, by {one_line(event.who, 60)}{why}", style="dim"
        )
