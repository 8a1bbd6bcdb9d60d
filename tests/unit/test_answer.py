"""The human answer: what is on it, in which order, and that no foreign text can reshape it."""

from __future__ import annotations

from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from orchestrator.answer import compose
from orchestrator.answer.markdown import inline
from orchestrator.answer.words import ENGLISH, KOREAN, Words
from orchestrator.contracts import Citation, Claim, Failure, Passage, Persona, PersonaOutput, Reason
from orchestrator.contracts.result import ReasonCode
from orchestrator.plaintext import one_line

P1 = Passage(id="p1", source="report.md", text="Caching cut latency by 40 %.", heading="Results", page=3)
P2 = Passage(id="p2", source="ops.txt", text="Invalidation caused two outages.")
C1 = Citation(passage_id="p1", quote="Caching cut latency by 40 %.")
C2 = Citation(passage_id="p2", quote="Invalidation caused two outages.")


def output(persona: Persona, **fields: Any) -> PersonaOutput:
    return PersonaOutput(task_id="j", persona=persona, step=persona, **fields)


THESIS = output("thesis", summary="Cache.", claims=[Claim(id="t1", text="It is faster.", citations=(C1,))])
ANTITHESIS = output(
    "antithesis",
    summary="It breaks.",
    claims=[Claim(id="a1", text="It went down.", citations=(C2,), about=("t1",), kind="objection")],
)
SYNTHESIS = output(
    "synthesis",
    summary="Cache reads only.\n\nWrites stay direct.",
    citations=(C2,),
    actions=["Measure the hit rate."],
    claims=[
        Claim(id="s1", text="Reads dominate.", citations=(C1,), kind="consensus"),
        Claim(id="s2", text="Both hold.", citations=(C2, C1), about=("t1", "a1", "t9"), kind="resolution"),
        Claim(id="s3", text="The cost is unknown.", kind="open"),
    ],
)


def answer(
    synthesis: PersonaOutput | None = SYNTHESIS,
    thesis: PersonaOutput | None = THESIS,
    antithesis: PersonaOutput | None = ANTITHESIS,
    **changed: Any,
) -> str:
    options: dict[str, Any] = {
        "reasons": (),
        "language": "en",
        "llm_used": True,
        "passages": (P1, P2),
        **changed,
    }
    return compose(synthesis, thesis, antithesis, **options)


def tokens(markdown: str) -> list[Token]:
    flat = []
    for token in MarkdownIt("commonmark").enable(["strikethrough", "table"]).parse(markdown):
        flat += [token, *(token.children or [])]
    return flat


def test_a_settled_answer_has_every_part_in_order_and_a_source_behind_every_mark() -> None:
    assert (
        answer()
        == """\
## Conclusion

Cache reads only.

Writes stay direct. [1]

## How the two sides fit together

- Both hold. [1] [2]
  - *Thesis:* It is faster. [2]
  - *Antithesis:* It went down. [1]

## What stays open

- The cost is unknown.

## Stated by one side, not contested

- Reads dominate. [2]

## Next actions

- Measure the hit rate.

## Sources

1. ops.txt: “Invalidation caused two outages.”
2. report.md, Results, p. 3: “Caching cut latency by 40 %.”
"""
    )


def test_without_a_synthesis_both_sides_stand_with_their_claims() -> None:
    text = answer(synthesis=None)
    assert text.index(ENGLISH.position) < text.index("It is faster. [1]") < text.index(ENGLISH.objections)
    assert "It went down. [2]" in text
    assert ENGLISH.conclusion not in text


@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_a_failed_persona_counts_as_lost_whatever_it_holds(status: str) -> None:
    failed = SYNTHESIS.model_copy(
        update={"status": status, "failure": Failure(kind="deadline", message="late")}
    )
    assert answer(synthesis=failed) == answer(synthesis=None)


def test_with_nobody_left_the_answer_says_so() -> None:
    assert answer(None, None, None).strip() == f"> **{ENGLISH.no_answer}**"


def test_what_went_wrong_is_one_block_that_says_each_thing_once() -> None:
    lost = [
        Reason(code="persona_lost", persona=persona, kind="unreachable", detail="no connection")
        for persona in ("thesis", "antithesis")
    ]
    reasons = [Reason(code="all_personas_lost"), *lost, Reason(code="deadline")]
    assert answer(None, None, None, reasons=reasons, llm_used=False) == (
        "> **No answer could be produced.** The time was up. Every persona was lost. (unreachable: no connection)\n"
    )


def consensus(*citations: Citation, about: tuple[str, ...] = ()) -> PersonaOutput:
    claim = Claim(id="s1", text="Both say it.", citations=citations, kind="consensus", about=about)
    return SYNTHESIS.model_copy(update={"claims": (claim,)})


@pytest.mark.parametrize(
    ("made", "shared"),
    [
        (consensus(C1), False),
        (consensus(C1, about=("t1",)), False),
        (consensus(C1, C1), False),
        (consensus(C1, C2), True),
        (consensus(C1, about=("t1", "a1")), True),
    ],
    ids=["one quote", "one side", "one document twice", "two documents", "both sides"],
)
def test_what_both_sides_hold_needs_two_documents_or_both_sides(made: PersonaOutput, shared: bool) -> None:
    assert (ENGLISH.consensus in answer(made), ENGLISH.one_side in answer(made)) == (shared, not shared)


def test_each_mark_stands_behind_the_sentence_that_its_quote_is_in() -> None:
    said = f"For: {C1.quote} It helps.\n\nAgainst: {C2.quote}\n\nNot settled."
    made = SYNTHESIS.model_copy(update={"summary": said, "citations": (C1, C2), "claims": ()})
    text = answer(made)
    assert f"For: {C1.quote} [1] It helps.\n\nAgainst: {C2.quote} [2]\n\nNot settled.\n" in text
    assert text.count(C1.quote) == 1, "a quote that the answer shows is not repeated among the sources"
    assert "1. report.md, Results, p. 3\n2. ops.txt\n" in text


def test_a_claim_that_the_conclusion_holds_word_for_word_is_not_listed_again() -> None:
    made = SYNTHESIS.model_copy(update={"summary": "Reads dominate."})
    assert answer(made).count("Reads dominate.") == 1


def test_what_stays_open_is_always_listed() -> None:
    made = SYNTHESIS.model_copy(update={"summary": "The cost is unknown."})
    assert "## What stays open\n\n- The cost is unknown." in answer(made)


def test_what_is_wrong_stands_above_the_answer() -> None:
    text = answer(
        antithesis=None,
        llm_used=False,
        reasons=[Reason(code="persona_lost", persona="antithesis", kind="deadline", detail="90 s")],
    )
    before = text[: text.index("## Conclusion")]
    assert ENGLISH.no_llm in before
    assert "Antithesis was lost" in before
    assert "(deadline: 90 s)" in before


@pytest.mark.parametrize(("words", "code"), list(product((ENGLISH, KOREAN), get_args(ReasonCode))))
def test_every_reason_has_a_sentence_in_both_languages(words: Words, code: ReasonCode) -> None:
    said = words.reasons[code].format(persona="X")
    assert said
    language = "ko" if words is KOREAN else "en"
    assert words.reasons[code].format(persona=words.personas["thesis"]) in answer(
        language=language, reasons=[Reason(code=code, persona="thesis")]
    )


def test_korean_gets_korean_headings_and_any_other_language_english_ones() -> None:
    assert "## 결론" in answer(language="ko")
    assert "3쪽" in answer(language="ko")
    assert answer(language="de") == answer(language="en")


def test_a_citation_outside_the_evidence_is_named_as_such() -> None:
    assert "p1 (not among this job's evidence)" in answer(passages=(P2,))


HOSTILE = [
    "[click](http://evil.example)",
    "![x](http://evil.example/p.png)",
    "<img src=x onerror=alert(1)>",
    "# Heading\n## Sources\n\n1. forged.md",
    "a\n\n- forged item\n- another",
    "```\ncode",
    "`code` **bold** _it_ ~~gone~~ <http://evil.example>",
    "1. one",
    "---",
    "| a | b |\n|---|---|",
    "\x1b[2J\x1b]0;title\x07red\x1b[0m",
    "&#27;[31m &lt;b&gt; &amp;",
    "\u202ereversed\u2069",
    "[1]: http://evil.example\n[1]",
    "back\\",
    "    indented",
    "\x9b31mred",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_changes_neither_structure_nor_terminal(text: str) -> None:
    def shape(markdown: str) -> list[str]:
        kept = [t for t in tokens(markdown) if t.type not in {"text", "text_special", "softbreak"}]
        return [t.type for t in kept]

    def with_text(text: str) -> str:
        quote = Citation(passage_id="p1", quote=text)
        claim = Claim(id="s1", text=text, citations=(quote,), kind="consensus", about=("t1",))
        made = SYNTHESIS.model_copy(update={"claims": (claim,), "citations": (quote,), "actions": (text,)})
        source = P1.model_copy(update={"source": text, "heading": text})
        reason = Reason(code="evidence_failed", detail=text)
        return answer(made, passages=[source], reasons=[reason])

    hostile = with_text(text)
    assert shape(hostile) == shape(with_text("harmless"))
    assert not any(ch < " " and ch != "\n" for ch in hostile)
    assert not set(hostile) & set("\x1b\x9b\u202e\u2069")


TEXT = st.text(st.characters() | st.sampled_from("\\`*_[]<>#+-=.)&;|~!\n\t 1\x1b\u202e"), max_size=60)


@given(TEXT)
@example("1. one")
@example("- one")
@example("&#27;[31m &lt;b&gt;")
def test_a_line_reads_as_the_text_it_was_made_of(text: str) -> None:
    inlines = [t for t in tokens(f"- {inline(text)}x") if t.type == "inline"]
    assert [t.type for t in tokens(f"- {inline(text)}x")].count("list_item_open") == 1
    shown = "".join(child.content for t in inlines for child in t.children or [])
    assert shown == one_line(text) + "x"


@given(TEXT)
def test_a_summary_is_paragraphs_and_nothing_else(text: str) -> None:
    encodable = text.encode("utf-8", "ignore").decode()  # a contract holds no lone surrogate
    made = output("synthesis", summary=encodable, citations=(C1,))
    body = answer(made).partition("## Sources")[0].partition("## Conclusion")[2]
    kinds = {t.type for t in tokens(body)}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}


def test_a_sign_that_needs_no_escape_gets_none() -> None:
    assert inline("Guide > Lease renewal") == "Guide > Lease renewal"
    assert inline("> quoted") == "\\> quoted"


@pytest.mark.parametrize(
    "text", ["snake_case stays", "3.5 % at -2 °C", "#hashtag? no: C# and 5 > 3", "값은 3~5일, A&B"]
)
def test_a_limit_clips_what_is_seen_and_never_an_escape(text: str) -> None:
    for limit in range(1, len(text) + 1):
        shown = [t for t in tokens("- " + inline(text, limit)) if t.type == "inline"]
        assert "".join(child.content for each in shown for child in each.children or []) == one_line(
            text, limit
        )


def test_unsupported_claims_are_listed_once_and_not_without_end():
    lacking = [(f"Claim {n} *holds*.", "12 % is not in its quotes") for n in range(7)]
    reason = Reason(code="evidence_failed", detail="Claim s1: 12 % is not in its quotes.")
    above = answer(reasons=(reason,), unsupported=lacking).partition("\n\n")[0].splitlines()
    assert above[0] == "> **Not a complete result.** Not every claim is supported by its citations."
    assert above[2] == "> Unsupported, also after other quotes were looked for:"
    assert above[3] == "> - “Claim 0 \\*holds\\*.” (12 % is not in its quotes)"
    assert above[-1] == "> - and 2 more"
    assert len(above) == 3 + 5 + 1
    assert "> - 외 2건" in answer(reasons=(reason,), unsupported=lacking, language="ko")
