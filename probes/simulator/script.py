"""What the server will send and when: frames (events), then writes (bytes), then how the connection ends. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class FrameKind(StrEnum):
    """What a frame is to a client that measures it."""

    PREAMBLE = "preamble"
    REASONING = "reasoning"
    TEXT = "text"
    REFUSAL = "refusal"
    TOOL = "tool"
    BLOCK = "block"
    FINISH = "finish"
    USAGE = "usage"
    TERMINAL = "terminal"
    KEEP_ALIVE = "keep-alive"
    ERROR = "error"
    HEAD = "head"
    BODY = "body"
    PART = "part"

    @property
    def is_generated(self) -> bool:
        """Whether the model made it; only these count for TTFT."""
        return self in _GENERATED


_GENERATED = frozenset({FrameKind.REASONING, FrameKind.TEXT, FrameKind.REFUSAL, FrameKind.TOOL})


class Framing(StrEnum):
    """How a stream's events are told apart; the value is its content type."""

    EVENT_STREAM = "text/event-stream; charset=utf-8"
    JSON_LINES = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event, or a comment. Characters U+DC80..U+DCFF in `data` go out as the raw bytes 80..FF."""

    data: str
    name: str | None = None
    is_comment: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """An event with its due time in seconds after the request; `text` is what the model said in it."""

    kind: FrameKind
    event: Event
    due_seconds: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes for one write to the socket and the frames that this write completes."""

    due_seconds: float
    data: bytes
    kinds: tuple[FrameKind, ...]
    text: str = ""

    @property
    def generated_total(self) -> int:
        """Generated frames that this write completes."""
        return sum(kind.is_generated for kind in self.kinds)


class Ending(StrEnum):
    """How the server ends its side: keep the connection, close it orderly, or reset it."""

    KEEP = "keep"
    FIN = "fin"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Script:
    """All writes of one reply in order of time (endless ones exist), and the ending after the last."""

    writes: Iterator[Write]
    ending: Ending
    ending_seconds: float = 0.0
