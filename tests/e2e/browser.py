"""Chromium for the tests: how it is found, and a tab that remembers everything the browser complains about."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    sync_playwright,
)

from tests.peers.absence import missing

PATIENCE_MILLISECONDS: Final = 15_000  # for a loaded machine; nothing waits this long when all is well
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
LOCALES: Final = {"en": "en-US", "zh": "zh-CN"}
ABORTED: Final = (
    "net::ERR_ABORTED"  # what the page itself took back: a stream that it closed, a search overtaken
)

Scheme = Literal["light", "dark"]

# Kept in the page, because a policy violation and a layout shift are told to nobody else. A shift below 0.001, a
# hundredth of what counts as good, is a page that a loaded machine painted in the middle of a table's head.
LISTENERS: Final = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
window.__shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const moved = entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 100) ?? node?.nodeValue);
    if (entry.hadRecentInput || entry.value < 0.001) continue;
    window.__shifts.push(`${entry.value.toFixed(4)} ${moved.join(" | ")}`);
  }
}).observe({ type: "layout-shift", buffered: true });
"""

# The demo goes on probing: with this, a page stays as it was when it came, although it believes to be live.
NO_NEWS: Final = """window.EventSource = class extends EventTarget {
  constructor() { super(); setTimeout(() => this.dispatchEvent(new Event("ping"))); }
  close() {}
};"""

SETTLED: Final = """() => document.readyState === "complete"
  && (!document.querySelector("[data-live]") || document.documentElement.dataset.connection === "live")"""
NEXT_FRAME: Final = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium, without a window. Nothing is downloaded."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        missing("Chromium", "Install it, on Debian with: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@dataclass
class Complaints:
    """All that a reader with open developer tools would see in red, and every other word on the console."""

    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    failed_requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    _forgiven: set[str] = field(default_factory=set)

    @property
    def all(self) -> list[str]:
        console = [text for text in self.console if not any(status in text for status in self._forgiven)]
        return [*console, *self.errors, *self.failed_requests, *self.dialogs, *self.violations]

    def forgive_status(self, status: int) -> None:
        """Drop the browser's own word about an answer that the test asked for; it may be said again later."""
        self._forgiven.add(f"status of {status} ")


class Tab:
    """One page of one visitor. `page` is Playwright's own."""

    def __init__(self, context: BrowserContext, has_script: bool) -> None:
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        self._has_script = has_script
        if has_script:
            context.add_init_script(LISTENERS)
        self.page: Page = context.new_page()
        self._heard = Complaints()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self._heard.errors.append(f"error: {error}"))
        self.page.on("requestfailed", self._on_failed_request)
        self.page.on("dialog", self._on_dialog)

    @property
    def complaints(self) -> Complaints:
        """Everything heard so far, with the policy violations of the document that is open now."""
        if self._has_script:
            self._heard.violations += self.page.evaluate("() => (window.__violations ?? []).splice(0)")
        return self._heard

    def open(self, url: str) -> int:
        """Go there and wait until the page stands and, where it is live, is connected; the HTTP status."""
        response = self.page.goto(url)
        assert response is not None
        self.settle()
        return response.status

    def follow(self, link: Locator) -> None:
        """Click what leads to another page, and wait for that page."""
        with self.page.expect_navigation():
            link.click()
        self.settle()

    def settle(self) -> None:
        if self._has_script:
            self.page.wait_for_function(SETTLED)
            self.next_frame()

    def next_frame(self) -> None:
        self.page.evaluate(NEXT_FRAME)

    def layout_shifts(self) -> list[str]:
        """What moved without the reader's doing: how much, and which elements."""
        shifts: list[str] = self.page.evaluate("() => window.__shifts")
        return shifts

    def _on_console(self, message: ConsoleMessage) -> None:
        self._heard.console.append(f"console {message.type}: {message.text}")

    def _on_failed_request(self, request: Request) -> None:
        if request.failure != ABORTED:
            self._heard.failed_requests.append(f"{request.method} {request.url}: {request.failure}")

    def _on_dialog(self, dialog: Any) -> None:
        self._heard.dialogs.append(f"dialog {dialog.type}: {dialog.message}")
        dialog.dismiss()


class Visitor:
    """Opens tabs, each in a browser profile of its own, and closes them all in the end."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.tabs: list[Tab] = []

    def tab(
        self,
        *,
        lang: str = "en",
        scheme: Scheme = "light",
        width: int = 1280,
        height: int = 900,
        script: bool = True,
        **options: Any,
    ) -> Tab:
        """A fresh profile: no cookie, nothing cached, nothing remembered."""
        context = self._browser.new_context(
            locale=LOCALES[lang],
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            java_script_enabled=script,
            **options,
        )
        self._contexts.append(context)
        tab = Tab(context, script)
        self.tabs.append(tab)
        return tab

    def leave(self) -> None:
        for context in self._contexts:
            context.close()
        self._contexts.clear()
