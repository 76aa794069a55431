"""From a phone to a wall: nothing sticks out sideways."""

from typing import Final

import pytest

from tests.e2e.browser import Visitor
from tests.e2e.places import MAIN, NAMES, path_of
from tests.service_process import Service

pytestmark = pytest.mark.browser

WIDTHS: Final = (375, 768, 1280, 1920)
OVERHANG: Final = """() => {
  const root = document.scrollingElement;
  if (root.scrollWidth <= innerWidth) return "";
  const wide = [...document.body.querySelectorAll("*")].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.right > innerWidth + 0.5;
  });
  const named = wide.slice(0, 3).map((element) => element.outerHTML.slice(0, 80));
  return `${root.scrollWidth} px wide: ${named.join(" | ")}`;
}"""
CUT_OFF: Final = """() => [...document.querySelectorAll("h1, h2, h3, button, .button, nav a, dt, dd, th, label")]
  .filter((element) => element.checkVisibility() && element.scrollWidth > element.clientWidth + 1
    && element.clientWidth > 1 && element.clientHeight > 1 && getComputedStyle(element).overflowX === "hidden"
    && getComputedStyle(element).textOverflow !== "ellipsis" && getComputedStyle(element).clipPath === "none")
  .map((element) => element.outerHTML.slice(0, 120))"""

# Words, and values with their units, whose letters do not stand on one line; an id may break where it must.
BROKEN: Final = """() => {
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  const whole = /(?<![\\w-])[A-Za-z]{2,}(?![\\w-])|[0-9.]+[ \\u00a0\\u202f](?:ms|s|%|min|h|d|kB|MB)(?![a-z])/g;
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (!text.parentElement.checkVisibility() || text.parentElement.closest("code, pre, .visually-hidden")) continue;
    for (const match of text.nodeValue.matchAll(whole)) {
      range.setStart(text, match.index);
      range.setEnd(text, match.index + match[0].length);
      const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top / 4)));
      if (lines.size > 1) found.add(`${match[0]} in ${text.nodeValue.trim().slice(0, 60)}`);
    }
  }
  return [...found];
}"""


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", NAMES)
def test_no_page_scrolls_sideways(name: str, lang: str, demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(lang=lang)
    tab.open(demo.url + path_of(name, demo))
    overhanging = []
    for width in WIDTHS:
        tab.page.set_viewport_size({"width": width, "height": 900})
        tab.next_frame()
        overhanging += [f"{width} px: {found}" for found in [tab.page.evaluate(OVERHANG)] if found]
        overhanging += [f"{width} px, cut off: {found}" for found in tab.page.evaluate(CUT_OFF)]
    assert not overhanging, "\n".join(overhanging[:8])


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", MAIN)
def test_no_word_and_no_value_is_broken_in_two(name: str, lang: str, demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(lang=lang)
    tab.open(demo.url + path_of(name, demo))
    broken = []
    for width in WIDTHS:
        tab.page.set_viewport_size({"width": width, "height": 900})
        tab.next_frame()
        broken += [f"{width} px: {found}" for found in tab.page.evaluate(BROKEN)]
    assert not broken, "\n".join(broken[:8])


@pytest.mark.parametrize("name", NAMES)
def test_a_phone_gets_the_page_at_once_not_only_after_narrowing(
    name: str, demo: Service, visitor: Visitor
) -> None:
    tab = visitor.tab(width=375, height=667, is_mobile=True, has_touch=True)
    tab.open(demo.url + path_of(name, demo))
    assert tab.page.evaluate(OVERHANG) == ""
