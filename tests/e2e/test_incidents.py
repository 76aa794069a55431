"""The pages of incidents in a real browser: bars by pointer and keyboard, news, and what the operator does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from probes.clock import SystemClock
from probes.domain.incident import Incident, Severity
from probes.domain.outcome import Outcome
from probes.domain.target import Secret
from probes.settings.model import WebSettings
from probes.verdicts.remarks import noted, with_postmortem
from tests.e2e.browser import Scheme, Tab, Visitor
from tests.examples import a_result, a_target
from tests.web.incident_examples import an_incident, stored
from tests.web.serving import Board, a_board, a_plan, running
from tests.web.tables_site import overflow, violations

pytestmark = pytest.mark.browser

TOKEN: Final = "correct horse battery"
QUICK, SLOW = "acme/main/quick", "acme/main/slow"
HOSTILE: Final = "</title><script>alert(1)</script>{{7*7}}"
ANY_PAGE_BYTES: Final = 80_000
LOOKS: Final = list(product(("en", "zh"), ("light", "dark"), (375, 1280)))


@dataclass(frozen=True)
class Watched:
    """A board with a past: one incident goes on, one of two models is over and has a postmortem, one is ours."""

    board: Board
    url: str
    open: Incident
    over: Incident
    ours: Incident


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    board = a_board(tmp_path, WebSettings(admin_token=Secret(TOKEN)), SystemClock())
    now = datetime.now(UTC).replace(microsecond=0)
    targets = (a_target("quick"), a_target("slow", display_name=HOSTILE), a_target("vision/large"))
    board.store.put_plan(a_plan(targets))
    good = [a_result(due_at=now - timedelta(hours=hour)) for hour in range(72)]
    bad = [a_result(Outcome.STALLED, now - timedelta(minutes=minute), SLOW) for minute in (3, 2, 1)]
    board.store.add_results([*good, *bad])
    opened = an_incident(SLOW, started_at=now - timedelta(minutes=3))
    part = replace(opened.affected[0], evidence=tuple(result.id for result in bad))
    opened = noted(replace(opened, affected=(part,)), f"{HOSTILE}\n\nThey are on it.", True, now)
    over = an_incident(
        *(QUICK, "acme/main/vision/large"), started_at=now - timedelta(days=2), lasted=timedelta(minutes=42)
    )
    over = with_postmortem(over, "A deploy of theirs.", True, now)
    ours = an_incident(QUICK, started_at=now - timedelta(minutes=9), severity=Severity.ATTENTION)
    stored(board.store, replace(opened, version=1), replace(over, version=1), ours)
    with running(board.app, threads=8) as server:
        yield Watched(board, server.url.rstrip("/"), opened, over, ours)
    board.store.close()


@pytest.fixture
def tab(visitor: Visitor) -> Tab:
    return visitor.tab()


def become_operator(tab: Tab, watched: Watched) -> None:
    tab.open(f"{watched.url}/incidents/{watched.open.id}")
    tab.page.get_by_label("Admin token").fill(TOKEN)
    tab.follow(tab.page.get_by_role("button", name="Act as the operator"))


def bubble(page: Page) -> str:
    shown = page.locator(".bubble")
    expect(shown).to_be_visible()
    return str(shown.text_content()).replace("\N{NO-BREAK SPACE}", " ")


# Pages.


def test_the_list_leads_to_an_incident_and_on_to_its_evidence(watched: Watched, tab: Tab) -> None:
    tab.open(f"{watched.url}/incidents")
    page = tab.page
    expect(page.get_by_role("heading", level=2)).to_have_text(["Open", re.compile(r"\w+ 20\d\d")])
    tab.follow(page.locator(".incident__title a").first)
    expect(page.get_by_role("heading", level=1)).to_contain_text("is down")
    expect(page.get_by_role("heading", level=1)).to_contain_text(HOSTILE)
    tab.follow(page.get_by_role("link", name=re.compile("Record 1 of 3")))
    expect(page.locator(".record-page__outcome")).to_contain_text("stalled")


def test_ticking_a_box_filters_in_place_and_in_the_address(watched: Watched, tab: Tab) -> None:
    tab.open(f"{watched.url}/incidents")
    page = tab.page
    page.get_by_label(re.compile("^Resolved")).check()
    expect(page.locator(".incident")).to_have_count(1)
    assert page.url.endswith("/incidents?state=resolved")
    page.get_by_role("searchbox").press_sequentially("deploy")
    expect(page.locator(".incident")).to_have_count(1)
    page.get_by_role("searchbox").fill("nothing like it")
    expect(page.get_by_text("No incident matches.")).to_be_visible()


def test_everything_can_be_read_and_done_without_script(watched: Watched, visitor: Visitor) -> None:
    tab = visitor.tab(script=False)
    become_operator(tab, watched)
    page = tab.page
    expect(page.get_by_text("They are on it.")).to_be_visible()
    page.get_by_label("Note", exact=True).fill("Written without script.")
    tab.follow(page.get_by_role("button", name="Add the note"))
    expect(page.get_by_role("status")).to_have_text("The note is on the timeline.")
    expect(page.get_by_text("Written without script.")).to_be_visible()
    tab.open(f"{watched.url}/incidents?severity=degraded")
    expect(page.get_by_text("No incident matches.")).to_be_visible()


@pytest.mark.parametrize(("lang", "scheme", "width"), LOOKS)
def test_the_pages_are_clean_in_every_look(
    watched: Watched, visitor: Visitor, lang: str, scheme: Scheme, width: int
) -> None:
    tab = visitor.tab(lang=lang, scheme=scheme, width=width, bypass_csp=True, reduced_motion="reduce")
    for path in ("/incidents", f"/incidents/{watched.open.id}", f"/incidents/{watched.over.id}"):
        tab.open(watched.url + path)
        assert violations(tab.page) == [], path
        assert overflow(tab) <= 0, path


def test_the_operators_forms_are_clean_too(watched: Watched, visitor: Visitor) -> None:
    tab = visitor.tab(width=375, bypass_csp=True)
    become_operator(tab, watched)
    assert violations(tab.page) == []
    assert overflow(tab) <= 0


def test_a_first_visit_stays_within_the_budget(watched: Watched, tab: Tab) -> None:
    session = tab.page.context.new_cdp_session(tab.page)
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    session.send("Network.enable")
    tab.open(f"{watched.url}/incidents/{watched.over.id}")
    assert len(sizes) > 3
    assert sum(sizes) <= ANY_PAGE_BYTES


# Bars.


def test_pointing_at_a_bar_names_the_incidents_of_its_day(watched: Watched, tab: Tab) -> None:
    tab.open(watched.url)
    strip = tab.page.locator(f"[data-row='{QUICK}'] svg.strip--day")
    box = strip.bounding_box()
    assert box is not None
    tab.page.mouse.move(box["x"] + box["width"] * 87.5 / 90, box["y"] + 10)
    assert "1 incident: Down, 42 min" in bubble(tab.page)
    tab.page.mouse.move(box["x"] + box["width"] * 88.5 / 90, box["y"] + 10)
    assert "incident" not in bubble(tab.page)


def test_the_bars_of_the_board_are_one_stop_of_tab_and_arrows_go_on(watched: Watched, tab: Tab) -> None:
    tab.open(watched.url)
    page = tab.page
    assert page.locator("svg[data-strip][tabindex='0']").count() == 1
    strip = page.locator(f"[data-row='{QUICK}'] svg.strip--day")
    strip.focus()
    expect(strip).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert "1 incident: Down, 42 min" in bubble(page)
    expect(strip).to_have_attribute("aria-valuetext", re.compile("1 incident"))
    expect(strip).to_have_role("slider")
    page.keyboard.press("Home")
    expect(strip).to_have_attribute("aria-valuenow", "1")
    page.keyboard.press("Escape")
    expect(page.locator(".bubble")).to_be_hidden()
    page.keyboard.press("Tab")
    expect(page.locator("svg[data-strip]:focus")).to_have_count(0)


def test_arrows_go_from_model_to_model(watched: Watched, tab: Tab) -> None:
    tab.open(watched.url)
    page = tab.page
    strips = page.locator("svg.strip--day")
    strips.first.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    expect(strips.nth(1)).to_be_focused()
    expect(strips.nth(1)).to_have_attribute("aria-valuenow", "89")
    page.keyboard.press("ArrowUp")
    expect(strips.first).to_be_focused()


def test_a_models_page_shows_its_days_its_incidents_and_shades_its_charts(watched: Watched, tab: Tab) -> None:
    tab.open(f"{watched.url}/models/{QUICK}")
    page = tab.page
    expect(page.locator("[data-region=incidents] .incident")).to_have_count(1)
    strip = page.locator("[data-days] svg")
    strip.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert "1 incident: Down, 42 min" in bubble(page)
    shaded = "plot => plot.toDataURL()"
    canvas = page.locator("figure[data-chart=latency] canvas")
    expect(canvas).to_be_visible()
    before = canvas.evaluate(shaded)
    page.evaluate(
        "() => { document.querySelectorAll('[data-shade]').forEach((shade) => shade.remove());"
        " document.dispatchEvent(new Event('firsttoken:inserted')); }"
    )
    tab.next_frame()
    assert canvas.evaluate(shaded) != before


# News.


def test_a_new_incident_comes_onto_the_open_board(watched: Watched, tab: Tab) -> None:
    tab.open(watched.url)
    block = tab.page.locator("[data-swap=incidents]")
    expect(block.locator("li")).to_have_count(1)
    now = datetime.now(UTC).replace(microsecond=0)
    stored(watched.board.store, an_incident("acme/main/vision/large", started_at=now))
    expect(block.locator("li")).to_have_count(2)


def test_a_public_note_comes_onto_the_open_page_and_spares_what_is_being_written(
    watched: Watched, tab: Tab
) -> None:
    become_operator(tab, watched)
    page = tab.page
    page.get_by_label("Note", exact=True).fill("half a sen")
    found = watched.board.store.incident(watched.open.id)
    assert found is not None
    assert watched.board.store.save_incident(noted(found, "Fixed, they say.", True, datetime.now(UTC)))
    expect(page.get_by_text("Fixed, they say.")).to_be_visible()
    expect(page.get_by_label("Note", exact=True)).to_have_value("half a sen")


# The operator.


def test_the_operator_acknowledges_notes_and_merges(watched: Watched, tab: Tab) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    (other,) = stored(watched.board.store, an_incident("acme/main/vision/large", started_at=now))
    become_operator(tab, watched)
    page = tab.page
    tab.follow(page.get_by_role("button", name="Acknowledge"))
    expect(page.get_by_role("status")).to_have_text("Acknowledged.")
    page.get_by_label("Note", exact=True).fill("Only for us.")
    tab.follow(page.get_by_role("button", name="Add the note"))
    expect(page.locator(".entry").first).to_contain_text("private")
    page.get_by_label("Merge into").select_option(other.id)
    tab.follow(page.get_by_role("button", name="Merge"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 models of acme are down")
    assert f"/incidents/{other.id}" in page.url


def test_a_refused_note_says_why_beside_its_field(watched: Watched, tab: Tab) -> None:
    become_operator(tab, watched)
    tab.complaints.forgive_status(400)
    page = tab.page
    page.get_by_label("Note", exact=True).fill("   ")
    tab.follow(page.get_by_role("button", name="Add the note"))
    expect(page.get_by_label("Note", exact=True)).to_have_accessible_description(
        re.compile("Write something first.")
    )


def test_the_public_sees_neither_private_notes_nor_what_is_ours(
    watched: Watched, tab: Tab, visitor: Visitor
) -> None:
    become_operator(tab, watched)
    tab.page.get_by_label("Note", exact=True).fill("Call Ann.")
    tab.follow(tab.page.get_by_role("button", name="Add the note"))
    assert tab.open(f"{watched.url}/incidents/{watched.ours.id}") == 200
    expect(tab.page.get_by_text("only the operator sees this")).to_be_visible()
    reader = visitor.tab()
    reader.complaints.forgive_status(404)
    reader.open(f"{watched.url}/incidents/{watched.open.id}")
    expect(reader.page.get_by_text("Call Ann.")).to_have_count(0)
    assert reader.open(f"{watched.url}/incidents/{watched.ours.id}") == 404
