"""The gate can fail: every mutation is caught, every harmless change passes."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.contracts import Citation, Claim, Failure, Passage, PersonaOutput
from orchestrator.evidence import judge
from orchestrator.language import Folded, fold

from .cases import ALL, PASSAGES, QUOTES, TEXTS, claims, judged, outputs, reasons

LANGUAGES = pytest.mark.parametrize("language", ["en", "ko"])


def cite(quote: str, passage: str = "p1") -> tuple[Citation, ...]:
    return (Citation(passage_id=passage, quote=quote),)


@LANGUAGES
def test_a_sound_argument_passes(language):
    report = judged(language)
    assert report.findings == ()
    assert (report.verdict, report.evidence_ok, report.quality, report.risks) == ("pass", True, 1.0, ())
    assert [level.rate for level in report.levels] == [1.0, 1.0, 1.0, 1.0, None]  # nothing to repair


@pytest.mark.parametrize(
    ("language", "old", "new"),
    [
        ("en", "12 %", "21 %"),  # digit
        ("en", "12 %", "12 ms"),  # unit
        ("en", "reduced", "did not reduce"),  # negation
        ("en", "Redis", "Kafka"),  # entity
        ("en", "median ", ""),  # word dropped
        ("en", "median latency", "latency median"),  # reordered words
        ("en", "cache", "c\u0430che"),  # look-alike: Cyrillic a
        ("en", "2024", "202"),
        ("ko", "12 %", "21 %"),
        ("ko", "12 %", "12 초"),
        ("ko", "줄였다", "줄이지 않았다"),
        ("ko", "Redis", "Kafka"),
        ("ko", "중앙값 ", ""),
        ("ko", "중앙값 지연을", "지연을 중앙값"),
        ("ko", "지연을", "지언을"),
        ("ko", "줄였다", "늘렸다"),
    ],
)
def test_a_changed_quote_is_caught_at_level_1(language, old, new):
    quote = QUOTES[language][0].replace(old, new)
    assert quote != QUOTES[language][0]
    report = judged(language, citations=cite(quote))
    assert "not_verbatim" in reasons(report)
    assert (report.verdict, report.evidence_ok) == ("fail", False)
    assert report.quality < 1


@pytest.mark.parametrize(
    ("language", "text", "reason"),
    [
        ("en", "The Redis cache reduced median latency by 21 percent in May 2024.", "number_unsupported"),
        ("en", "The Redis cache reduced median latency by 12 ms in May 2024.", "unit_differs"),
        ("en", "The Redis cache reduced median latency by 12 in May 2024.", "unit_differs"),
        ("en", "The Redis cache reduced median latency by 12 % in June 2024.", "number_unsupported"),
        ("en", "The Redis cache did not reduce median latency by 12 % in May 2024.", "negation_added"),
        ("en", "The Redis cache never reduced median latency in May 2024.", "negation_added"),
        ("en", "The Kafka cache reduced median latency by 12 % in May 2024.", "name_unsupported"),
        ("en", "The GPT-4 cache reduced median latency by 12 % in May 2024.", "name_unsupported"),
        ("en", "Users liked the pleasant colours of our redesigned dashboard.", "not_covered"),
        ("en", "It is so.", "nothing_to_check"),
        ("en", "?", "nothing_to_check"),
        ("ko", "Redis 캐시가 중앙값 지연을 21% 줄였다.", "number_unsupported"),
        ("ko", "Redis 캐시가 중앙값 지연을 12초 줄였다.", "unit_differs"),
        ("ko", "Redis 캐시가 중앙값 지연을 줄였지 않았다.", "negation_added"),
        ("ko", "Kafka 캐시가 중앙값 지연을 12% 줄였다.", "name_unsupported"),
        ("ko", "사용자는 새 화면의 밝은 색상을 좋아했다.", "not_covered"),
        ("ko", "그렇다.", "not_covered"),
    ],
)
def test_a_claim_that_says_something_else_is_caught_at_level_2(language, text, reason):
    report = judged(language, text=text)
    assert reason in reasons(report)
    assert report.verdict == "fail"


@pytest.mark.parametrize(
    ("language", "text", "quote"),
    [
        ("en", "It lowers memory use on the workers.", QUOTES["en"][1]),
        # The negation stands in the quote's sentence, just outside the quote.
        ("en", "It lowers memory use on the workers.", "lower memory use on the workers."),
        ("ko", "작업자의 메모리 사용량을 낮추었다.", "작업자의 메모리 사용량은 낮추지"),
    ],
)
def test_a_dropped_negation_is_caught(language, text, quote):
    assert "negation_dropped" in reasons(judged(language, text=text, citations=cite(quote)))


def test_a_number_cut_out_of_its_unit_keeps_the_unit():
    report = judged(
        text="The Redis cache reduced median latency by 12.",
        citations=cite("The Redis cache reduced median latency by 12"),
    )
    assert "unit_differs" in reasons(report)


@LANGUAGES
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"citations": ()}, "uncited"),
        ({"citations": "other document"}, "not_verbatim"),
        ({"citations": "forged"}, "unknown_passage"),
        ({"about": ("t9",)}, "claim_invented"),
        ({"about": ()}, "claim_invented"),
    ],
)
def test_broken_citations_and_ids_are_caught(language, change, reason):
    if change.get("citations") == "other document":
        change = {"citations": cite(QUOTES[language][0], "p2")}
    elif change.get("citations") == "forged":
        change = {"citations": cite(QUOTES[language][0], "p99")}
    report = judged(language, **change)
    if reason == "uncited" and "uncited" not in reasons(report):
        reason = "uncited_number"
    assert reason in reasons(report)
    assert (report.verdict, report.evidence_ok) == ("fail", False)


def test_a_quote_from_another_document_is_named_as_a_repair():
    report = judged(citations=cite(QUOTES["en"][0], "p2"))
    (finding,) = [f for f in report.findings if f.reason == "not_verbatim"]
    assert finding.repair == QUOTES["en"][0]
    assert finding.detail.endswith("; verbatim in p1")
    assert finding.repair_passage == "p1"
    assert (finding.claim_id, finding.citation, finding.passage_id) == ("s1", 0, "p2")


def test_a_near_quote_gets_a_proposal_and_still_fails():
    pytest.importorskip("rapidfuzz")
    report = judged(citations=cite("The Redis cache reduced median latency by 21 % in May 2024."))
    (finding,) = [f for f in report.findings if f.reason == "not_verbatim"]
    assert finding.repair == QUOTES["en"][0]
    assert report.verdict == "fail"


@LANGUAGES
@pytest.mark.parametrize(
    "reformat",
    [
        lambda q: unicodedata.normalize("NFD", q),
        lambda q: q.replace(" ", "\n  "),
        lambda q: q.replace(" ", "\u00a0"),
        lambda q: q.replace("12", "１２"),
        lambda q: "\ufeff" + q[:5] + "\u200b" + q[5:],
        lambda q: f"  {q}\t",
    ],
)
def test_harmless_reformatting_passes(language, reformat):
    assert judged(language, citations=cite(reformat(QUOTES[language][0]))).verdict == "pass"


@pytest.mark.parametrize(
    "text",
    [
        "Median latency fell: the Redis cache reduced it by 12 % in May 2024.",
        "According to the source, the Redis cache reduces median latency by 12 percent.",
        "Redis reduced latency by twelve percent.",
    ],
)
def test_a_faithful_rewording_passes(text):
    assert judged(text=text).verdict == "pass"


def test_one_number_in_two_spellings_is_one():
    report = judged(text="Costs rose to $3,000,000.", citations=cite("Costs rose to 3 million dollars."))
    assert report.verdict == "pass"


def test_a_claim_in_another_language_is_judged_on_all_but_its_wording():
    report = judged(text="Redis 캐시는 2024년 5월에 중앙값 지연을 12% 줄였다.")
    assert report.verdict == "pass"
    assert [(f.reason, f.judged) for f in report.findings] == [("other_language", False)]
    assert report.levels[2].not_judged == 1
    for wrong in (
        "Redis 캐시는 지연을 21% 줄였다.",
        "Kafka 캐시는 지연을 12% 줄였다.",
        "Redis 캐시는 지연을 12초 줄였다.",
    ):
        assert judged(text=wrong).verdict == "fail"


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        # What stays open quotes both sides: polarity is not judged, all else is.
        ({"text": "Whether the cache lowers memory use stays open."}, True),
        ({"text": "Whether the cache lowers memory use by 99 % stays open."}, False),
        ({"text": "Nothing is said about security audits.", "citations": ()}, True),
        ({"text": "99 audits stay open.", "citations": ()}, False),
    ],
)
def test_what_stays_open(change, passes):
    quotes = (
        Citation(passage_id="p1", quote=QUOTES["en"][1]),
        Citation(passage_id="p1", quote="The Redis cache reduced median latency"),
    )
    report = judged(kind="open", **{"citations": quotes, **change})
    assert (report.verdict == "pass") is passes


def test_an_answer_that_is_all_open_is_not_supported():
    opened = [Claim(id="s1", text="Nothing is said about security audits.", kind="open", about=ALL)]
    report = judge("job", PASSAGES["en"], outputs(opened), evidence_required=True)
    assert (report.verdict, report.evidence_ok) == ("fail", False)


def test_a_lost_claim_is_named():
    kept = [c.model_copy(update={"about": ("t1", "t2", "t3", "a1", "a2")}) for c in claims()]
    report = judge("job", PASSAGES["en"], outputs(kept), evidence_required=True)
    assert [(f.reason, f.claim_id) for f in report.findings] == [("claim_lost", "a3")]
    assert (report.verdict, report.evidence_ok) == ("fail", False)


@pytest.mark.parametrize("persona", [0, 1, 2])
@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_a_lost_persona_never_passes(persona, status):
    argument = outputs(claims(about=ALL))
    argument[persona] = argument[persona].model_copy(
        update={"status": status, "failure": Failure(kind="overloaded", message="busy"), "claims": ()}
    )
    report = judge("job", PASSAGES["en"], argument, evidence_required=True)
    assert "persona_failed" in reasons(report)
    assert (report.verdict, report.evidence_ok) == ("fail", False)


def test_claims_of_a_failed_persona_do_not_count():
    argument = [o.model_copy(update={"status": "failed"}) for o in outputs(claims(about=ALL))]
    report = judge("job", PASSAGES["en"], argument, evidence_required=True)
    assert (report.verdict, report.evidence_ok, report.quality) == ("fail", False, 0.0)


@pytest.mark.parametrize("required", [True, False])
def test_nothing_never_passes(required):
    empty = outputs([])
    for argument in ([], [empty[2]], empty, [o.model_copy(update={"claims": ()}) for o in empty]):
        assert judge("job", PASSAGES["en"], argument, evidence_required=required).verdict == "fail"


@pytest.mark.parametrize(("says", "answered"), [("Nothing in the documents opposes it.", True), (" ", False)])
def test_an_antithesis_with_nothing_to_object_has_answered_where_it_says_so(says, answered):
    thesis, antithesis, synthesis = outputs(claims(about=("t1", "t2", "t3")))
    silent = antithesis.model_copy(update={"claims": (), "summary": says})
    report = judge("job", PASSAGES["en"], [thesis, silent, synthesis], evidence_required=True)
    assert report.evidence_ok is answered
    assert ("no_claims" in reasons(report)) is not answered


def test_without_a_position_there_is_nothing_that_silence_could_answer():
    silent = outputs([])[1].model_copy(update={"claims": ()})
    assert "no_claims" in reasons(judge("job", PASSAGES["en"], [silent], evidence_required=False))


@pytest.mark.parametrize("at", [0, 2])
def test_a_thesis_or_synthesis_without_claims_is_no_answer_whatever_it_says(at):
    argument = outputs(claims(about=ALL))
    argument[at] = argument[at].model_copy(update={"claims": ()})
    assert "no_claims" in reasons(judge("job", PASSAGES["en"], argument, evidence_required=True))


def test_an_empty_conclusion_a_foreign_job_and_a_duplicate_id_are_caught():
    good = outputs(claims(about=ALL))
    blank = [*good[:2], good[2].model_copy(update={"summary": " "})]
    assert "empty_answer" in reasons(judge("job", PASSAGES["en"], blank, evidence_required=True))
    assert "other_job" in reasons(judge("job2", PASSAGES["en"], good, evidence_required=True))
    twice = [*good[:2], good[2].model_copy(update={"claims": (good[2].claims[0], *good[2].claims)})]
    assert "duplicate_id" in reasons(judge("job", PASSAGES["en"], twice, evidence_required=True))


def test_the_summarys_citations_are_judged_too():
    argument = outputs(claims(about=ALL))
    argument[2] = argument[2].model_copy(update={"citations": cite("The Redis cache reduced")})
    assert judge("job", PASSAGES["en"], argument, evidence_required=True).verdict == "pass"
    argument[2] = argument[2].model_copy(update={"citations": cite("The Redis cache doubled")})
    assert judge("job", PASSAGES["en"], argument, evidence_required=True).verdict == "fail"


def test_a_number_that_only_the_summary_knows_is_a_risk():
    argument = outputs(claims(about=ALL))
    argument[2] = argument[2].model_copy(update={"summary": "Latency falls by 77 %, for two reasons."})
    report = judge("job", PASSAGES["en"], argument, evidence_required=True)
    assert [(f.reason, f.judged) for f in report.findings] == [("summary_number", False)]
    assert any("77 %" in risk for risk in report.risks)


def test_a_bad_thesis_claim_lowers_quality_but_not_the_verdict():
    argument = outputs(claims(about=ALL))
    bad = argument[0].claims[0].model_copy(update={"citations": cite("made up words")})
    argument[0] = argument[0].model_copy(update={"claims": (bad, *argument[0].claims[1:])})
    report = judge("job", PASSAGES["en"], argument, evidence_required=True)
    assert report.verdict == "pass"
    assert report.quality < 1
    assert any("t1" in risk for risk in report.risks)


def test_without_a_synthesis_all_claims_are_the_answer():
    argument = outputs([])[:2]
    assert judge("job", PASSAGES["en"], argument, evidence_required=True).verdict == "pass"
    bad = argument[0].claims[0].model_copy(update={"citations": ()})
    argument[0] = argument[0].model_copy(update={"claims": (bad,)})
    assert judge("job", PASSAGES["en"], argument, evidence_required=True).verdict == "fail"


def test_where_evidence_is_not_required_uncited_claims_are_not_judged_and_not_called_evidence():
    bare = [c.model_copy(update={"citations": (), "text": "Caches help."}) for c in claims(about=ALL)]
    report = judge(
        "job",
        (),
        [
            outputs(bare)[2].model_copy(
                update={"claims": tuple(c.model_copy(update={"about": ()}) for c in bare)}
            )
        ],
        evidence_required=False,
    )
    assert (report.verdict, report.evidence_ok) == ("pass", False)
    assert report.levels[2].not_judged == 3


WORDS = [
    "the",
    "queue",
    "4,500",
    "(fast)",
    "12",
    "%",
    "시스템에서는",
    "않는다",
    "not",
    "Redis",
    "不可用",
    "é",
    "10²",
    "-5",
    "“ok”",
    "don’t",
    "2024-05-01",
]


@settings(max_examples=150)
@given(st.lists(st.sampled_from(WORDS), min_size=3, max_size=30), st.data())
def test_any_verbatim_window_passes_level_1_and_any_changed_character_fails_it(tokens, data):
    start = data.draw(st.integers(0, len(tokens) - 2))
    end = data.draw(st.integers(start + 1, len(tokens)))
    quote = " ".join(tokens[start:end])
    if not any(ch.isalnum() for ch in quote):
        return
    passage = Passage(id="p", source="s", text=" ".join(tokens))

    def level_1(text: str) -> float | None:
        claim = Claim(id="s1", text="x", citations=cite(text, "p"))
        output = PersonaOutput(task_id="j", persona="thesis", step="thesis", summary="x", claims=(claim,))
        return judge("j", [passage], [output], evidence_required=True).levels[1].rate

    assert level_1(quote) == 1.0
    at = data.draw(st.sampled_from([i for i, ch in enumerate(quote) if ch.isalnum()]))
    assert level_1(quote[:at] + "ж" + quote[at + 1 :]) == 0.0


TEXT = st.text(min_size=1, max_size=40)
CLAIMS = st.lists(
    st.builds(
        Claim,
        id=st.sampled_from(["t1", "a1", "s1", "s2"]),
        text=TEXT,
        citations=st.lists(
            st.builds(Citation, passage_id=st.sampled_from(["p1", "p9"]), quote=TEXT), max_size=3
        ).map(tuple),
        about=st.lists(st.sampled_from(["t1", "a1", "zz"]), max_size=3).map(tuple),
        kind=st.sampled_from(["position", "objection", "consensus", "resolution", "open"]),
    ),
    max_size=4,
).map(tuple)
OUTPUTS = st.lists(
    st.builds(
        PersonaOutput,
        task_id=st.just("j"),
        persona=st.sampled_from(["thesis", "antithesis", "synthesis"]),
        step=st.just("thesis"),
        status=st.sampled_from(["ok", "failed"]),
        summary=st.text(max_size=40),
        claims=CLAIMS,
        failure=st.none(),
        usage=st.builds(lambda: PersonaOutput.model_fields["usage"].default),
        timings=st.builds(lambda: PersonaOutput.model_fields["timings"].default),
        citations=st.just(()),
        actions=st.just(()),
        attempt=st.just(1),
    ),
    max_size=4,
)


@settings(max_examples=200)
@given(TEXT, OUTPUTS, st.booleans())
def test_the_gate_never_raises_and_a_pass_has_reasons(text, argument, required):
    report = judge("j", [Passage(id="p1", source="s", text=text)], argument, evidence_required=required)
    assert 0 <= report.quality <= 1
    assert all(level.passed <= level.checked for level in report.levels)
    if report.verdict == "pass":
        assert all(o.status == "ok" and (o.claims or o.persona == "antithesis") for o in argument)
        assert any(o.claims for o in argument)
    if report.evidence_ok:
        assert report.verdict == "pass"
        assert report.levels[1].passed >= 1


def test_ten_thousand_citations_read_each_passage_once(monkeypatch):
    # Given 25 outputs of 40 claims with 10 citations each; when judged, then each text is folded exactly once.
    folds: list[str] = []

    def counting(text: str) -> Folded:
        folds.append(text)
        return fold(text)

    monkeypatch.setattr("orchestrator.evidence.sources.fold", counting)
    passages = [
        Passage(id=f"p{n}", source="s", text=f"word{n} latency fell by {n} % " * 200) for n in range(100)
    ]
    citations = tuple(Citation(passage_id=f"p{n}", quote=f"word{n} latency fell by {n} %") for n in range(10))
    many = tuple(Claim(id=f"t{n}", text="latency fell by 3 %", citations=citations) for n in range(40))
    argument = [PersonaOutput(task_id="j", persona="thesis", step="thesis", summary="x", claims=many)] * 25
    report = judge("j", passages, argument, evidence_required=True)
    assert report.levels[1].passed == 10_000
    assert len(folds) == 110  # a hundred passages and ten distinct quotes


def test_the_texts_of_the_sound_argument_are_not_just_their_quotes():
    assert all(
        text != quote
        for language in TEXTS
        for text, quote in zip(TEXTS[language], QUOTES[language], strict=True)
    )


@pytest.mark.parametrize(
    ("text", "quote", "reason"),
    [
        ("The c\u0430che lowers memory use.", "The cache lowers memory use.", "look_alike"),  # Cyrillic a
        ("The \u0391PI is fast.", "The API is fast.", "look_alike"),  # Greek Alpha
        ("It costs 12\u20dd euros.", "It costs 12 euros.", "look_alike"),
        ("속도가 느리다\u0338.", "속도가 느리다.", "look_alike"),
        ("The caf\u00e9 is open.", "The caf\u00e9 is open.", None),
        ("Москва растёт.", "Москва растёт.", None),
        ("No reply was never lost.", "No reply was lost.", "negation_added"),
        ("No reply was lost, and none was late.", "No reply was lost, and none was late.", None),
        ("면적은 2,489.4㎢이다.", "면적은 2,489.4㎢이다.", None),
        ("면적은 2,489.4㎡이다.", "면적은 2,489.4㎢이다.", "unit_differs"),
        ("The band States is loud.", "The band Nelson is loud.", "name_unsupported"),
        ("It is fast.", "“It is fast.”", None),
        ("It is fast.", "'It is fast.'", None),
        ("It is fast.", "'It is fast.", "not_verbatim"),
    ],
)
def test_what_only_looks_the_same_and_what_is_the_same(text, quote, reason):
    passage = Passage(id="p", source="s", text=f"Before. {quote.strip(chr(39))} After.")
    claim = Claim(id="t1", text=text, citations=cite(quote, "p"))
    output = PersonaOutput(task_id="j", persona="thesis", step="thesis", summary="x", claims=(claim,))
    report = judge("j", [passage], [output], evidence_required=True)
    assert reason in reasons(report) if reason else reasons(report) == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Gift cards never touch stock reservations.", False),
        ("Gift cards never touch stock reservations. So stock reservations they never touch.", False),
        ("Gift cards never do not touch stock reservations.", True),
    ],
)
def test_two_negations_are_none_where_one_sentence_has_both(text, found):
    passage = Passage(id="p1", source="s", text="Gift cards never touch stock reservations.")
    claim = Claim(id="s1", text=text, citations=(Citation(passage_id="p1", quote=passage.text),))
    output = PersonaOutput(task_id="j", persona="synthesis", step="synthesis", summary="So.", claims=(claim,))
    report = judge("j", [passage], [output], evidence_required=True)
    assert ("negation_added" in reasons(report)) == found


@pytest.mark.parametrize(
    ("text", "quote", "found"),
    [
        ("도서관은 주민 절반에게 접종했다.", "보건소는 주민 절반에게 접종했다.", True),
        ("도서관장은 접종 기간을 늘리기로 했다.", "보건소장은 접종 기간을 늘리기로 했다.", True),
        ("거래 기록은 대전에 저장된다.", "거래 기록은 서울에 저장된다.", True),
        ("박물관는 주민 절반에게 접종했다.", "보건소는 주민 절반에게 접종했다.", True),  # 은 would fit
        ("거래 기록은 서울시에 저장된다.", "거래 기록은 서울에 저장된다.", False),
        ("조합은 직원을 줄인다.", "협동조합은 직원을 줄인다.", False),
        ("협동조합은 직원을 줄인다.", "조합은 직원을 줄인다.", False),
        ("시립도서관은 아홉 시에 문을 연다.", "시립 도서관은 아홉 시에 문을 연다.", False),
        ("부산물은 다시 쓴다.", "찌꺼기는 다시 쓴다.", False),  # a by-product is not of Busan
        ("도서관은 아홉 시에 문을 연다.", "The library opens at nine.", False),  # names are translated, too
    ],
)
def test_korean_names_are_looked_for_though_nothing_marks_them(text, quote, found):
    passage = Passage(id="p1", source="s", text=quote)
    claim = Claim(id="t1", text=text, citations=cite(quote))
    output = PersonaOutput(task_id="j", persona="thesis", step="thesis", summary="x", claims=(claim,))
    report = judge("j", [passage], [output], evidence_required=True)
    assert ("name_unsupported" in reasons(report)) == found
