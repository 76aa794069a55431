"""Newline-delimited JSON from bytes as they come. On bytes: a split may fall inside a character."""

from typing import Final

from probes.prober.sse import MAX_EVENT_BYTES, EventTooLargeError, ServerEvent

_BOM: Final = b"\xef\xbb\xbf"


class LineParser:
    """Feed it bytes in any portions; it gives each line that holds something with the portion that completed it."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # parts of the line that has not ended yet
        self._size = 0
        self._is_first_line = True

    def feed(self, portion: bytes) -> list[ServerEvent]:
        """Lines completed by this portion. Raises EventTooLargeError."""
        *ended, rest = portion.split(b"\n")
        events = []
        for part in ended:
            self._keep(part)
            if line := self._take_line():
                events.append(ServerEvent("", line))
        self._keep(rest)
        return events

    def finish(self) -> list[ServerEvent]:
        """What a server left without its line end."""
        return self.feed(b"\n")

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > MAX_EVENT_BYTES:
            raise EventTooLargeError(f"a line of more than {MAX_EVENT_BYTES} bytes")
        if part:
            self._line.append(part)

    def _take_line(self) -> bytes:
        """Blank lines are keep-alives; a CR before the line's end is white space to JSON."""
        line = b"".join(self._line)
        self._line, self._size = [], 0
        if self._is_first_line:
            line = line.removeprefix(_BOM)
            self._is_first_line = False
        return line.strip()
