"""Foreign text made fit to be shown: model output, upstream errors and headers may hold anything at all."""

import re
import unicodedata
from typing import Final

SHOWN_LENGTH: Final = 1000
LINES_LENGTH: Final = 20_000  # of a text of many lines
_MANY_BREAKS: Final = re.compile(r"\n{3,}")
_HIDDEN_CATEGORIES: Final = (
    "Cc",
    "Cf",
    "Cs",
    "Co",
    "Cn",
)  # control, format (bidi marks), surrogates, unassigned


def plain(text: str | None, limit: int = SHOWN_LENGTH) -> str:
    """One line without control and direction characters, at most `limit` long; markup is the template's to escape."""
    if text is None:
        return ""
    head = text[: limit + 1]
    shown = head if head.isascii() and head.isprintable() else "".join(map(_shown, head))
    return f"{shown[: limit - 1]}…" if len(text) > limit else shown


def _shown(char: str) -> str:
    if char in "\t\n\r":
        return " "
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in _HIDDEN_CATEGORIES else char


def plain_lines(text: str) -> str:
    """As plain, but its lines stay, with at most one empty one between them; for what an operator wrote."""
    lines = (plain(line, LINES_LENGTH).rstrip() for line in text.replace("\r\n", "\n").split("\n"))
    return _MANY_BREAKS.sub("\n\n", "\n".join(lines)).strip()
