"""The board: what a reader sees first, and how they find their model in it."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import Tab, Visitor
from tests.service_process import Service

pytestmark = pytest.mark.browser

ROWS = "[data-row]:visible"


@pytest.fixture
def board(demo: Service, visitor: Visitor) -> Tab:
    tab = visitor.tab()
    tab.open(demo.url)
    return tab


def target_ids(demo: Service) -> set[str]:
    return {target["id"] for target in demo.json("/api/v1/targets")["targets"]}


def shown_ids(tab: Tab) -> list[str]:
    rows: list[str] = tab.page.locator(ROWS).evaluate_all("rows => rows.map((row) => row.dataset.row)")
    return rows


def test_one_sentence_says_how_things_stand_before_anything_else(board: Tab) -> None:
    sentence = board.page.get_by_role("heading", level=1)
    expect(sentence).to_have_text(re.compile(r"\d+ of \d+ models ha(s|ve) problems"))
    top = sentence.bounding_box()
    first_row = board.page.locator(ROWS).first.bounding_box()
    assert top is not None
    assert first_row is not None
    assert top["y"] < first_row["y"]


def test_the_title_of_the_tab_is_the_sentence(board: Tab) -> None:
    sentence = board.page.get_by_role("heading", level=1).inner_text()
    assert board.page.title().startswith(sentence)


def test_every_configured_model_has_its_row(board: Tab, demo: Service) -> None:
    ids = shown_ids(board)
    assert set(ids) == target_ids(demo)
    assert len(ids) == len(set(ids))


def test_models_with_problems_stand_first(board: Tab) -> None:
    states = board.page.locator(ROWS).evaluate_all("rows => rows.map((row) => row.dataset.state)")
    troubled = [state in ("down", "degraded", "attention") for state in states]
    assert any(troubled)
    assert troubled == sorted(troubled, reverse=True)


def test_a_row_says_state_in_a_word_and_each_share_with_its_number_of_probes(board: Tab) -> None:
    row = board.page.locator(ROWS, has_text="Paperboat Mini")
    expect(row).to_contain_text("Down")
    expect(row).to_contain_text(re.compile(r"\d\s% of \d"))


def test_a_model_without_a_key_shows_no_figure_instead_of_zero(board: Tab) -> None:
    row = board.page.locator(ROWS, has_text="Quokka 405B")
    expect(row).to_contain_text("Not configured")
    expect(row).not_to_contain_text(re.compile(r"\d+(\.\d+)? ?%"))
    expect(row).to_contain_text("–")


def test_a_row_leads_to_its_model(board: Tab) -> None:
    board.page.get_by_role("link", name="Lumen Spark").click()
    expect(board.page.get_by_role("heading", level=1)).to_have_text("Lumen Spark")


def test_typing_into_the_search_box_leaves_what_fits(board: Tab) -> None:
    board.page.get_by_role("searchbox").press_sequentially("lumen s")
    expect(board.page.locator(ROWS)).to_have_count(2)
    assert {name.rsplit("/")[-1] for name in shown_ids(board)} == {"lumen-spark", "lumen-sage"}


def test_a_search_is_in_the_address_and_survives_a_reload(board: Tab) -> None:
    board.page.get_by_role("searchbox").press_sequentially("hokusai")
    expect(board.page.locator(ROWS)).to_have_count(2)
    board.page.reload()
    expect(board.page.get_by_role("searchbox")).to_have_value("hokusai")
    expect(board.page.locator(ROWS)).to_have_count(2)


def test_choosing_a_provider_leaves_its_models(board: Tab) -> None:
    board.page.get_by_role("combobox", name="Provider").select_option("Northwind AI")
    expect(board.page.locator(ROWS)).to_have_count(3)
    assert all(name.startswith("Northwind AI/") for name in shown_ids(board))


def test_choosing_a_state_leaves_the_models_in_it(board: Tab) -> None:
    board.page.get_by_role("combobox", name="State").select_option("paused")
    expect(board.page.locator(ROWS)).to_have_count(1)
    expect(board.page.locator(ROWS)).to_contain_text("Basalt Core")


def test_a_search_that_hides_everything_says_so_and_offers_the_way_back(board: Tab, demo: Service) -> None:
    board.page.get_by_role("searchbox").press_sequentially("no such model")
    expect(board.page.get_by_text("The filter hides every model.")).to_be_visible()
    board.page.get_by_role("link", name="Clear the filter").click()
    expect(board.page.locator(ROWS)).to_have_count(len(target_ids(demo)))


def test_a_closed_group_stays_closed_on_the_next_visit(board: Tab) -> None:
    group = board.page.locator("details[data-group='Lumen Labs']")
    group.locator("summary").click()
    expect(group.get_by_text("Lumen Spark")).to_be_hidden()
    board.page.reload()
    expect(group).not_to_have_attribute("open", "")
    expect(group.get_by_text("Lumen Spark")).to_be_hidden()


def test_the_banner_says_that_the_data_is_simulated_and_how_to_add_models(board: Tab) -> None:
    board.page.get_by_text("Simulated data").click()
    expect(board.page.get_by_text("config/local.yaml").first).to_be_visible()
    expect(board.page.get_by_text('models: ["gpt-4o-mini"]').first).to_be_visible()
