"""Requests are read whole, whatever the segments they come in, and refused when they are none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.simulator.http1 import Request, RequestError, RequestParser, response_head

TWO = (
    b"POST /v1/messages?beta=true HTTP/1.1\r\nHost: a\r\nX-Api-Key: k\r\nContent-Length: 5\r\n\r\nhello"
    b"GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
)


def parsed(segments: list[bytes]) -> list[Request]:
    parser, found = RequestParser(), []
    for segment in segments:
        parser.feed(segment)
        while (request := parser.next_request()) is not None:
            found.append(request)
    return found


@given(st.lists(st.integers(1, len(TWO) - 1), max_size=8).map(sorted))
def test_requests_are_the_same_in_any_segments(cuts: list[int]) -> None:
    edges = [0, *cuts, len(TWO)]
    first, second = parsed([TWO[start:end] for start, end in pairwise(edges)])
    assert (first.method, first.path, first.body) == ("POST", "/v1/messages", b"hello")
    assert first.headers["x-api-key"] == "k"
    assert not first.wants_close
    assert (second.path, second.body, second.wants_close) == ("/v1/models", b"", True)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\nx: " + b"a" * 70_000, 431),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, status: int) -> None:
    with pytest.raises(RequestError) as caught:
        parsed([data])
    assert caught.value.status == status


def test_a_header_value_cannot_start_another_header() -> None:
    head = response_head(200, "OK", {"x-request-id": "a\r\nset-cookie: b"})
    assert head == b"HTTP/1.1 200 OK\r\nx-request-id: a  set-cookie: b\r\n\r\n"
