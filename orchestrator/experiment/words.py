"""Verdicts in words, for the terminal and the page alike."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.experiment.figures import Comparison, JudgeReport, PairReport, PreferenceReport
from orchestrator.experiment.verdict import Judgement, Measure, Verdict

VERDICTS: Mapping[Verdict, str] = {
    "better": "better",
    "not_worse": "not worse within the margin",
    "worse": "worse",
    "too_few": "not enough data",
}
MEASURED: Mapping[Measure, str] = {
    "latency": "latency",
    "evidence": "evidence holds",
    "whole": "nothing lost",
    "preference": "blind judge",
}


def headline(pair: PairReport) -> str:
    """The pair's verdict in one line."""
    said = f"{pair.candidate} against {pair.reference}: {VERDICTS[pair.verdict]}"
    if pair.verdict == "worse":
        return f"{said} ({', '.join(MEASURED[j.measure] for j in pair.judgements if j.verdict == 'worse')})"
    if pair.verdict == "better":
        return f"{said} ({', '.join(MEASURED[j.measure] for j in pair.judgements if j.verdict == 'better')})"
    if pair.verdict != "too_few":
        return said
    if pair.more is None:
        return f"{said}, and none in sight: the arms are too close to a margin, or differ too much from goal to goal"
    return f"{said}; about {pair.more:,} more goals would tell, if they go on like these"


def caveat(found: Comparison) -> str:
    """What has to be known of the latencies before they are believed; empty where nothing has."""
    if found.models and {model.partition(":")[0] for model in found.models} == {"extractive"}:
        return (
            "No model wrote these answers: the extractive engine takes no time, so the latencies are of the machinery "
            "alone. With a model the order may be another."
        )
    return ""


def contrast(pair: PairReport) -> str:
    """What to make of it where the blind judge and the verdict point different ways; empty where they do not."""
    judged = pair.preference.judgement.verdict if pair.preference else None
    if judged == "worse" and pair.verdict in {"better", "not_worse"}:
        return "The blind judge finds its answers worse: read some side by side before you go by the verdict."
    if judged == "better" and pair.verdict == "worse":
        return "The blind judge finds its answers better. That takes nothing from the verdict: it sees no evidence."
    return ""


def preferred(preference: PreferenceReport) -> str:
    """What the blind judge prefers: counts, the share with its interval, and what the order did to it."""
    j = preference.judgement
    if not j.pairs and preference.unknown:
        return f"{preference.unknown} goals, and of none a vote in both orders"
    counts = f"preferred on {j.wins}, not on {j.losses}, tied on {preference.ties} goals"
    if j.candidate is not None and j.low is not None and j.high is not None:
        share = f"{100 * j.candidate:.1f} % ({100 * (0.5 + j.low):.1f} to {100 * (0.5 + j.high):.1f})"
        counts = f"{share}, {counts}, p {p_value(j.p)}, margin {100 * (0.5 - j.margin):g} %"
    else:
        counts += "; 10 are the least to judge by"
    asides = [
        f"about {j.more:,} more goals would tell" if j.more and j.difference is not None else "",
        f"{preference.unopposed} of them unopposed" if preference.unopposed else "",
        f"{preference.unknown} not judged" if preference.unknown else "",
        f"the order alone decided {preference.turned} of {preference.asked}"
        + (f" (first {preference.to_first}, second {preference.to_second})" if preference.turned else ""),
    ]
    return "; ".join([counts, *filter(None, asides)])


def judged_by(judge: JudgeReport) -> str:
    """Who gave how many votes for what, and why the judge was silent where it was."""
    cost = "" if judge.cost is None else f", cost {judge.cost:,.4f}"
    silent = ", ".join(f"{why} {count}" for why, count in judge.silences.items())
    said = f"{', '.join(judge.models) or 'nobody'} gave {judge.votes} votes for {judge.usage.tokens:,} tokens{cost}"
    return said + (f", and was silent {sum(judge.silences.values())} times ({silent})" if silent else "")


def told(judgement: Judgement) -> str:
    """One measure: its difference with its interval, how many pairs, and against which margin."""
    j = judgement
    if j.difference is None or j.low is None or j.high is None:
        return f"{j.pairs} pairs; 10 are the least to judge by"
    if j.measure == "latency":
        figures = f"{100 * j.difference:+.1f} % ({100 * j.low:+.1f} to {100 * j.high:+.1f})"
        counts = f"faster on {j.wins}, slower on {j.losses} of {j.pairs} goals"
        margin = f"margin {100 * j.margin:g} %"
    else:
        figures = f"{100 * j.difference:+.1f} points ({100 * j.low:+.1f} to {100 * j.high:+.1f})"
        counts = f"won {j.wins}, lost {j.losses} of {j.pairs} goals"
        margin = f"margin {100 * j.margin:g} points"
    return f"{figures}, {counts}, p {p_value(j.p)}, {margin}"


def p_value(p: float | None) -> str:
    """A p-value with as many digits as mean something."""
    return "-" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
