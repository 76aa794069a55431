"""Browser and services, started once for this package; a fresh browser profile for each test.

The scope is `package`, not `session`: while Playwright runs, its event loop occupies this thread, and the tests of
other packages start loops of their own.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import PATIENCE_MILLISECONDS, Visitor, chromium
from tests.e2e.shop import Shop, open_shop
from tests.service_process import Service, running
from tests.waiting import wait_until

HISTORY = timedelta(days=89, hours=12)

PLAIN_SHOP = """
web: {refresh_cooldown: 1s}
defaults: {interval: 1h, max_tokens: 16}
apis:
  Acme:
    main:
      base_url: SIMULATOR/v1
      api_key: not-a-secret-at-all
      models:
        - {model: fast, display_name: Acme Fast}
        - {model: "ok?ttft=1.5", id: patient, display_name: Acme Patient}
  Zenith:
    main:
      base_url: SIMULATOR
      protocol: anthropic_messages
      api_key: not-a-secret-at-all
      models: [{model: ok, display_name: Zenith One}]
"""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with chromium() as browser:
        yield browser


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """Whatever a test does, the browser must have nothing to say against the page."""
    visitor = Visitor(browser)
    try:
        yield visitor
        heard = [complaint for tab in visitor.tabs for complaint in tab.complaints.all]
        assert not heard
    finally:
        visitor.leave()


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The demo with all of its 90 days of history. Tests only read it; its own probes go on."""
    with running(tmp_path_factory.mktemp("demo"), "--config", "config/demo.yaml") as service:
        oldest = (datetime.now(UTC) - HISTORY).isoformat().replace("+00:00", "Z")
        address = f"/api/v1/results?limit=1&until={oldest}"
        wait_until("the demo's history", lambda: service.json(address)["results"], timeout_seconds=60)
        yield service


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A small service of our own, for tests that refresh and leave the file as it is."""
    with open_shop(tmp_path_factory.mktemp("shop"), PLAIN_SHOP) as shop:
        yield shop
