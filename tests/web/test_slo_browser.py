"""Objectives in a real Chromium: spent, untouched and unknown budgets, in both languages and themes."""

from dataclasses import replace

import pytest

from probes.domain.outcome import Outcome
from probes.domain.target import Objectives
from tests.e2e.browser import Visitor
from tests.examples import a_result
from tests.web.serving import TARGETS, a_plan
from tests.web.tables_site import QUICK, Site, browser, overflow, site, violations, visitor

__all__ = ["browser", "site", "visitor"]
pytestmark = pytest.mark.browser


def with_objectives(site: Site, availability: float) -> None:
    """Of 220 probes of the last hours twenty failed, none was late."""
    wanted = Objectives(availability, 2.0)
    first, *others = TARGETS
    site.board.store.put_plan(a_plan((replace(first, objectives=wanted), *others)))
    site.add(*(a_result(due_at=site.at(minutes=minute), target=QUICK) for minute in range(100, 300)))
    site.add(*(a_result(Outcome.STALLED, site.at(minutes=minute), QUICK) for minute in range(20, 40)))


@pytest.mark.parametrize(
    ("availability", "icons"),
    [(0.99, 3), (0.99999, 1)],
    ids=["spent and burning", "burning, and too few to tell what is left"],
)
def test_objectives_are_shown_and_axe_finds_nothing(
    availability: float, icons: int, site: Site, visitor: Visitor
) -> None:
    with_objectives(site, availability)
    for language, theme, width in (("en", "light", 1280), ("zh", "dark", 375)):
        tab = visitor.tab(width=width, bypass_csp=True)
        assert tab.open(f"{site.url}/models/{QUICK}?lang={language}&theme={theme}") == 200
        section = tab.page.locator("section.slo")
        section.scroll_into_view_if_needed()
        assert section.locator(".tile").count() == 6
        assert section.locator("dl").first.locator(".icon").count() == icons
        assert section.locator("dl").last.locator(".icon").count() == 0
        assert overflow(tab) <= 0
        assert violations(tab.page) == []


def test_a_spent_budget_fits_on_the_board(site: Site, visitor: Visitor) -> None:
    with_objectives(site, 0.99)
    for language, width in (("en", 1280), ("zh", 375)):
        tab = visitor.tab(width=width, bypass_csp=True)
        assert tab.open(f"{site.url}/?lang={language}") == 200
        assert tab.page.locator(f'[data-row="{QUICK}"] .row__state .chip').count() == 1
        assert overflow(tab) <= 0
        assert violations(tab.page) == []
