"""How a document is split: whole sentences, one section each, offsets that hold."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.corpus.chunks import MAX_CHARS, MIN_CHARS, chunks
from orchestrator.corpus.document import Document, DocumentBuilder
from orchestrator.language import sentences

SENTENCE = "A lease is renewed every two seconds by one heartbeat of its process. "


def document(*blocks: tuple[Any, ...]) -> Document:
    builder = DocumentBuilder("a.md")
    for kind, *rest in blocks:
        if kind == "page":
            builder.page()
        else:
            builder.add(kind, *rest)
    return builder.build(b"")


def test_a_passage_knows_its_headings():
    found = chunks(
        document(
            ("paragraph", "Before any heading."),
            ("heading", "Guide", 1),
            ("paragraph", "Of the guide."),
            ("heading", "Limits", 2),
            ("paragraph", "Of the limits."),
            ("heading", "Appendix", 1),
            ("paragraph", "Of the appendix."),
        )
    )

    assert [(c.heading, c.text) for c in found] == [
        ("", "Before any heading."),
        ("Guide", "Of the guide."),
        ("Guide > Limits", "Of the limits."),
        ("Appendix", "Of the appendix."),
    ]


def test_headings_over_nothing_are_passages_themselves():
    found = chunks(
        document(
            ("heading", "Agenda", 1), ("heading", "Budget is cut by 5 %", 2), ("heading", "Any other", 2)
        )
    )

    assert [(c.heading, c.text) for c in found] == [
        ("Agenda", "Budget is cut by 5 %"),
        ("Agenda", "Any other"),
    ]


def test_a_long_section_is_split_between_sentences():
    found = chunks(document(("paragraph", SENTENCE * 60)))

    assert len(found) > 3
    assert all(MIN_CHARS <= len(c.text) <= MAX_CHARS for c in found)
    assert all(c.text.startswith("A lease") and c.text.endswith("process.") for c in found)


def test_a_sentence_over_the_maximum_is_split_after_a_clause_or_a_word():
    found = chunks(document(("paragraph", "several words and a clause, " * 100 + "x" * 3_000)))

    assert all(len(c.text) <= MAX_CHARS for c in found)
    assert found[0].text.endswith("clause,")


def test_a_table_that_fits_stays_whole_and_a_longer_one_is_split_between_rows():
    row = "parallel | 25.0 | 12 % more tokens"
    small, large = (document(("table", "\n".join([row] * n))) for n in (10, 200))

    assert [c.text.count("\n") for c in chunks(small)] == [9]
    assert all(set(c.text.split("\n")) == {row} for c in chunks(large))


def test_short_paragraphs_share_a_passage_and_a_short_tail_joins_it():
    found = chunks(document(*[("paragraph", SENTENCE.strip())] * 6, ("paragraph", "The end.")))

    assert len(found) == 1


def test_a_passage_names_the_page_it_begins_on():
    found = chunks(document(("page",), ("paragraph", SENTENCE * 12), ("page",), ("paragraph", SENTENCE * 12)))

    assert [c.page for c in found] == [1, 2]
    assert chunks(document(("paragraph", "No pages.")))[0].page is None


BLOCKS = st.lists(
    st.one_of(
        st.tuples(st.just("heading"), st.text(max_size=600), st.integers(1, 6)),
        st.tuples(st.sampled_from(["paragraph", "list", "table", "code"]), st.text(max_size=4_000)),
        st.tuples(st.just("paragraph"), st.text(alphabet="가나다 abc.?!,\n", max_size=4_000)),
        st.tuples(st.just("page")),
    ),
    max_size=12,
)


@given(BLOCKS)
def test_offsets_hold_nothing_overlaps_and_no_word_is_lost(blocks):
    doc = document(("paragraph", "start"), *blocks)
    found = chunks(doc)

    assert all(doc.text[c.start : c.end] == c.text and 0 < len(c.text) <= MAX_CHARS for c in found)
    assert all(len(c.heading) <= 400 and "\n" not in c.heading for c in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    covered = [range(c.start, c.end) for c in found]
    for block in doc.blocks:
        if block.kind != "heading":
            left = set(range(block.start, block.end)).difference(*covered)
            assert not any(not doc.text[at].isspace() for at in left)


@given(
    st.lists(
        st.sampled_from([SENTENCE, "Short one. ", "두 번째 문장이다. ", "Is it 3.5 % or not? "]), max_size=80
    )
)
def test_no_sentence_is_split(parts):
    doc = document(("paragraph", "".join(["Start here. ", *parts])))
    inside = [span for span in sentences(doc.text) if span.end - span.start <= MAX_CHARS]

    for chunk in chunks(doc):
        assert not any(
            span.start < chunk.start < span.end or span.start < chunk.end < span.end for span in inside
        )
