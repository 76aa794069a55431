"""How a body is cut into events, and what tells that a body is of that kind. A protocol names one of these."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from probes.prober.ndjson import LineParser
from probes.prober.sse import EventParser, ServerEvent


class Parser(Protocol):
    """Stateful, one a body."""

    def feed(self, portion: bytes) -> list[ServerEvent]:
        """Events completed by this portion. Raises EventTooLargeError."""

    def finish(self) -> list[ServerEvent]:
        """Events that a server left unfinished when its body ended."""


@dataclass(frozen=True, slots=True)
class Framing:
    """Under `media_types` a body is taken as it is; under `vague_types` ("" is no type at all) its start decides."""

    name: str
    media_types: frozenset[str]
    vague_types: frozenset[str]
    start: re.Pattern[bytes]  # how such a body begins
    longest_start: int  # bytes of a first line after which `start` would have matched
    parser: Callable[[], Parser]

    def is_begun_by(self, start: bytes) -> bool | None:
        """Whether a body of a vague type is of this kind; None while its start is too short to tell."""
        if self.start.match(start):
            return True
        said = start.lstrip()
        is_open = b"\n" not in said and b"\r" not in said and len(said) < self.longest_start
        return None if is_open else False


SSE: Final = Framing(
    name="an event stream",
    media_types=frozenset({"text/event-stream"}),
    vague_types=frozenset({"", "text/plain", "application/octet-stream"}),
    start=re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:"),
    longest_start=len(b"\xef\xbb\xbfevent:"),
    parser=EventParser,
)
NDJSON: Final = Framing(
    name="a stream of JSON lines",
    media_types=frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"}),
    # Gateways that stream under application/json exist, but so do whole answers: only a line that says
    # "not done" tells them apart, and without it the whole answer's time would be taken for a first token's.
    vague_types=frozenset({"", "text/plain", "application/octet-stream", "application/json"}),
    start=re.compile(rb'\s*(?:\xef\xbb\xbf)?\s*\{[^\n]*"done"\s*:\s*false[^\n]*\}\s*\n'),
    longest_start=16 * 1024,
    parser=LineParser,
)
