"""The little of HTTP/1.1 that the simulator needs: requests with a Content-Length in, response heads out. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024


class RequestError(ValueError):
    """A request this server does not take; `status` is the answer before the connection closes."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names in lower case, the target with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def wants_close(self) -> bool:
        """Whether the client asked to close the connection after the response."""
        return self.headers.get("connection", "").lower() == "close"


@dataclass(frozen=True, slots=True)
class _Head:
    method: str
    target: str
    headers: dict[str, str]
    body_bytes: int


class RequestParser:
    """Collects the bytes of one connection and gives out whole requests."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None

    def feed(self, data: bytes) -> None:
        """Adds received bytes."""
        self._buffer += data

    def next_request(self) -> Request | None:
        """The next whole request, or None while bytes are missing; RequestError when it cannot become one."""
        if self._head is None:
            self._head = self._take_head()
        head = self._head
        if head is None or len(self._buffer) < head.body_bytes:
            return None
        body = bytes(self._buffer[: head.body_bytes])
        del self._buffer[: head.body_bytes]
        self._head = None
        return Request(head.method, head.target, head.headers, body)

    @property
    def awaits_body(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends its body."""
        head = self._head
        return (
            head is not None and not self._buffer and head.headers.get("expect", "").lower() == "100-continue"
        )

    def _take_head(self) -> _Head | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise RequestError(431, "request header too large")
            return None
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        return _parsed_head(lines)


def _parsed_head(lines: list[str]) -> _Head:
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise RequestError(400, "not an HTTP/1.1 request line")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise RequestError(400, "header line without a colon")
        headers[name.strip().lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise RequestError(411, "send the body with a Content-Length")
    return _Head(parts[0], parts[1], headers, _body_bytes(headers))


def _body_bytes(headers: Mapping[str, str]) -> int:
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise RequestError(400, "Content-Length is no number")
    if int(length) > MAX_BODY_BYTES:
        raise RequestError(413, "request body too large")
    return int(length)


def response_head(status: int, reason: str, headers: Mapping[str, str]) -> bytes:
    """Status line and headers with the empty line after them; control characters in values become spaces."""
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines += [f"{name}: {''.join(c if c >= ' ' else ' ' for c in value)}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
