"""Without JavaScript every page reads, and searching, filtering and sorting work by plain links and forms."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Visitor
from tests.e2e.places import NAMES, path_of
from tests.service_process import Service

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visitor: Visitor) -> Page:
    return visitor.tab(script=False).page


@pytest.mark.parametrize("name", NAMES)
def test_a_page_reads_without_script(name: str, demo: Service, page: Page) -> None:
    page.goto(demo.url + path_of(name, demo))
    expect(page.get_by_role("heading", level=1)).to_be_attached()
    assert len(page.locator("main").inner_text()) > 40
    expect(page.locator(".only-with-script:visible")).to_have_count(0)


@pytest.mark.parametrize("path", ["/", "/kanban", "/stats"])
def test_a_search_is_a_form(path: str, demo: Service, page: Page) -> None:
    page.goto(demo.url + path)
    page.get_by_role("searchbox").fill("lumen")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"\?.*q=lumen"))
    expect(page.locator("main").get_by_role("link", name=re.compile("^Lumen"))).to_have_count(3)
    expect(page.locator("main").get_by_role("link", name=re.compile("Northwind"))).to_have_count(0)


def test_the_boards_filters_are_a_form(demo: Service, page: Page) -> None:
    page.goto(demo.url)
    page.get_by_role("combobox", name="State").select_option("paused")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("[data-row]:visible")).to_have_count(1)


def test_headings_of_the_statistics_are_links(demo: Service, page: Page) -> None:
    page.goto(f"{demo.url}/stats?q=northwind")
    page.locator("[data-sort='model']").click()
    expect(page).to_have_url(re.compile("q=northwind.*sort=-?model"))
    names = page.locator("tr[data-target] th").all_inner_texts()
    assert len(names) == 3
    assert names in (sorted(names), sorted(names, reverse=True))


def test_chips_are_a_form(demo: Service, page: Page) -> None:
    page.goto(f"{demo.url}/stats")
    page.get_by_role("checkbox", name="Basalt").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("tr[data-target]")).to_have_count(3)


def test_records_are_filtered_by_a_form_and_paged_by_links(demo: Service, page: Page) -> None:
    page.goto(f"{demo.url}/result?limit=10")
    page.locator("form summary", has_text="Outcome").click()
    page.get_by_role("checkbox", name="server error").check()
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile("outcome=server_error"))
    first = page.locator("tr[data-record] time").first.get_attribute("datetime")
    page.get_by_role("link", name="Older").first.click()
    expect(page.locator("tr[data-record]")).to_have_count(10)
    assert str(page.locator("tr[data-record] time").first.get_attribute("datetime")) < str(first)


def test_a_record_opens_without_script(demo: Service, page: Page) -> None:
    page.goto(f"{demo.url}/result?limit=10")
    page.locator("tr[data-record] summary").first.click()
    expect(page.get_by_role("link", name="Permalink").first).to_be_visible()


def test_the_data_of_a_chart_reads_without_script(demo: Service, page: Page) -> None:
    page.goto(demo.url + path_of("model", demo))
    page.get_by_role("link", name="Data").first.click()
    expect(page.locator("table[data-points]")).to_be_in_viewport()
    expect(page.locator("table[data-points] thead")).to_contain_text("Time to first token, s")
    expect(page.locator("table[data-points] tbody tr").nth(3)).to_contain_text(re.compile(r"\d\.\d{3}"))


def test_language_and_theme_are_links(demo: Service, page: Page) -> None:
    page.goto(demo.url)
    page.get_by_role("link", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.locator("[data-theme-choice=dark]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")


def test_a_time_says_which_moment_it_means(demo: Service, page: Page) -> None:
    page.goto(f"{demo.url}/stats")
    time = page.locator("tr[data-target] time").first
    stamp = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC")
    assert stamp.search(f"{time.inner_text()} {time.get_attribute('title')}")
