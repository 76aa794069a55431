"""Colours, from static/css/tokens.css: told apart by everybody, and strong enough on their ground."""

import math
import re
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[2] / "static" / "css"
TOKENS = (CSS / "tokens.css").read_text()
STATES = ("ok", "degraded", "down", "maintenance", "unknown", "attention")
LEAST_DIFFERENCE = 23
GROUNDS = ("page", "surface", "surface-sunken", "surface-hover", "tint-degraded", "tint-down", "tint-notice")

# Machado, Oliveira, Fernandes 2009: severity 1.0, on linear RGB.
SIGHTS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}

Triple = tuple[float, float, float]


def block(selector: str) -> Mapping[str, str]:
    body = TOKENS.split(selector + " {", 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", body))


THEMES = {"light": block(":root"), "dark": block(':root[data-theme="dark"]')}


def linear(colour: str) -> Triple:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return r, g, b


def luminance(colour: str) -> float:
    r, g, b = linear(colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: Triple) -> Triple:
    r, g, b = (min(1.0, max(0.0, part)) for part in rgb)
    x, y, z = (
        0.4124 * r + 0.3576 * g + 0.1805 * b,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        0.0193 * r + 0.1192 * g + 0.9505 * b,
    )
    fx, fy, fz = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x / 0.95047, y, z / 1.08883)
    )
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def seen(colour: str, sight: str) -> Triple:
    rgb = linear(colour)
    x, y, z = (sum(weight * part for weight, part in zip(row, rgb, strict=True)) for row in SIGHTS[sight])
    return lab((x, y, z))


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", THEMES)
def test_states_are_told_apart(theme: str, sight: str) -> None:
    for one, other in combinations(STATES, 2):
        colours = THEMES[theme][f"state-{one}"], THEMES[theme][f"state-{other}"]
        difference = math.dist(seen(colours[0], sight), seen(colours[1], sight))
        assert difference >= LEAST_DIFFERENCE, f"{one} and {other}: {difference:.1f}"


@pytest.mark.parametrize("theme", THEMES)
def test_states_and_bars_stand_out_from_their_ground(theme: str) -> None:
    tokens = THEMES[theme]
    for name in (*(f"state-{state}" for state in STATES), "bar-ok", "spark", "focus"):
        assert contrast(tokens[name], tokens["surface"]) >= 3, name


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read_on_every_ground(theme: str) -> None:
    tokens = THEMES[theme]
    for ground in GROUNDS:
        for text in ("text", "text-muted", "text-faint", "link"):
            assert contrast(tokens[text], tokens[ground]) >= 4.5, f"{text} on {ground}"


def test_a_chosen_dark_theme_is_the_systems_dark_theme() -> None:
    assert block(':root:not([data-theme="light"])') == THEMES["dark"]


def test_both_themes_define_the_same_colours() -> None:
    assert THEMES["light"].keys() == THEMES["dark"].keys()


def test_colours_are_named_in_one_file_only() -> None:
    for file in CSS.glob("*.css"):
        if file.name != "tokens.css":
            literal = re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", file.read_text())
            assert not literal, file.name


def test_every_token_that_is_used_is_defined() -> None:
    defined = set(re.findall(r"--([\w-]+):", "".join(file.read_text() for file in CSS.glob("*.css"))))
    for file in CSS.glob("*.css"):
        assert not set(re.findall(r"var\(--([\w-]+)", file.read_text())) - defined, file.name


def test_no_style_is_forced() -> None:
    for file in CSS.glob("*.css"):
        assert "!important" not in file.read_text(), file.name
        assert not re.search(r"^[^{@]*#[a-zA-Z][\w-]*\s*[{,:.]", file.read_text(), re.MULTILINE), file.name
