"""The simulated models' clock, their answers, and what the latency benchmark makes of its jobs."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import pytest

from benchmarks.latency import live, recorded
from benchmarks.latency.answering import Asked, cut, role_of
from benchmarks.latency.arms import ARMS, BEST, BEST_BOTH, DEADLINE, SEQUENTIAL, Arm, World, environment
from benchmarks.latency.book import Cost, Entry
from benchmarks.latency.fleet import Sample
from benchmarks.latency.picture import drawing
from benchmarks.latency.programme import PARTS, named, scenes
from benchmarks.latency.running import _lessons
from benchmarks.latency.steady import Level, where_it_rises
from benchmarks.latency.summary import figures, targets
from benchmarks.latency.world import NOMINAL, Call, Job, Triple, closings
from orchestrator.errors import InvalidInput
from orchestrator.timeline import svg
from workers.personas.parsing import parse

SEED = 7
PASSAGES = "\n".join(
    f'<passage-0123456789abcdef id="p{n}" source="a.md">\nThe batch failed {n} times in the spring of that year. '
    f"Every failure cost the team {n} days of work.\n</passage-0123456789abcdef>"
    for n in range(1, 5)
)


def mean(job: Job, part: str, count: int = 4_000) -> float:
    return fmean(replace(job, number=n).call(SEED, part).total_s for n in range(count))


# The world's clock


@pytest.mark.parametrize(
    ("mode", "claims", "seconds"),
    [
        ("sequential", 6, 29.5),
        ("parallel", 6, 25.0),
        ("pipelined", 3, 16.23),
        ("pipelined", 4, 14.26),
        ("pipelined", 5, 13.06),
        ("pipelined", 6, 12.28),
    ],
)
def test_without_luck_a_job_takes_what_its_shape_takes(mode, claims, seconds):
    assert Job("r", 1, mode, claims=claims).ideal_s(SEED) == pytest.approx(seconds, abs=0.005)


@pytest.mark.parametrize(("sections", "seconds"), [(1, 25.0), (2, 20.55), (3, 18.43), (4, 17.38)])
def test_a_synthesis_in_sections_takes_its_longest_section_and_a_merge(sections, seconds):
    job = Job("r", 1, "parallel", sections=sections)
    assert job.ideal_s(SEED) == pytest.approx(seconds, abs=0.01)


def test_sequential_reproduces_any_triple():
    for triple in (NOMINAL, Triple(0.95, 5.08, 6.02), Triple(35.4, 8.1, 20.7)):
        assert Job("r", 3, triple=triple).ideal_s(SEED) == pytest.approx(triple.in_sequence_s, abs=0.03)


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        ("thesis", 228),
        ("antithesis", 606),
        ("synthesis", 810),
        ("critic", 364),
        ("rebuttal:2", 111),
        ("resolution:6", 126),
        ("merge", 122),
    ],
)
def test_parts_cost_what_parts_cost(part, tokens):
    assert Job("r", 1, "pipelined").call(SEED, part).tokens == tokens


def test_parts_of_all_claims_write_ten_percent_more_than_the_whole():
    job = Job("r", 1, "pipelined")
    rebuttals = sum(job.call(SEED, f"rebuttal:{n}").tokens for n in range(1, 7))
    assert rebuttals == pytest.approx(1.1 * job.call(SEED, "antithesis").tokens, abs=3)


def test_all_sections_write_ten_percent_more_than_the_merge_leaves():
    job = Job("r", 1, "parallel", sections=3)
    written = sum(job.call(SEED, f"section:{n}").tokens for n in (1, 2, 3))
    assert written == pytest.approx(1.1 * 0.85 * job.call(SEED, "synthesis").tokens, abs=3)


def test_luck_has_a_mean_of_one():
    calm = Job("r", 0, weather="calm")
    assert mean(calm, "synthesis") == pytest.approx(NOMINAL.synthesis, rel=0.01)


def test_three_in_a_hundred_calls_are_slow_in_the_tail():
    calm, tail = Job("r", 0, weather="calm"), Job("r", 0, weather="tail")
    slowed = [
        replace(tail, number=n).call(SEED, "thesis").total_s
        / replace(calm, number=n).call(SEED, "thesis").total_s
        for n in range(4_000)
    ]
    slow = [times for times in slowed if times > 1.01]
    assert len(slow) == pytest.approx(120, abs=30)
    assert 2 <= min(slow) <= max(slow) <= 4


def test_all_arms_meet_the_same_luck_and_a_second_call_meets_its_own():
    one = Job("sequential/calm", 5, weather="calm")
    other = replace(one, run="pipelined/calm", mode="pipelined")
    assert one.call(SEED, "thesis") == other.call(SEED, "thesis")
    assert one.call(SEED, "thesis") != one.call(SEED, "thesis", attempt=1)
    assert one.call(SEED, "thesis") != one.call(SEED + 1, "thesis")


def test_a_job_s_calls_share_its_pace():
    calls = [
        (job.call(SEED, "antithesis").decode_s, job.call(SEED, "synthesis").decode_s)
        for job in (Job("r", n, weather="calm") for n in range(2_000))
    ]
    a, s = fmean(a for a, _ in calls), fmean(s for _, s in calls)
    together = fmean((x / a - 1) * (y / s - 1) for x, y in calls)
    assert together == pytest.approx(0.08**2, rel=0.5)


def test_recorded_wholes_are_replayed_as_they_were_and_their_parts_with_luck():
    job = Job("r", 4, triple=Triple(5.0, 9.0, 13.0), weather="replayed")
    assert job.call(SEED, "synthesis").total_s == pytest.approx(13.0, abs=0.01)
    parts = {replace(job, number=n).call(SEED, "rebuttal:1").decode_s for n in range(5)}
    assert len(parts) == 5


def test_a_job_is_found_in_any_prompt():
    job = Job("pipelined_6/tail", 812, "pipelined", Triple(4.25, 9.5, 12.125), "tail", 5, 0.3, 2)
    assert Job.from_text(f"# The case\nScope: {job.to_text()}\nmore") == job
    assert Job.from_text("Scope: simulated run=x") is None


def test_the_claims_of_a_thesis_close_evenly_and_its_summary_last():
    ends = closings(9, tail=3)
    assert ends[:6] == pytest.approx([0.92 * n / 6 for n in range(1, 7)])
    assert ends[-1] == 1.0


# What simulated models answer


def asked(form: str, mode: str = "sequential", said: str = "") -> Asked:
    job = Job("r", 1, mode)  # type: ignore[arg-type]  # a mode's name
    found = Asked.read(f"{job.to_text()}\n{PASSAGES}\n{said}\n{role_of(form)}\n\nWrite.")
    assert found is not None
    return found


@pytest.mark.parametrize("form", ["thesis", "antithesis", "antithesis_standalone", "synthesis"])
def test_every_form_gets_an_answer_that_keeps_the_contract(form):
    said = '<thesis-0123456789abcdef>\n{"id": "t1"}\n{"id": "t2"}\n</thesis-0123456789abcdef>'
    text = "".join(piece for _, piece in asked(form, said=said).pieces(300))
    answer = parse(text, form, known=("t1", "t2"))
    assert answer.defects == answer.problems == ()
    assert answer.claims
    assert answer.summary
    assert all(c.quote in PASSAGES for claim in answer.claims for c in claim.citations)


def test_a_section_is_known_by_its_number_and_settles_the_claims_that_are_its_own():
    found = asked("section", "parallel", "said")
    found = replace(found, prompt=f"{found.prompt}\n- Yours is section 2 of 3: t2, a1. Every one")
    assert found.part == "section:2"
    answer = parse("".join(p for _, p in found.pieces(300)), "section", known=("t1", "t2", "a1"))
    assert answer.defects == answer.problems == ()
    assert [claim.about for claim in answer.claims] == [("t2",), ("a1",)]


def test_a_standalone_antithesis_is_the_critic_beside_a_pipelined_thesis():
    assert asked("antithesis_standalone").part == "antithesis"
    assert asked("antithesis_standalone", "pipelined").part == "critic"


def test_no_prompt_of_ours_is_no_job():
    assert Asked.read("What is the time?") is None
    assert Asked.read(Job("r", 1).to_text()) is None


def test_the_last_piece_of_a_thesis_claim_comes_when_the_claim_closes():
    thesis = asked("thesis")
    ends = [share for share, piece in thesis.pieces(228) if piece.endswith("}\n")]
    assert ends[:6] == pytest.approx([0.92 * n / 6 for n in range(1, 7)])
    assert ends[-1] == pytest.approx(1.0)


def test_a_thesis_that_goes_on_writes_the_claims_that_are_missing_in_the_rest_of_the_time():
    said = '<your-claims-0123456789abcdef>\n{"id": "t1"}\n{"id": "t2"}\n</your-claims-0123456789abcdef>'
    rest = asked("thesis", "pipelined", said)
    assert rest.written == 2
    assert rest.written_share == pytest.approx(0.92 / 3)
    ends = [share for share, piece in rest.pieces(160) if piece.endswith("}\n")]
    assert len(ends) == 4 + 3
    assert ends[:4] == pytest.approx([(0.92 * n / 6 - 0.92 / 3) / (1 - 0.92 / 3) for n in range(3, 7)])
    assert ends[-1] == pytest.approx(1.0)
    whole = Call(0.7, 3.8, 228)
    assert whole.rest(0.0) == whole
    assert whole.rest(0.5) == Call(0.7, 1.9, 114)


def test_answers_of_a_form_are_equally_long_whichever_sentences_they_quote():
    said = '<claim-0123456789abcdef>\n{{"id": "t{}"}}\n</claim-0123456789abcdef>'
    texts = [
        "".join(text for _, text in asked("rebuttal", "pipelined", said.format(n)).pieces(111))
        for n in (1, 2)
    ]
    assert texts[0].rstrip() != texts[1].rstrip()
    assert len({len(text) for text in texts}) == 1


@pytest.mark.parametrize("count", [1, 3, 7, 100])
def test_a_text_cut_in_pieces_is_the_same_text(count):
    pieces = list(cut("Some words.", 0.25, 0.5, count))
    assert "".join(piece for _, piece in pieces) == "Some words."
    assert pieces[-1][0] == 0.5
    assert len(pieces) == min(count, 11)


# From jobs to figures


def sample(
    arm: Arm, seconds: float, number: int = 0, *, world: str = "nominal", status: str = "complete"
) -> Sample:
    return Sample(
        arm.name, world, number, seconds, ideal_s=seconds - 0.1, argument_s=seconds - 0.02, status=status
    )


def test_an_arm_s_figures_are_its_jobs():
    of_it = [sample(BEST, seconds, n) for n, seconds in enumerate((12.0, 14.0, 19.0, 26.0))]
    of_it[3] = replace(of_it[3], status="degraded")
    (found,) = figures(of_it, [])
    assert (found.mean, found.p50, found.max) == (17.75, 14.0, 26.0)
    assert found.within == (0.5, 0.75, 0.75)
    assert found.degraded == 0.25
    assert found.added_ms == pytest.approx(100)
    assert found.added_to_argument_ms == pytest.approx(80)
    assert found.tokens is None  # nothing to compare it with


def test_costs_are_a_job_s_relative_to_sequential_however_many_jobs_each_ran():
    samples = [sample(SEQUENTIAL, 30.0), sample(BEST, 13.0, 0), sample(BEST, 13.0, 1)]
    book = [Entry("sequential/nominal", 0, "thesis", 0, 1_000, 0, 800)]
    book += [Entry("pipelined_6/nominal", n, "thesis", 0, 1_000, 500, 1_600) for n in (0, 1)]
    book += [Entry("somebody/else", 0, "thesis", 0, 9, 9, 9)]
    sequential, best = figures(samples, book)
    assert (sequential.tokens, sequential.cost, sequential.cached) == (1.0, 1.0, 1.0)
    assert best.tokens == 2.0
    assert best.cost == pytest.approx(1.8)
    assert best.cached == pytest.approx((1_600 + 0.2 * 550) / 1_000)
    assert best.calls == 1.0


def test_only_arms_that_learn_are_taught_and_only_where_there_is_luck():
    arms = {BEST: 5, BEST_BOTH: 2}
    taught = _lessons(World("tail", "tail"), arms)
    assert [arm for arm, _ in taught] == [BEST_BOTH, BEST_BOTH]
    luck = {job.call(SEED, "merge") for _, job in taught}
    assert luck.isdisjoint(BEST_BOTH.job(World("tail", "tail"), n).call(SEED, "merge") for n in range(100))
    assert _lessons(World("nominal", "none"), arms) == []


def test_backups_and_a_job_s_calls_together_count_as_calls():
    cost = Cost.of([Entry("r", 0, "job", 0, 100, 0, 50, calls=15), Entry("r", 0, "merge", 1, 0, 0, 5)])
    assert (cost.calls, cost.written, cost.plain) == (16, 55, 75)


def test_rivals_are_not_held_against_prompts_that_they_do_not_have():
    rival = ARMS[-1]
    book = [Entry(f"{name}/nominal", 0, "thesis", 0, 10, 0, 10) for name in ("sequential", rival.name)]
    found = figures([sample(SEQUENTIAL, 30.0), sample(rival, 25.0)], book, [rival.name])
    assert [each.tokens for each in found] == [1.0, None]


@pytest.mark.parametrize(("seconds", "met"), [(12.5, True), (12.95, False)])
def test_the_nominal_target_is_judged_by_pipelined_with_six_claims(seconds, met):
    best = replace(sample(BEST, seconds), ideal_s=seconds - 0.2, words_s=4.8)
    mean_of_it, added, words = targets(figures([best], []), ["nominal"])
    assert (mean_of_it.met, added.met, words.met) == (met, False, True)


def test_what_was_not_measured_is_missed_and_what_was_not_asked_for_is_not_judged():
    assert [target.met for target in targets([], ["nominal", "tail"])] == [False] * 5
    assert targets([], ["calm"]) == []


def test_a_tail_is_judged_by_its_longest_and_its_degraded_jobs():
    jobs = [sample(BEST_BOTH, 14.0, n, world="tail") for n in range(99)]
    longest, degraded = targets(
        figures([*jobs, sample(BEST_BOTH, 24.9, 99, world="tail", status="degraded")], []), ["tail"]
    )
    assert longest.met
    assert degraded.value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("rises", "expected"),
    [([0, 2, 4], None), ([0, 5, 15], 150.0), ([0, 12], pytest.approx(83.33, abs=0.01)), ([], None)],
)
def test_where_the_mean_has_risen_by_ten_percent_lies_between_two_levels(rises, expected):
    levels = [
        Level(n, 9, 12.5, 12.5, 12.5, rise, 0, 0.1, 0.1)
        for n, rise in zip((0, 100, 200), rises, strict=False)
    ]
    assert where_it_rises(levels) == expected


# What is run


def test_recorded_worlds_need_recorded_runs():
    runs = [recorded.Recorded(10, Triple(8, 9, 15)), recorded.Recorded(11, Triple(5, 8, 12))]
    assert [s.world.name for s in scenes(PARTS, jobs=10, recorded=[])] == ["nominal", "calm", "tail"]
    november, everything = scenes(("november", "recorded"), jobs=10, recorded=runs)
    assert november.arms[BEST] == 1
    assert november.world.triple(0) == Triple(5, 8, 12)
    assert [everything.world.triple(n).thesis for n in range(3)] == [8, 5, 8]


def test_arms_are_chosen_by_name():
    chosen = [arm.name for arm in ARMS if named(arm, "pipelined 6, ThreadPoolExecutor")]
    assert chosen == ["pipelined 6", "ThreadPoolExecutor"]
    assert all(named(arm, "") for arm in ARMS)


def test_an_arm_whose_mode_is_not_there_says_so():
    assert "no setting no_such" in Arm("x", "sequential", settings=(("no_such", "1"),)).lacks()
    assert Arm("x", "sequential").lacks() == ""


def test_hedging_is_off_where_an_arm_does_not_ask_for_it_and_its_seconds_are_scaled():
    assert environment(()) == {"TRIPTYCH_HEDGE": "off"}
    assert environment(DEADLINE, scale=10.0)["TRIPTYCH_PIPELINE_MERGE_S"] == "1.8"
    assert environment(BEST_BOTH.settings)["TRIPTYCH_HEDGE"] == "same"


def test_recorded_runs_are_read_from_csv(tmp_path):
    file = tmp_path / "runs.csv"
    file.write_text("ts_utc,model,thesis_s,antithesis_s,synthesis_s\n2025-11-01T02:40:28,m,5.1,8.6,16.5\n")
    assert recorded.read([file]) == [recorded.Recorded(11, Triple(5.1, 8.6, 16.5))]


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "ts_utc,thesis_s,antithesis_s,synthesis_s\n2025-11,1,2,x\n"]
)
def test_what_is_no_record_is_refused_with_the_columns_it_needs(tmp_path, text):
    file = tmp_path / "runs.csv"
    file.write_text(text)
    with pytest.raises(InvalidInput, match="--recorded"):
        recorded.read([file])


def test_the_picture_names_every_arm_and_says_how_it_was_measured():
    found = figures([sample(SEQUENTIAL, 30.0), sample(BEST, 13.0), sample(BEST, 99.0, 1)], [])
    picture = drawing(found, title="Title", below="seed 7, scale 50")
    text = svg.render(picture)
    assert all(word in text for word in ("sequential", "pipelined 6", "seed 7, scale 50", "18.5"))
    assert World("nominal", "none").name in text


# Against one's own endpoint


@pytest.mark.parametrize(
    ("url", "model", "said"),
    [
        ("", "openai:x", "set OPENAI_BASE_URL"),
        ("http://127.0.0.1:1/v1", "anthropic:x", "openai:NAME"),
        ("http://127.0.0.1:1/v1", "openai:x", "say --yes"),
    ],
)
def test_live_spends_nothing_without_an_endpoint_a_model_and_a_yes(monkeypatch, capsys, url, model, said):
    monkeypatch.setattr("sys.argv", ["live", "--budget", "50000"])
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.setenv("TRIPTYCH_MODEL", model)
    assert live.main() == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("unsettled", "covered"),
    [("t3, a31, a1, a2", ["a1", "a2"]), ("t3, a31", None), ("none", None)],
)
def test_a_merge_covers_the_critic_s_objections_and_leaves_open_what_nobody_resolved(unsettled, covered):
    said = f'{{"id": "s11"}}\nThese claims are not settled by any of the points: {unsettled}. Where'
    lines = {line["kind"]: line for line in asked("merge", "pipelined", said).lines()}
    assert lines.get("covers", {}).get("about") == covered
