"""Everything that a mouse reaches, the keyboard reaches, and one sees where it is."""

from typing import Final

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import NO_NEWS, Tab, Visitor
from tests.e2e.places import MAIN, path_of
from tests.service_process import Service

pytestmark = pytest.mark.browser

# Everything on the page that acts, in the order of the document, numbered so that it can be told apart.
NUMBER_REACHABLE: Final = """() => {
  const acting = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  const found = [...document.querySelectorAll(acting)].filter((element) => !element.disabled
    && element.type !== "hidden" && element.tabIndex >= 0 && element.checkVisibility({ visibilityProperty: true }));
  found.forEach((element, number) => { element.dataset.number = number; });
  return found.map((element) => element.outerHTML.slice(0, 90).replaceAll("\\n", " "));
}"""

# How the focused element and what is around it look; compared with and without the focus.
LOOK: Final = """(element) => {
  const near = [element, element.parentElement, element.nextElementSibling, element.closest("td, li, label, summary")];
  return near.filter(Boolean).map((one) => {
    const style = getComputedStyle(one);
    return [style.outlineStyle, style.outlineWidth, style.outlineColor, style.boxShadow, style.borderColor,
      style.backgroundColor, style.textDecorationLine].join();
  }).join(";");
}"""
STEP: Final = f"""() => {{
  const look = {LOOK};
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const focused = look(element);
  element.blur();
  const plain = look(element);
  element.focus({{ preventScroll: true, focusVisible: true }});
  return {{ number: Number(element.dataset.number ?? -1), isSeen: focused !== plain }};
}}"""


def walk(tab: Tab) -> tuple[list[str], list[int], list[int]]:
    """All that acts; the numbers that Tab reaches, in order; those of them that do not look any different."""
    tab.page.emulate_media(reduced_motion="reduce")
    acting: list[str] = tab.page.evaluate(NUMBER_REACHABLE)
    reached: list[int] = []
    unseen: list[int] = []
    for _ in range(len(acting) + 5):
        tab.page.keyboard.press("Tab")
        step = tab.page.evaluate(STEP)
        if step is None:
            break
        if step["number"] in reached:
            break
        reached.append(step["number"])
        if not step["isSeen"]:
            unseen.append(step["number"])
    return acting, reached, unseen


@pytest.mark.parametrize("name", MAIN)
def test_tab_reaches_everything_in_order_and_shows_where_it_is(
    name: str, demo: Service, visitor: Visitor
) -> None:
    tab = visitor.tab()
    tab.page.add_init_script(NO_NEWS)  # the walk takes longer than the demo's next result
    path = path_of(name, demo)
    tab.open(demo.url + ("/result?limit=10" if path == "/result" else path))
    acting, reached, unseen = walk(tab)
    missed = [acting[number] for number in range(len(acting)) if number not in reached]
    assert not missed, "\n".join(missed)
    assert reached == sorted(reached), "the order of Tab is not the order of the page"
    assert not unseen, "\n".join(acting[number] for number in unseen)


def test_the_first_tab_stop_skips_to_the_content(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(demo.url)
    tab.page.keyboard.press("Tab")
    skip = tab.page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("() => document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("path", ["/", "/kanban", "/stats"])
def test_a_slash_goes_to_the_search_box(path: str, demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(demo.url + path)
    tab.page.keyboard.press("/")
    expect(tab.page.get_by_role("searchbox")).to_be_focused()
    tab.page.keyboard.type("a/b")
    expect(tab.page.get_by_role("searchbox")).to_have_value("a/b")


def test_escape_closes_an_open_filter_and_gives_the_focus_back(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{demo.url}/result")
    button = tab.page.locator("form summary", has_text="Outcome")
    box = tab.page.get_by_role("checkbox", name="server error")
    button.focus()
    tab.page.keyboard.press("Enter")
    expect(box).to_be_visible()
    box.focus()
    tab.page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(button).to_be_focused()


def test_escape_empties_the_search_box(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(demo.url)
    everything = tab.page.locator("[data-row]:visible").count()
    tab.page.keyboard.press("/")
    tab.page.keyboard.type("lumen")
    expect(tab.page.locator("[data-row]:visible")).to_have_count(3)
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator("[data-row]:visible")).to_have_count(everything)


def test_enter_on_a_heading_sorts_and_keeps_the_focus_there(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{demo.url}/stats")
    head = tab.page.locator("[data-sort='n']")
    head.focus()
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("th[aria-sort]").locator("[data-sort='n']")).to_be_focused()


def test_a_group_of_the_board_closes_by_keyboard(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(demo.url)
    group = tab.page.locator("details[data-group='Lumen Labs']")
    group.locator("summary").focus()
    tab.page.keyboard.press("Enter")
    expect(group.get_by_text("Lumen Spark")).to_be_hidden()
