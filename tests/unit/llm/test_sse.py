"""The event stream's rules, and that no cut of the bytes changes what they say."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ModelError
from workers.llm.sse import MAX_EVENT_BYTES, Event, EventParser


def parsed(*pieces: bytes) -> list[Event]:
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [Event("", b"a")]),
        (b"data:a\n\n", [Event("", b"a")]),
        (b"data:  a\n\n", [Event("", b" a")]),  # one space belongs to the field, the second to the data
        (b"data: a\r\n\r\n", [Event("", b"a")]),
        (b"data: a\r\r", [Event("", b"a")]),
        (b"data: a\ndata: b\n\n", [Event("", b"a\nb")]),
        (b"data\n\n", [Event("", b"")]),
        (b"event: ping\ndata: {}\n\ndata: a\n\n", [Event("ping", b"{}"), Event("", b"a")]),
        (b"event: ping\n\ndata: a\n\n", [Event("", b"a")]),  # no data, no event; and the name is forgotten
        (b": keep-alive\n\ndata: a\n\n", [Event("", b"a")]),
        (b"id: 7\nretry: 10\nunknown\ndata: a\n\n", [Event("", b"a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [Event("", b"a")]),
        (b"data: a\xe2\x80\xa8b\n\n", [Event("", b"a\xe2\x80\xa8b")]),  # U+2028 ends no line
        (b"data: a", []),
        (b"data: a\n", []),  # the end of the stream does not complete an event
    ],
)
def test_a_stream_is_read_as_the_specification_says(stream, expected):
    assert parsed(stream) == expected


LINES = st.sampled_from(
    [
        b"",
        b"",
        b"data: x",
        b"data:",
        b"data: y\xef\xbb\xbf",
        b"event: e",
        b": c",
        b"data: \xed\x95\x9c",
        b"\xef\xbb\xbfdata: z",
    ]
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r", b"\r\n"])), max_size=12).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@given(STREAMS, st.lists(st.integers(min_value=0, max_value=120), max_size=12))
def test_any_cut_of_the_bytes_gives_the_same_events(stream, cuts):
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert parsed(*pieces) == parsed(stream) == parsed(*(bytes([byte]) for byte in stream))


@given(STREAMS)
def test_empty_pieces_change_nothing(stream):
    assert parsed(*(piece for byte in stream for piece in (b"", bytes([byte]), b""))) == parsed(stream)


@pytest.mark.parametrize(
    "endless",
    [
        [b"data: " + b"x" * 4096] + [b"x" * 4096] * (MAX_EVENT_BYTES // 4096),
        [b"data: " + b"x" * 4096 + b"\n"] * (MAX_EVENT_BYTES // 4096 + 1),
        [b": " + b"x" * MAX_EVENT_BYTES],
    ],
    ids=["a line without end", "data lines without end", "a comment without end"],
)
def test_an_event_without_end_is_refused(endless):
    with pytest.raises(ModelError) as caught:
        parsed(*endless)
    assert caught.value.kind == "provider"


def test_the_bound_is_on_one_event_not_on_the_stream():
    piece = b"x" * 65_536
    stream = [b"data: ", *[piece] * 8, b"\n\n"] * 4
    assert [len(event.data) for event in parsed(*stream)] == [8 * len(piece)] * 4
