"""The kanban: every model in the column of its responsiveness."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import Tab, Visitor
from tests.service_process import Service

pytestmark = pytest.mark.browser

COLUMNS = ["Smooth", "Available", "Congestion", "Lagging", "Unknown"]
CARDS = "[data-card]:visible"


@pytest.fixture
def kanban(demo: Service, visitor: Visitor) -> Tab:
    tab = visitor.tab()
    tab.open(f"{demo.url}/kanban")
    return tab


def test_the_columns_stand_from_fast_to_slow(kanban: Tab) -> None:
    names = kanban.page.locator("[data-column] .column__name").all_inner_texts()
    assert names[:5] == COLUMNS


def test_every_model_is_one_card(kanban: Tab, demo: Service) -> None:
    cards = kanban.page.locator(CARDS).evaluate_all("cards => cards.map((card) => card.dataset.card)")
    assert sorted(cards) == sorted(target["id"] for target in demo.json("/api/v1/targets")["targets"])


def test_a_column_counts_its_cards(kanban: Tab) -> None:
    for column in kanban.page.locator("[data-column]").all():
        expect(column.locator("[data-count]")).to_have_text(str(column.locator(CARDS).count()))


def test_a_probed_model_lies_in_the_column_of_its_category(kanban: Tab, demo: Service) -> None:
    targets = {target["id"]: target for target in demo.json("/api/v1/targets")["targets"]}
    swift = targets["Northwind AI/main/northwind-swift"]
    column = kanban.page.locator("[data-column]").filter(has=kanban.page.get_by_text("Northwind Swift"))
    expect(column.locator(".column__name")).to_have_text(swift["category"].capitalize())


def test_a_card_leads_to_its_model(kanban: Tab) -> None:
    kanban.page.get_by_role("link", name=re.compile("Lumen Sage")).click()
    expect(kanban.page.get_by_role("heading", level=1)).to_have_text("Lumen Sage")


def test_enter_opens_the_card_that_has_the_focus(kanban: Tab) -> None:
    kanban.page.get_by_role("link", name=re.compile("Lumen Sage")).focus()
    kanban.page.keyboard.press("Enter")
    expect(kanban.page.get_by_role("heading", level=1)).to_have_text("Lumen Sage")


def test_a_card_cannot_be_dragged_because_the_state_is_measured(kanban: Tab) -> None:
    assert kanban.page.locator("[draggable=true]").count() == 0


def test_typing_leaves_the_cards_that_fit_and_recounts_the_columns(kanban: Tab) -> None:
    kanban.page.get_by_role("searchbox").press_sequentially("northwind")
    expect(kanban.page.locator(CARDS)).to_have_count(3)
    counts = kanban.page.locator("[data-count]").all_inner_texts()
    assert sum(map(int, counts)) == 3


def test_lanes_put_a_provider_in_each_row_and_lose_no_card(kanban: Tab) -> None:
    page = kanban.page
    before = page.locator(CARDS).count()
    page.get_by_role("checkbox", name="Lanes by provider").check()
    expect(page).to_have_url(re.compile("lanes=1"))
    expect(page.get_by_role("region", name="Lumen Labs").locator(CARDS)).to_have_count(3)
    expect(page.locator(CARDS)).to_have_count(before)


def test_the_wall_has_large_cards_and_no_controls(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(width=1920, height=1080)
    tab.open(f"{demo.url}/kanban")
    size = "card => parseFloat(getComputedStyle(card).fontSize)"
    usual = tab.page.locator(".card__name").first.evaluate(size)
    tab.page.get_by_role("link", name="Wall display").click()
    expect(tab.page).to_have_url(re.compile("wall=1"))
    assert tab.page.locator(".card__name").first.evaluate(size) > usual
    for role in ("navigation", "searchbox", "button", "checkbox"):
        expect(tab.page.get_by_role(role).locator("visible=true")).to_have_count(0)


@pytest.mark.parametrize("path", ["/kanban", "/kanban?wall=1"])
@pytest.mark.parametrize("width", [375, 1000, 1160, 1280, 1920])
def test_no_columns_title_is_wider_than_its_column(
    path: str, width: int, demo: Service, visitor: Visitor
) -> None:
    tab = visitor.tab(width=width)
    tab.open(demo.url + path)
    titles = tab.page.locator(".column__title")
    wide = "titles => titles.filter((title) => title.scrollWidth > title.clientWidth + 1).map((t) => t.textContent)"
    assert titles.count() > 0
    assert titles.evaluate_all(wide) == []
