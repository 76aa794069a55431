"""The Refresh button, and what the board tells after the configuration was edited."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import Visitor
from tests.e2e.shop import Shop, open_shop
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

FAST = "Acme/main/fast"
KEY = "Quartz7Lantern9Meadow"
TOKEN = "Juniper2Anvil4Crater"
HEAD = "web: {refresh_cooldown: %s}\ndefaults: {interval: 1h, max_tokens: 16}\n"
ONE_MODEL = """apis:
  Acme:
    main: {base_url: SIMULATOR/v1, api_key: not-a-secret-at-all, models: [fast]}
"""
TWO_MODELS = ONE_MODEL.replace("[fast]", "[fast, ok]")
BROKEN = ONE_MODEL.replace("api_key: not-a-secret-at-all", f"api_kye: {KEY}")


def button(page: Page) -> Locator:
    return page.locator("form[data-refresh] button")


def row(page: Page, target: str) -> Locator:
    return page.locator(f"[data-row='{target}']")


def checked_at(page: Page, target: str) -> str:
    return str(row(page, target).locator(".row__last time").get_attribute("datetime"))


def mark(page: Page) -> None:
    """Something that a reload would wipe out."""
    page.evaluate("() => { window.__mark = true }")


def is_marked(page: Page) -> bool:
    return bool(page.evaluate("() => window.__mark === true"))


@pytest.fixture
def editable(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, HEAD % "1s" + ONE_MODEL) as shop:
        yield shop


def test_refresh_counts_its_probes_and_brings_new_results_without_a_reload(
    shop: Shop, visitor: Visitor
) -> None:
    tab = visitor.tab()
    tab.open(shop.url)
    mark(tab.page)
    before = checked_at(tab.page, FAST)
    button(tab.page).click()
    expect(button(tab.page)).to_have_text(re.compile(r"Probing \d/3"))
    expect(button(tab.page)).to_have_attribute("aria-disabled", "true")
    expect(row(tab.page, FAST).locator(".row__last time")).not_to_have_attribute("datetime", before)
    expect(button(tab.page)).to_have_text("Refresh")
    expect(button(tab.page)).to_have_attribute("aria-disabled", "false")
    assert is_marked(tab.page)


def test_refresh_tells_how_many_models_were_probed(shop: Shop, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(shop.url)
    button(tab.page).click()
    expect(tab.page.get_by_role("status").get_by_text("3 models probed.")).to_be_visible()


def test_refresh_on_a_models_page_probes_that_model_alone(shop: Shop, visitor: Visitor) -> None:
    others = shop.newest("Zenith/main/ok")
    before = shop.newest(FAST)
    tab = visitor.tab()
    tab.open(f"{shop.url}/models/{FAST}")
    button(tab.page).click()
    expect(button(tab.page)).to_have_attribute("aria-disabled", "true")
    expect(button(tab.page)).to_have_attribute("aria-disabled", "false")
    assert shop.newest(FAST) != before
    assert shop.newest("Zenith/main/ok") == others


def test_refresh_works_without_script_and_comes_back_with_its_report(shop: Shop, visitor: Visitor) -> None:
    page = visitor.tab(script=False).page
    page.goto(f"{shop.url}/?q=acme")
    button(page).click()
    assert "q=acme" in page.url
    assert "refresh=" in page.url
    expect(page.get_by_role("status")).to_contain_text(
        re.compile(r"waiting for an agent|Probing \d of 3|3 models")
    )


@pytest.fixture
def cooling(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, HEAD % "1m" + ONE_MODEL) as shop:
        yield shop


def test_during_the_cool_down_the_button_is_disabled_and_says_for_how_long(
    cooling: Shop, visitor: Visitor
) -> None:
    tab = visitor.tab()
    tab.open(cooling.url)
    button(tab.page).click()
    expect(button(tab.page)).to_have_text(re.compile(r"again in \d+\ss"))
    expect(button(tab.page)).to_have_attribute("aria-disabled", "true")


def test_another_reader_finds_the_button_cooling_down_too(cooling: Shop, visitor: Visitor) -> None:
    cooling.refresh()
    wait_until("the board to know", lambda: re.search(r'data-cooling="[1-9]', cooling.service.get("/")))
    tab = visitor.tab()
    tab.open(cooling.url)
    expect(button(tab.page)).to_have_text(re.compile(r"again in \d+\ss"))
    expect(button(tab.page)).to_have_attribute("aria-disabled", "true")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Shop]:
    head = HEAD.replace("%s", f"1s, admin_token: {TOKEN}")
    with open_shop(tmp_path, head + ONE_MODEL) as shop:
        yield shop


def test_behind_an_admin_token_refresh_asks_for_it_once(guarded: Shop, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(guarded.url)
    field = tab.page.get_by_label("Admin token")
    before = checked_at(tab.page, FAST)
    field.fill(TOKEN)
    button(tab.page).click()
    expect(row(tab.page, FAST).locator(".row__last time")).not_to_have_attribute("datetime", before)
    tab.page.reload()
    expect(field).to_have_count(0)
    assert TOKEN not in tab.page.content()


def test_a_wrong_admin_token_is_told_and_nothing_is_probed(guarded: Shop, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(guarded.url)
    newest = guarded.newest(FAST)
    tab.page.get_by_label("Admin token").fill("wrong")
    button(tab.page).click()
    expect(tab.page.get_by_text("Refresh needs the admin token.")).to_be_visible()
    assert guarded.newest(FAST) == newest
    tab.complaints.forgive_status(401)


def test_a_model_added_to_the_file_is_told_and_shown_after_refresh(editable: Shop, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(editable.url)
    expect(row(tab.page, "Acme/main/ok")).to_have_count(0)
    editable.write(HEAD % "1s" + TWO_MODELS)
    button(tab.page).click()
    report = tab.page.get_by_role("status").filter(has_text="Added")
    expect(report).to_contain_text("Acme/main/ok")
    expect(row(tab.page, "Acme/main/ok")).to_be_visible()
    expect(row(tab.page, "Acme/main/ok")).to_contain_text("Operational")


def test_a_broken_file_is_told_with_its_line_while_the_old_rows_stay(
    editable: Shop, visitor: Visitor
) -> None:
    tab = visitor.tab()
    tab.open(editable.url)
    mark(tab.page)
    editable.write(HEAD % "1s" + BROKEN)
    banner = tab.page.locator(".banner", has_text="The newest configuration is not in use")
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("local.yaml:5")
    expect(banner).to_contain_text("api_kye")
    expect(banner).to_contain_text(re.compile("did you mean.*api_key", re.IGNORECASE))
    expect(row(tab.page, FAST)).to_contain_text("Operational")
    assert is_marked(tab.page)
    assert KEY not in tab.page.content()


def test_the_banner_goes_away_when_the_file_is_mended(editable: Shop, visitor: Visitor) -> None:
    tab = visitor.tab()
    editable.write(HEAD % "1s" + BROKEN)
    tab.open(editable.url)
    banner = tab.page.locator(".banner", has_text="The newest configuration is not in use")
    expect(banner).to_be_visible()
    editable.write(HEAD % "1s" + ONE_MODEL)
    expect(banner).to_have_count(0)


def test_refresh_of_a_broken_file_probes_by_the_old_one_and_says_what_is_wrong(
    editable: Shop, visitor: Visitor
) -> None:
    tab = visitor.tab()
    tab.open(editable.url)
    editable.write(HEAD % "1s" + BROKEN)
    button(tab.page).click()
    report = tab.page.get_by_role("status").filter(has_text="1 model probed.")
    expect(report).to_contain_text("line 5")
    expect(report).to_contain_text("api_kye")
