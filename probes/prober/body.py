"""How an answer's body is unwrapped, on the bytes as they come.

A stream is hundreds of small chunks, and a general HTTP parser spends more on each than all the rest of the prober.
The head is its business; a plain body is taken from here. The rules are those of RFC 9112, sections 6 and 7.
"""

import re
from collections.abc import Mapping
from typing import Final, Protocol

import httpcore2

_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[^\r\n]*)?[ \t]*")
_MAX_LINE_BYTES: Final = 16 * 1024


class Unwrapping(Protocol):
    """Takes the bytes after the head."""

    is_done: bool

    def feed(self, received: bytes) -> bytes:
        """The body's bytes among these. Raises httpcore2.RemoteProtocolError."""

    def end(self) -> None:
        """The connection ended. Raises httpcore2.RemoteProtocolError where that cuts the body."""


class UntilEnd:
    """A body that lasts as long as its connection."""

    is_done = False

    def feed(self, received: bytes) -> bytes:
        return received

    def end(self) -> None:
        return None


class Counted:
    """A body of a stated length."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.is_done = not length

    def feed(self, received: bytes) -> bytes:
        body = received[: self._left]
        self._left -= len(body)
        self.is_done = not self._left
        return body

    def end(self) -> None:
        raise httpcore2.RemoteProtocolError(f"the connection ended {self._left} bytes before the body")


class Chunked:
    """A body in chunks, each with its size before it."""

    def __init__(self) -> None:
        self._rest = b""  # of a line that has not ended yet
        self._left = 0  # of the chunk's bytes
        self._is_after_chunk = False  # its own line end comes first
        self._is_in_trailer = False
        self.is_done = False

    def feed(self, received: bytes) -> bytes:
        received = self._rest + received if self._rest else received
        self._rest = b""
        body: list[bytes] = []
        position = 0
        while position < len(received) and not self.is_done:
            if self._left:
                body.append(received[position : position + self._left])
                position += len(body[-1])
                self._left -= len(body[-1])
                continue
            end = received.find(b"\r\n", position)
            if end < 0:
                self._keep(received[position:])
                break
            self._take_line(received[position:end])
            position = end + 2
        return body[0] if len(body) == 1 else b"".join(body)

    def _keep(self, rest: bytes) -> None:
        if len(rest) > _MAX_LINE_BYTES:
            raise httpcore2.RemoteProtocolError("a chunk's header is too long")
        self._rest = rest

    def _take_line(self, line: bytes) -> None:
        if self._is_in_trailer:
            self.is_done = not line
        elif self._is_after_chunk:
            if line:
                raise httpcore2.RemoteProtocolError("a chunk is longer than it said")
            self._is_after_chunk = False
        elif (size := _SIZE_LINE.fullmatch(line)) is None:
            raise httpcore2.RemoteProtocolError(f"illegal chunk header: {line[:40]!r}")
        else:
            self._left = int(size[1], 16)
            self._is_after_chunk = bool(self._left)
            self._is_in_trailer = not self._left

    def end(self) -> None:
        raise httpcore2.RemoteProtocolError("the connection ended before the body (incomplete chunked read)")


def unwrapping_of(headers: Mapping[str, str]) -> Unwrapping | None:
    """How a body under these headers is wrapped; None where that is a matter for more than this module."""
    coding = headers.get("transfer-encoding")
    if coding is not None:
        return Chunked() if coding.strip().lower() == "chunked" else None
    length = headers.get("content-length")
    if length is None:
        return UntilEnd()
    return Counted(int(length)) if length.isascii() and length.isdigit() and len(length) < 19 else None
