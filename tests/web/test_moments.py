"""Times on a page: right at the moment of the answer, even in pieces that were drawn long before."""

from datetime import timedelta
from pathlib import Path

import pytest

from probes.web.moments import age, span
from tests.examples import NOON, a_result
from tests.web.serving import a_board


@pytest.mark.parametrize(
    ("elapsed", "text"),
    [
        (-3, "just now"),
        (4, "just now"),
        (5, "5\xa0s ago"),
        (59.9, "59\xa0s ago"),
        (60, "1\xa0min ago"),
        (3600, "1\xa0h ago"),
        (47 * 3600, "47\xa0h ago"),
        (48 * 3600, "2 days ago"),
    ],
)
def test_an_age_has_one_unit(elapsed: float, text: str) -> None:
    assert age(elapsed) == text


@pytest.mark.parametrize(
    ("elapsed", "text"), [(-5, "0\xa0s"), (61, "1\xa0min"), (7260, "2\xa0h"), (200_000, "2\xa0d")]
)
def test_a_span_has_one_unit(elapsed: float, text: str) -> None:
    assert span(elapsed) == text


def test_a_row_drawn_earlier_shows_its_age_of_now(tmp_path: Path) -> None:
    board = a_board(tmp_path)
    board.store.add_results([a_result(due_at=NOON)])
    board.tick()
    assert "just now</time>" in board.client.get("/").text
    board.clock.advance(40)
    assert "42\xa0s ago</time>" in board.client.get("/").text


def test_ages_speak_the_readers_language(tmp_path: Path) -> None:
    board = a_board(tmp_path)
    board.store.add_results([a_result(due_at=NOON - timedelta(seconds=30))])
    assert "30 秒前</time>" in board.client.get("/?lang=zh").text
    assert "30\xa0s ago</time>" in board.client.get("/?lang=en").text


def test_no_mark_is_left_on_any_page(tmp_path: Path) -> None:
    board = a_board(tmp_path)
    board.store.add_results([a_result(due_at=NOON)])
    for path in ("/", "/kanban", "/stats", "/result", "/health", "/models/acme/main/quick", "/nowhere"):
        text = board.client.get(path, headers={"Accept": "text/html"}).text
        assert "\ue000" not in text, path


def test_a_mark_in_foreign_text_stays_harmless(tmp_path: Path) -> None:
    board = a_board(tmp_path)
    hostile = "\ue000a99999999999999999\ue001 \ue000x1\ue001 \ue000a<script>\ue001"
    board.store.add_results([a_result(due_at=NOON, error=hostile)])
    page = board.client.get("/result")
    assert page.status_code == 200
    assert "<script>\ue001" not in page.text
