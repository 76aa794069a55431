"""The raw records: found by filters, paged without a gap, opened, copied and exported."""

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Tab, Visitor
from tests.e2e.places import FLAKY, STEADY, path_of
from tests.e2e.shop import Shop
from tests.e2e.test_refresh import FAST, is_marked, mark
from tests.service_process import Service

pytestmark = pytest.mark.browser

ROWS = "tr[data-record]"


def past_day(target: str) -> str:
    """A query that no new probe can change: a whole day of one target, the day before yesterday."""
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=4)
    bounds = {"since": end - timedelta(days=4), "until": end}
    return urlencode({"target": target} | {name: at.isoformat()[:19] + "Z" for name, at in bounds.items()})


def recorded(demo: Service, query: str) -> list[str]:
    """Ids of all records that the query finds, newest first, by the API."""
    lines = demo.get(f"/api/v1/results.ndjson?{query}").splitlines()
    return [json.loads(line)["id"] for line in lines]


def shown(page: Page) -> list[str]:
    """Ids of the records on the page, from top to bottom."""
    links = page.get_by_role("link", name="Permalink", include_hidden=True)
    hrefs: list[str] = links.evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    return [href.rsplit("/", 1)[1] for href in hrefs]


def choose(page: Page, picker: str, choice: str | re.Pattern[str]) -> None:
    page.locator("form summary", has_text=picker).click()
    page.get_by_role("checkbox", name=choice).check()


@pytest.fixture
def records(demo: Service, visitor: Visitor) -> Tab:
    tab = visitor.tab()
    tab.open(f"{demo.url}/result?{past_day(FLAKY)}")
    return tab


def test_records_stand_newest_first(records: Tab) -> None:
    times = records.page.locator(f"{ROWS} .record__time time").evaluate_all(
        "times => times.map((time) => time.dateTime)"
    )
    assert len(times) > 10
    assert times == sorted(times, reverse=True)


def test_going_older_shows_every_record_once(demo: Service, visitor: Visitor) -> None:
    query = past_day(FLAKY)
    tab = visitor.tab()
    tab.open(f"{demo.url}/result?{query}&limit=25")
    pages = [shown(tab.page)]
    while (older := tab.page.get_by_role("link", name="Older")).count():
        tab.follow(older)
        pages.append(shown(tab.page))
    assert len(pages) > 3
    assert [record for page in pages for record in page] == recorded(demo, query)


def test_going_newer_comes_back_over_the_same_pages(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{demo.url}/result?{past_day(FLAKY)}&limit=25")
    page = tab.page
    down = [shown(page)]
    for _ in range(2):
        tab.follow(page.get_by_role("link", name="Older"))
        down.append(shown(page))
    up = [shown(page)]
    for _ in range(2):
        tab.follow(page.get_by_role("link", name="Newer"))
        up.append(shown(page))
    assert up == down[::-1]


def test_choosing_an_outcome_leaves_its_records(records: Tab) -> None:
    page = records.page
    choose(page, "Outcome", "server error")
    expect(page).to_have_url(re.compile("outcome=server_error"))
    outcomes = page.locator(f"{ROWS} .record__outcome")
    expect(outcomes.first).to_have_text("server error")
    assert set(outcomes.all_inner_texts()) == {"server error"}


def test_a_model_filter_leaves_that_model(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{demo.url}/result")
    choose(tab.page, "Model", re.compile("lumen.sage", re.IGNORECASE))
    expect(tab.page).to_have_url(re.compile("lumen-sage"))
    models = tab.page.locator(f"{ROWS} .record__model a")
    expect(models.first).to_have_text("lumen-sage")
    assert set(models.all_inner_texts()) == {"lumen-sage"}


def test_a_filter_without_a_match_says_so_and_can_be_cleared(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{demo.url}/result?outcome=dns_error")
    expect(tab.page.get_by_text("No record matches.")).to_be_visible()
    tab.page.get_by_role("link", name="Clear filters").first.click()
    expect(tab.page.locator(ROWS).first).to_be_visible()


def test_a_click_on_a_row_opens_it_with_the_parts_of_its_time(records: Tab) -> None:
    page = records.page
    detail = page.locator("tr.record-detail").first
    expect(detail.get_by_text("Where the time went")).to_be_hidden()
    page.locator(f"{ROWS} .record__outcome").first.click()
    expect(detail.get_by_text("Where the time went")).to_be_visible()


def test_the_keyboard_opens_a_row_too(records: Tab) -> None:
    page = records.page
    page.locator(f"{ROWS} summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Permalink").first).to_be_visible()


def test_the_permalink_shows_that_record(records: Tab) -> None:
    page = records.page
    record = shown(page)[0]
    page.locator(f"{ROWS} .record__outcome").first.click()
    page.get_by_role("link", name="Permalink").first.click()
    expect(page).to_have_url(re.compile(f"/result/{record}$"))
    expect(page.get_by_text(record, exact=True)).to_be_visible()


def test_copy_as_json_puts_the_record_on_the_clipboard(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(permissions=["clipboard-read", "clipboard-write"])
    path = path_of("record", demo)
    tab.open(demo.url + path)
    tab.page.get_by_role("button", name="Copy as JSON").click()
    expect(tab.page.get_by_role("button", name="Copied")).to_be_visible()
    copied = json.loads(tab.page.evaluate("() => navigator.clipboard.readText()"))
    assert copied == demo.json(f"/api/v1/results/{path.rsplit('/', 1)[1]}")


def test_new_results_are_announced_instead_of_shifting_the_rows(shop: Shop, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{shop.url}/result")
    before = shown(tab.page)
    mark(tab.page)
    shop.refresh(FAST)
    pill = tab.page.get_by_role("link", name=re.compile(r"^\d+ new results?$"))
    expect(pill).to_be_visible()
    assert shown(tab.page) == before
    assert is_marked(tab.page)
    tab.follow(pill)
    assert before[0] in shown(tab.page)[1:]


COVERED = """() => [...document.querySelectorAll("header a, header button, form summary")].filter((element) => {
  const box = element.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  return x > 0 && x < innerWidth && y > 0 && y < innerHeight && !element.contains(document.elementFromPoint(x, y));
}).map((element) => element.textContent.trim())"""


@pytest.mark.parametrize("width", [375, 1280])
def test_the_announcement_of_new_results_covers_nothing_that_acts(
    width: int, shop: Shop, visitor: Visitor
) -> None:
    tab = visitor.tab(width=width)
    tab.open(f"{shop.url}/result")
    covered = tab.page.evaluate(COVERED)  # what the navigation of a phone has scrolled out of sight
    shop.refresh(FAST)
    expect(tab.page.get_by_role("link", name=re.compile(r"^\d+ new results?$"))).to_be_visible()
    assert tab.page.evaluate(COVERED) == covered


def download(page: Page, link: str, file: Path) -> str:
    with page.expect_download() as started:
        page.get_by_role("link", name=link, exact=True).click()
    started.value.save_as(file)
    return file.read_text("utf-8")


def test_the_ndjson_has_every_record_of_the_filter(records: Tab, demo: Service, tmp_path: Path) -> None:
    text = download(records.page, "NDJSON", tmp_path / "records.ndjson")
    assert [json.loads(line)["id"] for line in text.splitlines()] == recorded(demo, past_day(FLAKY))


def test_the_csv_has_every_record_of_the_filter(records: Tab, demo: Service, tmp_path: Path) -> None:
    text = download(records.page, "CSV", tmp_path / "records.csv")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["id"] for row in rows] == recorded(demo, past_day(FLAKY))
    assert {row["target"] for row in rows} == {FLAKY}


def test_the_figures_of_a_record_are_those_of_the_api(demo: Service, visitor: Visitor) -> None:
    path = path_of("record", demo)
    record = demo.json(f"/api/v1/results/{path.rsplit('/', 1)[1]}")
    tab = visitor.tab()
    tab.open(demo.url + path)
    facts = tab.page.locator("dl.facts > div")
    expect(facts.filter(has_text="Output tokens")).to_contain_text(str(record["output_tokens"]))
    expect(facts.filter(has_text="Finish reason")).to_contain_text(record["finish_reason"])
    ttft = facts.filter(has_text="Time to first token").inner_text()
    assert record["ttft_seconds"] == pytest.approx(seconds(ttft), rel=0.05)


def seconds(text: str) -> float:
    """0.18 of "Time to first token 0.18 s", 0.041 of "41 ms"."""
    found = re.search(r"([\d.]+)\s(ms|s)\b", text)
    assert found is not None, text
    return float(found[1]) / (1000 if found[2] == "ms" else 1)


def test_a_link_from_the_statistics_leads_to_the_records_behind_the_figure(
    demo: Service, visitor: Visitor
) -> None:
    tab = visitor.tab(width=1920)
    tab.open(f"{demo.url}/stats?window=7d&q=quokka-7b")
    tab.page.locator(".stats-row__errors a").click()
    expect(tab.page.locator(ROWS).first).to_be_visible()
    assert FLAKY in unquote(tab.page.url)
    assert "ok" not in set(tab.page.locator(f"{ROWS} .record__outcome").all_inner_texts())


def test_an_unknown_record_is_a_page_that_says_so(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    assert tab.open(f"{demo.url}/result/no-such-record") == 404
    expect(tab.page.get_by_role("heading", level=1)).to_contain_text("no record with this id")
    expect(tab.page.get_by_role("link", name="To the board")).to_be_visible()
    tab.complaints.forgive_status(404)
    assert STEADY not in tab.page.url
