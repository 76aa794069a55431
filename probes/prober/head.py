"""Where an answer's head ends, on the bytes as they come."""

import re
from typing import Final

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")


class HeadGate:
    """Lets an answer's head through to the HTTP parser and not a byte of the body with it."""

    def __init__(self) -> None:
        self._tail = b""  # the end of what went through: a blank line may lie across two reads
        self.is_at_head_end = False

    def split(self, chunk: bytes) -> int:
        """How many of these bytes may pass now; what is left comes again later."""
        known = len(self._tail)
        joined = self._tail + chunk
        end = _BLANK_LINE.search(joined)
        self.is_at_head_end = end is not None
        if end is None:
            self._tail = joined[-2:]
            return len(chunk)
        self._tail = b""
        return end.end() - known
