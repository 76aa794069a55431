"""What every response carries, and what no request gets past."""

import gzip
import re
from pathlib import Path

import pytest

from probes.settings.model import WebSettings
from probes.web.assets import Assets
from tests.examples import a_result
from tests.web.serving import Board, a_board

EVERY_KIND = ("/", "/health", "/api/v1/targets", "/static/js/live.js", "/no-such-page", "/api/v1/no-such")


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


@pytest.mark.parametrize("path", EVERY_KIND)
def test_every_answer_carries_the_security_headers(board: Board, path: str) -> None:
    headers = board.client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Server" not in headers


def test_each_request_has_its_own_id(board: Board) -> None:
    first, second = (board.client.get("/healthz").headers["X-Request-ID"] for _ in range(2))
    assert re.fullmatch(r"[0-9a-f]{16}", first)
    assert first != second


def test_a_client_cannot_choose_the_request_id(board: Board) -> None:
    answer = board.client.get("/healthz", headers={"X-Request-ID": "forged"})
    assert answer.headers["X-Request-ID"] != "forged"


@pytest.mark.parametrize(
    "path", ["/", "/health", "/api/v1/docs", "/api/v1/openapi.json", "/static/css/base.css"]
)
def test_what_shrinks_is_sent_packed_to_those_who_unpack(board: Board, path: str) -> None:
    plain = board.client.get(path)
    packed = board.client.get(path, headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data)
    assert gzip.decompress(packed.data)[:15] == plain.data[:15]


def test_a_reader_who_forbids_gzip_gets_none(board: Board) -> None:
    answer = board.client.get("/", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in answer.headers


def test_small_answers_stay_plain(board: Board) -> None:
    answer = board.client.get("/healthz", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


def test_a_streamed_export_is_packed_piece_by_piece(board: Board) -> None:
    board.store.add_results([a_result() for _ in range(50)])
    plain = board.client.get("/api/v1/results.csv")
    packed = board.client.get("/api/v1/results.csv", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == plain.data
    assert plain.data.count(b"\n") == 51
    assert "Content-Length" not in packed.headers


@pytest.mark.parametrize("path", ["/api/v1/config", "/static/js/live.js", "/methodology"])
def test_who_has_it_already_is_told_so(board: Board, path: str) -> None:
    first = board.client.get(path, headers={"Accept-Encoding": "gzip"})
    again = board.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


def test_the_time_of_reading_alone_makes_no_new_tag(board: Board) -> None:
    first = board.client.get("/api/v1/targets")
    board.tick()
    second = board.client.get("/api/v1/targets")
    assert first.data != second.data, "as_of has moved"
    assert first.headers["ETag"] == second.headers["ETag"]


def test_a_new_result_makes_a_new_tag(board: Board) -> None:
    first = board.client.get("/api/v1/targets")
    board.store.add_results([a_result()])
    board.tick()
    assert board.client.get("/api/v1/targets").headers["ETag"] != first.headers["ETag"]


def test_pages_are_asked_for_each_time_and_json_lasts_seconds(board: Board) -> None:
    assert board.client.get("/health").headers["Cache-Control"] == "private, no-cache"
    assert board.client.get("/api/v1/targets").headers["Cache-Control"] == "public, max-age=2"
    assert board.client.get("/no-such-page").headers["Cache-Control"] == "no-store"


def test_a_page_varies_by_language_and_cookie(board: Board) -> None:
    assert {"Cookie", "Accept-Language"} <= set(board.client.get("/health").headers["Vary"].split(", "))


def test_an_asset_named_with_its_hash_is_kept_for_ever(board: Board) -> None:
    page = board.client.get("/health").text
    urls = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(urls) >= 4
    for url in urls:
        assert "immutable" in board.client.get(url).headers["Cache-Control"], url


@pytest.mark.parametrize("query", ["", "?v=000000000000"])
def test_an_asset_without_its_hash_is_asked_for_each_time(board: Board, query: str) -> None:
    assert board.client.get(f"/static/js/live.js{query}").headers["Cache-Control"] == "no-cache"


def test_an_asset_that_changed_gets_a_new_hash(tmp_path: Path) -> None:
    file = tmp_path / "a.css"
    file.write_text("a {}")
    assets = Assets(tmp_path)
    before = assets.get("a.css").hash
    file.write_text("a { color: red }")
    assert assets.get("a.css").hash != before


@pytest.mark.parametrize(
    "path",
    ["../probes/web/server.py", "..%2fapp.py", "%2fetc%2fpasswd", "js", "a%00b", "x" * 400, "js/none.js"],
)
def test_nothing_outside_of_static_is_served(board: Board, path: str) -> None:
    answer = board.client.get(f"/static/{path}")
    assert answer.status_code in (308, 404)
    assert b"import" not in answer.data


def test_modules_are_served_with_the_type_that_browsers_insist_on(board: Board) -> None:
    assert board.client.get("/static/js/live.js").mimetype == "text/javascript"
    assert board.client.get("/static/css/base.css").mimetype == "text/css"


@pytest.mark.parametrize(
    "path", ["/", "/health", "/api/v1/targets", "/api/v1/results.csv", "/live", "/static/js/live.js"]
)
def test_head_is_get_without_a_body(board: Board, path: str) -> None:
    answer = board.client.head(path)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Type"] == board.client.head(path).headers["Content-Type"]


def test_a_body_larger_than_any_form_is_refused(board: Board) -> None:
    answer = board.client.post("/api/v1/refresh", data=b"x" * 70_000, content_type="application/json")
    assert answer.status_code == 413
    assert answer.json["error"]["code"] == "payload_too_large"  # type: ignore[index]


def test_an_address_longer_than_any_filter_is_refused(board: Board) -> None:
    answer = board.client.get("/api/v1/results?cursor=" + "x" * 10_000)
    assert answer.status_code == 414
    assert answer.json["error"]["code"] == "uri_too_long"  # type: ignore[index]


def test_the_api_is_readable_from_any_page_but_without_credentials(board: Board) -> None:
    headers = board.client.get("/api/v1/targets", headers={"Origin": "https://elsewhere.example"}).headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers


def test_a_preflight_allows_reading_only(board: Board) -> None:
    answer = board.client.options("/api/v1/targets", headers={"Origin": "https://elsewhere.example"})
    assert "POST" not in answer.headers["Access-Control-Allow-Methods"]


def test_pages_are_not_readable_from_other_sites(board: Board) -> None:
    assert "Access-Control-Allow-Origin" not in board.client.get("/").headers


def test_forwarded_headers_count_only_from_trusted_proxies(tmp_path: Path) -> None:
    forwarded = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "198.51.100.7",
        "X-Forwarded-Host": "evil.example",
    }
    alone = a_board(tmp_path / "alone").client.get("/api/v1/docs", headers=forwarded)
    behind = a_board(tmp_path / "behind", WebSettings(trusted_proxies=1)).client.get(
        "/api/v1/docs", headers=forwarded
    )
    assert "https://localhost" not in alone.text
    assert "https://localhost" in behind.text
    assert "evil.example" not in alone.text + behind.text
