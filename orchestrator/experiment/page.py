"""The report as one HTML file that needs nothing else: no script, no network, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from orchestrator.experiment.figures import ArmReport, Comparison, PairReport
from orchestrator.experiment.plots import intervals, latencies, preferences
from orchestrator.experiment.trial import Trial, Vote
from orchestrator.experiment.words import (
    MEASURED,
    VERDICTS,
    caveat,
    contrast,
    headline,
    judged_by,
    p_value,
    preferred,
    told,
)
from orchestrator.plaintext import plain

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #667; --paper: #fff; --line: #d6d9de; --mark: #2563a8;
  --good: #1a7f4b; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6ea; --dim: #9aa1ab; --paper: #16181c; --line: #363b43;
  --mark: #78aef0; --good: #56c08b; --bad: #ff8a80; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; display: block; overflow-x: auto; }
th, td { text-align: right; padding: .2rem .7rem; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
th { color: var(--dim); font-weight: 500; }
svg { width: 100%; max-width: 56rem; height: auto; }
svg text { fill: var(--ink); font-size: 13px; } svg .tick { fill: var(--dim); font-size: 11px; }
svg .run { fill: var(--mark); opacity: .35; } svg .mean { fill: var(--ink); }
svg .interval { stroke: var(--ink); stroke-width: 3; } svg .zero { stroke: var(--dim); }
svg .won { fill: var(--good); opacity: .45; } svg .lost { fill: var(--bad); opacity: .45; }
svg .tied { fill: var(--line); } svg .margin { stroke: var(--bad); stroke-width: 2; stroke-dasharray: 4 3; }
.better { color: var(--good); } .worse { color: var(--bad); } .too_few, .dim { color: var(--dim); }
.verdict { font-size: 1.15rem; font-weight: 600; margin: 1.5rem 0 .3rem; }
.sides { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(18rem, 1fr); gap: 1rem; overflow-x: auto; }
.answer { white-space: pre-wrap; font: inherit; border-top: 1px solid var(--line); padding-top: .5rem; }
details { border-bottom: 1px solid var(--line); padding: .4rem 0; } summary { cursor: pointer; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render(found: Comparison) -> str:
    """Write the page. Texts of models and documents are shown, never interpreted."""
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Comparison</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(' against '.join(arm.arm for arm in found.arms))}</h1>",
            f"<p>{_about(found)}</p>",
            f"<p><strong>{escape(caveat(found))}</strong></p>" if caveat(found) else "",
            *(_pair(pair) for pair in found.pairs),
            f"<h2>Latency</h2>{latencies(found)}{_latency_table(found.arms)}",
            f"<h2>Runs</h2>{_runs_table(found.arms)}",
            f"<h2>The gate</h2>{_gate_table(found.arms)}{_level_tests(found.pairs)}",
            f"<h2>The argument</h2>{_debate_table(found.arms)}",
            _blind_judge(found),
            f"<h2>Tokens and cost</h2>{_token_table(found.arms)}",
            f"<h2>Slices</h2>{_slice_table(found)}",
            f"<h2>Goals</h2>{''.join(_drill(found))}",
            "</body></html>",
        ]
    )


def _about(found: Comparison) -> str:
    models = ", ".join(found.models) or "no model"
    told_apart = "so that all verdicts together tell equal arms apart in 5 % of comparisons at most"
    return escape(
        f"{found.goals} goals, {len(found.trials)} runs by {models}; seed {found.seed}. "
        f"Intervals: {_percent(1 - found.alpha)} each, {told_apart}. Margins: "
        f"{_percent(found.margin_latency)} of the mean latency, {100 * found.margin_rate:g} points of each rate."
    )


def _pair(pair: PairReport) -> str:
    title = f"{pair.candidate} against {pair.reference}"
    rows = [
        (
            MEASURED[j.measure],
            f'<span class="{j.verdict}">{escape(VERDICTS[j.verdict])}</span>',
            escape(told(j)),
        )
        for j in pair.judgements
    ]
    beside = f"<p>{escape(contrast(pair))}</p>" if contrast(pair) else ""
    return (
        f'<p class="verdict {pair.verdict}">{escape(headline(pair))}</p>{beside}'
        f"{_table(('', 'verdict', 'candidate minus reference'), rows)}{intervals(pair.judgements, title)}"
    )


def _blind_judge(found: Comparison) -> str:
    """What a judge that did not know the arms prefers: no part of the verdicts, and so in a section of its own."""
    if found.judge is None or found.alpha_preference is None:
        return ""
    judged = [(f"{p.candidate} over {p.reference}", p.preference) for p in found.pairs if p.preference]
    rows = [
        (
            escape(name), f'<span class="{p.judgement.verdict}">{escape(VERDICTS[p.judgement.verdict])}</span>',
            escape(preferred(p)), _of(p.turned, p.asked), _of(p.longer, p.longer + p.shorter),
        )
        for name, p in judged
    ]  # fmt: skip
    about = (
        f"{judged_by(found.judge)}. The tokens count for no arm. It saw the question and two answers, without what "
        "names an arm, in both orders. An arm wins a goal that it wins in both; a tie counts half. "
        f"Intervals: {_percent(1 - found.alpha_preference)} each. It has no part in the verdicts above."
    )
    columns = ("pair", "verdict", "preferred", "decided by the order alone", "longer one won")
    return f"<h2>The blind judge</h2><p>{_text(about)}</p>{preferences(judged)}{_table(columns, rows)}"


def _latency_table(arms: Sequence[ArmReport]) -> str:
    rows = [
        (
            escape(a.arm), a.whole, _s(a.mean_s), f"{_s(a.low_s)} to {_s(a.high_s)}", _s(a.p50_s), _s(a.p95_s),
            _s(a.max_s),
        )
        for a in arms
    ]  # fmt: skip
    return _table(("arm", "whole runs", "mean", "95 %", "p50", "p95", "longest"), rows)


def _runs_table(arms: Sequence[ArmReport]) -> str:
    rows = [
        (
            escape(a.arm), a.runs, a.complete, a.degraded, a.failed, a.whole, a.evidence_ok,
            _text(", ".join(f"{reason} {count}" for reason, count in a.reasons.items()) or "-"),
        )
        for a in arms
    ]  # fmt: skip
    columns = ("arm", "runs", "complete", "degraded", "failed", "nothing lost", "evidence holds", "reasons")
    return _table(columns, rows)


def _gate_table(arms: Sequence[ArmReport]) -> str:
    rows = [
        (
            escape(a.arm), level.level, escape(level.name), level.passed, level.checked,
            "-" if level.rate is None else _percent(level.rate), level.not_judged,
        )
        for a in arms
        for level in a.levels
    ]  # fmt: skip
    return _table(("arm", "level", "", "passed", "checked", "rate", "not judged"), rows)


def _level_tests(pairs: Sequence[PairReport]) -> str:
    rows = [
        (escape(f"{p.candidate} against {p.reference}"), t.level, escape(t.name), t.wins, t.losses, p_value(t.p))
        for p in pairs
        for t in p.levels
    ]  # fmt: skip
    heading = '<p class="dim">Answers that are clean at a level in one arm only (McNemar, exact):</p>'
    return heading + _table(("pair", "level", "", "won", "lost", "p"), rows)


def _debate_table(arms: Sequence[ArmReport]) -> str:
    rows = [
        (
            escape(a.arm), a.claims, a.debate.positions, _of(a.debate.settled, a.debate.positions), a.debate.objections,
            _of(a.debate.naming, a.debate.objections), _of(a.debate.quoting, a.debate.objections), a.debate.distinct,
        )
        for a in arms
    ]  # fmt: skip
    columns = (
        "arm",
        "claims delivered",
        "positions",
        "settled",
        "objections",
        "name a claim",
        "and quote it",
        "distinct",
    )
    return _table(columns, rows)


def _token_table(arms: Sequence[ArmReport]) -> str:
    rows = [
        (
            escape(a.arm), f"{a.usage.input_tokens:,}", f"{a.usage.cached_tokens:,}", f"{a.usage.output_tokens:,}",
            f"{a.usage.estimated_tokens:,}", a.usage.calls, "-" if a.cost is None else f"{a.cost:,.4f}",
            "-" if a.cost is None or not a.runs else f"{a.cost / a.runs:,.5f}",
        )
        for a in arms
    ]  # fmt: skip
    return _table(("arm", "in", "cached", "out", "not counted", "calls", "cost", "per run"), rows)


def _slice_table(found: Comparison) -> str:
    rows = [
        (
            escape(f"{part.by} {part.value}"), part.goals, escape(arm.arm), _s(arm.mean_s),
            _of(arm.evidence_ok, arm.runs), _of(arm.whole, arm.runs),
        )
        for part in found.slices
        for arm in part.arms
    ]  # fmt: skip
    return _table(("slice", "goals", "arm", "mean", "evidence holds", "nothing lost"), rows)


def _drill(found: Comparison) -> Iterator[str]:
    by_goal: dict[str, list[Trial]] = {}
    for trial in found.trials:
        by_goal.setdefault(trial.goal, []).append(trial)
    for goal_id, trials in by_goal.items():
        states = ", ".join(f"{t.arm} {t.status} {t.latency_s:.2f} s" for t in trials)
        sides = "".join(f"<div>{_side(trial)}</div>" for trial in trials)
        said = "".join(f"<br>{_text(_said(o))}" for o in found.votes if o.goal == goal_id)
        yield (
            f"<details><summary>{_text(goal_id)}: {_text(found.texts.get(goal_id, ''))} "
            f'<span class="dim">{_text(states)}</span></summary><div class="sides">{sides}</div>'
            f"{f'<p>Blind judge:{said}</p>' if said else ''}</details>"
        )


def _said(vote: Vote) -> str:
    better = {"first": vote.first, "second": vote.second, "tie": "neither", None: f"silent ({vote.silence})"}
    why = f". {vote.why}" if vote.why else ""
    return f"{vote.first} first, {vote.second} second: {better[vote.better]}{why}"


def _side(trial: Trial) -> str:
    levels = ", ".join(f"level {x.level} {x.passed}/{x.checked}" for x in trial.levels if x.checked)
    facts = [
        f"{trial.status}" + (f": {', '.join(trial.reasons)}" if trial.reasons else ""),
        f"evidence {'holds' if trial.evidence_ok else 'does NOT hold'} ({levels or 'nothing to check'})",
        f"{trial.claims} claims, {trial.usage.tokens:,} tokens, job {trial.task_id}",
    ]
    said = "".join(f"<br>{_text(fact)}" for fact in facts)
    answer = f'<pre class="answer">{_text(trial.answer)}</pre>'
    return f"<strong>{_text(trial.arm)}</strong>, {trial.latency_s:.2f} s{said}{answer}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Cells are HTML already."""
    head = "".join(f"<th>{column}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(text: str) -> str:
    return escape(plain(text))


def _s(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({_percent(part / whole)})" if whole else "")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
