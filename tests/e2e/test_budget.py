"""What a first visit costs over the wire."""

from typing import Final

import pytest

from tests.e2e.browser import Visitor
from tests.e2e.places import MAIN, path_of
from tests.service_process import Service

pytestmark = pytest.mark.browser

FIRST_PAGE_BYTES: Final = 60_000
ANY_PAGE_BYTES: Final = 80_000  # the charts' library alone is 22 kB


def wire_bytes(visitor: Visitor, url: str) -> dict[str, int]:
    """Path -> bytes received for it, headers included, of everything that a first visit loads."""
    tab = visitor.tab()
    session = tab.page.context.new_cdp_session(tab.page)
    urls: dict[str, str] = {}
    sizes: dict[str, int] = {}
    session.on(
        "Network.requestWillBeSent", lambda event: urls.update({event["requestId"]: event["request"]["url"]})
    )
    session.on(
        "Network.loadingFinished",
        lambda event: sizes.update({event["requestId"]: int(event["encodedDataLength"])}),
    )
    session.send("Network.enable")
    tab.open(url)
    return {
        urls[request].removeprefix(url.split("?")[0].rstrip("/")): size for request, size in sizes.items()
    }


@pytest.mark.parametrize("name", MAIN)
def test_a_first_visit_stays_within_the_budget(
    name: str, demo: Service, visitor: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = wire_bytes(visitor, demo.url + path_of(name, demo))
    total = sum(sizes.values())
    with capsys.disabled():
        print(f"\n{name}: {total / 1000:.1f} kB in {len(sizes)} requests", end="")
    assert len(sizes) > 3
    assert total <= (FIRST_PAGE_BYTES if name == "board" else ANY_PAGE_BYTES), "\n".join(
        f"{size:7} {path}" for path, size in sizes.items()
    )
