"""Acting as the operator: with the admin token only, remembered by a cookie, and for nobody where none is set."""

from pathlib import Path

import pytest
from flask import Flask

from probes.domain.target import Secret
from probes.settings.model import WebSettings
from probes.web.operator import require_operator
from tests.web.serving import Board, a_board

TOKEN = "correct horse battery"
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


def with_an_action(app: Flask) -> None:
    """Something for the operator alone, so that these tests need none of the pages."""

    @app.post("/act")
    def act() -> str:
        require_operator()
        return "done"


@pytest.fixture
def guarded(tmp_path: Path) -> Board:
    board = a_board(tmp_path, WebSettings(admin_token=Secret(TOKEN)))
    with_an_action(board.app)
    return board


@pytest.fixture
def unguarded(tmp_path: Path) -> Board:
    board = a_board(tmp_path)
    with_an_action(board.app)
    return board


def test_without_a_token_set_nobody_is_the_operator_and_the_answer_says_how(unguarded: Board) -> None:
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}):
        answer = unguarded.client.post("/act", headers={"Accept": "application/json", **headers})
        assert answer.status_code == 403
        assert "web.admin_token" in answer.json["error"]["cure"]  # type: ignore[index]


def test_a_program_acts_with_the_token_as_bearer(guarded: Board) -> None:
    answer = guarded.client.post("/act", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.text) == (200, "done")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
def test_without_the_right_token_nothing_is_done(guarded: Board, headers: dict[str, str]) -> None:
    answer = guarded.client.post("/act", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_another_sites_page_cannot_act_even_with_the_token(guarded: Board) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = guarded.client.post("/act", data={"token": TOKEN}, headers=headers)
        assert answer.status_code == 403


def test_entering_is_remembered_but_the_token_is_not_stored(guarded: Board) -> None:
    client = guarded.client
    entered = client.post("/operator", data={"token": TOKEN, "next": "/kanban"}, headers=BROWSER)
    assert (entered.status_code, entered.headers["Location"]) == (303, "/kanban")
    cookies = entered.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert TOKEN not in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
    assert client.post("/act", headers=BROWSER).text == "done"
    assert client.post("/api/v1/refresh", headers=BROWSER).status_code == 202


def test_the_cookie_of_refresh_is_worth_no_more_than_a_refresh(guarded: Board) -> None:
    client = guarded.client
    assert client.post("/refresh", data={"token": TOKEN}, headers=BROWSER).status_code == 303
    assert client.post("/act", headers=BROWSER).status_code == 401


def test_leaving_forgets_it(guarded: Board) -> None:
    client = guarded.client
    client.post("/operator", data={"token": TOKEN}, headers=BROWSER)
    assert client.post("/operator/leave", data={"next": "/"}, headers=BROWSER).status_code == 303
    assert client.post("/act", headers=BROWSER).status_code == 401


def test_another_sites_page_cannot_make_the_operator_leave(guarded: Board) -> None:
    client = guarded.client
    client.post("/operator", data={"token": TOKEN}, headers=BROWSER)
    assert client.post("/operator/leave", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/act", headers=BROWSER).text == "done"


def test_a_form_that_lacks_the_token_is_asked_for_it_and_loses_nothing(guarded: Board) -> None:
    form = {"title": "<b>GPU & swap</b>", "provider": "acme", "token": "wrong"}
    client = guarded.client
    page = client.post("/act", data=form, headers=BROWSER)
    assert page.status_code == 401
    for kept in ('action="/act"', "&lt;b&gt;GPU &amp; swap", 'name="provider" value="acme"', 'name="token"'):
        assert kept in page.text
    assert "wrong" not in page.text
    assert client.post("/act", data={**form, "token": TOKEN}, headers=BROWSER).text == "done"
    assert client.post("/act", headers=BROWSER).text == "done"


def test_entering_leads_to_no_other_site(guarded: Board) -> None:
    answer = guarded.client.post(
        "/operator", data={"token": TOKEN, "next": "//evil.example/"}, headers=BROWSER
    )
    assert answer.headers["Location"] == "/"
