"""Browser and services, started once for this package; a fresh browser profile for each test.

The scope is `package`, not `session`: while Playwright runs, its event loop occupies this thread, and the tests of
other packages start loops of their own.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import PATIENCE_MILLISECONDS, Visitor, chromium
from tests.e2e.shop import ENVIRONMENT_NAME, HOSTILE_SHOP, KEY_FILE, PLAIN_SHOP, SECRETS, Shop, open_shop
from tests.service_process import Service, running
from tests.waiting import wait_until

HISTORY = timedelta(days=89, hours=12)


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


@pytest.fixture(scope="package")
def hostile_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Everything that comes from outside is hostile, and providers repeat the keys that they are sent."""
    directory = tmp_path_factory.mktemp("hostile")
    (directory / KEY_FILE).write_text(SECRETS["in a file of its own"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT_NAME, SECRETS["from the environment"])
        with open_shop(directory, HOSTILE_SHOP) as shop:
            yield shop
