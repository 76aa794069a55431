"""Draws a badge. Colour, shape and word say the same, and words stay in the text colour, as on the pages.

The colours are those of static/css/tokens.css, written again because a picture in a foreign page cannot reach it; a
test holds them equal.
"""

import base64
import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from flask import render_template

from probes.web.queries.badge import Badge, Tone


class Theme(StrEnum):
    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Palette:
    """Each field is a custom property of tokens.css."""

    surface: str
    surface_sunken: str
    line: str
    text: str
    text_muted: str
    state_ok: str
    state_degraded: str
    state_down: str
    state_attention: str
    state_maintenance: str
    state_unknown: str

    def of(self, tone: Tone) -> str:
        colour: str = getattr(self, f"state_{tone.value}")
        return colour


PALETTES: Final[Mapping[Theme, Palette]] = {
    Theme.LIGHT: Palette(
        surface="#ffffff",
        surface_sunken="#f1f3f5",
        line="#e1e5ea",
        text="#14181f",
        text_muted="#4b5563",
        state_ok="#0a9a68",
        state_degraded="#a87900",
        state_down="#8e0a1a",
        state_attention="#111827",
        state_maintenance="#2450c8",
        state_unknown="#6b7280",
    ),
    Theme.DARK: Palette(
        surface="#12161c",
        surface_sunken="#181d24",
        line="#252c35",
        text="#e8ebef",
        text_muted="#a9b2be",
        state_ok="#35e0b0",
        state_degraded="#fcd34d",
        state_down="#e0313f",
        state_attention="#ffffff",
        state_maintenance="#5b8bff",
        state_unknown="#6b7480",
    ),
}
SHAPES: Final[Mapping[Tone, str]] = {
    Tone.OK: "M8 3a5 5 0 1 1 0 10A5 5 0 1 1 8 3z",
    Tone.DEGRADED: "M8 2.2 14.4 13.4H1.6z",
    Tone.DOWN: "m4.1 2 3.9 3.9L11.9 2 14 4.1 10.1 8l3.9 3.9-2.1 2.1L8 10.1 4.1 14 2 11.9 5.9 8 2 4.1z",
    Tone.ATTENTION: "M4 2h8l2 2v8l-2 2H4l-2-2V4zm3 2.2.3 4.8h1.4L9 4.2zm0 6v1.9h2v-1.9z",
    Tone.MAINTENANCE: "m8 1.5 6.5 6.5L8 14.5 1.5 8z",
    Tone.UNKNOWN: (
        "M2 2h12v12H2zm1.2 5.6 4.4-4.4H5L3.2 5zm0 4.6 9-9h-2.4L3.2 9.8zm2.2.6 7.4-7.4v-.9L4.4 12.8z"
        "m4.2 0 3.2-3.2V7.2L7.2 12.8z"
    ),
}
PAD: Final = 7.0
ICON_ROOM: Final = 14.0
NARROW, MIDDLE, CAPITAL, WIDE = (
    3.6,
    6.3,
    7.6,
    11.6,
)  # of a letter at 11 px, near enough: textLength makes it exact
_NARROW_LETTERS: Final = frozenset(" .,:;'!|()[]ijlftIr\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}")


@dataclass(frozen=True, slots=True)
class Layout:
    """Places and widths in pixels from the left."""

    label_at: float
    label_width: float
    divide_at: float
    icon_at: float
    message_at: float
    message_width: float
    width: int

    @classmethod
    def of(cls, badge: Badge) -> "Layout":
        label, message = text_width(badge.label), text_width(badge.message)
        divide_at = round(label + 2 * PAD, 1)
        message_at = round(divide_at + PAD + (ICON_ROOM if badge.tone in SHAPES else 0), 1)
        return cls(
            PAD, label, divide_at, divide_at + PAD - 1, message_at, message, round(message_at + message + PAD)
        )


def drawn(badge: Badge, theme: Theme) -> str:
    """The badge as an SVG document, which fits whatever typeface the reader has."""
    return render_template(
        "_badge.svg",
        badge=badge,
        layout=Layout.of(badge),
        shape=SHAPES.get(badge.tone),
        colours=PALETTES[Theme.LIGHT if theme is Theme.AUTO else theme],
        style=AUTO_STYLE if theme is Theme.AUTO else "",
    )


def text_width(text: str) -> float:
    """About how wide the text is at 11 px, at least 1; combining marks take no room."""
    return max(1.0, round(sum(map(_letter_width, text)), 1))


def style_hash() -> str:
    """What Content-Security-Policy must allow for the automatic theme's style."""
    digest = hashlib.sha256(AUTO_STYLE.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _letter_width(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return WIDE
    if letter in _NARROW_LETTERS:
        return NARROW
    return CAPITAL if letter.isupper() or letter in "mw%@" else MIDDLE


def _auto_style() -> str:
    dark = PALETTES[Theme.DARK]
    rules = [
        f".surface{{fill:{dark.surface};stroke:{dark.line}}}",
        f".sunken{{fill:{dark.surface_sunken}}}",
        f".text{{fill:{dark.text}}}",
        f".muted{{fill:{dark.text_muted}}}",
        *(f".{tone.value}{{fill:{dark.of(tone)}}}" for tone in SHAPES),
    ]
    return f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"


AUTO_STYLE: Final = _auto_style()
