"""The table pages behind a real server with a known store, and a Chromium that must find nothing wrong with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from probes.clock import SystemClock
from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult
from probes.web.server import WebServer
from tests.e2e.browser import Tab, Visitor, chromium
from tests.examples import a_result
from tests.web.serving import Board, a_board, running

QUICK, SLOW, LARGE = "acme/main/quick", "acme/main/slow", "acme/main/vision/large"

__all__ = ["Site", "browser", "site", "visitor"]


@dataclass
class Site:
    board: Board
    server: WebServer
    now: datetime

    @property
    def url(self) -> str:
        return self.server.url.rstrip("/")

    def add(self, *results: ProbeResult) -> None:
        self.board.store.add_results(results)

    def at(self, **ago: float) -> datetime:
        return self.now - timedelta(**ago)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    visitor = Visitor(browser)
    try:
        yield visitor
        heard = [complaint for tab in visitor.tabs for complaint in tab.complaints.all]
        assert not heard
    finally:
        visitor.leave()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Two days of `quick` by the hour, some of `slow`, nothing of `vision/large`."""
    board = a_board(tmp_path, clock=SystemClock())
    now = datetime.now(UTC).replace(microsecond=0)
    hours = [now - timedelta(hours=hour) for hour in range(48) if hour != 7]
    board.store.add_results([a_result(due_at=at, ttft_seconds=0.2 + at.hour / 100) for at in hours])
    board.store.add_results([a_result(due_at=at, target=SLOW, ttft_seconds=3.0) for at in hours[:10]])
    board.store.add_results([a_result(Outcome.STALLED, hours[11], SLOW)])
    with running(board.app, threads=8) as server:
        yield Site(board, server, now)
    board.store.close()


def violations(page: Page) -> list[Any]:
    """What axe-core finds against the page; the page must have been opened with bypass_csp."""
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found: list[Any] = page.evaluate(
        """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
            .map(({ id, nodes }) => [id, nodes.map((node) => node.html)])"""
    )
    return found


def overflow(tab: Tab) -> int:
    """How many pixels of the page lie beyond the right edge of the window."""
    pixels: int = tab.page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return pixels
