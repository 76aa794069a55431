"""JSON lines, however the bytes are cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.prober.ndjson import LineParser
from probes.prober.sse import MAX_EVENT_BYTES, EventTooLargeError


def parse(*portions: bytes) -> list[bytes]:
    parser = LineParser()
    return [event.data for portion in portions for event in parser.feed(portion)]


@pytest.mark.parametrize(
    ("stream", "lines"),
    [
        pytest.param(b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}'], id="plain"),
        pytest.param(b'{"a":1}\r\n', [b'{"a":1}'], id="CRLF"),
        pytest.param(b'\n\r\n  \n{"a":1}\n\n', [b'{"a":1}'], id="blank lines keep alive"),
        pytest.param(b'\xef\xbb\xbf{"a":1}\n', [b'{"a":1}'], id="byte order mark"),
        pytest.param(b'{"a":1}\n{"b":', [b'{"a":1}'], id="an unfinished line waits"),
        pytest.param('{"a":"\u2028\x85"}\n'.encode(), ['{"a":"\u2028\x85"}'.encode()], id="line ends of text are none"),
        pytest.param(b"", [], id="nothing"),
    ],
)  # fmt: skip
def test_a_stream_gives_its_lines(stream: bytes, lines: list[bytes]) -> None:
    assert parse(stream) == lines


def test_a_line_comes_with_the_portion_that_completes_it() -> None:
    parser = LineParser()
    assert parser.feed(b'{"a"') == []
    assert [event.data for event in parser.feed(b':1}\n{"b":2}')] == [b'{"a":1}']
    assert [event.data for event in parser.feed(b"\n")] == [b'{"b":2}']


def test_what_lacks_its_line_end_is_given_at_the_end() -> None:
    parser = LineParser()
    assert parser.feed(b'{"done":true}') == []
    assert [event.data for event in parser.finish()] == [b'{"done":true}']
    assert parser.finish() == []


LINES = st.sampled_from([b"{}", '{"x":"één 一二"}'.encode(), b"", b" ", b"\xff"])


@given(
    st.lists(LINES, max_size=12),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
    st.lists(st.integers(0, 200), max_size=20),
)
def test_any_cut_gives_the_same_lines(lines: list[bytes], end: bytes, has_bom: bool, cuts: list[int]) -> None:
    stream = (b"\xef\xbb\xbf" if has_bom else b"") + b"".join(line + end for line in lines)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    assert parse(*(stream[a:b] for a, b in itertools.pairwise(places))) == parse(stream)
    assert parse(stream) == [line for line in lines if line.strip()]


def test_an_endless_line_is_refused() -> None:
    parser = LineParser()
    parser.feed(b"x" * MAX_EVENT_BYTES)
    with pytest.raises(EventTooLargeError):
        parser.feed(b"x")


def test_many_lines_may_be_larger_together_than_one_may_be() -> None:
    line = b"x" * (MAX_EVENT_BYTES // 2)
    assert len(parse(*[line + b"\n"] * 4)) == 4
