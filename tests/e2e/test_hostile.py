"""Hostile models, providers, names and visitors: all is shown as text, nothing of it runs."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import Tab, Visitor
from tests.e2e.crawl import fetch
from tests.e2e.shop import Shop
from tests.service_process import Service

pytestmark = pytest.mark.browser

PAGES: Final = ("/", "/kanban", "/stats", "/result", "/methodology", "/health", "/api/v1/docs")
SCRIPT: Final = "<script>alert(1)</script>"
ATTRIBUTE: Final = "\"'><img src=x onerror=alert(1)><svg onload=alert(1)>"
INJECTED: Final = """() => [...document.querySelectorAll(
    "img:not([src^='/badge/']), script:not([src]), iframe, object, embed, base")]
  .map((element) => element.outerHTML.slice(0, 100))
  .concat([...document.querySelectorAll("*")].flatMap((element) => [...element.attributes]
    .filter(({ name, value }) => name.startsWith("on") || /^\\s*javascript:/i.test(value))
    .map(({ name, value }) => `${name}=${value}`)))"""

BAD_QUERIES: Final = {
    "script": urlencode({"q": SCRIPT, "provider": SCRIPT, "target": SCRIPT, "model": SCRIPT}),
    "attribute": urlencode({"q": ATTRIBUTE, "provider": ATTRIBUTE, "refresh": ATTRIBUTE, "lang": ATTRIBUTE}),
    "template": urlencode({"q": "{{7*7}}${7*7}{%raw%}", "provider": "{{config}}"}),
    "NUL": "q=%00&provider=%00",
    "no UTF-8": "q=%ff%fe&provider=%c3",
    "lone surrogate": "q=%ed%a0%80",
    "bidi": "q=%e2%80%ae%e2%81%a6",
    "operator": "q[$ne]=1&provider[$gt]=&target[$where]=sleep(1)",
    "SQL": urlencode({"q": "' OR 1=1; DROP TABLE results --", "target": "x' UNION SELECT 1--"}),
    "very long": "q=" + "a" * 5000,
    "longer than any": "q=" + "a" * 9000,
    "many": "&".join(f"provider=p{number}" for number in range(500)),
    "window": urlencode({"window": SCRIPT}),
    "sort": "sort=__class__.__init__",
    "state": urlencode({"state": ATTRIBUTE}),
    "category": urlencode({"category": SCRIPT}),
    "outcome": urlencode({"outcome": SCRIPT}),
    "since": "since=99999-01-01&until=-1",
    "cursor": "cursor=AAAA",
    "cursor that is no base64": "cursor=%F0%9F%92%A9",
    "limit": "limit=-1",
    "huge limit": "limit=999999999999999999999",
    "fragment": urlencode({"fragment": "1", "id": SCRIPT}),
}


def injected(tab: Tab) -> list[str]:
    found: list[str] = tab.page.evaluate(INJECTED)
    return found


@pytest.mark.parametrize("path", PAGES)
def test_hostile_names_errors_and_answers_are_text_on_every_page(
    path: str, hostile_shop: Shop, visitor: Visitor
) -> None:
    tab = visitor.tab()
    assert tab.open(hostile_shop.url + path) == 200
    assert injected(tab) == []
    assert tab.complaints.all == []


def test_the_hostile_texts_are_there_to_be_read(hostile_shop: Shop, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(hostile_shop.url)
    text = tab.page.locator("main").inner_text()
    assert "<img src=x onerror=alert(1)>" in text
    assert "{{7*7}}" in text
    assert "49" not in re.findall(r"\d+", text)
    tab.open(f"{hostile_shop.url}/result?outcome=server_error")
    assert "<script>alert('simulated')" in tab.page.locator("main").inner_text()


def test_hostile_records_and_model_pages_are_text_too(hostile_shop: Shop, visitor: Visitor) -> None:
    tab = visitor.tab()
    records = hostile_shop.service.json("/api/v1/results?limit=30")["results"]
    newest = {record["target"]: record for record in records}
    assert len(newest) > 5
    for target, record in newest.items():
        for path in (f"/result/{record['id']}", f"/models/{quote(target)}"):
            assert tab.open(hostile_shop.url + path) == 200
            assert injected(tab) == [], path
            assert tab.complaints.all == [], path


def test_a_hostile_error_is_cut_and_has_no_control_characters(hostile_shop: Shop) -> None:
    records = hostile_shop.service.json("/api/v1/results?outcome=server_error")["results"]
    assert records
    for record in records:
        assert len(record["error"]) <= 300
        assert record["error"].isprintable()


def test_hostile_rows_stay_text_when_they_come_in_live(hostile_shop: Shop, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(hostile_shop.url)
    rows = tab.page.locator("[data-row]")
    revisions = "rows => rows.map((row) => row.dataset.rev)"
    before = rows.evaluate_all(revisions)
    hostile_shop.refresh()
    tab.page.wait_for_function(
        "before => [...document.querySelectorAll('[data-row]')].every((row, at) => row.dataset.rev !== before[at])",
        arg=before,
    )
    assert injected(tab) == []
    assert tab.complaints.all == []


@pytest.mark.parametrize("payload", [SCRIPT, ATTRIBUTE], ids=["script", "attribute"])
@pytest.mark.parametrize("path", ["/", "/kanban", "/stats", "/result"])
def test_a_hostile_link_runs_nothing(path: str, payload: str, demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    free = dict.fromkeys(("q", "provider", "refresh", "lang", "theme", "target"), payload)
    for query in (free, {"state": payload}, {"window": payload, "outcome": payload}):
        assert tab.open(f"{demo.url}{path}?{urlencode(query)}") in (200, 400)
        assert injected(tab) == []
    tab.complaints.forgive_status(400)
    assert tab.complaints.all == []


def test_what_is_typed_into_the_search_box_runs_nothing(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    for path in ("/", "/stats"):
        tab.open(demo.url + path)
        tab.page.get_by_role("searchbox").fill(ATTRIBUTE)
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_url("**q=**")
        assert injected(tab) == []


@pytest.mark.parametrize("query", BAD_QUERIES.values(), ids=BAD_QUERIES)
def test_a_bad_query_is_answered_or_refused_but_never_an_error_of_ours(query: str, demo: Service) -> None:
    for path in (*PAGES, "/models/x", "/result/x", "/live/changes", "/stats.csv", "/result.ndjson"):
        answer = fetch(f"{demo.url}{path}?{query}")
        assert answer.status in (200, 400, 404, 414), f"{path}: {answer.status}"
        if "text/html" in answer.headers:
            assert SCRIPT.encode() not in answer.body
            assert b"<img src=x" not in answer.body
        assert b"Traceback" not in answer.body
        assert "nosniff" in answer.headers
        assert "content-security-policy" in answer.headers.lower()


@pytest.mark.parametrize(
    "path", ["/models/" + quote(SCRIPT), "/result/" + quote(SCRIPT), "/" + quote(ATTRIBUTE)]
)
def test_a_hostile_path_is_not_found_and_harmless(path: str, demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    assert tab.open(demo.url + path) == 404
    assert injected(tab) == []
    tab.complaints.forgive_status(404)


@pytest.mark.parametrize("link", ["中文", "90d", "24h"])
def test_links_of_a_page_come_back_to_it_whatever_its_name(
    link: str, hostile_shop: Shop, visitor: Visitor
) -> None:
    tab = visitor.tab(script=False)
    tab.open(f"{hostile_shop.url}/models/{quote(odd_target(hostile_shop))}")
    heading = tab.page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Odd")
    tab.follow(tab.page.get_by_role("link", name=link, exact=True))
    expect(heading).to_have_text("Odd")


def test_refresh_comes_back_to_the_page_whatever_its_name(hostile_shop: Shop, visitor: Visitor) -> None:
    tab = visitor.tab(script=False)
    tab.open(f"{hostile_shop.url}/models/{quote(odd_target(hostile_shop))}")
    tab.follow(tab.page.get_by_role("button", name="Refresh"))
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("Odd")


def odd_target(shop: Shop) -> str:
    targets = shop.service.json("/api/v1/targets")["targets"]
    return str(next(target["id"] for target in targets if target["name"] == "Odd"))


def test_no_log_line_carries_a_terminal_escape(hostile_shop: Shop, tmp_path: Path) -> None:
    assert "\x1b" not in hostile_shop.service.output
