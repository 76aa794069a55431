"""Page cursors: the (due time, id) of the last row of a page, opaque and safe in a URL."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from probes.store.base import CursorError

_MAX_LENGTH: Final = 600
_EARLIEST_MS: Final = -62_135_596_800_000  # years 1 and 9999: what a datetime can hold
_LATEST_MS: Final = 253_402_300_799_999
_FORM: Final = re.compile(r"(-?\d{1,15}) (asc|desc) (\S.{0,299})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended; the next one starts behind it."""

    due_at_ms: int
    id: str


def cursor_of(position: Position, *, oldest_first: bool) -> str:
    text = f"{position.due_at_ms} {'asc' if oldest_first else 'desc'} {position.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position_of(cursor: str, *, oldest_first: bool) -> Position:
    """Raises CursorError for anything that cursor_of did not make for this direction."""
    if len(cursor) > _MAX_LENGTH:
        raise CursorError("the cursor is too long; start again without one")
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise CursorError("the cursor is damaged; start again without one") from error
    match = _FORM.fullmatch(text)
    if match is None:
        raise CursorError("the cursor is damaged; start again without one")
    if (match[2] == "asc") != oldest_first:
        raise CursorError("the cursor belongs to the other direction; start again without one")
    due_at_ms = int(match[1])
    if not _EARLIEST_MS <= due_at_ms <= _LATEST_MS:
        raise CursorError("the cursor is damaged; start again without one")
    return Position(due_at_ms, match[3])
