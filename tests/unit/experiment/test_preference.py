"""A blind judge of pairs: what it is asked, in which orders, and that its votes come to the right verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from random import Random

import pytest

from orchestrator.contracts import Usage
from orchestrator.experiment import Arm, Judged, Margins, Showing, Trial, Vote, compare
from orchestrator.experiment.figures import Comparison, PreferenceReport, Prices
from orchestrator.experiment.verdict import judge_preference
from orchestrator.experiment.words import contrast, headline, preferred
from tests.unit.experiment.runs import CANDIDATE, REFERENCE, arm, goals, trial

Says = Callable[[Showing], str | None]


def always_first(_: Showing) -> str:
    return "first"


def longer(showing: Showing) -> str:
    first, second = map(len, showing.texts)
    return "first" if first > second else "second" if second > first else "tie"


def silent(_: Showing) -> None:
    return None


def prefers(name: str) -> Says:
    return lambda showing: "first" if showing.first.arm == name else "second"


def ran(
    count: int, text: Callable[[int, Arm], str], arms: tuple[Arm, ...] = (REFERENCE, CANDIDATE)
) -> list[Trial]:
    return [
        trial(f"g{n}", each, answer=f"## Conclusion\n\n{text(n, each)}\n")
        for n in range(count)
        for each in arms
    ]


def differing(n: int, each: Arm) -> str:
    return f"Goal {n}: " + ("yes, and at length." if each == CANDIDATE else "yes.")


def asked(
    trials: list[Trial], count: int, says: Says, arms: tuple[Arm, ...] = (REFERENCE, CANDIDATE)
) -> list[Vote]:
    by_place = {(t.goal, t.arm): t for t in trials}
    showings = Judged(goals(count), by_place, []).missing(arms, seed=1)
    return [vote(showing, says(showing)) for showing in showings]


def vote(showing: Showing, better: str | None, tokens: int = 10) -> Vote:
    return Vote.model_validate(
        {
            "goal": showing.goal.id,
            "first": showing.first.arm,
            "second": showing.second.arm,
            "jobs": showing.jobs,
            "better": better,
            "silence": "" if better else "unreadable",
            "model": "openai:judge",
            "usage": Usage(input_tokens=tokens, calls=1),
        }
    )


def judged(
    count: int, says: Says, text: Callable[[int, Arm], str] = differing, trials: list[Trial] | None = None
) -> Comparison:
    found = trials or ran(count, text)
    return report(count, found, asked(found, count, says))


def report(count: int, trials: list[Trial], votes: Iterable[Vote] | None) -> Comparison:
    return compare(
        goals(count), (REFERENCE, CANDIDATE), trials, margins=Margins(), seed=1, votes=votes, resamples=50
    )


def preference(found: Comparison) -> PreferenceReport:
    (pair,) = found.pairs
    assert pair.preference is not None
    return pair.preference


def test_each_pair_is_shown_in_both_orders_and_the_seed_decides_which_is_first():
    arms = (REFERENCE, CANDIDATE, arm("single", "single"))
    trials = ran(20, lambda n, each: f"{n} {each.name}", arms)
    by_place = {(t.goal, t.arm): t for t in trials}
    showings = list(Judged(goals(20), by_place, []).missing(arms, seed=3))
    assert len(showings) == len({s.jobs for s in showings}) == 20 * 3 * 2
    for one, other in zip(showings[::2], showings[1::2], strict=True):
        assert (one.jobs, one.texts) == (other.jobs[::-1], other.texts[::-1])
    assert showings == list(Judged(goals(20), by_place, []).missing(arms, seed=3))
    assert showings != list(Judged(goals(20), by_place, []).missing(arms, seed=4))
    assert (
        10 < sum(showing.first.arm == "sequential" for showing in showings[::2]) < 30
    )  # of 40 that it stands in


def test_what_was_answered_is_not_asked_again_and_silence_is():
    trials = ran(3, differing)
    by_place = {(t.goal, t.arm): t for t in trials}
    first, second, *_ = showings = list(
        Judged(goals(3), by_place, []).missing((REFERENCE, CANDIDATE), seed=1)
    )
    votes = [vote(first, "tie"), vote(second, None)]
    left = list(Judged(goals(3), by_place, votes).missing((REFERENCE, CANDIDATE), seed=1))
    assert left == showings[1:]


def test_votes_on_answers_of_a_run_that_was_run_again_do_not_count():
    trials = ran(12, differing)
    votes = asked(trials, 12, prefers("parallel"))
    again = [t.model_copy(update={"task_id": f"again-{t.task_id}"}) for t in trials]
    found = report(12, again, votes)
    assert (preference(found).unknown, preference(found).asked, found.votes) == (12, 0, ())


@pytest.mark.parametrize(("place", "leaning"), [("first", (40, 0)), ("second", (0, 40))])
def test_always_the_same_place_wins_nothing_and_is_found_out(place, leaning):
    found = preference(judged(40, lambda _: place))
    assert (found.ties, found.asked, found.turned) == (40, 40, 40)
    assert (found.to_first, found.to_second) == leaning
    assert (found.judgement.wins, found.judgement.losses, found.judgement.candidate) == (0, 0, 0.5)
    assert found.judgement.verdict == "not_worse"
    told = f"the order alone decided 40 of 40 (first {leaning[0]}, second {leaning[1]})"
    assert told in preferred(found)


def test_the_longer_answer_wins_and_the_report_says_that_it_is_the_longer_one():
    found = preference(judged(40, longer))
    assert (found.judgement.wins, found.judgement.verdict, found.turned) == (40, "better", 0)
    assert (found.longer, found.shorter) == (40, 0)


def test_an_arm_that_loses_in_both_orders_is_worse():
    found = preference(judged(40, prefers("sequential")))
    assert (found.judgement.losses, found.judgement.verdict) == (40, "worse")
    assert (found.longer, found.shorter) == (0, 40)


@pytest.mark.parametrize("arm", ["parallel", "sequential"])
@pytest.mark.parametrize(("place", "leaning"), [("first", (20, 0)), ("second", (0, 20))])
def test_one_order_and_a_tie_in_the_other_is_a_tie_that_the_order_made(arm, place, leaning):
    found = preference(judged(20, lambda s: place if getattr(s, place).arm == arm else "tie"))
    assert (found.ties, found.turned, found.to_first, found.to_second) == (20, 20, *leaning)


def test_silence_is_no_verdict():
    report = judged(40, silent)
    found = preference(report)
    assert (found.judgement.verdict, found.unknown, found.asked) == ("too_few", 40, 0)
    assert report.judge is not None
    assert (report.judge.votes, report.judge.silences, report.judge.usage.input_tokens) == (
        0,
        {"unreadable": 80},
        800,
    )
    assert "of none" in preferred(found)


def test_what_is_not_known_counts_against_the_answer_yes():
    sure = judge_preference(12, 0, 28, margin=0.1, alpha=0.05)
    unsure = judge_preference(12, 0, 28, unknown=10, margin=0.1, alpha=0.05)
    assert (sure.verdict, unsure.verdict) == ("better", "not_worse")
    lost = judge_preference(0, 12, 28, unknown=10, margin=0.1, alpha=0.05)
    assert lost.verdict == "too_few"
    assert unsure.low is not None
    assert sure.low is not None
    assert unsure.low < sure.low
    assert unsure.candidate == sure.candidate


def test_an_arm_that_answers_nothing_has_lost_and_nobody_is_asked():
    trials = [
        t.model_copy(update={"status": "failed"}) if t.arm == "parallel" and t.goal != "g0" else t
        for t in ran(40, differing)
    ]
    votes = asked(trials, 40, prefers("parallel"))
    found = preference(report(40, trials, votes))
    assert len(votes) == 2
    assert (found.unopposed, found.asked, found.judgement.losses, found.judgement.wins) == (39, 1, 39, 1)
    assert found.judgement.verdict == "worse"


def test_the_same_answer_twice_or_none_twice_is_a_tie_and_nobody_is_asked():
    trials = ran(40, lambda n, _: f"Goal {n}: yes." if n % 2 else "")
    votes = asked(trials, 40, always_first)
    found = preference(report(40, trials, votes))
    assert (votes, found.same, found.ties, found.judgement.verdict) == ([], 40, 40, "not_worse")


@pytest.mark.parametrize(
    ("wins", "losses", "ties", "verdict"),
    [
        (0, 0, 9, "too_few"),
        (9, 0, 0, "too_few"),
        (10, 0, 0, "better"),
        (0, 10, 0, "worse"),
        (0, 0, 13, "too_few"),
        (0, 0, 14, "not_worse"),
        (20, 20, 60, "not_worse"),
        (5, 5, 10, "too_few"),
        (30, 60, 10, "worse"),
        (60, 30, 10, "better"),
    ],
)
def test_counts_come_to_a_verdict(wins, losses, ties, verdict):
    found = judge_preference(wins, losses, ties, margin=0.1, alpha=0.05)
    assert found.verdict == verdict
    assert (found.more is None) == (verdict != "too_few")
    if found.candidate is not None:
        assert found.low is not None
        assert found.high is not None
        assert -0.5 <= found.low <= found.candidate - 0.5 <= found.high <= 0.5


def test_two_equal_arms_are_told_apart_by_chance_no_more_often_than_promised():
    @cache
    def apart(wins: int, losses: int) -> bool:
        found = judge_preference(wins, losses, 40 - wins - losses, margin=0.1, alpha=0.05)
        return found.verdict in {"better", "worse"}

    rng = Random(5)
    drawn = [rng.choices("wlt", (1, 1, 2), k=40) for _ in range(2_000)]
    assert sum(apart(each.count("w"), each.count("l")) for each in drawn) <= 100


def test_the_judge_has_no_part_in_the_verdict_and_is_named_where_it_differs():
    trials = ran(40, differing)
    for says, told in ((prefers("sequential"), "finds its answers worse"), (prefers("parallel"), "")):
        found = report(40, trials, asked(trials, 40, says))
        without = report(40, trials, None)
        assert found.pairs[0].judgements == without.pairs[0].judgements
        assert found.pairs[0].verdict == without.pairs[0].verdict
        assert headline(found.pairs[0]) == headline(without.pairs[0])
        assert contrast(without.pairs[0]) == ""
        if found.pairs[0].verdict == "not_worse":
            assert told in contrast(found.pairs[0])
    lost = [t.model_copy(update={"evidence_ok": t.arm != "parallel"}) for t in trials]
    worse = report(40, lost, asked(lost, 40, prefers("parallel"))).pairs[0]
    assert worse.verdict == "worse"
    assert "takes nothing from the verdict" in contrast(worse)


def test_the_judges_tokens_are_nobody_elses():
    trials = ran(5, differing)
    found = compare(
        goals(5), (REFERENCE, CANDIDATE), trials, margins=Margins(), seed=1, resamples=50,
        votes=asked(trials, 5, longer), prices=Prices(input=1, output=2, cached=0.5),
    )  # fmt: skip
    assert found.judge is not None
    assert (found.judge.votes, found.judge.usage.tokens, found.judge.models) == (10, 100, ("openai:judge",))
    assert found.judge.cost == pytest.approx(100 / 1_000_000)
    assert [each.usage.tokens for each in found.arms] == [0, 0]


def test_the_report_survives_json():
    found = judged(12, longer)
    assert Comparison.model_validate_json(found.model_dump_json()) == found
