"""The report's pictures as inline SVG: every run's latency by arm, and every verdict's interval against its margin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from orchestrator.experiment.figures import Comparison, PreferenceReport
from orchestrator.experiment.verdict import Judgement
from orchestrator.experiment.words import MEASURED

_WIDTH, _LEFT, _RIGHT, _ROW = 760, 190, 20, 44


def latencies(found: Comparison) -> str:
    """One row per arm: a dot for each whole run, the mean with its 95 % interval over them."""
    runs = {
        arm.arm: [t.latency_s for t in found.trials if t.arm == arm.arm and t.whole] for arm in found.arms
    }
    longest = max((s for seconds in runs.values() for s in seconds), default=0.0)
    if not longest:
        return ""
    scale = _Scale(0.0, longest * 1.02)
    rows = []
    for number, arm in enumerate(found.arms):
        y = 20 + number * _ROW
        rows.append(f'<text x="0" y="{y + 4}">{escape(arm.arm)}</text>')
        # Spread over the row by their order, so that equal ones stand side by side.
        rows += [
            f'<circle cx="{scale.x(s):.1f}" cy="{y - 9 + (i * 7) % 19}" r="2.5" class="run"/>'
            for i, s in enumerate(runs[arm.arm])
        ]
        if arm.mean_s is not None and arm.low_s is not None and arm.high_s is not None:
            rows.append(_whisker(scale, y, arm.low_s, arm.mean_s, arm.high_s))
    height = 20 + len(found.arms) * _ROW
    return _svg(height + 30, [*rows, *_axis(scale, height, "s")], "Latency of every whole run, by arm")


def intervals(judgements: Sequence[Judgement], title: str) -> str:
    """One row per measure that has an interval, in percent or points; right of the middle is the candidate's gain."""
    drawn = [
        (j, sign, sign * 100 * j.difference, 100 * j.low, 100 * j.high)
        for j in judgements
        if j.difference is not None and j.low is not None and j.high is not None
        for sign in (-1 if j.measure == "latency" else 1,)
    ]
    if not drawn:
        return ""
    ends = [abs(v) for _, _, middle, low, high in drawn for v in (middle, low, high)]
    reach = max(*ends, *(100 * j.margin for j, *_ in drawn)) * 1.05
    scale = _Scale(-reach, reach)
    height = 20 + len(drawn) * _ROW
    rows = [f'<line x1="{scale.x(0):.1f}" x2="{scale.x(0):.1f}" y1="4" y2="{height - 14}" class="zero"/>']
    for number, (j, sign, middle, low, high) in enumerate(drawn):
        y = 20 + number * _ROW
        worst = scale.x(-100 * j.margin)
        rows += [
            f'<text x="0" y="{y + 4}">{MEASURED[j.measure]}</text>',
            f'<line x1="{worst:.1f}" x2="{worst:.1f}" y1="{y - 14}" y2="{y + 14}" class="margin"/>',
            _whisker(scale, y, *sorted((sign * low, sign * high)), at=middle),
        ]
    axis = _axis(scale, height, "% faster, or points more")
    return _svg(height + 30, [*rows, *axis], title)


def preferences(judged: Sequence[tuple[str, PreferenceReport]]) -> str:
    """One row per pair: goals won, tied and lost as a bar, over it the share with its interval and the margin."""
    drawn = [(name, p, p.judgement.wins + p.judgement.losses + p.ties) for name, p in judged]
    scale, height = _Scale(0.0, 100.0), 20 + len(drawn) * _ROW
    rows = []
    for number, (name, preference, goals) in enumerate(drawn):
        y, at, j = 20 + number * _ROW, 0.0, preference.judgement
        rows.append(f'<text x="0" y="{y + 4}">{escape(name)}</text>')
        for kind, count in (("won", j.wins), ("tied", preference.ties), ("lost", j.losses)):
            share = 100 * count / goals if goals else 0.0
            wide = scale.x(share) - scale.x(0)
            bar = f'<rect x="{scale.x(at):.1f}" y="{y - 13}" width="{wide:.1f}" height="26" class="{kind}"'
            rows.append(f"{bar}><title>{kind} {count}</title></rect>")
            at += share
        worst = scale.x(50 - 100 * j.margin)
        rows += [
            f'<line x1="{scale.x(50):.1f}" x2="{scale.x(50):.1f}" y1="{y - 16}" y2="{y + 16}" class="zero"/>',
            f'<line x1="{worst:.1f}" x2="{worst:.1f}" y1="{y - 16}" y2="{y + 16}" class="margin"/>',
        ]
        if j.candidate is not None and j.low is not None and j.high is not None:
            ends = 100 * (0.5 + j.low), 100 * (0.5 + j.high)
            rows.append(_whisker(scale, y, *ends, at=100 * j.candidate))
    return _svg(height + 30, [*rows, *_axis(scale, height, "% of goals")], "What the blind judge prefers")


class _Scale:
    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def x(self, value: float) -> float:
        return _LEFT + (value - self.low) / (self.high - self.low) * (_WIDTH - _LEFT - _RIGHT)


def _whisker(scale: _Scale, y: int, low: float, *rest: float, at: float | None = None) -> str:
    high = rest[-1]
    middle = rest[0] if at is None else at
    return (
        f'<line x1="{scale.x(low):.1f}" x2="{scale.x(high):.1f}" y1="{y}" y2="{y}" class="interval"/>'
        f'<circle cx="{scale.x(middle):.1f}" cy="{y}" r="5" class="mean"/>'
    )


def _axis(scale: _Scale, y: int, unit: str) -> Iterator[str]:
    for step in range(5):
        value = scale.low + step * (scale.high - scale.low) / 4
        x = scale.x(value)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 12}" y2="{y - 7}" class="zero"/>'
        anchor = "end" if step == 4 else "middle"
        yield f'<text x="{x:.1f}" y="{y + 7}" text-anchor="{anchor}" class="tick">{value:.3g}</text>'
    yield f'<text x="0" y="{y + 7}" class="tick">{escape(unit)}</text>'


def _svg(height: int, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
