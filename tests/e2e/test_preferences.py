"""Theme and language: chosen, remembered, and right from the first paint on."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Tab, Visitor
from tests.service_process import Service

pytestmark = pytest.mark.browser

BACKGROUND = "() => getComputedStyle(document.documentElement).backgroundColor"
TOKENS = """() => {
  const style = getComputedStyle(document.documentElement);
  const names = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).flatMap(
    (rule) => [...(rule.style ?? [])].filter((name) => name.startsWith("--")));
  return Object.fromEntries([...new Set(names)].sort().map((name) => [name, style.getPropertyValue(name)]));
}"""
# What theme the document had when it was painted first; the observer sees each change of the attribute.
THEME_AT_FIRST_PAINT = """
window.__themes = [];
const note = () => {
  const theme = document.documentElement?.dataset.theme;
  if (theme && window.__themes.at(-1)?.theme !== theme) window.__themes.push({ theme, at: performance.now() });
};
new MutationObserver(note).observe(document, { attributes: true, childList: true, subtree: true });
"""


def theme_of(page: Page) -> str:
    return str(page.locator("html").get_attribute("data-theme"))


def choose(tab: Tab, theme: str) -> None:
    tab.page.get_by_role("group", name="Colours").get_by_role("link", name=theme).click()


def test_automatic_follows_the_system(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(scheme="light")
    tab.open(demo.url)
    light = tab.page.evaluate(BACKGROUND)
    tab.page.emulate_media(color_scheme="dark")
    assert tab.page.evaluate(BACKGROUND) != light


@pytest.mark.parametrize(("system", "chosen"), [("light", "dark"), ("dark", "light")])
def test_a_chosen_theme_looks_like_the_systems_and_beats_it(
    demo: Service, visitor: Visitor, system: str, chosen: str
) -> None:
    tab = visitor.tab(scheme="light")
    tab.open(demo.url)
    tab.page.emulate_media(color_scheme=chosen)  # type: ignore[arg-type]
    wanted = tab.page.evaluate(TOKENS)
    tab.page.emulate_media(color_scheme=system)  # type: ignore[arg-type]
    assert tab.page.evaluate(TOKENS) != wanted
    choose(tab, chosen.capitalize())
    assert tab.page.evaluate(TOKENS) == wanted


def test_a_chosen_theme_is_remembered_on_every_page(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(scheme="light")
    tab.open(demo.url)
    choose(tab, "Dark")
    assert theme_of(tab.page) == "dark"
    tab.open(f"{demo.url}/stats")
    assert theme_of(tab.page) == "dark"
    current = tab.page.get_by_role("group", name="Colours").locator("[aria-current=true]")
    expect(current).to_have_text("Dark")


def test_automatic_can_be_chosen_again(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(scheme="light")
    tab.open(demo.url)
    before = tab.page.evaluate(BACKGROUND)
    choose(tab, "Dark")
    choose(tab, "Auto")
    tab.page.reload()
    assert theme_of(tab.page) == "auto"
    assert tab.page.evaluate(BACKGROUND) == before


def test_the_server_sends_the_remembered_theme_so_that_nothing_flashes(
    demo: Service, visitor: Visitor
) -> None:
    tab = visitor.tab(script=False)
    tab.page.goto(demo.url)
    tab.page.get_by_role("group", name="Colours").get_by_role("link", name="Dark").click()
    tab.page.goto(f"{demo.url}/kanban")
    assert theme_of(tab.page) == "dark"


def test_a_theme_that_only_the_browser_remembers_is_set_before_the_first_paint(
    demo: Service, visitor: Visitor
) -> None:
    tab = visitor.tab(scheme="light")
    tab.open(demo.url)
    choose(tab, "Dark")
    tab.page.context.clear_cookies()
    tab.page.add_init_script(THEME_AT_FIRST_PAINT)
    tab.page.reload()
    tab.settle()
    assert theme_of(tab.page) == "dark"
    themes = tab.page.evaluate("() => window.__themes")
    painted = tab.page.evaluate("() => performance.getEntriesByName('first-paint')[0].startTime")
    assert themes[-1]["theme"] == "dark"
    assert themes[-1]["at"] < painted


@pytest.mark.parametrize(("lang", "tag"), [("en", "en"), ("zh", "zh-Hans")])
def test_the_browsers_language_decides_at_first(demo: Service, visitor: Visitor, lang: str, tag: str) -> None:
    tab = visitor.tab(lang=lang)
    tab.open(demo.url)
    expect(tab.page.locator("html")).to_have_attribute("lang", tag)


def test_the_switch_changes_the_language_and_keeps_page_and_filter(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(lang="en")
    tab.open(f"{demo.url}/stats?q=lumen&window=7d")
    tab.follow(tab.page.get_by_role("link", name="中文"))
    expect(tab.page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(tab.page).to_have_url(re.compile(r"/stats\?.*q=lumen.*window=7d"))
    expect(tab.page.locator("tr[data-target]")).to_have_count(3)


def test_a_chosen_language_is_remembered_against_the_browsers(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(lang="en")
    tab.open(demo.url)
    tab.follow(tab.page.get_by_role("link", name="中文"))
    tab.open(f"{demo.url}/methodology")
    expect(tab.page.locator("html")).to_have_attribute("lang", "zh-Hans")
    tab.follow(tab.page.get_by_role("link", name="English"))
    tab.open(f"{demo.url}/health")
    expect(tab.page.locator("html")).to_have_attribute("lang", "en")


def test_an_unknown_language_falls_back_to_english(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{demo.url}/?lang=xx")
    expect(tab.page.locator("html")).to_have_attribute("lang", "en")


def test_times_can_be_shown_as_age_as_local_time_and_in_utc(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(timezone_id="Asia/Shanghai")
    tab.open(f"{demo.url}/stats?sort=-last_check")
    time = tab.page.locator("tr[data-target] time").first
    toggle = tab.page.locator("[data-times-toggle]")
    expect(time).to_have_text(re.compile("ago"))
    toggle.click()
    expect(time).to_have_text(re.compile(r"\d+:\d\d:\d\d"))
    local = time.inner_text()
    toggle.click()
    expect(time).to_have_text(re.compile(r"\d\d:\d\d"))
    assert time.inner_text() != local
    tab.page.reload()
    expect(toggle).to_have_text("UTC")
