"""The browser's end of live updates, in a real Chromium: told of changes, quiet while hidden, polling when refused."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from probes.web.live import feed_of
from tests.examples import a_result
from tests.waiting import wait_until
from tests.web.serving import Board, Listener, a_board, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.browser

HEARD = """
window.heard = [];
document.addEventListener("firsttoken:change", (event) => window.heard.push(event.detail));
"""
HIDE = """(isHidden) => {
  Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing")
        pytest.skip("Chromium is missing: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM))
        yield opened
        opened.close()


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    context = browser.new_context()
    opened = context.new_page()
    opened.add_init_script(HEARD)
    yield opened
    context.close()


def connection_is(page: "Page", status: str) -> None:
    page.wait_for_function("(status) => document.documentElement.dataset.connection === status", arg=status)


def test_a_change_in_the_store_reaches_the_page(board: Board, page: "Page") -> None:
    with running(board.app, threads=8) as server:
        page.goto(server.url)
        connection_is(page, "live")
        board.store.add_results([a_result()])
        board.tick()
        page.wait_for_function(
            "() => window.heard.some((change) => change.targets.includes('acme/main/quick'))"
        )


def test_what_changed_while_the_page_was_hidden_is_told_on_return(board: Board, page: "Page") -> None:
    feed = feed_of(board.app)
    with running(board.app, threads=8) as server:
        page.goto(server.url)
        connection_is(page, "live")
        page.evaluate(HIDE, True)
        connection_is(page, "paused")
        wait_until("the stream is given back", lambda: feed.readers == 0)
        board.store.add_results([a_result(target="acme/main/slow")])
        board.tick()
        assert page.evaluate("() => window.heard.length") == 0
        page.evaluate(HIDE, False)
        connection_is(page, "live")
        page.wait_for_function(
            "() => window.heard.some((change) => change.targets.includes('acme/main/slow'))"
        )


def test_without_a_free_stream_the_page_polls(board: Board, page: "Page") -> None:
    with running(board.app, threads=2) as server:
        taken = Listener(server)
        taken.next()
        page.goto(server.url)
        connection_is(page, "polling")
        taken.close()


def test_leaving_the_page_gives_the_stream_back(board: Board, page: "Page") -> None:
    feed = feed_of(board.app)
    with running(board.app, threads=8) as server:
        page.goto(server.url)
        connection_is(page, "live")
        page.goto(f"{server.url}/healthz")
        wait_until("the stream is given back", lambda: feed.readers == 0, timeout_seconds=3)
