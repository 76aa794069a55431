"""Server-sent events from bytes as they come, by the WHATWG rules. On bytes: a split may fall inside a character."""

import re
from dataclasses import dataclass
from typing import Final

MAX_EVENT_BYTES: Final = 4 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


# Nearly every portion of a stream is one whole event of this form, so it has a way of its own.
_PLAIN_START: Final = b"data: "
_PLAIN_END: Final = b"\n\n"


def _is_one_plain_event(portion: bytes) -> bool:
    return (
        portion.startswith(_PLAIN_START)
        and portion.find(b"\n") == len(portion) - len(_PLAIN_END)
        and portion.endswith(_PLAIN_END)
        and b"\r" not in portion
        and len(portion) <= MAX_EVENT_BYTES
    )


class EventTooLargeError(Exception):
    """One event grew beyond any answer's size."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One dispatched event; `data` has its data lines joined by newlines."""

    name: str
    data: bytes


class EventParser:
    """Feed it bytes in any portions; it gives each event with the portion that completed it."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # parts of the line that has not ended yet
        self._size = 0  # of that line and the event's data so far
        self._is_first_line = True
        self._skips_line_feed = False  # the last portion ended with CR; an LF now belongs to it
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, portion: bytes) -> list[ServerEvent]:
        """Events completed by this portion. Raises EventTooLargeError."""
        events: list[ServerEvent] = []
        if not portion:
            return events
        if self._is_between_events and _is_one_plain_event(portion):
            self._is_first_line = False
            return [ServerEvent("", portion[len(_PLAIN_START) : -len(_PLAIN_END)])]
        position = 1 if self._skips_line_feed and portion.startswith(b"\n") else 0
        for end in _LINE_END.finditer(portion, position):
            self._line.append(portion[position : end.start()])
            event = self._take_line(b"".join(self._line))
            self._line.clear()
            if event is not None:
                events.append(event)
            position = end.end()
        # A bare CR may end a line (the rules allow it), so waiting for its LF would make each event one event late.
        self._skips_line_feed = portion.endswith(b"\r")
        if position < len(portion):
            self._line.append(portion[position:])
            self._grow(len(portion) - position)
        return events

    @property
    def _is_between_events(self) -> bool:
        return not (self._line or self._data or self._name or self._skips_line_feed or self._size)

    def finish(self) -> list[ServerEvent]:
        """What a server left without its closing blank line; the SDKs deliver that too."""
        return self.feed(b"\n\n")

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > MAX_EVENT_BYTES:
            raise EventTooLargeError(f"an event of more than {MAX_EVENT_BYTES} bytes")

    def _take_line(self, line: bytes) -> ServerEvent | None:
        if self._is_first_line:
            line = line.removeprefix(_BOM)
            self._is_first_line = False
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._grow(len(value))
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        return None  # comments, ids and retry times mean nothing here

    def _dispatch(self) -> ServerEvent | None:
        name, data = self._name, self._data
        self._name, self._data, self._size = "", [], 0
        return ServerEvent(name, b"\n".join(data)) if data else None
