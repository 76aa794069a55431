"""/api/v2: the shape of Statuspage, ids that stay, and nothing green that is not known to be."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from prometheus_client.parser import text_string_to_metric_families

from probes.domain.incident import Ending, Incident, Severity, UpdateKind
from probes.domain.state import Reason, State, Verdict
from probes.domain.target import Readiness
from probes.domain.upkeep import Maintenance, Pause, Repeat
from probes.settings.model import WebSettings
from probes.store.base import IncidentQuery
from tests.examples import NOON, a_result, a_target
from tests.web.serving import Board, a_board, a_plan, an_empty_board, running
from tests.web.statuspage_schema import SCHEMAS
from tests.web.told_incidents import (
    FAILED,
    LARGE,
    MINUTE,
    PARTIAL,
    QUICK,
    SLOW,
    opened,
    resolved,
    save,
    with_update,
)

OTHER = "rival/main/other"
PATHS = list(SCHEMAS)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """Of four models one is down, one degraded, one operational and one never seen; with incidents of all kinds."""
    board = a_board(tmp_path)
    rival = a_target("other", id=OTHER, provider="rival")
    board.store.put_plan(a_plan((a_target("quick"), rival, a_target("slow"), a_target("vision/large"))))
    board.store.add_results([a_result(target=target) for target in (QUICK, SLOW, OTHER)])
    judged(board, QUICK, State.OPERATIONAL, Reason("healthy"))
    judged(board, SLOW, State.DOWN, FAILED)
    judged(board, OTHER, State.DEGRADED, PARTIAL)
    save(
        board.store,
        over := opened(QUICK, at=NOON - timedelta(days=2)),
        over := resolved(over, NOON - timedelta(days=2) + 13 * MINUTE),
        with_update(over, UpdateKind.POSTMORTEM, NOON - timedelta(days=1), text="A switch."),
    )
    save(
        board.store,
        lasting := opened(SLOW),
        lasting := with_update(lasting, UpdateKind.NOTE, NOON - 9 * MINUTE, text="secret", is_public=False),
        with_update(lasting, UpdateKind.ACKNOWLEDGED, NOON - 8 * MINUTE),
    )
    save(board.store, opened(OTHER, at=NOON - 20 * MINUTE, severity=Severity.DEGRADED, reason=PARTIAL))
    save(board.store, opened(LARGE, severity=Severity.ATTENTION))
    announced(board, "past", NOON - timedelta(days=3), note="New racks.", targets=(QUICK,))
    announced(board, "now", NOON - 10 * MINUTE, providers=("rival",))
    announced(board, "daily", NOON + timedelta(days=1), repeat=Repeat.DAILY)
    board.tick()
    return board


def judged(board: Board, target: str, state: State, reason: Reason) -> None:
    board.store.set_verdict(target, Verdict(state, reason, NOON - 30 * MINUTE, NOON))


def announced(board: Board, name: str, start: datetime, **changes: Any) -> None:
    rule = Maintenance(name, f"Work: {name}", start.replace(tzinfo=None), 3600.0, "Etc/UTC")
    board.store.put_maintenance(replace(rule, **changes))


def told(board: Board, path: str) -> dict[str, Any]:
    answer = board.client.get(f"/api/v2/{path}")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/json"
    read: dict[str, Any] = answer.json
    return read


def components(board: Board) -> dict[str, dict[str, Any]]:
    return {component["name"]: component for component in told(board, "components.json")["components"]}


@pytest.mark.parametrize("path", PATHS)
def test_answers_have_the_shape_of_real_status_pages(board: Board, path: str) -> None:
    answer = told(board, path)
    problems = Draft202012Validator(SCHEMAS[path], format_checker=FormatChecker()).iter_errors(answer)
    assert [f"{problem.json_path}: {problem.message}" for problem in problems] == []
    assert all(answer.values()), "an empty list proves nothing"


@pytest.mark.parametrize("path", PATHS)
def test_the_schema_refuses_what_no_status_page_says(board: Board, path: str) -> None:
    answer = told(board, path)
    validator = Draft202012Validator(SCHEMAS[path])
    assert not validator.is_valid({**answer, "more": 1})
    assert not validator.is_valid({name: value for name, value in answer.items() if name != "page"})
    assert not validator.is_valid({**answer, "page": {**answer["page"], "updated_at": "yesterday"}})


@pytest.mark.parametrize("path", PATHS)
def test_answers_are_valid_before_anything_is_known(tmp_path: Path, path: str) -> None:
    Draft202012Validator(SCHEMAS[path]).validate(told(an_empty_board(tmp_path), path))


def test_providers_are_groups_of_their_models_in_the_order_of_the_file(board: Board) -> None:
    found = told(board, "components.json")["components"]
    assert [(one["name"], one["group"], one["position"]) for one in found] == [
        ("acme", True, 1),
        ("quick", False, 1),
        ("slow", False, 2),
        ("vision/large", False, 3),
        ("rival", True, 2),
        ("other", False, 1),
    ]
    groups = {one["id"]: one for one in found if one["group"]}
    for one in found:
        if not one["group"]:
            assert one["id"] in groups[one["group_id"]]["components"]
    assert len({one["id"] for one in found}) == len(found)


def test_states_become_the_words_of_statuspage(board: Board) -> None:
    assert components(board)["other"]["status"] == "under_maintenance"
    board.store.delete_maintenance("now")
    board.tick()
    statuses = {name: component["status"] for name, component in components(board).items()}
    assert statuses == {
        "quick": "operational",
        "slow": "major_outage",
        "vision/large": "under_maintenance",
        "acme": "major_outage",
        "other": "partial_outage",
        "rival": "partial_outage",
    }
    assert components(board)["vision/large"]["description"] == "Unknown: not probed yet"
    assert components(board)["quick"]["description"] is None


@pytest.mark.parametrize("state", [state for state in State if state is not State.OPERATIONAL])
def test_no_other_state_is_operational(board: Board, state: State) -> None:
    judged(board, QUICK, state, FAILED)
    board.tick()
    assert components(board)["quick"]["status"] != "operational"
    assert told(board, "status.json")["status"]["indicator"] != "none"


def test_models_that_are_not_probed_are_no_components(board: Board) -> None:
    off = a_target("slow", readiness=Readiness.PAUSED)
    board.store.put_plan(a_plan((a_target("quick"), off, a_target("vision/large"))))
    board.store.put_pause(Pause(LARGE, NOON))
    board.tick()
    assert set(components(board)) == {"acme", "quick"}
    assert told(board, "status.json")["status"] == {
        "indicator": "none",
        "description": "All Systems Operational",
    }


@pytest.mark.parametrize(
    ("quick", "slow", "indicator", "description"),
    [
        (State.OPERATIONAL, State.OPERATIONAL, "none", "All Systems Operational"),
        (State.OPERATIONAL, State.MAINTENANCE, "maintenance", "Service Under Maintenance"),
        (State.OPERATIONAL, State.ATTENTION, "maintenance", "Unknown: 1 of 2 models"),
        (State.MAINTENANCE, State.UNKNOWN, "maintenance", "Unknown: 1 of 2 models"),
        (State.UNKNOWN, State.DEGRADED, "minor", "Partially Degraded Service"),
        (State.OPERATIONAL, State.DOWN, "major", "Partial System Outage"),
        (State.DOWN, State.DOWN, "critical", "Major System Outage"),
    ],
)
def test_the_indicator_is_of_the_worst_and_unknown_is_never_none(
    board: Board, quick: State, slow: State, indicator: str, description: str
) -> None:
    board.store.put_plan(a_plan((a_target("quick"), a_target("slow"))))
    for target, state in ((QUICK, quick), (SLOW, slow)):
        board.store.set_verdict(
            target, Verdict(state, Reason("slow", (("category", "lagging"),)), NOON, NOON + MINUTE)
        )
    board.tick()
    told_status = told(board, "status.json")["status"]
    assert told_status == {"indicator": indicator, "description": description}
    assert told(board, "summary.json")["status"] == told_status


def test_a_silent_agent_makes_nothing_operational(board: Board) -> None:
    board.clock.advance(3600)
    assert {component["status"] for component in components(board).values()} == {"under_maintenance"}
    assert told(board, "status.json")["status"] == {
        "indicator": "maintenance",
        "description": "Unknown: 4 of 4 models",
    }


def test_nothing_is_green_before_any_agent_has_run(tmp_path: Path) -> None:
    assert told(an_empty_board(tmp_path), "status.json")["status"]["indicator"] == "maintenance"


def test_incidents_are_newest_first_with_updates_newest_first(board: Board) -> None:
    found = told(board, "incidents.json")["incidents"]
    assert [(one["name"], one["status"], one["impact"]) for one in found] == [
        ("other is degraded", "investigating", "major"),
        ("slow is down", "identified", "critical"),
        ("quick was down", "postmortem", "critical"),
    ]
    assert [update["status"] for update in found[2]["incident_updates"]] == [
        "postmortem",
        "resolved",
        "investigating",
    ]
    assert found[2]["resolved_at"] == "2026-11-19T12:13:00.000Z"
    assert found[2]["started_at"] == "2026-11-19T12:00:00.000Z"
    assert [one["name"] for one in found[1]["components"]] == ["slow"]


def test_unresolved_ones_are_those_of_the_summary(board: Board) -> None:
    unresolved = told(board, "incidents/unresolved.json")["incidents"]
    assert [one["name"] for one in unresolved] == ["other is degraded", "slow is down"]
    assert told(board, "summary.json")["incidents"] == unresolved


def test_each_update_says_what_it_changed(board: Board) -> None:
    over = told(board, "incidents.json")["incidents"][2]
    changes = [update["affected_components"] for update in reversed(over["incident_updates"])]
    code = components(board)["quick"]["id"]
    assert changes == [
        [{"code": code, "name": "quick", "old_status": "operational", "new_status": "major_outage"}],
        [{"code": code, "name": "quick", "old_status": "major_outage", "new_status": "operational"}],
        None,
    ]


def test_models_join_worsen_and_leave(board: Board) -> None:
    save(
        board.store,
        one := opened(QUICK, at=NOON - 5 * MINUTE, severity=Severity.DEGRADED, reason=PARTIAL),
        one := with_update(
            one, UpdateKind.JOINED, NOON - 3 * MINUTE, targets=(LARGE,), severity=Severity.DOWN
        ),
        one := with_update(one, UpdateKind.LEFT, NOON - 2 * MINUTE, targets=(QUICK,), severity=Severity.DOWN),
        resolved(replace(one, affected=(*one.affected, replace(one.affected[0], target=LARGE))), NOON),
    )
    board.tick()
    newest = told(board, "incidents.json")["incidents"][0]
    steps = [
        {
            change["name"]: (change["old_status"], change["new_status"])
            for change in update["affected_components"]
        }
        for update in reversed(newest["incident_updates"])
    ]
    assert steps == [
        {"quick": ("operational", "partial_outage")},
        {"quick": ("partial_outage", "partial_outage"), "vision/large": ("operational", "major_outage")},
        {"quick": ("partial_outage", "operational"), "vision/large": ("major_outage", "major_outage")},
        {"vision/large": ("major_outage", "operational")},
    ]


def test_an_end_that_nobody_saw_is_not_operational(board: Board) -> None:
    save(board.store, one := opened(LARGE, at=NOON - MINUTE), resolved(one, NOON, Ending.UNWATCHED))
    board.tick()
    newest = told(board, "incidents.json")["incidents"][0]
    assert newest["incident_updates"][0]["affected_components"][0]["new_status"] == "under_maintenance"


def test_ids_stay_while_things_change(board: Board) -> None:
    before = told(board, "summary.json")
    save(board.store, with_update(found(board, SLOW), UpdateKind.NOTE, NOON, text="Soon."))
    judged(board, QUICK, State.DOWN, FAILED)
    board.tick()
    after = told(board, "summary.json")
    assert after["page"]["id"] == before["page"]["id"]
    assert ids(after["components"]) == ids(before["components"])
    assert ids(after["incidents"]) == ids(before["incidents"])
    assert ids(after["incidents"][1]["incident_updates"])[1:] == ids(
        before["incidents"][1]["incident_updates"]
    )


def ids(records: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in records]


def found(board: Board, target: str) -> Incident:
    (incident,) = board.store.incidents(IncidentQuery(targets=(target,))).incidents
    return incident


@pytest.mark.parametrize("path", PATHS)
def test_private_words_and_our_own_faults_are_nowhere(board: Board, path: str) -> None:
    text = board.client.get(f"/api/v2/{path}").text
    assert "secret" not in text
    assert "needs the operator" not in text.lower()


def test_at_most_fifty_incidents_are_told(board: Board) -> None:
    for n in range(60):
        save(board.store, opened(LARGE, at=NOON - timedelta(days=1, hours=n)))
    board.tick()
    told_ones = told(board, "incidents.json")["incidents"]
    assert len(told_ones) == 50
    assert told_ones[0]["name"] == "other is degraded"


def test_maintenance_is_told_before_while_and_after(board: Board) -> None:
    everything = told(board, "scheduled-maintenances.json")["scheduled_maintenances"]
    upcoming = told(board, "scheduled-maintenances/upcoming.json")["scheduled_maintenances"]
    (active,) = told(board, "scheduled-maintenances/active.json")["scheduled_maintenances"]
    assert everything == [*upcoming, active, *everything[len(upcoming) + 1 :]]
    assert upcoming[-1]["scheduled_for"] == "2026-11-22T12:00:00.000Z"
    assert {one["name"] for one in upcoming} == {"Work: daily"}
    assert [one["name"] for one in active["components"]] == ["other"]
    assert active["incident_updates"][0]["status"] == "in_progress"
    over = everything[-1]
    assert (over["name"], over["status"]) == ("Work: past", "completed")
    assert over["resolved_at"] == "2026-11-18T13:00:00.000Z"
    assert over["incident_updates"][-1]["body"] == "New racks."
    assert told(board, "summary.json")["scheduled_maintenances"] == [*upcoming, active]
    assert len(ids(everything)) == len(set(ids(everything)))


@pytest.mark.parametrize("path", PATHS)
def test_anyone_may_read_and_keep_it_for_a_while(board: Board, path: str) -> None:
    answer = board.client.get(f"/api/v2/{path}?_=1763726400")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=30"
    again = board.client.get(f"/api/v2/{path}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    asked_first = board.client.options(f"/api/v2/{path}")
    assert asked_first.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", PATHS)
def test_a_store_that_is_away_gives_503_and_no_old_news(board: Board, path: str) -> None:
    told(board, path)
    board.store_goes_away()
    answer = board.client.get(f"/api/v2/{path}")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.json is not None
    assert answer.json["error"]["code"] == "store_unavailable"


def test_addresses_are_those_that_the_operator_made_public(tmp_path: Path) -> None:
    board = a_board(tmp_path, WebSettings(public_url="https://status.example.com"))
    save(board.store, opened(QUICK))
    summary = told(board, "summary.json")
    assert summary["page"]["url"] == "https://status.example.com"
    assert summary["incidents"][0]["shortlink"].startswith("https://status.example.com/incidents/")


def test_it_is_english_for_every_reader(board: Board) -> None:
    asked = board.client.get("/api/v2/summary.json?lang=zh", headers={"Accept-Language": "zh"})
    assert asked.json == told(board, "summary.json")


def test_a_public_client_of_statuspage_works_unchanged(board: Board, tmp_path: Path) -> None:
    """statuspage-prometheus-exporter reads the summary of any page; here it is told nothing but our address."""
    with running(board.app) as server:
        (tmp_path / "services.json").write_text(
            f'{{"ours": {{"url": "{server.url}/api/v2/summary.json", "name": "Ours"}}}}', encoding="utf-8"
        )
        ran = subprocess.run(
            [sys.executable, "-m", "statuspage_prometheus_exporter.status_monitoring"],
            cwd=tmp_path,
            env={**os.environ, "RUN_MODE": "once", "METRICS_TEXTFILE_PATH": str(tmp_path / "out.prom")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        base = server.url
    assert ran.returncode == 0, ran.stderr
    families = text_string_to_metric_families((tmp_path / "out.prom").read_text(encoding="utf-8"))
    samples = [sample for family in families for sample in family.samples]
    seen = {s.labels["component_name"]: s.value for s in samples if s.name == "statuspage_component_status"}
    assert seen == {"quick": 1, "slow": 0, "vision/large": 0, "acme": 0, "other": 0, "rival": 0}
    incidents = {
        (s.labels["incident_name"], s.labels["impact"], s.labels["affected_components"])
        for s in samples
        if s.name == "statuspage_incident_info"
    }
    assert incidents == {("slow is down", "critical", "slow"), ("other is degraded", "major", "other")}
    assert {s.value for s in samples if s.name == "statuspage_probe_check"} == {1}
    links = {s.labels["shortlink"] for s in samples if s.name == "statuspage_incident_info"}
    assert all(link.startswith(f"{base}/incidents/") for link in links)
    windows = {s.labels["maintenance_name"] for s in samples if s.name == "statuspage_maintenance_info"}
    assert windows == {"Work: now", "Work: daily"}
