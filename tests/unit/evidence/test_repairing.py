"""The repair pass: what it saves, what it leaves alone, and that no broken claim passes because of it."""

from __future__ import annotations

import pytest

from benchmarks.gate.mutations import SEED, cases
from benchmarks.gate.repairs import made_to_pass
from benchmarks.gate.texts import shipped_texts
from orchestrator.contracts import Citation, Claim, Passage, PersonaOutput, TaskSpec
from orchestrator.evidence.repairing import MAX_CITATIONS, Repairer
from orchestrator.evidence.sources import Sources
from orchestrator.outcome import judge_and_repair
from orchestrator.routing.flow import persona_of
from tests.unit.evidence.cases import PASSAGES, outputs
from tests.unit.evidence.cases import claims as good_claims

LATENCY = "The Redis cache reduced median latency by 12 % in May 2024."
MEMORY = "It did not lower memory use on the workers."
KAFKA = "The Kafka queue kept 4,500 messages for 30 seconds without losing any order."


def repaired(text: str, *citations: tuple[str, str], kind: str = "consensus") -> tuple[tuple[str, str], ...]:
    """The citations that a claim has after the pass."""
    cited = tuple(Citation(passage_id=passage, quote=quote) for passage, quote in citations)
    claim = Claim.model_validate({"id": "s1", "text": text, "citations": cited, "kind": kind})
    after = Repairer(Sources(PASSAGES["en"]), evidence_required=True).claim(claim)
    assert after == claim.model_copy(update={"citations": after.citations}), "a repair changed the claim"
    return tuple((c.passage_id, c.quote) for c in after.citations)


@pytest.mark.parametrize(
    ("text", "was", "now", "why"),
    [
        (LATENCY, [("p1", LATENCY)], [("p1", LATENCY)], "nothing had failed"),
        (LATENCY, [("p2", LATENCY)], [("p1", LATENCY)], "a quote goes to the passage that it stands in"),
        (LATENCY, [("p9", LATENCY)], [("p1", LATENCY)], "from one that does not exist, too"),
        ("The cache cut latency by 12 %.", [("p2", LATENCY)], [("p1", LATENCY)], "and is judged like any other"),
        (LATENCY, [("p1", "reduced latency by 12 percents")], [("p1", LATENCY)], "a quote of no passage"),
        (LATENCY, [], [("p1", LATENCY)], "no citation at all"),
        (LATENCY, [("p2", "30 seconds")], [("p2", "30 seconds"), ("p1", LATENCY)], "a quote of something else"),
        (f"{MEMORY} {KAFKA}", [], [("p1", MEMORY), ("p2", KAFKA)], "a sentence each"),
        (f"{MEMORY} But: {KAFKA}", [("p1", MEMORY)], [("p1", MEMORY), ("p2", KAFKA)], "what lacks is added"),
        (
            "The Redis cache reduced median latency by twelve percent in May 2024",
            [],
            [("p1", LATENCY)],
            "numbers are the same however they are written",
        ),
    ],
)  # fmt: skip
def test_a_claim_that_the_evidence_states_is_saved(text, was, now, why):
    assert list(repaired(text, *was)) == now, why


@pytest.mark.parametrize(
    ("text", "was", "why"),
    [
        ("The Redis cache reduced median latency by 15 % in May 2024.", [], "another number"),
        ("The Redis cache reduced median latency by 12 ms in May 2024.", [], "another unit"),
        ("The Kafka cache reduced median latency by 12 % in May 2024.", [], "another name"),
        ("It did lower memory use on the workers.", [], "a negation dropped"),
        ("It did not lower memory use on the workers and on disks.", [], "more than is said"),
        ("Median latency reduced the Redis cache by 12 % in May 2024.", [], "the other way round"),
        ("It did not lower memory use by the workers.", [], "another small word"),
        ("The Redis cache reduced latency.", [], "far less than is said"),
        ("The cache cut median latency by 12 %.", [], "a paraphrase: the persona chose no quote, and code may not"),
        ("The Redis cache reduced latency by 15 %.", [("p2", LATENCY)], "a moved quote with another number"),
        ("Latency did not fall: the cache reduced it by 12 %.", [("p1", LATENCY)], "its own quote says the contrary"),
        ("", [], "nothing to look for"),
    ],
)  # fmt: skip
def test_a_claim_that_the_evidence_does_not_state_stays_as_it_is(text, was, why):
    assert list(repaired(text or "But.", *was)) == was, why


@pytest.mark.parametrize(
    ("denied", "stated"),
    [
        ("The bridge is not open to lorries in winter.", "The bridge is open to lorries in winter."),
        ("In winter lorries find the bridge not open.", "The bridge is open to lorries in winter."),
        ("Costs fell in all four regions.", "Costs rose in all four regions."),
        ("The pump runs for 30 minutes.", "The pump runs for 30 seconds."),
        ("The pump was tested at night.", "The pump was not tested at night."),
        ("Daehan bought Solbit in May.", "Solbit bought Daehan in May."),
    ],
)
def test_a_claim_that_its_own_quote_denies_is_not_given_another(denied, stated):
    """Where the evidence is of two minds, the persona chose; without a choice of its own the claim has a source."""
    passages = (Passage(id="p1", source="a", text=denied), Passage(id="p2", source="b", text=stated))
    claim = Claim(id="s1", text=stated, citations=(Citation(passage_id="p1", quote=denied),))
    repairer = Repairer(Sources(passages), evidence_required=True)
    assert repairer.claim(claim) == claim
    assert repairer.claim(claim.model_copy(update={"citations": ()})).citations[0].passage_id == "p2"


def test_sentences_that_are_each_stated_are_not_cited_where_their_sources_deny_each_other():
    """Each has its sentence; together one of these says of lorries what the claim does not."""
    bridge = "The bridge opened in spring for cars and buses"
    toll = "Lorries pay a toll of 5 euros on weekdays and at weekends"
    passages = (
        Passage(id="p1", source="a", text=f"{bridge}, not lorries."),
        Passage(id="p2", source="b", text=f"{toll}, never for empty old lorries."),
    )
    repairer = Repairer(Sources(passages), evidence_required=True)
    both = Claim(id="s1", text=f"{bridge}. {toll}.")
    for part, passage in ((bridge, "p1"), (toll, "p2")):
        alone = repairer.claim(both.model_copy(update={"text": f"{part}."}))
        assert [citation.passage_id for citation in alone.citations] == [passage]
    assert repairer.claim(both) == both


@pytest.mark.parametrize(("sentences", "saved"), [(MAX_CITATIONS, True), (MAX_CITATIONS + 1, False)])
def test_a_claim_that_needs_more_citations_than_a_claim_may_have_stays_as_it_is(sentences, saved):
    """Half of what it says would have no source, and nothing would show which half."""
    stated = [f"The pump in hall {number} failed on day {number}." for number in range(100, 100 + sentences)]
    passages = (Passage(id="p1", source="a", text=" ".join(stated)),)
    claim = Claim(id="s1", text=" ".join(stated))
    cited = Repairer(Sources(passages), evidence_required=True).claim(claim).citations
    assert [citation.quote for citation in cited] == (stated if saved else [])


SEQUENTIAL = ("thesis", "antithesis", "synthesis")
PARALLEL = ("thesis", "antithesis_standalone", "synthesis")
PIPELINED = ("thesis", "critic", "rebuttal:1", "resolution:1", "synthesis")


def job(steps: tuple[str, ...], broken: Citation) -> dict[str, PersonaOutput]:
    """A job whose every step cites its first claim wrongly."""
    said = {}
    for number, step in enumerate(steps):
        persona = persona_of(step)
        prefix = {"thesis": "t", "antithesis": "a", "synthesis": "s"}[persona]
        first = good_claims("en", prefix)[0]
        claim_id = f"{prefix}{number}" if step != "synthesis" and "resolution:1" in steps else f"{prefix}1"
        about: tuple[str, ...] = () if persona == "thesis" else ("t0" if "resolution:1" in steps else "t1",)
        if persona == "synthesis":
            about = ("t0", "a1", "a2") if "resolution:1" in steps else ("t1", "a1")
            claim_id = "s1"
        claim = first.model_copy(update={"id": claim_id, "citations": (broken,), "about": about})
        said[step] = PersonaOutput(
            task_id="job", persona=persona, step=step, summary="So.", claims=(claim,), citations=(broken,)
        )
    return said


@pytest.mark.parametrize("steps", [SEQUENTIAL, PARALLEL, PIPELINED])
def test_every_persona_is_repaired_in_every_mode(steps):
    moved = Citation(passage_id="p2", quote=LATENCY)
    report, said = judge_and_repair(TaskSpec(task_id="job", goal="?"), job(steps, moved), PASSAGES["en"])
    assert (report.verdict, [f for f in report.findings if f.judged]) == ("pass", [])
    for step in steps:
        assert said[step].citations[0].passage_id == "p1", step
        assert said[step].claims[0].citations[0].passage_id == "p1", step
    assert report.repair
    assert (report.repair.verdict_before, report.repair.evidence_ok_before) == ("fail", False)
    assert {f.reason for f in report.repair.settled} >= {"not_verbatim", "no_verbatim_quote"}
    assert len(report.repair.settled) == report.repair.findings_before
    claims = {claim.id for output in said.values() for claim in output.claims}
    assert {r.claim_id for r in report.repair.repairs} == {*claims, None}


def test_what_stays_unsupported_stays_a_finding_and_the_first_verdict_is_told():
    first, *rest = good_claims("en", "s", ("t1", "t2", "t3", "a1", "a2", "a3"))
    wrong = first.model_copy(update={"text": LATENCY.replace("12", "15")})
    argument = {output.step: output for output in outputs([wrong, *rest])}
    report, said = judge_and_repair(TaskSpec(task_id="job", goal="?"), argument, PASSAGES["en"])
    assert report.verdict == "fail"
    assert said == argument
    assert report.repair
    assert (report.repair.repairs, report.repair.settled) == ((), ())
    assert report.repair.findings_before == len(report.findings)


def test_where_nothing_failed_there_is_no_pass():
    argument = {o.step: o for o in outputs(good_claims("en", "s", ("t1", "t2", "t3", "a1", "a2", "a3")))}
    report, said = judge_and_repair(TaskSpec(task_id="job", goal="?"), argument, PASSAGES["en"])
    assert report.repair is None
    assert said is argument


def test_a_summary_whose_quote_is_nowhere_keeps_it():
    """What a summary says is not judged word for word, so code may not choose a quote for it."""
    broken = Citation(passage_id="p1", quote=LATENCY.replace("12", "15"))
    argument = {o.step: o for o in outputs(good_claims("en", "s", ("t1", "t2", "t3", "a1", "a2", "a3")))}
    argument["synthesis"] = argument["synthesis"].model_copy(update={"citations": (broken,)})
    report, said = judge_and_repair(TaskSpec(task_id="job", goal="?"), argument, PASSAGES["en"])
    assert report.verdict == "fail"
    assert said["synthesis"].citations == (broken,)


def test_no_broken_claim_of_the_frozen_set_passes_because_of_a_repair():
    """A sample, cited in four ways; ``make bench-gate`` has all of them."""
    frozen = [case for case in cases(shipped_texts(), seed=SEED) if case.harmful and case.place == "claim"]
    assert made_to_pass(frozen[::12]) == 0
