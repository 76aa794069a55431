"""What the operator does to incidents: by form and by API, beside an agent that writes too."""

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from probes.domain.incident import Incident, Severity, UpdateKind
from probes.domain.target import Secret
from probes.settings.model import WebSettings
from probes.web.incident_actions import MAX_TEXT, Action, Ask, act
from tests.examples import NOON
from tests.web.incident_examples import an_incident, stored
from tests.web.serving import Board, a_board

TOKEN = "correct horse battery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
STEPS = ("acknowledge", "note", "postmortem", "merge")


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path, WebSettings(admin_token=Secret(TOKEN)))


@pytest.fixture
def incident(board: Board) -> Incident:
    (found,) = stored(board.store, an_incident(started_at=NOON - timedelta(minutes=9)))
    return found


def now(board: Board, incident: Incident) -> Incident:
    found = board.store.incident(incident.id)
    assert found is not None
    return found


def kinds(incident: Incident) -> list[UpdateKind]:
    return [update.kind for update in incident.updates]


# By form.


@pytest.mark.parametrize("step", STEPS)
def test_only_the_operator_acts(board: Board, incident: Incident, step: str) -> None:
    form = {"text": "hello", "into": "x"}
    for headers in (BROWSER, {**BROWSER, "Authorization": "Bearer wrong"}):
        answer = board.client.post(f"/incidents/{incident.id}/{step}", data=form, headers=headers)
        assert answer.status_code == 401
    api = board.client.post(f"/api/v1/incidents/{incident.id}/{step}", json={"text": "hello"})
    assert api.status_code == 401
    assert now(board, incident) == incident


@pytest.mark.parametrize("step", STEPS)
def test_another_sites_page_cannot_act(board: Board, incident: Incident, step: str) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        for path in (f"/incidents/{incident.id}/{step}", f"/api/v1/incidents/{incident.id}/{step}"):
            answer = board.client.post(path, data={"token": TOKEN, "text": "hello"}, headers=headers)
            assert answer.status_code == 403
    assert now(board, incident) == incident


def test_without_a_token_set_nobody_acts(tmp_path: Path) -> None:
    open_board = a_board(tmp_path)
    (found,) = stored(open_board.store, an_incident(started_at=NOON))
    assert open_board.client.post(f"/incidents/{found.id}/acknowledge", headers=BROWSER).status_code == 403
    assert "web.admin_token" in open_board.client.get(f"/incidents/{found.id}").text


def test_acknowledging_is_said_on_the_page_and_once(board: Board, incident: Incident) -> None:
    client = board.client
    path = f"/incidents/{incident.id}"
    answer = client.post(f"{path}/acknowledge", data={"token": TOKEN}, headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{path}?done=acknowledge")
    page = client.get(answer.headers["Location"], headers=BROWSER).text
    assert "Acknowledged." in page
    assert "acknowledged</span>" in page
    client.post(f"{path}/acknowledge", headers=BROWSER)
    assert kinds(now(board, incident)).count(UpdateKind.ACKNOWLEDGED) == 1
    assert now(board, incident).acknowledged_at == NOON


@pytest.mark.parametrize(("visibility", "is_public"), [("public", True), ("private", False), ("", False)])
def test_a_note_is_private_unless_it_is_said_to_be_public(
    board: Board, incident: Incident, visibility: str, is_public: bool
) -> None:
    form = {"text": " They\r\nare on it. \x00\u202e", "visibility": visibility, "token": TOKEN}
    answer = board.client.post(f"/incidents/{incident.id}/note", data=form, headers=BROWSER)
    assert answer.status_code == 303
    note = now(board, incident).updates[-1]
    assert (note.kind, note.is_public) == (UpdateKind.NOTE, is_public)
    assert note.text.startswith("They\nare on it.")
    assert "\u202e" not in note.text
    assert ("are on it" in board.client.get(f"/incidents/{incident.id}").text) is is_public


@pytest.mark.parametrize("step", ["note", "postmortem"])
@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "Write something first."), (" \n ", "Write something"), ("x" * 10_001, "Longer")],
)
def test_a_refused_text_comes_back_with_the_reason_beside_its_field(
    board: Board, incident: Incident, step: str, text: str, problem: str
) -> None:
    form = {"text": text, "visibility": "public", "token": TOKEN}
    answer = board.client.post(f"/incidents/{incident.id}/{step}", data=form, headers=BROWSER)
    assert answer.status_code == 400
    assert f'aria-describedby="{step}-problem"' in answer.text
    assert problem in answer.text[answer.text.index(f'id="{step}-problem"') :][:200]
    assert text.strip() in answer.text
    assert now(board, incident) == incident


def test_a_postmortem_stands_on_the_page_and_the_newest_one_holds(board: Board) -> None:
    (over,) = stored(board.store, an_incident(started_at=NOON - timedelta(days=1), lasted=timedelta(hours=1)))
    client = board.client
    for text in ("First thoughts", "What we know now"):
        form = {"text": text, "visibility": "public", "token": TOKEN}
        assert client.post(f"/incidents/{over.id}/postmortem", data=form, headers=BROWSER).status_code == 303
    page = board.client.get(f"/incidents/{over.id}").text
    assert "What we know now" in page
    assert "First thoughts" not in page


def test_what_is_over_cannot_be_acknowledged(board: Board) -> None:
    (over,) = stored(board.store, an_incident(started_at=NOON - timedelta(days=1), lasted=timedelta(hours=1)))
    form = {"token": TOKEN}
    answer = board.client.post(f"/incidents/{over.id}/acknowledge", data=form, headers=BROWSER)
    assert answer.status_code == 409


def test_merging_leads_to_the_one_that_goes_on(board: Board, incident: Incident) -> None:
    (other,) = stored(board.store, an_incident("acme/main/slow", started_at=NOON - timedelta(minutes=5)))
    client = board.client
    form = {"into": incident.id, "token": TOKEN}
    answer = client.post(f"/incidents/{other.id}/merge", data=form, headers=BROWSER)
    assert answer.headers["Location"] == f"/incidents/{incident.id}?done=merge"
    assert set(now(board, incident).targets) == {"acme/main/quick", "acme/main/slow"}
    assert now(board, other).merged_into == incident.id
    again = client.post(f"/incidents/{other.id}/note", data={"text": "late"}, headers=BROWSER)
    assert again.status_code == 409


def test_only_open_incidents_of_one_provider_and_kind_are_merged(board: Board, incident: Incident) -> None:
    over, foreign, ours = stored(
        board.store,
        an_incident(started_at=NOON - timedelta(days=1), lasted=timedelta(hours=1)),
        an_incident("zenith/main/one", started_at=NOON - timedelta(minutes=4)),
        an_incident(started_at=NOON - timedelta(minutes=3), severity=Severity.ATTENTION),
    )
    client = board.client
    for into, status in ((over.id, 409), (foreign.id, 409), (ours.id, 409), ("no-such", 400), ("", 400)):
        form = {"into": into, "token": TOKEN}
        answer = client.post(f"/incidents/{incident.id}/merge", data=form, headers=BROWSER)
        assert answer.status_code == status, into
        assert "merge" in answer.text
    assert now(board, incident) == incident


def test_a_merge_offers_only_what_can_be_merged(board: Board, incident: Incident) -> None:
    other, foreign = stored(
        board.store,
        an_incident("acme/main/slow", started_at=NOON - timedelta(minutes=5)),
        an_incident("zenith/main/one", started_at=NOON - timedelta(minutes=4)),
    )
    page = board.client.get(f"/incidents/{incident.id}", headers=BEARER).text
    assert f'<option value="{other.id}">' in page
    assert foreign.id not in page
    assert "<option" not in board.client.get(f"/incidents/{incident.id}").text


def test_an_unknown_incident_is_not_found(board: Board) -> None:
    for step in STEPS:
        form = {"token": TOKEN, "text": "x", "into": "y"}
        answer = board.client.post(f"/incidents/no-such/{step}", data=form, headers=BROWSER)
        assert answer.status_code == 404
        bodies = {"note": {"text": "x"}, "postmortem": {"text": "x"}, "merge": {"into": "y"}}
        api = board.client.post(f"/api/v1/incidents/no-such/{step}", json=bodies.get(step), headers=BEARER)
        assert api.status_code == 404
    assert board.client.post("/incidents/no-such/delete", headers=BEARER).status_code == 404


# By API.


def test_programs_act_with_the_bearer_token(board: Board, incident: Incident) -> None:
    path = f"/api/v1/incidents/{incident.id}"
    told = board.client.post(f"{path}/acknowledge", headers=BEARER)
    assert told.status_code == 200
    assert told.json is not None
    assert told.json["acknowledged_at"] == "2026-11-21T12:00:00Z"
    told = board.client.post(f"{path}/note", json={"text": "secret"}, headers=BEARER)
    assert told.json is not None
    assert [update["is_public"] for update in told.json["updates"]] == [True, True, False]
    told = board.client.post(f"{path}/postmortem", json={"text": "learnt"}, headers=BEARER)
    assert told.json is not None
    assert told.json["updates"][-1]["is_public"] is True
    assert told.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("step", "body", "parameter"),
    [
        ("note", {}, "text"),
        ("note", {"text": ""}, "text"),
        ("note", {"text": " \n\t"}, "text"),
        ("note", {"text": "x", "public": True}, "public"),
        ("note", {"text": "x", "is_public": "yes"}, "is_public"),
        ("note", {"text": "x" * (MAX_TEXT + 1)}, "text"),
        ("postmortem", [], "body"),
        ("merge", {}, "into"),
        ("merge", {"into": "no-such"}, "into"),
    ],
)
def test_a_wrong_body_is_refused_by_name(
    board: Board, incident: Incident, step: str, body: object, parameter: str
) -> None:
    answer = board.client.post(f"/api/v1/incidents/{incident.id}/{step}", json=body, headers=BEARER)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"]["parameter"] == parameter
    assert now(board, incident) == incident


def test_a_body_that_is_not_declared_as_json_is_refused(board: Board, incident: Incident) -> None:
    path = f"/api/v1/incidents/{incident.id}/note"
    answer = board.client.post(path, data='{"text": "x"}', headers=BEARER)
    assert answer.status_code == 415


def test_a_merge_that_cannot_be_is_a_conflict(board: Board, incident: Incident) -> None:
    path = f"/api/v1/incidents/{incident.id}/merge"
    answer = board.client.post(path, json={"into": incident.id}, headers=BEARER)
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["error"]["code"] == "conflict"


# Beside other writers.


def test_notes_written_at_once_are_all_kept(board: Board, incident: Incident) -> None:
    texts = [f"note {n}" for n in range(6)]
    asks = [
        threading.Thread(target=act, args=(board.store, incident.id, Ask(Action.NOTE, text), NOON))
        for text in texts
    ]
    for ask in asks:
        ask.start()
    for ask in asks:
        ask.join(10)
    written = [update.text for update in now(board, incident).updates if update.kind is UpdateKind.NOTE]
    assert sorted(written) == texts
    assert len({update.id for update in now(board, incident).updates}) == len(texts) + 1


def test_what_the_agent_wrote_meanwhile_is_kept(board: Board, incident: Incident) -> None:
    board.client.get(f"/incidents/{incident.id}", headers=BEARER)
    worse = replace(incident.next(NOON), handed_over=1)
    assert board.store.save_incident(worse)
    form = {"text": "seen", "token": TOKEN}
    assert board.client.post(f"/incidents/{incident.id}/note", data=form, headers=BROWSER).status_code == 303
    found = now(board, incident)
    assert (found.handed_over, found.version) == (1, 3)


def test_while_the_store_is_away_nothing_is_promised(board: Board, incident: Incident) -> None:
    board.store_goes_away()
    form = {"text": "seen", "token": TOKEN}
    assert board.client.post(f"/incidents/{incident.id}/note", data=form, headers=BROWSER).status_code == 503
