"""Every failure has one JSON shape or one kind of page, names a cure where there is one, and shows no innards."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from probes.web.errors import nearest
from tests.web.serving import Board, a_board, an_empty_board

BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


def error_of(answer: Any) -> dict[str, Any]:
    assert answer.mimetype == "application/json"
    assert set(answer.json) == {"error"}
    error: dict[str, Any] = answer.json["error"]
    assert (
        {"code", "message", "request_id"}
        <= set(error)
        <= {"code", "message", "request_id", "parameter", "cure"}
    )
    assert error["request_id"] == answer.headers["X-Request-ID"]
    assert all(isinstance(value, str) and value for value in error.values())
    return error


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/no-such", 404, "not_found"),
        ("GET", "/api/v1/targets/no/such/model", 404, "not_found"),
        ("GET", "/api/v1/results/no-such", 404, "not_found"),
        ("GET", "/api/v1/refresh/no-such", 404, "not_found"),
        ("POST", "/api/v1/targets", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/results", 405, "method_not_allowed"),
        ("GET", "/api/v1/statistics?window=2d", 400, "bad_parameter"),
        ("GET", "/api/v1/results?cursor=forged", 400, "bad_parameter"),
        ("GET", "/api/v1/results?limt=5", 400, "bad_parameter"),
        ("GET", "/live/changes?since=now", 400, "bad_parameter"),
        ("GET", "/stats.json?state=broken", 400, "bad_parameter"),
    ],
)
def test_programs_get_the_one_shape(board: Board, method: str, path: str, status: int, code: str) -> None:
    answer = board.client.open(path, method=method)
    assert answer.status_code == status
    assert error_of(answer)["code"] == code


def test_a_bad_parameter_is_named_with_its_cure(board: Board) -> None:
    error = error_of(board.client.get("/api/v1/statistics?window=2d"))
    assert error["parameter"] == "window"
    assert error["cure"] == "Allowed: 1h, 24h, 7d, 30d, 90d."
    assert "2d" in error["message"]


def test_a_wrong_method_is_told_the_right_ones(board: Board) -> None:
    assert "GET" in board.client.post("/api/v1/targets").headers["Allow"]


def test_a_mistyped_target_is_told_the_nearest(board: Board) -> None:
    assert "acme/main/quick" in error_of(board.client.get("/api/v1/targets/acme/main/quik"))["cure"]


def test_json_errors_are_english_whatever_the_reader_speaks(board: Board) -> None:
    answer = board.client.get("/api/v1/no-such", headers={"Accept-Language": "zh"})
    assert error_of(answer)["message"] == "There is nothing at this address."


def test_browsers_get_a_page(board: Board) -> None:
    answer = board.client.get("/no-such-page", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "There is nothing at this address." in answer.text
    assert answer.headers["X-Request-ID"] in answer.text


def test_the_page_speaks_chinese(board: Board) -> None:
    page = board.client.get("/no-such-page", headers={**BROWSER, "Accept-Language": "zh-CN,zh;q=0.9"}).text
    assert "There is nothing" not in page
    assert re.search(r"[\u4e00-\u9fff]{4}", page.split("<main")[1])


def test_a_mistyped_model_page_links_to_the_nearest(board: Board) -> None:
    answer = board.client.get("/models/acme/main/quik", headers=BROWSER)
    assert answer.status_code == 404
    assert 'href="/models/acme/main/quick"' in answer.text


def test_hostile_addresses_are_shown_harmless(board: Board) -> None:
    for path in ("/models/<script>alert(1)</script>", '/"><script>alert(1)</script>'):
        answer = board.client.get(path, headers=BROWSER)
        assert answer.status_code == 404
        assert "<script>alert" not in answer.text


def test_a_bad_parameter_on_a_page_is_a_page(board: Board) -> None:
    answer = board.client.get("/stats?window=<b>", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "<b>" not in answer.text.split("<main")[1]


def with_a_bug(app: Flask) -> None:
    def crash() -> str:
        raise RuntimeError("secret detail")

    app.add_url_rule("/crash", "crash", crash)
    app.add_url_rule("/api/v1/crash", "api_crash", crash)


def test_a_bug_shows_its_request_id_and_nothing_else(board: Board, caplog: pytest.LogCaptureFixture) -> None:
    with_a_bug(board.app)
    with caplog.at_level(logging.ERROR):
        page = board.client.get("/crash", headers=BROWSER)
        answer = board.client.get("/api/v1/crash")
    assert (page.status_code, answer.status_code) == (500, 500)
    assert error_of(answer)["code"] == "internal"
    for text in (page.text, answer.text):
        assert "secret detail" not in text
        assert "Traceback" not in text
    assert page.headers["X-Request-ID"] in page.text
    assert answer.headers["X-Request-ID"] in caplog.text, "the log finds it by the same id"
    assert "secret detail" in caplog.text


def test_a_bug_in_the_page_frame_still_ends_in_a_page(board: Board, caplog: pytest.LogCaptureFixture) -> None:
    board.app.context_processor(lambda: {"shell": None})
    with caplog.at_level(logging.ERROR):
        answer = board.client.get("/no-such-page", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert answer.headers["X-Request-ID"] in answer.text


def test_a_store_that_never_answered_is_unavailable(tmp_path: Path) -> None:
    board = an_empty_board(tmp_path)
    board.store.close()
    answer = board.client.get("/api/v1/targets")
    assert answer.status_code == 503
    assert error_of(answer)["code"] == "store_unavailable"
    assert int(answer.headers["Retry-After"]) > 0


def test_while_the_store_is_away_the_last_reading_is_served(board: Board) -> None:
    assert not board.client.get("/api/v1/targets").json["is_stale"]  # type: ignore[index]
    board.store_goes_away()
    answer = board.client.get("/api/v1/targets")
    assert answer.status_code == 200
    assert answer.json["is_stale"]  # type: ignore[index]
    assert len(answer.json["targets"]) == 3  # type: ignore[index]


def test_a_page_that_needs_the_store_says_how_old_the_board_is(board: Board) -> None:
    board.client.get("/")
    board.store_goes_away()
    answer = board.client.get("/result", headers=BROWSER)
    assert answer.status_code == 503
    assert '<time class="moment" datetime="2026-11-21T12:00:00Z"' in answer.text.split("<main")[1]
    assert "board.sqlite3" not in answer.text.split("<main")[1]


def test_an_export_begins_only_when_the_store_answers(board: Board) -> None:
    board.store_goes_away()
    answer = board.client.get("/api/v1/results.csv")
    assert (answer.status_code, error_of(answer)["code"]) == (503, "store_unavailable")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("acme/main/quik", ["acme/main/quick"]),
        ("QUICK", ["acme/main/quick"]),
        ("visionlarge", ["acme/main/vision-large"]),
        ("zzzzzz", []),
    ],
)
def test_the_nearest_names_are_found_whole_or_by_their_end(wanted: str, found: list[str]) -> None:
    assert nearest(wanted, ["acme/main/quick", "acme/main/vision-large"]) == found
