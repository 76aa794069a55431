"""Server-sent events by the WHATWG rules, however the bytes are cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.prober.sse import MAX_EVENT_BYTES, EventParser, EventTooLargeError, ServerEvent


def parse(*portions: bytes) -> list[ServerEvent]:
    parser = EventParser()
    return [event for portion in portions for event in parser.feed(portion)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        pytest.param(b"data: a\n\n", [("", b"a")], id="plain"),
        pytest.param(b"data:a\n\n", [("", b"a")], id="no space"),
        pytest.param(b"data:  a\n\n", [("", b" a")], id="only one space is taken"),
        pytest.param(b"data: a\r\n\r\n", [("", b"a")], id="CRLF"),
        pytest.param(b"data: a\r\r", [("", b"a")], id="bare CR, at once"),
        pytest.param(b"data: a\ndata: b\n\n", [("", b"a\nb")], id="two data lines"),
        pytest.param(b"event: ping\ndata: {}\n\n", [("ping", b"{}")], id="named"),
        pytest.param(b"event: ping\n\ndata: a\n\n", [("", b"a")], id="a name without data says nothing"),
        pytest.param(b": keep-alive\n\n", [], id="comment"),
        pytest.param(b"id: 7\nretry: 10\ndata: a\n\n", [("", b"a")], id="id and retry"),
        pytest.param(b"data\n\n", [("", b"")], id="field without colon"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [("", b"a")], id="byte order mark"),
        pytest.param(b"\n\n\ndata: a\n\n", [("", b"a")], id="blank lines before"),
        pytest.param(b"data: a\n\ndata: b", [("", b"a")], id="an unfinished event waits"),
        pytest.param(b"data: a\n", [], id="a line is no event yet"),
    ],
)
def test_a_stream_gives_its_events(stream: bytes, events: list[tuple[str, bytes]]) -> None:
    assert [(event.name, event.data) for event in parse(stream)] == events


def test_an_event_comes_with_the_portion_that_completes_it() -> None:
    parser = EventParser()
    assert parser.feed(b"data: one\n") == []
    assert parser.feed(b"\ndata: tw") == [ServerEvent("", b"one")]
    assert parser.feed(b"o\r\n") == []
    assert parser.feed(b"\r") == [ServerEvent("", b"two")]
    assert parser.feed(b"\ndata: three\n\n") == [ServerEvent("", b"three")]


def test_what_lacks_its_last_blank_line_is_given_at_the_end() -> None:
    parser = EventParser()
    assert parser.feed(b"data: [DONE]") == []
    assert parser.finish() == [ServerEvent("", b"[DONE]")]
    assert EventParser().finish() == []


LINES = st.sampled_from(
    [
        b"data: {}",
        "data: één 一二".encode(),
        b"event: ping",
        b": comment",
        b"",
        b"id: 1",
        b"data",
        b"data: [DONE]",
    ]
)


@given(
    st.lists(LINES, max_size=12),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.booleans(),
    st.lists(st.integers(0, 200), max_size=20),
)
def test_any_cut_gives_the_same_events(
    lines: list[bytes], end: bytes, has_bom: bool, cuts: list[int]
) -> None:
    stream = (b"\xef\xbb\xbf" if has_bom else b"") + b"".join(line + end for line in lines)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    portions = [stream[a:b] for a, b in itertools.pairwise(places)]
    assert parse(*portions) == parse(stream)


def test_every_single_byte_may_come_alone() -> None:
    stream = 'event: a\r\ndata: {"x": "é一"}\r\n\r\n: c\r\n\r\ndata: [DONE]\r\n\r\n'.encode()
    assert parse(*(stream[i : i + 1] for i in range(len(stream)))) == parse(stream)


def feed_megabytes(parser: EventParser, portion: bytes) -> None:
    for _ in range(MAX_EVENT_BYTES // len(portion) + 2):
        parser.feed(portion)


@pytest.mark.parametrize("start", [b"data: ", b": "], ids=["data", "comment"])
def test_an_endless_line_is_refused(start: bytes) -> None:
    parser = EventParser()
    parser.feed(start)
    with pytest.raises(EventTooLargeError):
        feed_megabytes(parser, b"x" * 65536)


def test_an_endless_event_of_short_lines_is_refused() -> None:
    with pytest.raises(EventTooLargeError):
        feed_megabytes(EventParser(), b"data: " + b"x" * 60_000 + b"\n")
