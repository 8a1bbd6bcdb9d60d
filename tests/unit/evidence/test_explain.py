"""What a claim rests on, as it is shown: quotes in their passages, words that they hold, and nothing that runs."""

import re
from html.parser import HTMLParser

import pytest

from orchestrator.answer.explained import page
from orchestrator.contracts import Citation, Claim, Passage, PersonaOutput, Provenance, Result
from orchestrator.evidence import judge
from orchestrator.evidence.explain import Explained, explain

HOSTILE = '<script>alert(1)</script> & "</style>'


def result(text: str, quote: str, passage: str, passage_id: str = "p1") -> Result:
    claim = Claim(id="s1", text=text, citations=(Citation(passage_id=passage_id, quote=quote),))
    passages = (Passage(id="p1", source=f"memo{HOSTILE}.md", text=passage, heading="Costs", page=3),)
    output = PersonaOutput(task_id="job", persona="thesis", step="thesis", summary="So.", claims=(claim,))
    return Result(
        task_id="job",
        status="degraded",
        goal=f"Should we? {HOSTILE}",
        language="en",
        answer=f"Yes. {HOSTILE}",
        claims=(claim,),
        passages=passages,
        eval=judge("job", passages, [output], evidence_required=True),
        provenance=Provenance(triptych="0", llm_used=False),
    )


def explained(*args: str) -> Explained:
    (one,) = explain(result(*args))
    return one


def test_a_quote_is_shown_where_it_stands():
    one = explained(
        "The cache costs 12 euros.", "cache costs  12 euros", "Before. The cache costs 12 euros. After."
    )
    (place,) = one.places
    assert (place.before, place.quote, place.after) == ("Before. The ", "cache costs 12 euros", ". After.")
    assert (one.upheld, one.findings) == (True, ())
    assert one.support is not None
    assert one.support > 0.5


def test_words_and_numbers_that_no_quote_holds_are_told_from_those_that_one_does():
    one = explained(
        "The cheap cache costs 13 euros.", "The cache costs 12 euros.", "The cache costs 12 euros."
    )
    assert [(p.text, p.held) for p in one.pieces if p.held is not None] == [
        ("cheap", False), ("cache", True), ("costs", True), ("13 euros", False),
    ]  # fmt: skip
    assert "".join(p.text for p in one.pieces) == "The cheap cache costs 13 euros."
    assert not one.upheld


@pytest.mark.parametrize("passage_id", ["p1", "p9"])
def test_a_quote_that_stands_nowhere_is_shown_as_that(passage_id):
    one = explained("It costs 12 euros.", "made up", "It costs 12 euros.", passage_id)
    (place,) = one.places
    assert (place.verbatim, place.quote, place.before) == (False, "made up", "")
    assert (place.passage is None) == (passage_id == "p9")
    assert not one.upheld


def test_words_of_another_language_are_not_told_apart():
    one = explained("캐시 비용은 12유로이다.", "The cache costs 12 euros.", "The cache costs 12 euros.")
    assert [(p.text, p.held) for p in one.pieces if p.held is not None] == [("12유로", True)]
    assert one.support is None


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("quote", [f"costs {HOSTILE}", f"made up {HOSTILE}"])
def test_the_page_escapes_everything_and_loads_nothing(quote):
    found = result(f"It costs {HOSTILE}", quote, f"It costs {HOSTILE} or more.")
    html = page(found, explain(found))
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    assert "script" not in tags.seen
    assert not tags.attributes & {"src", "href", "onclick", "style"}
    assert "default-src 'none'" in html
    assert not re.search(r"url\(|@import|https?:", html)
    assert html.count("&lt;script&gt;") >= 5


def test_a_result_without_claims_has_a_page():
    found = result("x", "x", "x").model_copy(update={"claims": ()})
    assert "No claim was delivered." in page(found, explain(found))
