"""Foreign text made fit to be shown: model output, upstream errors and headers may hold anything at all."""

import unicodedata
from typing import Final

SHOWN_LENGTH: Final = 1000
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
