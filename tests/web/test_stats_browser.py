"""The statistics table in a real Chromium: sorts and filters in place, takes figures without moving rows."""

import pytest
from playwright.sync_api import expect

from probes.domain.outcome import Outcome
from tests.e2e.browser import Tab, Visitor
from tests.examples import a_result
from tests.web.tables_site import LARGE, QUICK, SLOW, Site, browser, overflow, site, violations, visitor

__all__ = ["browser", "site", "visitor"]
pytestmark = pytest.mark.browser


def order(tab: Tab) -> list[str]:
    rows: list[str] = tab.page.locator("tr[data-target]").evaluate_all(
        "rows => rows.map((row) => row.dataset.target)"
    )
    return rows


def opened(site: Site, visitor: Visitor, path: str = "/stats", **options: object) -> Tab:
    tab = visitor.tab(**options)  # type: ignore[arg-type]
    assert tab.open(site.url + path) == 200
    return tab


def mark(tab: Tab) -> None:
    tab.page.evaluate("() => { window.stillHere = true; }")


def is_same_document(tab: Tab) -> bool:
    return bool(tab.page.evaluate("() => window.stillHere === true"))


def test_a_click_on_a_head_sorts_in_place_and_can_be_linked(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor)
    mark(tab)
    head = tab.page.locator("th", has=tab.page.locator('[data-sort="ttft_p95"]'))
    head.get_by_role("link").click()
    assert order(tab) == [QUICK, SLOW, LARGE]
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("link").click()
    assert order(tab) == [SLOW, QUICK, LARGE]  # unknown stays last
    expect(head).to_have_attribute("aria-sort", "descending")
    assert is_same_document(tab)
    assert tab.page.url.endswith("/stats?sort=-ttft_p95")
    assert tab.page.get_by_role("link", name="CSV").get_attribute("href") == "/stats.csv?sort=-ttft_p95"
    tab.page.reload()
    assert order(tab) == [SLOW, QUICK, LARGE]


@pytest.mark.parametrize(
    "column", ["state", "model", "provider", "n", "availability", "response_p50", "errors", "last_check"]
)
def test_the_script_sorts_as_the_server_does(site: Site, visitor: Visitor, column: str) -> None:
    tab = opened(site, visitor)
    for _click in range(2):
        tab.page.locator(f'[data-sort="{column}"]').click()
        in_place = order(tab)
        tab.page.reload()
        assert order(tab) == in_place


def test_typing_filters_without_loading_the_page_anew(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor)
    mark(tab)
    box = tab.page.get_by_role("searchbox")
    box.press_sequentially("slow", delay=15)
    expect(tab.page.locator("tr[data-target]")).to_have_count(1)
    expect(box).to_be_focused()
    assert is_same_document(tab)
    assert tab.page.url.endswith("/stats?q=slow")
    box.fill("nothing at all")
    expect(tab.page.get_by_text("0 of 3 models match.")).to_be_visible()
    tab.page.get_by_role("link", name="Clear filters").first.click()
    expect(tab.page.locator("tr[data-target]")).to_have_count(3)


def test_a_chip_filters_by_keyboard(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor)
    chip = tab.page.get_by_role("checkbox", name="acme")
    chip.focus()
    tab.page.keyboard.press("Space")
    expect(chip).to_be_checked()
    tab.page.wait_for_url("**/stats?provider=acme")
    expect(tab.page.locator("tr[data-target]")).to_have_count(3)


def test_sorting_while_a_filter_is_on_its_way_keeps_both(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor)
    tab.page.evaluate(
        """() => {
          document.querySelector('input[name=provider]').click();
          document.querySelector('[data-sort=ttft_p95]').click();
        }"""
    )
    tab.page.wait_for_url("**/stats?provider=acme&sort=ttft_p95")
    expect(tab.page.locator("[aria-sort]").get_by_role("link")).to_have_attribute("data-sort", "ttft_p95")
    assert order(tab) == [QUICK, SLOW, LARGE]


def test_new_figures_come_in_without_a_row_moving(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor, "/stats?sort=-n")
    before = order(tab)
    assert before[0] == QUICK
    site.add(*[a_result(due_at=site.at(minutes=1, seconds=n), target=LARGE) for n in range(60)])
    count = tab.page.locator(f'tr[data-target="{LARGE}"] td:nth-child(4)')
    expect(count).to_have_text("60", timeout=30_000)
    assert order(tab) == before


def test_the_interval_is_shown_to_the_keyboard(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor)
    link = tab.page.locator(f'tr[data-target="{SLOW}"] .interval')
    link.focus()
    bubble = link.locator(".interval__text").bounding_box()
    assert bubble is not None
    assert bubble["width"] > 100


def test_without_script_sorting_searching_and_chips_work_as_a_form(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor, script=False)
    tab.page.locator('[data-sort="ttft_p95"]').click()
    assert order(tab) == [QUICK, SLOW, LARGE]
    tab.page.get_by_role("searchbox").fill("slow")
    tab.page.get_by_role("button", name="Apply").click()
    assert order(tab) == [SLOW]
    assert tab.page.url.endswith("q=slow&sort=ttft_p95")


def test_on_a_phone_state_and_model_stay_in_sight(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor, width=375)
    assert overflow(tab) <= 0
    scroller = tab.page.get_by_role("region", name="Statistics by model")
    scroller.evaluate("region => { region.scrollLeft = 400; }")
    cell = tab.page.locator(f'tr[data-target="{QUICK}"] th').bounding_box()
    assert cell is not None
    assert 0 < cell["x"] < 100


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_axe_finds_nothing(site: Site, visitor: Visitor, lang: str, scheme: str, width: int) -> None:
    tab = opened(site, visitor, lang=lang, scheme=scheme, width=width, bypass_csp=True)
    assert violations(tab.page) == []


def test_nothing_moves_while_the_page_loads(site: Site, visitor: Visitor) -> None:
    site.add(a_result(Outcome.SERVER_ERROR, site.at(seconds=30), LARGE))
    for width in (375, 1280):
        tab = opened(site, visitor, width=width)
        assert tab.layout_shifts() == []
