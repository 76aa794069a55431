"""Bodies as HTTP wraps them, cut at any byte, against the general parser that knows all of it."""

import itertools

import h11
import httpcore2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.prober.body import Chunked, Counted, UntilEnd, Unwrapping, unwrapping_of
from probes.prober.head import HeadGate

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(places) if a < b]


def unwrapped(unwrapping: Unwrapping, parts: list[bytes]) -> bytes:
    return b"".join(unwrapping.feed(part) for part in parts)


def by_h11(data: bytes) -> bytes:
    """The body of a whole answer, by the library."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    body = b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        assert not isinstance(event, type), event
        if isinstance(event, h11.Data):
            body += bytes(event.data)
    return body


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=8),
    st.sampled_from([b"", b";x=1", b" ", b"; a"]),
    st.sampled_from([b"", b"X-Trailer: 1\r\n"]),
    st.lists(st.integers(0, 2000)),
)
def test_any_chunked_body_cut_anywhere_is_what_the_library_reads(
    chunks: list[bytes], extension: bytes, trailer: bytes, cuts: list[int]
) -> None:
    wrapped = b"".join(b"%X%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    wrapped += b"0\r\n" + trailer + b"\r\n"
    unwrapping = Chunked()
    assert unwrapped(unwrapping, pieces(wrapped, cuts)) == b"".join(chunks)
    assert unwrapping.is_done
    assert by_h11(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + wrapped) == b"".join(chunks)


@pytest.mark.parametrize(
    "wrapped",
    [b"xyz\r\n", b"\r\n", b"-1\r\n", b"5 5\r\n", b"2\r\nabc\r\n", b"11111111111111111\r\n"],
    ids=["no number", "nothing", "negative", "two numbers", "longer than it says", "too long a number"],
)
def test_a_wrong_chunk_is_a_protocol_error(wrapped: bytes) -> None:
    with pytest.raises(httpcore2.RemoteProtocolError):
        Chunked().feed(wrapped)


def test_a_chunk_header_without_end_is_a_protocol_error() -> None:
    with pytest.raises(httpcore2.RemoteProtocolError, match="too long"):
        Chunked().feed(b"1" * 20_000)


@pytest.mark.parametrize("unwrapping", [Chunked(), Counted(5)], ids=["chunked", "counted"])
def test_an_early_end_is_a_protocol_error(unwrapping: Unwrapping) -> None:
    with pytest.raises(httpcore2.RemoteProtocolError, match="the connection ended"):
        unwrapping.end()


def test_a_counted_body_ends_with_its_count() -> None:
    unwrapping = Counted(5)
    assert (unwrapping.feed(b"one"), unwrapping.is_done) == (b"one", False)
    assert (unwrapping.feed(b"two and more"), unwrapping.is_done) == (b"tw", True)
    assert Counted(0).is_done


def test_a_body_without_a_length_lasts_as_long_as_its_connection() -> None:
    unwrapping = UntilEnd()
    assert (unwrapping.feed(b"one"), unwrapping.is_done) == (b"one", False)
    unwrapping.end()


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, UntilEnd),
        ({"content-length": "12"}, Counted),
        ({"transfer-encoding": "Chunked"}, Chunked),
        ({"transfer-encoding": "chunked", "content-length": "12"}, Chunked),
        ({"transfer-encoding": "gzip, chunked"}, type(None)),
        ({"content-length": "1, 1"}, type(None)),
        ({"content-length": "-1"}, type(None)),
    ],
)
def test_the_headers_tell_how_a_body_is_wrapped(headers: dict[str, str], kind: type) -> None:
    assert isinstance(unwrapping_of(headers), kind)


@given(
    st.sampled_from([b"\r\n\r\n", b"\n\n", b"\n\r\n"]), st.binary(max_size=30), st.lists(st.integers(0, 200))
)
def test_the_head_passes_to_its_last_byte_and_no_further(
    blank_line: bytes, body: bytes, cuts: list[int]
) -> None:
    head = b"HTTP/1.1 200 OK\r\nX: 1" + blank_line
    gate, passed, rest = HeadGate(), b"", pieces(head + body, cuts)
    while rest and not gate.is_at_head_end:
        size = gate.split(rest[0])
        passed += rest[0][:size]
        rest[:1] = [left] if (left := rest[0][size:]) else []
    assert gate.is_at_head_end
    assert passed == head
    assert b"".join(rest) == body


def test_an_interim_answer_is_a_head_of_its_own() -> None:
    gate = HeadGate()
    interim, final = b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"
    assert gate.split(interim + final + b"body") == len(interim)
    assert gate.split(final + b"body") == len(final)
