"""Refresh: filed for the agents, never too often, never by strangers, never from another site's page."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from probes.domain.plan import PlanDiff, Problem, RefreshState
from probes.domain.target import Secret
from probes.settings.model import WebSettings
from probes.store.base import RefreshUpdate
from tests.web.serving import Board, a_board, a_plan, an_agent, an_empty_board

TOKEN = "correct horse battery"
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


@pytest.fixture
def guarded(tmp_path: Path) -> Board:
    return a_board(tmp_path, WebSettings(admin_token=Secret(TOKEN)))


def filed_targets(board: Board) -> tuple[str, ...] | None:
    """Of the newest refresh in the store; None when there is none."""
    newest = board.store.latest_refresh()
    return newest.targets if newest is not None else None


def test_a_program_refreshes_everything_without_a_body(board: Board) -> None:
    answer = board.client.post("/api/v1/refresh")
    assert answer.status_code == 202
    assert answer.headers["Cache-Control"] == "no-store"
    told: dict[str, Any] = answer.json  # type: ignore[assignment]
    assert (told["state"], told["targets"], told["total"], told["finished"]) == ("pending", [], None, 0)
    assert answer.headers["Location"] == f"/api/v1/refresh/{told['id']}"
    assert filed_targets(board) == ()


def test_a_program_refreshes_what_it_names(board: Board) -> None:
    answer = board.client.post("/api/v1/refresh", json={"targets": ["acme/main/quick", "acme/main/quick"]})
    assert answer.status_code == 202
    assert filed_targets(board) == ("acme/main/quick",)


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ('{"targets": []}', "targets"),
        ('{"targets": "acme/main/quick"}', "targets"),
        ('{"targets": [1]}', "targets.0"),
        ('{"target": ["acme/main/quick"]}', "target"),
        ('{"targets": ["' + "x" * 400 + '"]}', "targets.0"),
        ('["acme/main/quick"]', "body"),
        ("null", "body"),
        ("{", "body"),
        ("[" * 20_000, "body"),
        ('{"targets": ["\\ud800"]}', "body"),
        ('{"targets": ["a\\u0000b"]}', None),
    ],
    ids=[
        "none",
        "text",
        "number",
        "unknown field",
        "long",
        "list",
        "null",
        "cut off",
        "deep",
        "surrogate",
        "NUL",
    ],
)
def test_a_body_that_means_nothing_is_refused(board: Board, body: str, parameter: str | None) -> None:
    answer = board.client.post("/api/v1/refresh", data=body, content_type="application/json")
    assert answer.status_code == (400 if parameter else 404)
    assert answer.json["error"].get("parameter") == parameter  # type: ignore[index]
    assert filed_targets(board) is None


def test_a_body_that_is_no_json_is_refused(board: Board) -> None:
    answer = board.client.post("/api/v1/refresh", data="targets=x", content_type="text/plain")
    assert (answer.status_code, filed_targets(board)) == (415, None)


def test_an_unknown_target_is_not_found(board: Board) -> None:
    answer = board.client.post("/api/v1/refresh", json={"targets": ["acme/main/quik"]})
    assert answer.status_code == 404
    assert "acme/main/quick" in answer.json["error"]["cure"]  # type: ignore[index]
    assert filed_targets(board) is None


def test_the_cool_down_says_how_long_and_leads_to_the_one_before(board: Board) -> None:
    first = board.client.post("/api/v1/refresh")
    board.clock.advance(5)
    second = board.client.post("/api/v1/refresh")
    assert second.status_code == 429
    assert second.json["error"]["code"] == "cooling_down"  # type: ignore[index]
    assert second.headers["Retry-After"] == "10"
    assert "10\xa0s" in second.json["error"]["cure"]  # type: ignore[index]
    assert second.headers["Location"] == first.headers["Location"]
    board.clock.advance(11)
    assert board.client.post("/api/v1/refresh").status_code == 202


def test_the_cool_down_is_the_running_plans(board: Board) -> None:
    board.store.put_plan(a_plan(refresh_cooldown_seconds=60.0))
    board.client.post("/api/v1/refresh")
    assert board.client.post("/api/v1/refresh").headers["Retry-After"] == "60"


def test_before_any_plan_everything_can_be_refreshed(tmp_path: Path) -> None:
    board = an_empty_board(tmp_path)
    assert board.client.post("/api/v1/refresh").status_code == 202


def test_progress_is_told_as_the_agent_reports_it(board: Board) -> None:
    where = board.client.post("/api/v1/refresh").headers["Location"]
    now = board.clock.now()
    claimed = board.store.claim_refresh("here@test-1", now)
    assert claimed is not None
    board.store.update_refresh(claimed.id, RefreshUpdate(total=3, finished=1), now)
    told: dict[str, Any] = board.client.get(where).json  # type: ignore[assignment]
    assert (told["state"], told["finished"], told["total"]) == (RefreshState.RUNNING, 1, 3)

    problem = Problem("unknown key", "Did you mean models?", "apis.acme", 4, 5, "local.yaml")
    done = RefreshUpdate(
        finished=3, is_done=True, diff=PlanDiff(added=("acme/main/new",)), problems=(problem,)
    )
    board.store.update_refresh(claimed.id, done, now + timedelta(seconds=2))
    told = board.client.get(where).json  # type: ignore[assignment]
    assert (told["state"], told["finished"]) == ("done", 3)
    assert told["diff"] == {"added": ["acme/main/new"], "changed": [], "removed": []}
    assert told["problems"][0]["line"] == 4
    assert told["finished_at"] == "2026-11-21T12:00:02Z"


def test_refreshing_is_a_post(board: Board) -> None:
    assert board.client.get("/refresh").status_code == 405
    assert board.client.get("/api/v1/refresh").status_code == 405
    assert filed_targets(board) is None


def test_the_form_returns_to_where_it_was_pressed(board: Board) -> None:
    form = {"target": "acme/main/quick", "next": "/stats?window=7d&refresh=old"}
    answer = board.client.post("/refresh", data=form, headers=BROWSER)
    assert answer.status_code == 303
    place = urlsplit(answer.headers["Location"])
    assert (place.scheme, place.netloc, place.path) == ("", "", "/stats")
    newest = board.store.latest_refresh()
    assert newest is not None
    assert parse_qs(place.query) == {"window": ["7d"], "refresh": [newest.id]}
    assert newest.targets == ("acme/main/quick",)


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "evil.example",
        "http:/evil.example",
        "//[",
        "/" + "x" * 3000,
        "",
    ],
)
def test_the_form_leads_to_no_other_site(board: Board, wanted: str) -> None:
    answer = board.client.post("/refresh", data={"next": wanted}, headers=BROWSER)
    assert answer.status_code == 303
    assert urlsplit(answer.headers["Location"])[:3] == ("", "", "/")


def test_a_script_that_sends_the_form_gets_json(board: Board) -> None:
    answer = board.client.post(
        "/refresh", headers={"Accept": "application/json", "Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 202
    assert answer.headers["Location"].startswith("/api/v1/refresh/")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://["},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/refresh", "/api/v1/refresh"])
def test_another_sites_page_cannot_press_it(board: Board, path: str, headers: dict[str, str]) -> None:
    answer = board.client.post(path, headers=headers)
    assert (answer.status_code, filed_targets(board)) == (403, None)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://localhost"}, {"Origin": "https://localhost"}, {"Sec-Fetch-Site": "none"}],
    ids=str,
)
def test_ones_own_page_and_programs_can(board: Board, headers: dict[str, str]) -> None:
    assert board.client.post("/api/v1/refresh", headers=headers).status_code == 202


def test_without_the_token_nothing_is_filed(guarded: Board) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer "},
    ):
        answer = guarded.client.post("/api/v1/refresh", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert filed_targets(guarded) is None


@pytest.mark.parametrize("token", [b"%D0%BA%D0%BB%D1%8E%D1%87", b"%ED%A0%BD", b"%00", b"%FF"])
def test_a_token_of_any_characters_is_only_wrong(guarded: Board, token: bytes) -> None:
    form = "application/x-www-form-urlencoded"
    answer = guarded.client.post("/refresh", data=b"token=" + token, content_type=form, headers=BROWSER)
    assert answer.status_code == 401


def test_a_program_gives_the_token_as_bearer(guarded: Board) -> None:
    answer = guarded.client.post("/api/v1/refresh", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 202


def test_a_browser_is_asked_for_the_token_and_loses_nothing(guarded: Board) -> None:
    form = {"target": "acme/main/slow", "next": "/kanban"}
    page = guarded.client.post("/refresh", data=form, headers=BROWSER)
    assert page.status_code == 401
    for kept in ('value="acme/main/slow"', 'value="/kanban"', 'name="token"'):
        assert kept in page.text


def test_a_right_token_is_remembered_but_not_stored_as_such(guarded: Board) -> None:
    client = guarded.client
    answer = client.post("/refresh", data={"token": TOKEN}, headers=BROWSER)
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    guarded.clock.advance(16)
    guarded.store.beat(an_agent(guarded.clock.now()))
    assert client.post("/refresh", headers=BROWSER).status_code == 303


def test_a_forged_cookie_opens_nothing(guarded: Board) -> None:
    client = guarded.client
    client.set_cookie("refresh_pass", "0" * 64)
    assert client.post("/refresh", headers=BROWSER).status_code == 401


def test_pressing_too_soon_is_a_page_for_browsers(board: Board) -> None:
    board.client.post("/refresh", headers=BROWSER)
    answer = board.client.post("/refresh", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (429, "text/html")
    assert "15\xa0s" in answer.text


def test_while_the_store_is_away_refresh_says_so(board: Board) -> None:
    board.client.get("/")
    board.store_goes_away()
    answer = board.client.post("/api/v1/refresh")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "store_unavailable")  # type: ignore[index]
