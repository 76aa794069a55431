"""Badges and the model page's boxes in a real Chromium."""

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import RateLimit
from tests.e2e.browser import Scheme, Visitor
from tests.examples import a_result, a_target
from tests.web.serving import a_plan
from tests.web.tables_site import QUICK, Site, browser, overflow, site, violations, visitor
from tests.web.told_incidents import opened, save

__all__ = ["browser", "site", "visitor"]
pytestmark = pytest.mark.browser

FITS = """() => [...document.querySelectorAll("text")].every((text) => {
    const box = text.getBBox(), room = document.documentElement.viewBox.baseVal;
    return box.width > 0 && box.x >= 0 && box.x + box.width <= room.width;
})"""


def limited(site: Site) -> None:
    limits = (RateLimit("requests", 1000, 40, 12.0), RateLimit("output_tokens", 10_000, 9_000))
    site.add(
        a_result(Outcome.RATE_LIMITED, site.at(seconds=-1), rate_limits=limits, retry_after_seconds=90.0)
    )


def test_the_model_page_shows_its_badges_and_limits_and_axe_finds_nothing(
    site: Site, visitor: Visitor
) -> None:
    limited(site)
    for language, theme, width in (("en", "light", 1280), ("zh", "dark", 375)):
        tab = visitor.tab(width=width, bypass_csp=True)
        assert tab.open(f"{site.url}/models/{QUICK}?lang={language}&theme={theme}") == 200
        badges = tab.page.locator(".sharing__badge")
        badges.first.scroll_into_view_if_needed()
        tab.page.wait_for_function(
            "() => [...document.querySelectorAll('.sharing__badge')].every((i) => i.complete && i.naturalWidth > 60)"
        )
        assert badges.count() == 4
        low = tab.page.locator(".limits__low")
        assert low.count() == 1
        assert "4.00" in low.inner_text()
        assert tab.page.locator(".limits__warning .icon").count() == 1
        assert overflow(tab) <= 0
        assert violations(tab.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_badge_follows_the_readers_scheme_within_its_own_policy(
    site: Site, visitor: Visitor, scheme: Scheme
) -> None:
    """Opened by itself, where its own Content-Security-Policy is in force; complaints would fail the visitor."""
    tab = visitor.tab(scheme=scheme)
    assert tab.open(f"{site.url}/badge/ttft/{QUICK}.svg") == 200
    fill = tab.page.evaluate("() => getComputedStyle(document.querySelector('.text')).fill")
    assert fill == {"light": "rgb(20, 24, 31)", "dark": "rgb(232, 235, 239)"}[scheme]
    assert tab.page.evaluate(FITS)


def test_a_hostile_name_runs_nothing_in_a_badge_nor_in_its_snippets(site: Site, visitor: Visitor) -> None:
    name = "</text><script>document.title='pwned'</script>](javascript:alert(1)) 模型"
    site.board.store.put_plan(a_plan((a_target("quick", display_name=name),)))
    tab = visitor.tab()
    assert tab.open(f"{site.url}/badge/status/{QUICK}.svg") == 200
    assert tab.page.evaluate("() => document.querySelectorAll('script').length") == 0
    assert tab.page.evaluate(FITS)
    assert tab.open(f"{site.url}/models/{QUICK}") == 200
    assert "pwned" not in tab.page.title().split("'")[0]
    markdown, html = (tab.page.locator(".sharing__snippet").nth(n).inner_text() for n in (0, 1))
    assert f"({site.url}/badge/status/{QUICK}.svg)]({site.url}/models/{QUICK})" in markdown
    assert "](javascript" not in markdown.replace("\\]\\(", "")
    assert "<script" not in html


def test_the_board_and_incident_pages_say_where_to_subscribe_and_axe_finds_nothing(
    site: Site, visitor: Visitor
) -> None:
    incident = save(site.board.store, opened(QUICK, at=site.at(minutes=30)))
    for path in ("/", "/incidents", f"/incidents/{incident.id}"):
        for language, theme, width in (("en", "light", 1280), ("zh", "dark", 375)):
            tab = visitor.tab(width=width, bypass_csp=True)
            assert tab.open(f"{site.url}{path}?lang={language}&theme={theme}") == 200
            box = tab.page.locator(".subscribe")
            box.locator("summary").focus()
            tab.page.keyboard.press("Enter")
            links = [link.get_attribute("href") or "" for link in box.locator("dd a").all()]
            assert [link for link in links if link.endswith((".atom", ".rss", ".json"))]
            for link in links:
                assert tab.page.request.get(link).status == 200, link
            assert box.locator("code").first.inner_text() == site.url
            assert overflow(tab) <= 0
            assert violations(tab.page) == []
            tab.page.goto("about:blank")  # ends its stream, of which a server holds only some


def test_a_snippet_is_copied_as_it_stands(site: Site, visitor: Visitor) -> None:
    tab = visitor.tab()
    assert tab.open(f"{site.url}/models/{QUICK}") == 200
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = tab.page.locator("[data-copy-text]").first
    button.click()
    tab.page.wait_for_function("() => document.querySelector('[data-copy-text]').dataset.text !== undefined")
    copied = tab.page.evaluate("() => navigator.clipboard.readText()")
    assert copied == tab.page.locator(".sharing__snippet").first.inner_text()
    assert button.inner_text() == "Copied"
