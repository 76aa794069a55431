"""Live updates: what an agent stores comes onto open pages, without a reload and without disturbing the reader."""

import pytest
from playwright.sync_api import Page, Request, expect

from tests.e2e.browser import Tab, Visitor
from tests.e2e.shop import Shop
from tests.e2e.test_refresh import FAST, checked_at, is_marked, mark, row
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

HIDE = """(isHidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
  const state = isHidden ? "hidden" : "visible";
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def board(shop: Shop, visitor: Visitor) -> Tab:
    tab = visitor.tab(height=400)
    tab.open(shop.url)
    return tab


def expect_news(page: Page, target: str, before: str) -> None:
    expect(row(page, target).locator(".row__last time")).not_to_have_attribute("datetime", before)


def test_a_result_that_an_agent_stored_changes_its_row_without_a_reload(board: Tab, shop: Shop) -> None:
    mark(board.page)
    before = checked_at(board.page, FAST)
    shop.refresh(FAST)
    expect_news(board.page, FAST, before)
    assert is_marked(board.page)


def test_an_update_leaves_the_keyboards_focus_and_the_scroll_position(board: Tab, shop: Shop) -> None:
    page = board.page
    link = row(page, FAST).get_by_role("link").first
    link.focus()
    page.evaluate("() => scrollTo(0, 120)")
    assert page.evaluate("() => scrollY") == 120
    before = checked_at(page, FAST)
    shop.refresh(FAST)
    expect_news(page, FAST, before)
    expect(link).to_be_focused()
    assert page.evaluate("() => scrollY") == 120


def test_an_update_moves_no_row(board: Tab, shop: Shop) -> None:
    page = board.page
    tops = "rows => rows.map((row) => [row.dataset.row, Math.round(row.getBoundingClientRect().top)])"
    where = page.locator("[data-row]").evaluate_all(tops)
    before = checked_at(page, FAST)
    shop.refresh(FAST)
    expect_news(page, FAST, before)
    assert page.locator("[data-row]").evaluate_all(tops) == where


def test_a_filter_stays_in_force_over_an_update(board: Tab, shop: Shop) -> None:
    page = board.page
    page.get_by_role("searchbox").press_sequentially("zenith")
    expect(row(page, FAST)).to_be_hidden()
    before = checked_at(page, FAST)
    shop.refresh(FAST)
    expect_news(page, FAST, before)
    expect(row(page, FAST)).to_be_hidden()


def test_a_hidden_tab_closes_its_stream(board: Tab) -> None:
    page = board.page
    closed: list[Request] = []
    page.on("requestfailed", lambda request: closed.append(request) if "/live" in request.url else None)
    page.evaluate(HIDE, True)
    expect(page.locator("html")).to_have_attribute("data-connection", "paused")
    assert [request.failure for request in closed] == ["net::ERR_ABORTED"]


def test_a_tab_shown_again_catches_up_with_what_it_missed(board: Tab, shop: Shop) -> None:
    page = board.page
    page.evaluate(HIDE, True)
    expect(page.locator("html")).to_have_attribute("data-connection", "paused")
    before, newest = checked_at(page, FAST), shop.newest(FAST)
    shop.refresh(FAST)
    wait_until("the result in the store", lambda: shop.newest(FAST) != newest)
    assert checked_at(page, FAST) == before
    page.evaluate(HIDE, False)
    expect_news(page, FAST, before)


def test_the_kanban_takes_news_too(shop: Shop, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{shop.url}/kanban")
    card = tab.page.locator(f"[data-card='{FAST}']")
    before = str(card.get_attribute("data-rev"))
    mark(tab.page)
    shop.refresh(FAST)
    expect(card).not_to_have_attribute("data-rev", before)
    assert is_marked(tab.page)


def test_the_statistics_take_news_without_moving_a_row(shop: Shop, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{shop.url}/stats?sort=-model")
    rows = tab.page.locator("tr[data-target]")
    order = rows.evaluate_all("rows => rows.map((row) => row.dataset.target)")
    last = tab.page.locator(f"tr[data-target='{FAST}'] time").last
    before = str(last.get_attribute("datetime"))
    mark(tab.page)
    shop.refresh(FAST)
    expect(last).not_to_have_attribute("datetime", before)
    assert rows.evaluate_all("rows => rows.map((row) => row.dataset.target)") == order
    assert is_marked(tab.page)


def test_a_models_page_takes_its_new_record(shop: Shop, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{shop.url}/models/{FAST}")
    records = tab.page.locator("[data-region=recent] tr[data-record]")
    before = records.count()
    mark(tab.page)
    shop.refresh(FAST)
    expect(records).to_have_count(min(before + 1, 20))
    assert is_marked(tab.page)
