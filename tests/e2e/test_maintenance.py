"""The operator announces maintenance, everybody sees it, and it is ended: by mouse, by keyboard, without script."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Tab, Visitor
from tests.e2e.shop import PLAIN_SHOP, Shop, open_shop
from tests.e2e.test_accessibility import AXE, violations
from tests.e2e.test_layout import CUT_OFF, OVERHANG

pytestmark = pytest.mark.browser

TOKEN = "correct-horse-battery"
FAST = "Acme/main/fast"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    text = PLAIN_SHOP.replace("{refresh_cooldown: 1s}", f"{{refresh_cooldown: 1s, admin_token: {TOKEN}}}")
    with open_shop(tmp_path_factory.mktemp("guarded"), text) as shop:
        yield shop


def as_operator(tab: Tab, shop: Shop) -> Page:
    page = tab.page
    tab.open(f"{shop.url}/maintenance")
    page.locator("main").get_by_label("Admin token").fill(TOKEN)
    page.get_by_role("button", name="Act as the operator").click()
    expect(page.get_by_text("You act as the operator.")).to_be_visible()
    return page


def in_minutes(minutes: int) -> str:
    """As a field for local times wants it; the zone of the form is UTC."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M")


def announce(page: Page, title: str, starts: str, models: str) -> None:
    page.get_by_label("What is done").fill(title)
    page.get_by_label("First start").fill(starts)
    page.get_by_label("Duration").fill("2h")
    page.get_by_label("Models").fill(models)
    page.get_by_role("button", name="Announce").click()


def test_a_window_is_announced_seen_everywhere_and_ended(guarded: Shop, visitor: Visitor) -> None:
    tab, reader = visitor.tab(), visitor.tab()
    page = as_operator(tab, guarded)
    announce(page, "GPU swap <b>now</b>", in_minutes(-30), "fast")
    expect(page.get_by_role("status")).to_contain_text("Announced")
    expect(page.get_by_role("heading", name="GPU swap <b>now</b>")).to_be_visible()

    reader.open(guarded.url)
    row = reader.page.locator(f'[data-row="{FAST}"]')
    expect(row).to_contain_text("Maintenance")
    expect(row).to_contain_text("GPU swap <b>now</b>, until")
    expect(reader.page.locator(".banner", has_text="GPU swap")).to_be_visible()
    reader.open(f"{guarded.url}/maintenance")
    expect(reader.page.get_by_role("heading", name="GPU swap")).to_be_visible()
    expect(reader.page.get_by_role("button", name="End it now")).to_have_count(0)

    page.get_by_role("button", name="End it now").click()
    expect(page.get_by_role("status")).to_contain_text("Ended")
    expect(page.get_by_role("button", name="End it now")).to_have_count(0)
    reader.open(guarded.url)
    expect(row).to_contain_text("Operational")


def test_without_script_and_with_a_mistake_nothing_typed_is_lost(guarded: Shop, visitor: Visitor) -> None:
    tab = visitor.tab(script=False)
    page = as_operator(tab, guarded)
    announce(page, "Move", in_minutes(60), "no-such-model")
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("No configured model is called no-such-model.")
    field = page.get_by_label("Models")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("What is done")).to_have_value("Move")
    field.fill("patient")
    page.get_by_role("button", name="Announce").click()
    expect(page.get_by_role("heading", name="Move")).to_be_visible()
    page.get_by_role("button", name=re.compile("Withdraw.*Move")).click()
    expect(page.get_by_role("status")).to_contain_text("Withdrawn")
    expect(page.get_by_role("heading", name="Move")).to_have_count(0)
    tab.complaints.forgive_status(400)


def test_by_keyboard_alone_a_model_is_paused_and_resumed(guarded: Shop, visitor: Visitor) -> None:
    page = as_operator(visitor.tab(), guarded)
    page.get_by_label("Model", exact=True).focus()
    page.keyboard.type("Zenith")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Until, UTC")).to_be_focused()
    page.get_by_label("Why").focus()
    page.keyboard.type("moving house")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Paused by the operator")).to_be_visible()
    expect(page.get_by_text("moving house")).to_be_visible()
    board = visitor.tab()
    board.open(guarded.url)
    expect(board.page.locator('[data-row="Zenith/main/ok"]')).to_contain_text("moving house")
    page.get_by_role("button", name="Resume").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Resumed")
    expect(page.get_by_role("heading", name="Paused by the operator")).to_have_count(0)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_axe_finds_nothing_on_the_operators_page_and_nothing_sticks_out(
    lang: str, guarded: Shop, visitor: Visitor, tmp_path: Path
) -> None:
    tab = visitor.tab(lang=lang, bypass_csp=True, reduced_motion="reduce")
    tab.open(f"{guarded.url}/maintenance")
    page = tab.page
    page.locator("main input[type=password]").fill(TOKEN)
    page.locator("main form.operator button").click()
    page.locator("#title").fill("Long" * 25)
    page.locator("#starts").fill(in_minutes(90))
    page.locator("#duration").fill("8000h")
    page.locator("form.upkeep-form").first.evaluate(
        "form => { form.noValidate = true; form.requestSubmit(); }"
    )
    expect(page.get_by_role("alert")).to_be_visible()
    page.add_script_tag(path=AXE)
    found = []
    for width in (1280, 375):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            tab.next_frame()
            found += [f"{width} px, {scheme}: {violation}" for violation in violations(tab)]
        found += [f"{width} px: {out}" for out in [page.evaluate(OVERHANG)] if out]
        found += [f"{width} px, cut off: {cut}" for cut in page.evaluate(CUT_OFF)]
    assert not found, "\n".join(found)
    tab.complaints.forgive_status(400)
