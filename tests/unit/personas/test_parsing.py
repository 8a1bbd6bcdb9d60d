"""What is read out of what models really write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.contracts import Citation, Claim, PersonaOutput
from orchestrator.contracts.evidence import MAX_CLAIMS
from workers.brief import Form
from workers.personas import draft
from workers.personas.parsing import AnswerReader, ParsedAnswer, parse
from workers.personas.scan import MAX_ANSWER_CHARS

T1 = '{"kind": "position", "id": "t1", "text": "It helps.", "citations": [{"passage": "p1", "quote": "helps"}]}'
T2 = '{"kind": "position", "id": "t2", "text": "It scales.", "depends_on": ["t1"]}'
SUMMARY = '{"kind": "summary", "text": "Do it.", "citations": [{"passage": "p1", "quote": "helps"}]}'
DONE = '{"kind": "done"}'
CLEAN = "\n".join(
    [T1, T2, SUMMARY, '{"kind": "rationale", "text": "R"}', '{"kind": "action", "text": "A"}', DONE]
)
BOTH = (
    Claim(id="t1", text="It helps.", citations=(Citation(passage_id="p1", quote="helps"),)),
    Claim(id="t2", text="It scales.", depends_on=("t1",)),
)


def codes(answer: ParsedAnswer) -> list[str]:
    return [problem.code for problem in answer.problems]


def line(**fields: Any) -> str:
    return json.dumps({"kind": "position", "text": "x", **fields}, ensure_ascii=False)


def only_claim(text: str, form: Form = "thesis", known: tuple[str, ...] = ()) -> Claim:
    (claim,) = parse(text, form, known=known).claims
    return claim


def test_a_clean_answer_is_read_whole() -> None:
    answer = parse(CLEAN, "thesis")
    assert answer == ParsedAnswer(
        claims=BOTH,
        summary="Do it.",
        citations=(Citation(passage_id="p1", quote="helps"),),
        rationale="R",
        actions=("A",),
    )


PRETTY = json.dumps([json.loads(each) for each in CLEAN.split("\n")], indent=2)

CITED = '[{"passage": "p1", "quote": "helps"}]'

MESSY = {
    "code fence": f"```json\n{CLEAN}\n```",
    "prose around": f"Sure! Here's my {{careful}} answer:\n\n{CLEAN}\n\nLet me know if {{x}} helps.",
    "one array": f"[{CLEAN.replace(chr(10), ', ')}]",
    "array over lines": "[\n" + ",\n".join(CLEAN.split("\n")) + "\n]",
    "pretty-printed": PRETTY,
    "pretty objects, no array": "\n".join(json.dumps(json.loads(x), indent=4) for x in CLEAN.split("\n")),
    "wrapped": '{"answer": [' + CLEAN.replace("\n", ",") + "]}",
    "byte order mark": "\ufeff" + CLEAN,
    "windows line ends": CLEAN.replace("\n", "\r\n"),
    "bullets": "\n".join(f"- {x}" for x in CLEAN.split("\n")),
    "trailing commas": CLEAN.replace("}]}", "},],}").replace('"]}', '",],}'),
    "reasoning in front": f'<think>\nmaybe {{"kind": "position", "text": "draft"}}\n{T2}\n</think>\n{CLEAN}',
    "reasoning on one line": f"<think>hm {T2}</think>{CLEAN}",
    "reasoning without its opening": f"Let me draft:\n{T2}\n</think>\n\n{CLEAN}",
    "two objects on a line": CLEAN.replace("\n", " "),
    "other keys": CLEAN.replace('"kind"', '"type"').replace('"passage"', '"passage_id"'),
    "a claim by that name": CLEAN.replace('"position"', '"claim"'),
    "loose lists": CLEAN.replace('["t1"]', '"T1"').replace(CITED, '{"passage": "[p1]", "quote": "helps"}'),
    "nulls and extras": CLEAN.replace('"text": "It helps."', '"text": "It helps.", "about": null, "confidence": 0.9'),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSY)
def test_messy_answers_say_the_same_as_clean_ones(name: str) -> None:
    answer = parse(MESSY[name], "thesis")
    assert answer.claims == BOTH
    assert answer.summary == "Do it."
    assert answer.citations == (Citation(passage_id="p1", quote="helps"),)
    assert (answer.rationale, answer.actions) == ("R", ("A",))
    assert not answer.problems


def test_line_breaks_and_braces_inside_strings_are_text() -> None:
    claim = only_claim('{"kind": "position", "text": "first\nsecond \\"{quoted}\\" }"}\n' + DONE)
    assert claim.text == 'first\nsecond "{quoted}" }'


@pytest.mark.parametrize(
    "broken",
    [
        '{"kind": "position", "id": "t2", "text": "no end',
        '{"kind": "position", "id": "t2", "text": "no brace"',
        '{"kind": "position", "id": "t2", "text": "bad "quotes" here"}',
        "{'kind': 'position'}",
    ],
)
def test_a_broken_line_costs_one_line(broken: str) -> None:
    answer = parse("\n".join([T1, broken, T2, SUMMARY, DONE]), "thesis")
    assert answer.claims == BOTH
    assert not answer.defects
    if broken.startswith('{"'):
        assert codes(answer) == ["broken_line"]
        assert answer.problems[0].line == 2


# --- the end of an answer


@pytest.mark.parametrize(
    ("text", "finish_reason", "defects"),
    [
        (CLEAN, "stop", []),
        (CLEAN, "length", []),  # the last line is there, so nothing is missing
        (CLEAN.removesuffix(DONE), "stop", []),  # forgotten, but whole
        (CLEAN.removesuffix(DONE), "length", ["cut"]),
        (CLEAN.removesuffix(DONE) + '{"kind": "acti', "stop", ["cut"]),
        (T1[:-20], "stop", ["cut", "no_claims", "mostly_broken"]),
        ("", "stop", ["no_claims"]),
        ("I cannot help with that.", "stop", ["no_claims"]),
        ("<think>never ends\n" + CLEAN, "stop", ["no_claims"]),
        (SUMMARY, "stop", ["no_claims"]),
        (SUMMARY + "\n" + DONE, "stop", []),  # says, in good order, that there is nothing to claim
    ],
)
def test_whole_and_cut_answers_are_told_apart(text: str, finish_reason: str, defects: list[str]) -> None:
    assert [defect.code for defect in parse(text, "thesis", finish_reason=finish_reason).defects] == defects


def test_a_synthesis_needs_claims_and_a_conclusion() -> None:
    claim = '{"kind": "open", "id": "s1", "text": "x", "about": ["t1"]}\n'
    assert [d.code for d in parse(claim + DONE, "synthesis", known=["t1"]).defects] == ["no_conclusion"]
    assert [d.code for d in parse(SUMMARY + "\n" + DONE, "synthesis", known=["t1"]).defects] == ["no_claims"]
    assert not parse(claim + SUMMARY + "\n" + DONE, "synthesis", known=["t1"]).defects


def test_an_answer_that_is_mostly_broken_cannot_be_used() -> None:
    answer = parse("\n".join([T1, '{"kind": "position"}', '{"kind": "x"}', '{"kind": 3}', DONE]), "thesis")
    assert codes(answer) == ["bad_line"] * 3
    assert [d.code for d in answer.defects] == ["mostly_broken"]
    assert len(answer.complaints) == 4


def test_nothing_after_the_last_line_is_read() -> None:
    answer = parse(CLEAN + "\n" + CLEAN, "thesis")
    assert answer.claims == BOTH
    assert set(codes(answer)) == {"after_done"}


# --- kinds, ids and references


@pytest.mark.parametrize(
    ("form", "kind", "read"),
    [
        ("thesis", "position", "position"),
        ("thesis", "claim", "position"),
        ("thesis", "objection", None),
        ("thesis", "consensus", None),
        ("antithesis", "objection", "objection"),
        ("antithesis", "Rebuttal", "objection"),
        ("antithesis", "position", None),
        ("antithesis_standalone", "claim", "objection"),
        ("antithesis_standalone", "resolution", None),
        ("synthesis", "consensus", "consensus"),
        ("synthesis", "resolution", "resolution"),
        ("synthesis", "open question", "open"),
        ("synthesis", "position", None),
        ("synthesis", "claim", None),
    ],
)
def test_each_form_makes_its_own_kinds_of_claims(form: Form, kind: str, read: str | None) -> None:
    answer = parse(line(kind=kind) + "\n" + DONE, form)
    assert [claim.kind for claim in answer.claims] == ([read] if read else [])
    assert ("bad_line" in codes(answer)) is (read is None)


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        (["t1", "t2", "t3"], ["t1", "t2", "t3"]),
        (["", "", ""], ["t1", "t2", "t3"]),
        (["T1", "[t2]", "#t03"], ["t1", "t2", "t3"]),
        ([1, "2", 3], ["t1", "t2", "t3"]),
        (["a1", "claim-1", "s9"], ["t1", "t2", "t3"]),
        (["t2", "t2", ""], ["t2", "t1", "t3"]),
        (["t0", "t5", "t1"], ["t1", "t5", "t2"]),
        (["t1;DROP", "é", "t99999"], ["t1", "t2", "t3"]),
    ],
)
def test_ids_are_kept_where_sound_and_given_where_not(written: list[str | int], ids: list[str]) -> None:
    answer = parse("\n".join(line(id=each) for each in written), "thesis")
    assert [claim.id for claim in answer.claims] == ids


@pytest.mark.parametrize(
    ("depends_on", "kept"),
    [
        (["t1"], ("t1",)),
        (["first"], ("t1",)),
        (["t2"], ()),  # itself
        (["t3"], ()),  # later
        (["a1"], ()),
        (["t1", "t1", "T1"], ("t1",)),
    ],
)
def test_claims_depend_on_earlier_claims_of_the_same_answer_only(
    depends_on: list[str], kept: tuple[str, ...]
) -> None:
    answer = parse(
        "\n".join([line(id="first"), line(id="t2", depends_on=depends_on), line(id="t3")]), "thesis"
    )
    assert answer.claims[1].depends_on == kept
    assert ("bad_reference" in codes(answer)) is (kept == ())


@pytest.mark.parametrize(
    ("form", "about", "kept", "noted"),
    [
        ("antithesis", ["T1", "[t2]"], ("t1", "t2"), None),
        ("antithesis", "t1, t2", ("t1", "t2"), None),
        ("antithesis", ["t9"], (), "bad_reference"),
        ("antithesis_standalone", ["t1"], (), "bad_reference"),
        ("thesis", ["a1"], (), "bad_reference"),
        ("synthesis", ["t1", "a1"], ("t1", "a1"), None),
        ("synthesis", ["t9"], ("t9",), "unknown_claim"),  # an invented claim: the gate has to see it
        ("synthesis", ["s1"], (), "bad_reference"),
        ("synthesis", ["all of them"], (), "bad_reference"),
    ],
)
def test_about_names_claims_of_the_others(
    form: Form, about: object, kept: tuple[str, ...], noted: str | None
) -> None:
    known = {"antithesis": ("t1", "t2"), "synthesis": ("t1", "t2", "a1")}.get(form, ())
    kind = {"thesis": "position", "synthesis": "open"}.get(form, "objection")
    answer = parse(line(kind=kind, about=about) + "\n" + DONE, form, known=known)
    assert answer.claims[0].about == kept
    assert [code for code in codes(answer) if code != "no_done"] == ([noted] if noted else [])


# --- citations and bounds


@pytest.mark.parametrize(
    ("citation", "kept"),
    [
        ({"passage": "p99", "quote": "forged"}, ("p99", "forged")),  # the gate judges, not the parser
        ({"passage": "no such passage", "quote": "q"}, ("no_such_passage", "q")),
        ({"source": 7, "content": "q"}, ("7", "q")),
        ({"passage": "p1", "quote": "a\x00b\x1b[31mc\u00a0d\u202e"}, ("p1", "abc\u00a0d\u202e")),
        ({"passage": "p1", "quote": " "}, None),
        ({"passage": "p1"}, None),
        ({"quote": "q"}, None),
        ("p1", None),
        (None, None),
    ],
)
def test_citations_are_kept_for_the_gate_or_noted(citation: object, kept: tuple[str, str] | None) -> None:
    answer = parse(line(citations=[citation]) + "\n" + DONE, "thesis")
    assert [(c.passage_id, c.quote) for c in answer.claims[0].citations] == ([kept] if kept else [])
    assert ("bad_citation" in codes(answer)) is (kept is None)


def test_what_is_too_much_is_bounded_and_noted() -> None:
    cited = [{"passage": f"p{n}", "quote": "q" * 2_100} for n in range(14)]
    lines = [line(text="w" * 2_100, citations=[] if n else cited) for n in range(MAX_CLAIMS + 5)]
    lines += ['{"kind": "action", "text": "' + "a" * 900 + '"}'] * 20
    lines += ['{"kind": "summary", "text": "' + "s" * 5_000 + '"}'] * 3
    answer = parse("\n".join(lines), "thesis")
    assert len(answer.claims) == MAX_CLAIMS
    assert len(answer.actions) == draft.MAX_ACTIONS
    assert {"too_many", "clipped"} <= set(codes(answer))
    assert len(answer.problems) <= draft.MAX_PROBLEMS
    said = {"claims": answer.claims, "summary": answer.summary, "actions": answer.actions}
    PersonaOutput.model_validate({"task_id": "j", "persona": "thesis", "step": "thesis", **said})


def test_an_endless_answer_is_cut() -> None:
    answer = parse(T1 + "\n" + "x" * MAX_ANSWER_CHARS + "\n" + T2, "thesis")
    assert answer.claims == BOTH[:1]
    assert [defect.code for defect in answer.defects] == ["cut"]


def test_an_answer_with_more_problems_than_are_kept_is_still_seen_to_be_cut() -> None:
    answer = parse(T1 + ("\n" + line(depends_on=["t99"])) * 100, "thesis", finish_reason="length")
    assert len(answer.problems) == draft.MAX_PROBLEMS
    assert [defect.code for defect in answer.defects] == ["cut"]


def test_what_people_read_is_free_of_controls() -> None:
    text = "\\u001b[31mred\\u001b[0m \\u202eback\\u0007 \\ud83d\\ude00"
    answer = parse(
        f'{{"kind": "position", "text": "{text}"}}\n{{"kind": "summary", "text": "{text}"}}', "thesis"
    )
    assert answer.claims[0].text == answer.summary == "red back \N{GRINNING FACE}"


def test_problems_quote_nothing_of_the_answer() -> None:
    secret = "PLANTED"
    bad = [
        line(kind=secret), line(text={secret: 1}), line(id=secret, depends_on=[secret], about=[secret]),
        '{"kind": "tool", "name": 1, "input": {"' + secret + '": [1]}}', '{"kind": "position", ' + secret + "}",
        line(citations=[secret]), '{"' + secret + '": 1}',
    ]  # fmt: skip
    answer = parse("\n".join(bad), "thesis")
    assert len(answer.problems) >= len(bad)
    assert not any(secret in str(problem) for problem in (*answer.problems, *answer.defects))


# --- while it is being written


def test_claims_come_out_when_their_line_ends_and_words_before_that() -> None:
    reader = AnswerReader("thesis")
    assert reader.feed(T1[:55]) == ()
    assert "It helps.".startswith(reader.words)
    assert reader.words
    assert reader.feed(T1[55:]) == ()
    assert reader.feed("\n" + T2[:10]) == BOTH[:1]
    assert reader.feed(T2[10:] + "\n") == BOTH[1:]
    assert reader.words == ""


SOME_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = dict.fromkeys(("id", "text", "citations", "depends_on", "about", "name", "input", "type"), SOME_JSON)
KINDS = st.sampled_from(
    [
        "position",
        "objection",
        "consensus",
        "open",
        "resolution",
        "summary",
        "rationale",
        "action",
        "tool",
        "done",
        "claim",
    ]
)
LINES = st.fixed_dictionaries({"kind": KINDS | SOME_JSON}, optional=FIELDS).map(json.dumps)
CLAIMS = st.builds(
    lambda kind, text, refs: json.dumps({"kind": kind, "text": text, "about": refs, "depends_on": refs}),
    KINDS, st.text(max_size=30), st.lists(st.sampled_from(["t1", "t2", "a1", "s1", "A2", "x"]), max_size=4),
)  # fmt: skip
NOISE = st.sampled_from(
    [
        "```json",
        "<think>",
        "</think>",
        "{",
        "}",
        '"',
        "\\",
        "[",
        ",",
        '{"',
        '{"kind"',
        "\ufeff",
        "\ud800",
        T1,
        DONE,
    ]
) | st.text(max_size=30)
ANSWERS = st.builds(
    lambda parts, glue: glue.join(parts),
    st.lists(LINES | CLAIMS | NOISE, max_size=12),
    st.sampled_from(["\n", "", " ", ",\n", "\r\n"]),
)
FORMS: st.SearchStrategy[Form] = st.sampled_from(
    ["thesis", "antithesis", "antithesis_standalone", "synthesis"]
)


@given(ANSWERS, FORMS)
def test_whatever_comes_in_what_goes_out_fits_the_contract(text: str, form: Form) -> None:
    answer = parse(text, form, known=["t1", "a1"])
    output = PersonaOutput(
        task_id="j",
        persona="synthesis",
        step="synthesis",
        summary=answer.summary,
        rationale=answer.rationale,
        actions=answer.actions,
        claims=answer.claims,
        citations=answer.citations,
    )
    assert PersonaOutput.from_wire(output.to_wire()) == output
    assert len({claim.id for claim in answer.claims}) == len(answer.claims)
    earlier: set[str] = set()
    for claim in answer.claims:
        assert set(claim.depends_on) <= earlier
        earlier.add(claim.id)
    shown = [answer.summary, answer.rationale, *answer.actions, *(claim.text for claim in answer.claims)]
    assert not any(ord(ch) < 32 and ch not in "\n\t" for text in shown for ch in text)


@given(ANSWERS, FORMS, st.data())
def test_an_answer_in_pieces_is_the_answer_in_one(text: str, form: Form, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    reader = AnswerReader(form, known=["t1", "a1"])
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        reader.feed(text[start:end])
        assert isinstance(reader.words, str)
    assert reader.finish() == parse(text, form, known=["t1", "a1"])


@pytest.mark.parametrize(
    "unit",
    [
        '{"', "{", '{"kind"', "{ ", '"', '\\"', '{"a":"\\', "<think>", "</think>\n", '{"kind":"position",\n', ",[ ",
        "\n{", '{"a":{',
    ],
)  # fmt: skip
def test_the_scanner_looks_at_every_character_a_bounded_number_of_times(unit: str) -> None:
    # Quadratic work on this length takes minutes; the suite's timeout is the check.
    parse(unit * (MAX_ANSWER_CHARS // len(unit)), "thesis")
