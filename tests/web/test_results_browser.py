"""Raw records in a real Chromium: rows that open, filters in place, and a pill instead of shifting rows."""

import json

import pytest
from playwright.sync_api import expect

from probes.domain.outcome import Outcome
from tests.e2e.browser import Tab, Visitor
from tests.examples import a_result
from tests.web.tables_site import SLOW, Site, browser, overflow, site, violations, visitor

__all__ = ["browser", "site", "visitor"]
pytestmark = pytest.mark.browser

ROWS = "tr[data-record]"
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202eevil"


def opened(site: Site, visitor: Visitor, path: str = "/result", **options: object) -> Tab:
    tab = visitor.tab(**options)  # type: ignore[arg-type]
    assert tab.open(site.url + path) == 200
    return tab


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_row_opens_to_its_details(site: Site, visitor: Visitor, script: bool) -> None:
    site.add(a_result(due_at=site.at(seconds=-1), request_id="req_unique", connect_seconds=0.1))
    tab = opened(site, visitor, script=script)
    detail = tab.page.get_by_text("req_unique")
    expect(detail).to_be_hidden()
    tab.page.locator(ROWS).first.locator("summary").click()
    expect(detail).to_be_visible()
    expect(tab.page.get_by_text("Where the time went").first).to_be_visible()


def test_a_row_opens_and_closes_by_keyboard(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor)
    summary = tab.page.locator(ROWS).first.locator("summary")
    detail = tab.page.locator("tr.record-detail").first
    for is_open in (True, False):
        summary.press("Enter")
        expect(detail).to_be_visible(visible=is_open)


def test_the_phases_stand_in_proportion(site: Site, visitor: Visitor) -> None:
    site.add(
        a_result(due_at=site.at(seconds=-1), ttft_seconds=1.0, generation_seconds=3.0, response_seconds=4.0)
    )
    tab = opened(site, visitor)
    tab.page.locator(ROWS).first.click()
    bars = tab.page.locator("tr.record-detail").first.locator("rect")
    widths = bars.evaluate_all("bars => bars.map((bar) => bar.getBoundingClientRect().width)")
    assert widths[1] / widths[0] == pytest.approx(3, rel=0.05)


def test_new_results_are_told_and_nothing_shifts(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor)
    first = tab.page.locator(ROWS).first.inner_text()
    site.add(*[a_result(due_at=site.at(seconds=-n)) for n in range(1, 4)])
    pill = tab.page.get_by_role("link", name="3 new results")
    expect(pill).to_be_visible(timeout=30_000)
    assert tab.page.locator(ROWS).first.inner_text() == first
    pill.click()
    assert tab.page.locator(ROWS).first.inner_text() != first


def test_results_that_the_filter_hides_are_not_told(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor, "/result?outcome=stalled")
    site.add(a_result(due_at=site.at(seconds=-1)))
    site.add(a_result(Outcome.STALLED, site.at(seconds=-2), SLOW))
    expect(tab.page.get_by_role("link", name="1 new result", exact=True)).to_be_visible(timeout=30_000)


def test_a_ticked_outcome_filters_in_place(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor)
    tab.page.locator("summary", has_text="Outcome").click()
    tab.page.get_by_role("checkbox", name="stalled").check()
    expect(tab.page.locator(ROWS)).to_have_count(1)
    expect(tab.page.locator("[data-region=chosen-outcome]")).to_have_text("stalled")
    assert tab.page.url.endswith("/result?outcome=stalled")
    tab.page.keyboard.press("Escape")
    expect(tab.page.get_by_role("checkbox", name="stalled")).to_be_hidden()


def test_a_record_is_copied_as_json(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor, permissions=["clipboard-read", "clipboard-write"])
    tab.page.locator(ROWS).first.click()
    tab.page.get_by_role("button", name="Copy as JSON").first.click()
    expect(tab.page.get_by_role("button", name="Copied")).to_be_visible()
    shown = tab.page.locator("tr.record-detail a").first.get_attribute("href")
    assert shown == f"/result/{json.loads(tab.page.evaluate('navigator.clipboard.readText()'))['id']}"


def test_hostile_text_does_nothing_in_a_browser(site: Site, visitor: Visitor) -> None:
    texts = dict.fromkeys(("error", "request_id", "served_model", "finish_reason", "fingerprint"), EVIL)
    result = a_result(due_at=site.at(seconds=-1), **texts)
    site.add(result)
    tab = opened(site, visitor)
    tab.page.locator(ROWS).first.click()
    expect(tab.page.get_by_text("<script>alert(2)</script>").first).to_be_visible()
    tab.open(
        f"{site.url}/result/{result.id}"
    )  # the visitor's fixture fails on any dialog, request or violation


def test_a_phone_shows_cards(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor, width=375)
    assert overflow(tab) <= 0
    card = tab.page.locator(ROWS).first
    box = card.bounding_box()
    assert box is not None
    assert box["width"] <= 375
    expect(card.locator("[data-label=TTFT]")).to_be_in_viewport()


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_axe_finds_nothing(site: Site, visitor: Visitor, lang: str, scheme: str, width: int) -> None:
    tab = opened(site, visitor, lang=lang, scheme=scheme, width=width, bypass_csp=True)
    tab.page.locator(ROWS).first.locator("summary").click()
    tab.page.locator("[data-dropdown] summary").nth(2).click()
    assert violations(tab.page) == []
    tab.page.locator("tr.record-detail a").first.evaluate("link => link.click()")
    tab.page.wait_for_url("**/result/*")
    assert violations(tab.page) == []
