"""The statistics table: sorted, filtered and downloaded as it is shown."""

import csv
import json
import re
from itertools import takewhile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import Tab, Visitor
from tests.service_process import Service

pytestmark = pytest.mark.browser

ROWS = "tr[data-target]"
COLUMNS = {"n": 3, "availability": 4, "ttft_p95": 6, "throughput_p50": 10, "errors": 11, "last_check": 13}


@pytest.fixture
def stats(demo: Service, visitor: Visitor) -> Tab:
    tab = visitor.tab(width=1920)
    tab.open(f"{demo.url}/stats?window=7d")
    return tab


def shown(page: Page) -> list[str]:
    ids: list[str] = page.locator(ROWS).evaluate_all("rows => rows.map((row) => row.dataset.target)")
    return ids


def values(page: Page, column: int) -> list[float | None]:
    """What a column sorts by, from top to bottom; None for unknown."""
    texts: list[str] = page.locator(ROWS).evaluate_all(
        "(rows, column) => rows.map((row) => row.cells[column].dataset.v)", column
    )
    return [float(text) if text else None for text in texts]


def known_first(found: list[float | None]) -> list[float]:
    """The known values; fails where an unknown one stands before them."""
    known = [value for value in takewhile(lambda value: value is not None, found) if value is not None]
    assert all(value is None for value in found[len(known) :]), found
    return known


def heading(page: Page, column: str) -> Locator:
    return page.locator(f"[data-sort='{column}']")


@pytest.mark.parametrize("column", ["n", "availability", "throughput_p50", "errors"])
def test_a_click_on_a_heading_sorts_and_another_one_turns_it_round(stats: Tab, column: str) -> None:
    page, directions = stats.page, set()
    for _ in range(2):
        heading(page, column).click()
        direction = page.locator("th[aria-sort]").get_attribute("aria-sort")
        found = known_first(values(page, COLUMNS[column]))
        assert found == sorted(found, reverse=direction == "descending")
        directions.add(direction)
    assert directions == {"ascending", "descending"}


def test_the_sorted_column_is_the_only_one_that_says_so(stats: Tab) -> None:
    heading(stats.page, "availability").click()
    heading(stats.page, "n").click()
    expect(stats.page.locator("th[aria-sort]")).to_have_count(1)
    expect(stats.page.locator("th[aria-sort]").locator("[data-sort='n']")).to_be_visible()


@pytest.mark.parametrize("sort", ["ttft_p95", "-ttft_p95", "throughput_p50", "-last_check"])
def test_a_sorted_table_is_a_link_with_unknown_last(demo: Service, visitor: Visitor, sort: str) -> None:
    tab = visitor.tab(script=False)
    tab.open(f"{demo.url}/stats?sort={sort}")
    found = values(tab.page, COLUMNS[sort.removeprefix("-")])
    known = known_first(found)
    assert known == sorted(known, reverse=sort.startswith("-"))
    assert None in found, "the demo has models without figures, so this could not have failed"


def test_what_a_click_sorted_is_what_its_address_shows(stats: Tab) -> None:
    page = stats.page
    heading(page, "model").click()
    expect(page).to_have_url(re.compile(r"sort=-?model"))
    sorted_by_click = shown(page)
    page.reload()
    assert shown(page) == sorted_by_click


def test_the_window_switch_changes_the_figures_and_keeps_the_filter(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{demo.url}/stats?q=northwind&sort=-n")
    day = known_first(values(tab.page, COLUMNS["n"]))
    tab.page.get_by_role("group", name="Window").get_by_role("link", name="90d").click()
    expect(tab.page).to_have_url(re.compile("window=90d"))
    current = tab.page.get_by_role("group", name="Window").locator("[aria-current=true]")
    expect(current).to_have_text("90d")
    assert len(shown(tab.page)) == len(day) == 3
    assert min(known_first(values(tab.page, COLUMNS["n"]))) > max(day)


def test_typing_filters_the_table_in_place(stats: Tab) -> None:
    stats.page.get_by_role("searchbox").press_sequentially("basalt")
    expect(stats.page.locator(ROWS)).to_have_count(3)
    expect(stats.page).to_have_url(re.compile("q=basalt"))


def test_chips_of_one_kind_are_joined_by_or_and_of_two_kinds_by_and(stats: Tab) -> None:
    page = stats.page
    for provider in ("Basalt", "Paperboat"):
        page.get_by_role("checkbox", name=provider).check()
    expect(page.locator(ROWS)).to_have_count(5)
    page.get_by_role("checkbox", name="Paused").check()
    expect(page.locator(ROWS)).to_have_count(1)
    assert shown(page) == ["Basalt/main/basalt-core"]


def test_filters_that_match_nothing_say_so_and_can_be_cleared(stats: Tab) -> None:
    page = stats.page
    before = shown(page)
    page.get_by_role("searchbox").press_sequentially("nobody")
    expect(page.get_by_text("0 of 16 models match.")).to_be_visible()
    page.get_by_role("link", name="Clear filters").first.click()
    expect(page.locator(ROWS)).to_have_count(len(before))


def test_the_csv_has_the_rows_that_are_shown_in_the_same_order(stats: Tab, tmp_path: Path) -> None:
    page = stats.page
    page.get_by_role("searchbox").press_sequentially("a")
    page.get_by_role("checkbox", name="Operational").check()
    heading(page, "n").click()
    expect(page).to_have_url(re.compile("state=operational.*sort=|sort=.*state=operational"))
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    file = tmp_path / "stats.csv"
    started.value.save_as(file)
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    assert [row["target"] for row in rows] == shown(page)
    assert 0 < len(rows) < 16
    assert {row["window"] for row in rows} == {"7d"}
    ns = [float(row["n"]) for row in rows]
    assert ns == sorted(ns) or ns == sorted(ns, reverse=True)


def test_the_json_has_the_rows_that_are_shown(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{demo.url}/stats?q=lumen&sort=-response_p50")
    address = tab.page.get_by_role("link", name="JSON").get_attribute("href")
    rows = json.loads(demo.get(str(address)))["rows"]
    assert [row["target"] for row in rows] == shown(tab.page)
    assert len(rows) == 3


def test_a_row_of_few_probes_is_marked_as_a_guess(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{demo.url}/stats?window=1h")
    for row in tab.page.locator(ROWS).all():
        n = int(str(row.locator("td").nth(2).get_attribute("data-v")) or 0)
        expect(row.get_by_text("few", exact=True)).to_have_count(1 if 0 < n < 20 else 0)
