"""A page that works has nothing to say on the console, fails no request, and breaks no policy."""

import pytest

from tests.e2e.browser import NO_NEWS, Visitor
from tests.e2e.places import NAMES, path_of
from tests.service_process import Service

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", NAMES)
def test_a_page_loads_without_a_complaint_of_the_browser(name: str, demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    assert tab.open(demo.url + path_of(name, demo)) == 200
    assert tab.complaints.all == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_moves_under_the_eye_while_a_page_loads(name: str, demo: Service, visitor: Visitor) -> None:
    moved = []
    for width in (375, 1280):
        tab = visitor.tab(width=width)
        tab.page.add_init_script(NO_NEWS)  # a card that changes its column has to move
        tab.open(demo.url + path_of(name, demo))
        moved += [f"{width} px: {shift}" for shift in tab.layout_shifts()]
    assert not moved, "\n".join(moved)
