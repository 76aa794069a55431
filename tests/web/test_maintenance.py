"""The maintenance page, its forms, its calendar and its API."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from probes.domain.state import State
from probes.domain.target import Secret
from probes.domain.upkeep import Announcer, Maintenance, Pause, Repeat
from probes.settings.model import WebSettings
from probes.store.base import Store
from probes.verdicts.maintenance import occurrences
from probes.web.announcing import apply, ended, withdrawn
from tests.examples import NOON, a_result
from tests.web.serving import Board, a_board, a_plan

TOKEN = "correct horse battery"
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def a_rule(start: datetime = NOON - HOUR, length: timedelta = 2 * HOUR, **changes: Any) -> Maintenance:
    values: dict[str, Any] = {
        "id": "r1",
        "title": "GPU swap",
        "first_start": start.replace(tzinfo=None),
        "duration_seconds": length.total_seconds(),
        "timezone": "UTC",
        "announcer": Announcer.OPERATOR,
        "announced_at": NOON - DAY,
    }
    return Maintenance(**{**values, **changes})


@pytest.fixture
def open_board(tmp_path: Path) -> Board:
    """No admin token is set."""
    return a_board(tmp_path)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = a_board(tmp_path, WebSettings(admin_token=Secret(TOKEN)))
    board.store.add_results([a_result(due_at=NOON - timedelta(seconds=30))])
    return board


FORM = {
    "title": "GPU swap",
    "starts": "2026-11-22T02:00",
    "duration": "2h",
    "timezone": "Europe/Berlin",
    "repeat": "weekly",
    "until": "2026-12-31",
    "providers": "acme",
    "targets": "quick, *large*",
    "note": "Racks 1 and 2.",
    "token": TOKEN,
}


def spans(store: Store, until: datetime = NOON + 60 * DAY) -> list[tuple[datetime, datetime]]:
    """Every window that the store's rules mean."""
    found = [w for rule in store.maintenance() for w in occurrences(rule, NOON - 400 * DAY, until)]
    return sorted((w.start, w.end) for w in found)


# The page.


def test_without_anything_announced_the_page_says_so(open_board: Board) -> None:
    page = open_board.client.get("/maintenance")
    assert page.status_code == 200
    assert "No maintenance goes on now." in page.text
    assert "None is announced" in page.text
    assert "web.admin_token" in page.text, "how the operator gets the forms"
    assert "<form" not in page.text.split("<main")[1]


def test_a_running_window_is_on_the_page_the_banner_the_board_and_the_api(board: Board) -> None:
    board.store.put_maintenance(a_rule(providers=("Acme",), note="Racks <b>1</b>\nand 2"))
    board.tick()
    page = board.client.get("/maintenance").text
    assert "1 window is on now." in page
    assert "Racks &lt;b&gt;1&lt;/b&gt;\nand 2" in page
    front = board.client.get("/").text
    assert "GPU swap" in front.split("</section>")[0]
    assert 'data-state="maintenance"' in front
    assert "GPU swap, until 2026-11-21 13:00 UTC" in front
    told: dict[str, Any] = board.client.get("/api/v1/targets").json  # type: ignore[assignment]
    assert {target["state"] for target in told["targets"]} == {State.MAINTENANCE.value}
    kanban = board.client.get("/kanban").text
    assert "Maintenance" in kanban
    assert "GPU swap" in board.client.get("/models/acme/main/quick").text


def test_the_state_ends_with_the_window_even_when_no_agent_judges(board: Board) -> None:
    board.store.put_maintenance(a_rule())
    board.tick()
    assert 'data-state="maintenance"' in board.client.get("/").text
    board.clock.advance(3601)
    page = board.client.get("/").text
    assert 'data-state="maintenance"' not in page


def test_windows_ahead_are_told_by_start_and_those_over_apart(board: Board) -> None:
    rules = (
        a_rule(NOON + 3 * DAY, HOUR, id="later", title="Later one"),
        a_rule(NOON + DAY, HOUR, id="soon", title="Sooner one"),
        a_rule(NOON - 3 * DAY, HOUR, id="past", title="Past one"),
        a_rule(NOON + 31 * DAY, HOUR, id="far", title="Far one"),
        a_rule(NOON - 31 * DAY, HOUR, id="old", title="Old one"),
    )
    for rule in rules:
        board.store.put_maintenance(rule)
    page = board.client.get("/maintenance").text
    places = [page.find(f"{name} one") for name in ("Sooner", "Later", "Past")]
    assert -1 not in places
    assert places == sorted(places)
    assert "Far one" not in page
    assert "Old one" not in page


def test_a_rule_of_the_file_is_told_but_cannot_be_ended_here(board: Board) -> None:
    of_file = a_rule(announcer=Announcer.FILE, announced_at=None, id="f1")
    board.store.put_plan(a_plan(maintenance=(of_file,)))
    board.tick()
    page = board.client.get("/maintenance", headers=BEARER).text
    assert "GPU swap" in page
    assert "End it now" not in page
    assert board.client.post("/maintenance/f1/end", headers={**BROWSER, **BEARER}).status_code == 404


def test_what_the_operator_sees_is_kept_by_nobody_else(board: Board) -> None:
    client = board.client
    assert "no-store" not in client.get("/maintenance").headers["Cache-Control"]
    client.post("/operator", data={"token": TOKEN}, headers=BROWSER)
    page = client.get("/maintenance")
    assert page.headers["Cache-Control"] == "no-store"
    assert 'name="starts"' in page.text
    assert "Europe/Berlin" in page.text


# Announcing.


def test_the_operator_announces_by_the_form(board: Board) -> None:
    answer = board.client.post("/maintenance", data=FORM, headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/maintenance?done=announced")
    (rule,) = board.store.maintenance()
    assert rule == Maintenance(
        id=rule.id,
        title="GPU swap",
        first_start=datetime(2026, 11, 22, 2, 0),  # noqa: DTZ001 - wall-clock time
        duration_seconds=7200.0,
        timezone="Europe/Berlin",
        repeat=Repeat.WEEKLY,
        last_day=datetime(2026, 12, 31, tzinfo=UTC).date(),
        providers=("acme",),
        targets=("quick", "*large*"),
        note="Racks 1 and 2.",
        announcer=Announcer.OPERATOR,
        announced_at=NOON,
    )
    page = board.client.get(answer.headers["Location"]).text
    assert "Announced: every page" in page
    assert "GPU swap" in page, "at once, not at the next reading"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"title": " "}, "title", "in a few words"),
        ({"title": "x" * 121}, "title", "at most 120"),
        ({"starts": "soon"}, "starts", "such as 2026-12-01"),
        ({"starts": "2026-11-20T02:00", "repeat": "never", "until": ""}, "starts", "lies in the past"),
        ({"duration": "long"}, "duration", "1m to 90d"),
        ({"duration": "5s"}, "duration", "1m to 90d"),
        ({"duration": "8d"}, "duration", "At most 7d"),
        ({"timezone": "Europe/Berln"}, "timezone", "Did you mean Europe/Berlin?"),
        ({"timezone": "../../etc/passwd"}, "timezone", "time zone"),
        ({"repeat": "hourly"}, "repeat", "of the list"),
        ({"repeat": "never"}, "until", "has a last day"),
        ({"until": "2026-11-01"}, "until", "before the first start"),
        ({"until": "x"}, "until", "Give a day"),
        ({"providers": "acmee"}, "providers", "Did you mean acme?"),
        ({"targets": "quik"}, "targets", "Did you mean quick?"),
        ({"targets": "gpt-*"}, "targets", "No configured model"),
        ({"note": "x" * 1001}, "note", "1000 characters"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_beside_its_field_and_nothing_typed_is_lost(
    board: Board, changes: dict[str, str], field: str, words: str
) -> None:
    page = board.client.post("/maintenance", data={**FORM, **changes}, headers=BROWSER)
    assert page.status_code == 400
    beside = page.text.split(f'id="{field}-problem"')[1].split("</span>")[0]
    assert words in beside.replace("\xa0", " ")
    assert page.text.count('role="alert"') == 1
    if field != "note":
        assert "Racks 1 and 2." in page.text
    assert board.store.maintenance() == ()


@pytest.mark.parametrize(
    "path", ["/maintenance", "/maintenance/r1/end", "/maintenance/r1/withdraw", "/pauses", "/pauses/end"]
)
def test_only_the_operator_changes_anything(board: Board, open_board: Board, path: str) -> None:
    board.store.put_maintenance(a_rule())
    board.store.put_pause(Pause("acme/main/quick", NOON))
    form = {**FORM, "token": "", "target": "acme/main/quick"}
    assert board.client.post(path, data=form, headers=BROWSER).status_code == 401
    assert board.client.post(path, data={**form, "token": "wrong"}, headers=BROWSER).status_code == 401
    stranger = {**BEARER, "Origin": "https://evil.example"}
    assert board.client.post(path, data=form, headers=stranger).status_code == 403
    assert open_board.client.post(path, data=form, headers=BROWSER).status_code == 403, (
        "nobody, not everybody"
    )
    assert board.store.maintenance() == (a_rule(),)
    assert len(board.store.pauses()) == 1


# Ending.


def test_ending_a_window_that_happens_once_shortens_it(board: Board) -> None:
    board.store.put_maintenance(a_rule())
    answer = board.client.post("/maintenance/r1/end", headers={**BROWSER, **BEARER})
    assert answer.headers["Location"] == "/maintenance?done=ended"
    assert spans(board.store) == [(NOON - HOUR, NOON)]
    (rule,) = board.store.maintenance()
    assert rule.changed_at == NOON


def test_ending_one_of_a_row_keeps_the_others(board: Board) -> None:
    daily = a_rule(NOON - 2 * DAY - HOUR, 2 * HOUR, repeat=Repeat.DAILY)
    board.store.put_maintenance(daily)
    board.client.post("/maintenance/r1/end", headers={**BROWSER, **BEARER})
    found = spans(board.store, NOON + 2 * DAY)
    assert found == [
        (NOON - 2 * DAY - HOUR, NOON - 2 * DAY + HOUR),
        (NOON - DAY - HOUR, NOON - DAY + HOUR),
        (NOON - HOUR, NOON),
        (NOON + DAY - HOUR, NOON + DAY + HOUR),
        (NOON + 2 * DAY - HOUR, NOON + 2 * DAY + HOUR),
    ]
    coming = next(
        rule for rule in board.store.maintenance() if rule.repeat is Repeat.DAILY and rule.id == "r1"
    )
    assert coming.last_day is None


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        (a_rule(NOON + HOUR), []),
        (a_rule(NOON - HOUR), [(NOON - HOUR, NOON)]),
        (a_rule(NOON, HOUR), []),
        (
            a_rule(NOON - DAY + HOUR, HOUR, repeat=Repeat.DAILY),
            [(NOON - DAY + HOUR, NOON - DAY + 2 * HOUR)],
        ),
        (
            a_rule(NOON - DAY - HOUR, repeat=Repeat.DAILY),
            [(NOON - DAY - HOUR, NOON - DAY + HOUR), (NOON - HOUR, NOON)],
        ),
        (a_rule(NOON + HOUR, repeat=Repeat.WEEKLY), []),
    ],
    ids=["to come", "running", "just begun", "a row, between two", "a row, running", "a row to come"],
)
def test_what_is_withdrawn_leaves_only_what_has_been(
    board: Board, rule: Maintenance, left: list[tuple[datetime, datetime]]
) -> None:
    board.store.put_maintenance(rule)
    assert board.client.delete("/api/v1/maintenance/r1", headers=BEARER).status_code == 200
    assert spans(board.store) == left


def test_nothing_is_ended_where_nothing_runs() -> None:
    assert ended(a_rule(NOON + HOUR), NOON) is None
    assert ended(a_rule(NOON - DAY), NOON) is None


def test_a_crash_between_the_writes_of_a_change_loses_no_window(board: Board) -> None:
    daily = a_rule(NOON - DAY - HOUR, repeat=Repeat.DAILY)
    board.store.put_maintenance(daily)
    before = spans(board.store, NOON)
    change = withdrawn(daily, NOON)
    for one in change.rules:
        board.store.put_maintenance(one)
    assert {start for start, _ in spans(board.store, NOON)} >= {start for start, _ in before}
    apply(board.store, daily, change)
    assert spans(board.store)[-1][1] == NOON


# Pauses.


def test_the_operator_pauses_and_resumes_a_model(board: Board) -> None:
    form = {
        "target": "acme/main/quick",
        "pause_until": "2026-11-21T18:00",
        "pause_note": "moving",
        "token": TOKEN,
    }
    client = board.client
    assert (
        client.post("/pauses", data=form, headers=BROWSER).headers["Location"] == "/maintenance?done=paused"
    )
    assert board.store.pauses() == (Pause("acme/main/quick", NOON, until=NOON + 6 * HOUR, note="moving"),)
    board.tick()
    front = client.get("/").text
    assert "moving, until 2026-11-21 18:00 UTC" in front
    assert 'data-state="paused"' in front
    page = client.get("/maintenance").text
    assert "Resume" in page
    resumed = client.post("/pauses/end", data={"target": "acme/main/quick"}, headers=BROWSER)
    assert resumed.headers["Location"] == "/maintenance?done=resumed"
    assert board.store.pauses() == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"target": "acme/main/quik"}, "target"),
        ({"pause_until": "2026-11-21T11:00"}, "pause_until"),
        ({"pause_until": "later"}, "pause_until"),
        ({"pause_note": "x" * 1001}, "pause_note"),
    ],
    ids=str,
)
def test_a_pause_that_cannot_be_is_told_beside_its_field(
    board: Board, changes: dict[str, str], field: str
) -> None:
    form = {"target": "acme/main/quick", "token": TOKEN, **changes}
    page = board.client.post("/pauses", data=form, headers=BROWSER)
    assert page.status_code == 400
    assert f'id="{field}-problem"' in page.text
    assert board.store.pauses() == ()


# The API.


def test_a_program_announces_and_withdraws(board: Board) -> None:
    body = {"title": "Move", "starts": "2026-11-21 13:00", "duration": "90m", "providers": ["acme"]}
    made = board.client.post("/api/v1/maintenance", json=body, headers=BEARER)
    assert made.status_code == 201
    told: dict[str, Any] = made.json  # type: ignore[assignment]
    assert (told["duration_seconds"], told["announcer"]) == (5400.0, "operator")
    listed: dict[str, Any] = board.client.get("/api/v1/maintenance").json  # type: ignore[assignment]
    (window,) = listed["windows"]
    assert (window["starts_at"], window["ends_at"]) == ("2026-11-21T13:00:00Z", "2026-11-21T14:30:00Z")
    assert window["targets"] == ["acme/main/quick", "acme/main/slow", "acme/main/vision/large"]
    assert window["is_running"] is False
    gone = board.client.delete(f"/api/v1/maintenance/{told['id']}", headers=BEARER)
    assert gone.status_code == 200
    assert board.store.maintenance() == ()


@pytest.mark.parametrize(
    ("changes", "parameter", "words"),
    [
        ({"timezone": "Europe/Berln"}, "timezone", "Did you mean Europe/Berlin?"),
        ({"starts": "x"}, "starts", "2026-12-01 02:00"),
        ({"title": None}, "title", ""),
        ({"extra": 1}, "extra", ""),
        ({"providers": ["other"]}, "providers", ""),
        ({"starts": "2026-11-20 02:00"}, "starts", ""),
        ({"until": "2026-12-01"}, "body", "Give repeat"),
    ],
    ids=str,
)
def test_a_body_that_cannot_be_names_its_part(
    board: Board, changes: dict[str, Any], parameter: str, words: str
) -> None:
    body = {"title": "Move", "starts": "2026-11-21 13:00", "duration": "90m", **changes}
    answer = board.client.post("/api/v1/maintenance", json=body, headers=BEARER)
    assert answer.status_code == 400
    error: dict[str, Any] = answer.json["error"]  # type: ignore[index]
    assert error["parameter"] == parameter
    assert words in error.get("cure", "")
    assert board.store.maintenance() == ()


def test_a_program_pauses_and_resumes(board: Board) -> None:
    body = {"target": "acme/main/vision/large", "until": "2026-11-21T13:00:00Z", "note": "x"}
    assert board.client.post("/api/v1/pauses", json=body, headers=BEARER).status_code == 201
    assert board.store.pauses() == (Pause("acme/main/vision/large", NOON, NOON + HOUR, "x"),)
    listed: dict[str, Any] = board.client.get("/api/v1/maintenance").json  # type: ignore[assignment]
    assert [pause["target"] for pause in listed["pauses"]] == ["acme/main/vision/large"]
    assert board.client.delete("/api/v1/pauses/acme/main/vision/large", headers=BEARER).status_code == 200
    assert board.client.delete("/api/v1/pauses/acme/main/vision/large", headers=BEARER).status_code == 404
    assert board.store.pauses() == ()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/maintenance"),
        ("DELETE", "/api/v1/maintenance/r1"),
        ("POST", "/api/v1/pauses"),
        ("DELETE", "/api/v1/pauses/acme/main/quick"),
    ],
)
def test_the_api_too_is_the_operators_alone(board: Board, open_board: Board, method: str, path: str) -> None:
    assert board.client.open(path, method=method).status_code == 401
    assert open_board.client.open(path, method=method).status_code == 403


def test_while_the_store_is_away_the_page_shows_what_was_known(board: Board) -> None:
    board.store.put_maintenance(a_rule())
    board.tick()
    assert "GPU swap" in board.client.get("/maintenance").text
    board.store_goes_away()
    page = board.client.get("/maintenance")
    assert (page.status_code, "GPU swap" in page.text) == (200, True)
    assert board.client.post("/maintenance", data=FORM, headers=BROWSER).status_code == 503


# The calendar.


def events_of(board: Board) -> list[Any]:
    answer = board.client.get("/maintenance.ics")
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    return list(Calendar.from_ical(answer.data).walk("VEVENT"))


def test_the_calendar_has_every_window_in_utc(board: Board) -> None:
    weekly = a_rule(
        datetime(2026, 11, 22, 2, tzinfo=UTC),
        HOUR,
        timezone="Europe/Berlin",
        repeat=Repeat.WEEKLY,
        note="Racks; 1, 2\\3\nand more",
        providers=("acme",),
    )
    board.store.put_maintenance(weekly)
    board.store.put_maintenance(a_rule(NOON - 3 * DAY, HOUR, id="past", title="Past"))
    found = events_of(board)
    starts = [event.decoded("dtstart") for event in found]
    assert starts[0] == NOON - 3 * DAY
    assert starts[1] == datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
    assert len(starts) == 6
    event = found[1]
    assert event.decoded("dtend") - event.decoded("dtstart") == HOUR
    assert str(event["summary"]) == "GPU swap"
    assert str(event["description"]).startswith("Racks; 1, 2\\3\nand more\nacme\n")
    assert event.decoded("last-modified") == NOON - DAY
    assert str(event["url"]) == "http://localhost/maintenance"


def test_an_entry_keeps_its_name_and_grows_in_sequence_when_it_is_changed(board: Board) -> None:
    board.store.put_maintenance(a_rule())
    (before,) = events_of(board)
    board.client.post("/maintenance/r1/end", headers={**BROWSER, **BEARER})
    (after,) = events_of(board)
    assert after["uid"] == before["uid"]
    assert after["sequence"] > before["sequence"]
    assert after.decoded("dtend") == NOON


def test_lines_are_folded_at_75_octets_and_end_in_crlf(board: Board) -> None:
    board.store.put_maintenance(a_rule(title="机房搬迁" * 30, note="é" * 200 + "\nBEGIN:VEVENT\r\nUID:evil"))
    raw = board.client.get("/maintenance.ics").data
    lines = raw.split(b"\r\n")
    assert lines[-1] == b""
    assert max(len(line) for line in lines) <= 75
    assert b"\n" not in raw.replace(b"\r\n", b"")
    (event,) = events_of(board)
    assert str(event["summary"]) == "机房搬迁" * 30


def test_an_empty_calendar_is_a_calendar(open_board: Board) -> None:
    assert events_of(open_board) == []


def test_a_models_page_tells_what_is_announced_for_it_and_for_no_other(board: Board) -> None:
    board.store.put_maintenance(a_rule(NOON + 5 * DAY, HOUR, targets=("quick",)))
    board.tick()
    assert "Maintenance is announced:" in board.client.get("/models/acme/main/quick").text
    assert "Maintenance is announced:" not in board.client.get("/models/acme/main/slow").text
    front = board.client.get("/").text
    assert "GPU swap" not in front, "too far ahead for a banner"


def test_the_boards_sentence_counts_what_is_under_maintenance(board: Board) -> None:
    board.store.put_maintenance(a_rule())
    board.tick()
    assert "All 3 models are under maintenance" in board.client.get("/").text
    board.store.delete_maintenance("r1")
    board.store.put_maintenance(a_rule(targets=("slow",)))
    board.tick()
    assert "1 under maintenance" in board.client.get("/").text
