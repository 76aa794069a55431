"""The pages and the API of incidents: what is told to whom, in which order, and what never leaves."""

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from probes.domain.incident import Affected, Cause, Ending, Incident, IncidentUpdate, Severity, UpdateKind
from probes.domain.outcome import Outcome
from probes.domain.state import Reason, State, Verdict
from probes.domain.target import Secret
from probes.settings.model import WebSettings
from probes.verdicts.merging import merged
from probes.verdicts.remarks import noted, with_postmortem
from probes.verdicts.rules import ReasonKey
from probes.web.changes import ChangeLog
from probes.web.context import EXTENSION
from probes.web.snapshot import Snapshot
from tests.examples import NOON, a_result, a_target
from tests.web.incident_examples import STALLED, an_incident, stored
from tests.web.serving import Board, a_board, a_plan

TOKEN = "correct horse battery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SLOW, LARGE = "acme/main/slow", "acme/main/vision/large"
HOUR = timedelta(hours=1)
SECRET = "call Ann about the contract"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path, WebSettings(admin_token=Secret(TOKEN)))


def ago(**age: float) -> datetime:
    return NOON - timedelta(**age)


def snapshot(board: Board) -> Snapshot:
    current: Snapshot = board.app.extensions[EXTENSION].snapshots.current()
    return current


def titles(page: str) -> list[str]:
    return re.findall(r'incident__title">.*?<bdi>(.*?)</bdi>', page)


def listed(board: Board, query: str = "", **headers: str) -> list[str]:
    answer = board.client.get(f"/api/v1/incidents{query}", headers=headers)
    assert answer.status_code == 200
    assert answer.json is not None
    return [incident["id"] for incident in answer.json["incidents"]]


# The list.


def test_open_ones_come_first_then_the_others_by_month(board: Board) -> None:
    stored(
        board.store,
        an_incident(started_at=ago(days=1), lasted=HOUR),
        an_incident(SLOW, started_at=ago(days=2)),
        an_incident(LARGE, started_at=ago(days=40), lasted=HOUR, severity=Severity.DEGRADED),
    )
    page = board.client.get("/incidents").text
    assert titles(page) == ["slow is down", "quick was down", "vision/large was degraded"]
    assert page.index("November 2026") < page.index("October 2026")
    assert "1 open" in page
    assert "3 in 90 days" in page


def test_a_board_without_incidents_says_since_when_it_watches(board: Board) -> None:
    assert "No incident yet." in board.client.get("/incidents").text
    board.store.add_results([a_result()])
    board.tick()
    page = board.client.get("/incidents").text
    assert "No incident in 90 days." in page
    assert "2026-11-21" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?state=open", ["slow"]),
        ("?state=resolved", ["quick", "large"]),
        ("?state=open&state=resolved", ["slow", "quick", "large"]),
        ("?severity=degraded", ["large"]),
        ("?provider=acme&severity=down", ["slow", "quick"]),
        ("?provider=nobody", []),
        ("?q=LARGE vision", ["large"]),
        ("?q=deploy", ["quick"]),
        ("?q=Ann", []),
        ("?target=acme/main/slow", ["slow"]),
        ("?since=2026-11-20T00:00:00Z", ["slow", "quick"]),
        ("?until=2026-11-01T00:00:00Z", ["large"]),
    ],
)
def test_filters_work_on_the_page_and_in_the_api_alike(board: Board, query: str, found: list[str]) -> None:
    ids = {
        "quick": noted(
            noted(an_incident(started_at=ago(days=1), lasted=HOUR), "a deploy of theirs", True, NOON),
            SECRET,
            False,
            NOON,
        ),
        "slow": an_incident(SLOW, started_at=ago(minutes=9)),
        "large": an_incident(LARGE, started_at=ago(days=40), lasted=HOUR, severity=Severity.DEGRADED),
    }
    stored(board.store, *(replace(incident, version=1) for incident in ids.values()))
    assert sorted(listed(board, query)) == sorted(ids[name].id for name in found)
    page = board.client.get(f"/incidents{query}").text
    assert re.findall(r'/incidents/([0-9a-f-]{36})"', page) == [ids[name].id for name in found]
    if not found:
        assert "No incident matches." in page


def test_a_filter_that_cannot_be_is_refused_with_its_cure(board: Board) -> None:
    answer = board.client.get("/api/v1/incidents?severity=awful")
    assert answer.status_code == 400
    assert answer.json is not None
    assert "degraded" in answer.json["error"]["cure"]
    assert board.client.get("/api/v1/incidents?severities=down").status_code == 400
    assert board.client.get("/incidents?cursor=forged").status_code == 400


def test_pages_follow_one_another_without_gap_or_repetition_whatever_is_filtered(board: Board) -> None:
    severities = (Severity.DOWN, Severity.DEGRADED)
    incidents = [
        an_incident(started_at=ago(hours=10 * n), lasted=HOUR, severity=severities[n % 2])
        for n in range(1, 24)
    ]
    stored(board.store, *incidents)
    for query, wanted in (("", incidents), ("&severity=down", incidents[1::2])):
        seen: list[str] = []
        address = f"/api/v1/incidents?limit=5{query}"
        while address:
            answer = board.client.get(address)
            assert answer.json is not None
            seen += [incident["id"] for incident in answer.json["incidents"]]
            link = answer.headers.get("Link", "")
            address = link[1 : link.index(">")] if link else ""
        assert seen == [incident.id for incident in wanted]
    page = board.client.get("/incidents?limit=5").text
    older = re.search(r'href="([^"]+)" rel="next"', page)
    assert older is not None
    assert len(titles(board.client.get(older[1].replace("&amp;", "&")).text)) == 5


def test_thousands_of_incidents_make_no_large_page(board: Board) -> None:
    for n in range(2000):
        board.store.save_incident(
            an_incident(started_at=ago(minutes=40 * n + 60), lasted=timedelta(minutes=5))
        )
    page = board.client.get("/incidents").text
    assert len(titles(page)) == 50
    assert len(board.client.get("/").data) < 200_000
    assert "2000 in 90 days" in page.replace("\u202f", "")


def test_the_export_has_what_the_filter_admits_and_no_formulas(board: Board) -> None:
    board.store.put_plan(a_plan((a_target("quick", display_name="=1+1"),)))
    stored(
        board.store,
        an_incident(started_at=ago(days=1), lasted=HOUR),
        an_incident(SLOW, started_at=ago(days=2), lasted=HOUR),
    )
    answer = board.client.get("/incidents.csv?target=acme/main/quick")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["title"] == "'=1+1 was down"
    assert (row["time_to_detect_seconds"], row["time_to_recover_seconds"]) == ("120.0", "3600.0")


# One incident.


def test_an_incident_tells_when_it_began_was_detected_and_recovered(board: Board) -> None:
    (incident,) = stored(
        board.store, an_incident(started_at=ago(days=1), lasted=timedelta(minutes=42), cause=Cause.TIMEOUT)
    )
    page = board.client.get(f"/incidents/{incident.id}").text
    for told in ("quick was down", "Resolved", "2 min", "42 min", "time-outs", "3 probes in a row failed"):
        assert told in page.replace("\N{NO-BREAK SPACE}", " ")


def test_nothing_is_said_of_a_recovery_that_nobody_saw(board: Board) -> None:
    incident = an_incident(started_at=ago(days=1), lasted=HOUR)
    unwatched = tuple(replace(part, ending=Ending.UNWATCHED) for part in incident.affected)
    stored(board.store, replace(incident, affected=unwatched))
    page = board.client.get(f"/incidents/{incident.id}").text
    assert "nobody saw the end" in page
    assert "no longer watched" in page


def test_evidence_leads_to_the_records(board: Board) -> None:
    failures = [a_result(Outcome.STALLED, ago(minutes=n)) for n in (3, 2, 1)]
    board.store.add_results(failures)
    incident = an_incident(started_at=ago(minutes=3))
    part = replace(incident.affected[0], evidence=tuple(result.id for result in failures))
    stored(board.store, replace(incident, affected=(part,)))
    page = board.client.get(f"/incidents/{incident.id}").text
    for result in failures:
        assert f'href="/result/{result.id}"' in page
        assert board.client.get(f"/result/{result.id}").status_code == 200


def test_each_entry_of_the_timeline_can_be_linked_to(board: Board) -> None:
    (incident,) = stored(board.store, an_incident(started_at=ago(days=1), lasted=HOUR))
    page = board.client.get(f"/incidents/{incident.id}").text
    places = [page.index(f'id="{update.id}"') for update in reversed(incident.updates)]
    assert places == sorted(places), "newest first"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", UpdateKind)
def test_every_kind_of_entry_is_said_in_the_readers_language(
    board: Board, kind: UpdateKind, language: str
) -> None:
    incident = an_incident(SLOW, LARGE, started_at=ago(minutes=9))
    entry = IncidentUpdate(
        "e1",
        NOON,
        kind,
        Severity.DOWN,
        (SLOW,),
        incident.affected[0].reason,
        text="hand-written" if kind.is_manual else "",
    )
    if kind is UpdateKind.MERGED:
        entry = replace(entry, text=incident.id)
    stored(board.store, replace(incident, updates=(entry,)))
    page = board.client.get(f"/incidents/{incident.id}?lang={language}").text
    said = page[page.index('id="e1"') :]
    said = said[: said.index("</li>")]
    if kind in (UpdateKind.NOTE, UpdateKind.ACKNOWLEDGED):
        assert "hand-written" in said
    assert bool(re.search(r"[\u4e00-\u9fff]", said)) is (language == "zh")


def test_hostile_words_stay_words(board: Board) -> None:
    hostile = "</title><script>alert(1)</script>\u202e{{7*7}}"
    board.store.put_plan(a_plan((a_target("quick", display_name=hostile), a_target("slow"))))
    incident = noted(an_incident(started_at=ago(minutes=9)), hostile + "\n\n\n\n\nend", True, NOON)
    incident = with_postmortem(incident, hostile, True, NOON)
    stored(board.store, replace(incident, version=1))
    for path in ("/incidents", f"/incidents/{incident.id}", "/", "/stats", "/models/acme/main/quick"):
        page = board.client.get(path).text
        assert "<script>alert" not in page, path
        assert path[:10] != "/incidents" or "\u202e" not in page, path
    assert "\n\nend" in board.client.get(f"/incidents/{incident.id}").text


def test_an_incident_of_sixty_models_is_one_page(board: Board) -> None:
    targets = [f"acme/main/m{n:02d}" for n in range(60)]
    (incident,) = stored(board.store, an_incident(*targets, started_at=ago(minutes=9)))
    page = board.client.get(f"/incidents/{incident.id}").text
    assert "60 models of acme are down" in page
    assert "48 more models" in page
    assert all(f"/models/{target}" in page for target in targets)


def test_an_unknown_id_is_not_found(board: Board) -> None:
    for path in ("/incidents/no-such", f"/incidents/{'x' * 5000}", "/api/v1/incidents/no-such"):
        assert board.client.get(path).status_code == 404


def test_a_merged_incident_leads_to_the_one_that_took_it_up(board: Board) -> None:
    into, other = an_incident(started_at=ago(minutes=9)), an_incident(SLOW, started_at=ago(minutes=8))
    stored(board.store, into, other)
    for incident in merged(into, other, NOON):
        assert board.store.save_incident(incident)
    answer = board.client.get(f"/incidents/{other.id}")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/incidents/{into.id}")
    told = board.client.get(f"/api/v1/incidents/{other.id}").json
    assert told is not None
    assert (told["state"], told["merged_into"]) == ("merged", into.id)
    assert listed(board) == [into.id]


# Who sees what.


def test_what_is_ours_alone_is_not_there_for_the_public(board: Board) -> None:
    (ours,) = stored(
        board.store, an_incident(started_at=ago(minutes=9), severity=Severity.ATTENTION, cause=Cause.OURS)
    )
    board.tick()
    for path in (f"/incidents/{ours.id}", f"/api/v1/incidents/{ours.id}"):
        assert board.client.get(path).status_code == 404
        answer = board.client.get(path, headers=BEARER)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
    assert listed(board) == []
    assert listed(board, **BEARER) == [ours.id]
    for path in ("/", "/incidents", "/stats", "/models/acme/main/quick", "/feeds/incidents.atom"):
        assert ours.id not in board.client.get(path).text, path
    assert snapshot(board).incidents.incidents == ()


def test_private_notes_never_leave_to_the_public(board: Board) -> None:
    incident = noted(an_incident(started_at=ago(minutes=9)), SECRET, False, NOON)
    incident = with_postmortem(incident, f"draft: {SECRET}", False, NOON + HOUR)
    stored(board.store, replace(incident, version=1))
    board.tick()
    pages = (
        *(
            "/",
            "/incidents",
            f"/incidents/{incident.id}",
            "/models/acme/main/quick",
            "/stats",
            "/incidents.csv",
        ),
        *("/api/v1/incidents", f"/api/v1/incidents/{incident.id}", "/feeds/incidents.atom"),
    )
    for path in pages:
        answer = board.client.get(path)
        assert answer.status_code == 200, path
        assert "Ann" not in answer.text, path
    told = board.client.get(f"/api/v1/incidents/{incident.id}").json
    assert told is not None
    assert [update["kind"] for update in told["updates"]] == ["opened"]
    assert told["updated_at"] == "2026-11-21T11:53:00Z", "not even when it was written"
    assert SECRET in board.client.get(f"/incidents/{incident.id}", headers=BEARER).text


def test_a_private_note_is_no_news_a_public_one_is(board: Board) -> None:
    log = ChangeLog()
    (incident,) = stored(board.store, an_incident(started_at=ago(minutes=9)))
    log.observe(snapshot(board))
    private = noted(incident, SECRET, False, NOON)
    board.store.save_incident(private)
    board.tick()
    assert log.observe(snapshot(board)).is_empty
    board.store.save_incident(noted(private, "they are on it", True, NOON))
    board.tick()
    assert log.observe(snapshot(board)).everything


# What the snapshot knows.


def test_the_snapshot_follows_opening_changing_and_ending(board: Board) -> None:
    assert snapshot(board).incidents.incidents == ()
    opened = an_incident(started_at=ago(minutes=9), updated_at=NOON)
    stored(board.store, opened)
    board.tick()
    assert [found.id for found in snapshot(board).incidents.open] == [opened.id]
    same = snapshot(board).incidents
    board.tick()
    assert snapshot(board).incidents is same, "nothing changed"
    over = an_incident(started_at=ago(minutes=9), lasted=timedelta(minutes=8))
    board.store.save_incident(replace(over, version=2, updated_at=board.clock.now()))
    board.tick()
    assert snapshot(board).incidents.open == ()
    assert snapshot(board).incidents.count("acme/main/quick", NOON - HOUR) == 1


def test_an_incident_that_turns_out_to_be_ours_disappears(board: Board) -> None:
    (incident,) = stored(board.store, an_incident(started_at=ago(minutes=9), updated_at=NOON))
    assert snapshot(board).incidents.open
    board.store.save_incident(replace(incident, severity=Severity.ATTENTION, version=2))
    board.tick()
    assert snapshot(board).incidents.incidents == ()


def test_an_agent_whose_clock_is_late_by_minutes_is_heard_within_a_minute(board: Board) -> None:
    stored(board.store, an_incident(SLOW, started_at=ago(minutes=1), updated_at=NOON))
    assert len(snapshot(board).incidents.incidents) == 1
    stored(board.store, an_incident(started_at=ago(minutes=40), updated_at=ago(minutes=30)))
    board.clock.advance(61)
    assert len(snapshot(board).incidents.incidents) == 2


def test_those_of_long_ago_are_left_out_of_the_snapshot_but_not_of_the_list(board: Board) -> None:
    (old,) = stored(board.store, an_incident(started_at=ago(days=200), lasted=HOUR))
    assert snapshot(board).incidents.incidents == ()
    assert listed(board) == [old.id]


def test_a_public_face_can_never_be_written_back(board: Board) -> None:
    (incident,) = stored(board.store, an_incident(started_at=ago(minutes=9)))
    (face,) = snapshot(board).incidents.incidents
    assert not board.store.save_incident(face)
    assert board.store.incident(incident.id) == incident


# On the other pages.


def test_the_board_names_open_incidents_under_its_sentence(board: Board) -> None:
    stored(
        board.store,
        *(an_incident(f"acme/main/m{n}", started_at=ago(minutes=9 + n)) for n in range(7)),
        an_incident(started_at=ago(days=1), lasted=HOUR),
    )
    page = board.client.get("/").text
    block = page[page.index('data-swap="incidents"') : page.index("data-filter")]
    assert block.count("open-incident__why") == 5
    assert "2 more open incidents" in block
    assert "quick was" not in block
    assert 'data-swap="incidents"' in board.client.get("/?fragment=1").text


def test_an_open_incident_whose_models_answer_again_says_so(board: Board) -> None:
    (incident,) = stored(
        board.store, an_incident("acme/main/quick", "acme/main/slow", started_at=ago(minutes=9))
    )
    quick, slow = incident.targets
    again = Reason(ReasonKey.RECOVERING, (("n", 2), ("of", 3)))
    board.store.add_results([a_result(target=target, due_at=ago(minutes=1)) for target in (quick, slow)])
    board.store.set_verdict(quick, Verdict(State.DEGRADED, again, ago(minutes=2), ago(minutes=1)))
    board.store.set_verdict(slow, Verdict(State.DOWN, STALLED, ago(minutes=9), ago(minutes=1)))
    assert "answers again" not in open_incidents(board)
    board.store.set_verdict(slow, Verdict(State.DEGRADED, again, ago(minutes=2), ago(minutes=1)))
    assert "answers again, 2 of 3 good ones in a row" in open_incidents(board)


def open_incidents(board: Board) -> str:
    board.tick()
    page = board.client.get("/").text.replace("\N{NO-BREAK SPACE}", " ")
    return page.split('<section class="open-incidents"')[1].split("</section>")[0]


def test_bars_tell_the_incidents_of_their_day(board: Board) -> None:
    board.store.add_results([a_result()])
    stored(
        board.store,
        an_incident(started_at=ago(days=2), lasted=timedelta(minutes=42)),
        an_incident(started_at=ago(days=2, hours=3), lasted=timedelta(minutes=5)),
        an_incident(started_at=ago(minutes=9), severity=Severity.DEGRADED),
    )
    for path in ("/", "/models/acme/main/quick"):
        page = board.client.get(path).text.replace("\N{NO-BREAK SPACE}", " ")
        assert "&#34;87&#34;:&#34;2 incidents: Down, 42 min; Down, 5 min&#34;" in page, path
        assert "&#34;89&#34;:&#34;1 incident: Degraded, goes on&#34;" in page, path


def test_an_incident_over_midnight_stands_in_both_days(board: Board) -> None:
    board.store.add_results([a_result()])
    stored(board.store, an_incident(started_at=ago(hours=13), lasted=timedelta(hours=2)))
    page = board.client.get("/").text
    assert "&#34;88&#34;:&#34;1 incident" in page
    assert "&#34;89&#34;:&#34;1 incident" in page


def test_an_incident_older_than_the_bars_begins_at_their_edge(board: Board) -> None:
    board.store.add_results([a_result()])
    stored(board.store, an_incident(started_at=ago(days=200)))
    page = board.client.get("/").text
    assert "{&#34;0&#34;:&#34;1 incident: Down, goes on&#34;,&#34;1&#34;:" in page


def test_a_row_is_drawn_anew_when_its_incident_ends(board: Board) -> None:
    board.store.add_results([a_result()])
    stored(board.store, an_incident(started_at=ago(minutes=9), updated_at=NOON))
    assert "goes on" in board.client.get("/").text
    over = an_incident(started_at=ago(minutes=9), lasted=timedelta(minutes=8))
    board.store.save_incident(replace(over, version=2, updated_at=NOON))
    board.tick()
    assert "goes on" not in board.client.get("/").text


def test_statistics_count_the_incidents_of_their_window(board: Board) -> None:
    stored(
        board.store,
        an_incident(started_at=ago(hours=3), lasted=HOUR),
        an_incident(started_at=ago(days=5), lasted=HOUR),
        an_incident(SLOW, started_at=ago(days=50)),
    )

    def counted(window: str) -> dict[str, int]:
        table = board.client.get(f"/api/v1/statistics?window={window}&sort=-incidents").json
        assert table is not None
        return {row["target"]: row["incidents"] for row in table["rows"]}

    assert counted("24h") == {"acme/main/quick": 1, SLOW: 1, LARGE: 0}
    assert list(counted("7d")) == ["acme/main/quick", SLOW, LARGE]
    assert counted("7d")["acme/main/quick"] == 2
    assert "incidents" in board.client.get("/stats.csv").text.splitlines()[0]


def test_a_models_page_lists_and_shades_its_incidents_and_no_others(board: Board) -> None:
    board.store.add_results([a_result()])
    incidents = [an_incident(started_at=ago(days=n), lasted=HOUR) for n in range(1, 8)]
    stored(board.store, *incidents, an_incident(SLOW, started_at=ago(days=1), lasted=HOUR))
    page = board.client.get("/models/acme/main/quick").text
    assert titles(page) == ["quick was down"] * 5
    assert page.count("data-shade=") == 7
    assert f'data-shade="{int(ago(days=1).timestamp())} {int((ago(days=1) + HOUR).timestamp())}"' in page


def test_while_the_store_is_away_the_pages_say_so(board: Board) -> None:
    stored(board.store, an_incident(started_at=ago(minutes=9)))
    assert board.client.get("/").status_code == 200
    board.store_goes_away()
    assert board.client.get("/incidents").status_code == 503
    assert "quick is down" in board.client.get("/").text


def an_incident_with_everything() -> Incident:
    """Every optional field of the API's answer has a value."""
    incident = an_incident(SLOW, LARGE, started_at=ago(days=1), lasted=HOUR, acknowledged_at=NOON)
    part: Affected = replace(incident.affected[0], evidence=("a", "b"))
    return replace(incident, affected=(part, *incident.affected[1:]), updated_at=datetime.now(UTC))


def test_the_api_tells_the_figures_of_an_incident(board: Board) -> None:
    (incident,) = stored(board.store, an_incident_with_everything())
    told = board.client.get(f"/api/v1/incidents/{incident.id}?lang=zh").json
    assert told is not None
    assert told["title"] == "2 models of acme were down", "the API speaks English"
    assert (told["state"], told["severity"], told["cause"]) == ("resolved", "down", "timeout")
    assert (told["time_to_detect_seconds"], told["time_to_recover_seconds"]) == (120.0, 3600.0)
    assert told["affected"][0]["evidence"] == ["a", "b"]
    assert told["affected"][0]["reason"]["text"] == "3 probes in a row failed: stalled"
