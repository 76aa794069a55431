"""/api/v1: what each address answers, and that nothing a stranger writes into a URL breaks it."""

import csv
import io
import json
import math
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes.domain.outcome import Outcome
from probes.domain.plan import PlanDiff, Problem
from probes.domain.result import RESULT_FIELDS, ProbeResult, Trigger
from probes.domain.state import Reason, State, Verdict
from tests.examples import NOON, a_result
from tests.web.serving import Board, a_board, a_plan, an_empty_board

QUICK = "acme/main/quick"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


def get(board: Board, path: str) -> dict[str, Any]:
    answer = board.client.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/json"
    told: dict[str, Any] = json.loads(answer.text, parse_constant=refuse_constant)
    return told


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def results_every_minute(count: int, **changes: Any) -> list[ProbeResult]:
    """Newest first."""
    return [a_result(due_at=NOON - timedelta(minutes=n), **changes) for n in range(count)]


def test_targets_come_in_the_order_of_the_configuration(board: Board) -> None:
    told = get(board, "/targets")
    assert [target["id"] for target in told["targets"]] == [QUICK, "acme/main/slow", "acme/main/vision/large"]
    assert told["targets"][2]["model"] == "vision/large"


def test_a_target_never_seen_is_unknown_and_has_no_figures(board: Board) -> None:
    first = get(board, "/targets")["targets"][0]
    assert first["state"] == "unknown"
    assert first["reason"] == {"key": "never_seen", "params": {}, "text": "not probed yet"}
    assert (first["category"], first["last_check"], first["since"]) == (None, None, None)


def test_a_target_tells_its_state_why_and_its_last_check(board: Board) -> None:
    newest = a_result(Outcome.STALLED)
    board.store.add_results([newest])
    reason = Reason("consecutive_failures", (("n", 3), ("outcome", "stalled")))
    board.store.set_verdict(QUICK, Verdict(State.DOWN, reason, NOON, NOON))
    first = get(board, "/targets")["targets"][0]
    assert (first["state"], first["since"]) == ("down", "2026-11-21T12:00:00Z")
    assert first["reason"]["text"] == "3 probes in a row failed: stalled"
    assert first["last_check"]["id"] == newest.id
    assert first["last_check"]["outcome"] == "stalled"


def test_one_target_has_its_plan_and_newest_results(board: Board) -> None:
    good, bad = a_result(due_at=NOON - timedelta(minutes=1)), a_result(Outcome.OVERLOADED)
    board.store.add_results([good, bad])
    told = get(board, f"/targets/{QUICK}")
    assert (told["newest"]["id"], told["newest_ok"]["id"]) == (bad.id, good.id)
    assert told["plan"]["interval_seconds"] == 60.0
    assert (told["total"], told["total_ok"]) == (2, 1)


@pytest.mark.parametrize("written", ["acme/main/vision/large", "acme%2Fmain%2Fvision%2Flarge"])
def test_a_target_may_be_written_with_slashes_or_escapes(board: Board, written: str) -> None:
    assert get(board, f"/targets/{written}")["target"]["id"] == "acme/main/vision/large"


def test_no_answer_holds_a_key_or_an_address_of_a_provider(board: Board) -> None:
    for path in ("/targets", f"/targets/{QUICK}", "/config", "/health", "/statistics"):
        text = board.client.get(f"/api/v1{path}").text
        assert "sk-test" not in text
        assert "127.0.0.1:9" not in text


def test_a_removed_target_keeps_its_history(board: Board) -> None:
    board.store.add_results([a_result(target="gone/main/old")])
    told = get(board, "/targets/gone/main/old")
    assert (told["plan"], told["target"]["state"], told["total"]) == (None, None, 1)
    assert get(board, "/targets/gone/main/old/series")["target"] == "gone/main/old"


def test_statistics_are_the_table_of_the_page(board: Board) -> None:
    board.store.add_results(results_every_minute(3))
    api = get(board, "/statistics?window=7d&sort=-n&q=quick")
    page = board.client.get("/stats.json?window=7d&sort=-n&q=quick").json
    assert api == page
    assert [row["target"] for row in api["rows"]] == [QUICK]
    assert api["rows"][0]["figures"]["n"] == 3


def test_results_have_the_record_s_field_names(board: Board) -> None:
    result = a_result(ttft_seconds=0.123456789)
    board.store.add_results([result])
    told = get(board, "/results")["results"][0]
    assert tuple(told) == RESULT_FIELDS
    assert told["ttft_seconds"] == 0.123456789
    assert told["due_at"] == "2026-11-21T12:00:00Z"
    assert get(board, f"/results/{result.id}") == told


def test_results_page_by_cursor_through_everything_once(board: Board) -> None:
    results = results_every_minute(7)
    board.store.add_results(results)
    seen, path = [], "/api/v1/results?limit=3&provider=acme"
    while path:
        answer = board.client.get(path)
        seen += [result["id"] for result in answer.json["results"]]  # type: ignore[index]
        following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        path = following.group(1) if following else ""
    assert seen == [result.id for result in results]


def test_what_came_in_since_is_asked_with_the_newest_cursor(board: Board) -> None:
    board.store.add_results(results_every_minute(2))
    cursor = get(board, "/results")["newest_cursor"]
    assert get(board, f"/results?after={cursor}")["results"] == []
    later = a_result(due_at=NOON + timedelta(minutes=1))
    board.store.add_results([later])
    assert [result["id"] for result in get(board, f"/results?after={cursor}")["results"]] == [later.id]


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("outcome=stalled", 1),
        ("outcome=stalled&outcome=ok", 3),
        ("trigger=manual", 1),
        ("model=slow", 1),
        ("model=no-such", 0),
        ("target=acme/main/quick", 2),
        ("provider=other", 0),
        ("until=2026-11-21T12:00:00Z", 0),
        ("since=2026-11-21T12:00:00Z&limit=2", 2),
    ],
)
def test_results_are_filtered(board: Board, query: str, n: int) -> None:
    board.store.add_results(
        [a_result(), a_result(Outcome.STALLED), a_result(target="acme/main/slow", trigger=Trigger.MANUAL)]
    )
    assert len(get(board, f"/results?{query}")["results"]) == n


def test_figures_that_are_no_numbers_become_null(board: Board) -> None:
    board.store.add_results([a_result(ttft_seconds=math.inf, throughput=math.inf)])
    told = get(board, "/results")["results"][0]
    assert (told["ttft_seconds"], told["throughput"]) == (None, None)


@pytest.mark.parametrize(
    ("query", "points"), [("window=24h", 24), ("window=7d&period=day", 7), ("window=1h", 2)]
)
def test_a_series_has_every_step_and_null_for_gaps(board: Board, query: str, points: int) -> None:
    board.store.add_results([a_result()])
    board.tick()
    told = get(board, f"/targets/{QUICK}/series?{query}")
    assert len(told["points"]) == points
    assert told["points"][-1]["n"] == 1
    assert told["points"][0]["ttft_p50_seconds"] is None


def test_the_export_holds_every_matching_record(board: Board) -> None:
    results = results_every_minute(5, error='=1+1\n"quoted", 中文')
    board.store.add_results([*results, a_result(target="acme/main/slow")])
    answer = board.client.get("/api/v1/results.csv?model=quick")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == [result.id for result in results]
    assert tuple(rows[0]) == RESULT_FIELDS
    assert rows[0]["error"].startswith("'="), "no formula for a spreadsheet"
    assert "attachment" in answer.headers["Content-Disposition"]

    lines = board.client.get("/api/v1/results.ndjson?model=quick").text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [result.id for result in results]
    assert json.loads(lines[0]) == get(board, f"/results/{results[0].id}")


def test_the_configuration_tells_its_last_change_and_why_a_newer_one_was_refused(board: Board) -> None:
    problem = Problem("unknown key modles", "Did you mean models?", "apis.acme", 7, 3, "local.yaml")
    board.store.put_plan(a_plan(last_diff=PlanDiff(added=(QUICK,)), problems=(problem,)))
    told = get(board, "/config")
    assert (told["version"], told["last_diff"]["added"]) == ("v1", [QUICK])
    assert (told["problems"][0]["line"], told["problems"][0]["cure"]) == (7, "Did you mean models?")


def test_before_any_agent_there_is_no_configuration(tmp_path: Path) -> None:
    board = an_empty_board(tmp_path)
    assert board.client.get("/api/v1/config").status_code == 404
    assert get(board, "/targets")["targets"] == []


def test_an_unknown_parameter_is_refused_with_the_likely_one(board: Board) -> None:
    answer = board.client.get("/api/v1/results?provder=acme")
    error = answer.json["error"]  # type: ignore[index]
    assert (answer.status_code, error["parameter"]) == (400, "provder")
    assert "Did you mean provider?" in error["cure"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_for_people_describes_every_operation(board: Board, language: str) -> None:
    page = board.client.get(f"/api/v1/docs?lang={language}")
    assert page.status_code == 200
    for path in ("/targets/{target}/series", "/results.ndjson", "/refresh/{refresh_id}"):
        assert path in page.text
    targets = set(re.findall(r'href="#([^"]+)"', page.text)) - {"main"}
    anchors = set(re.findall(r'id="([^"]+)"', page.text))
    assert targets <= anchors | {name for name in targets if name.startswith("i-")}, "no link leads nowhere"


def get_routes(board: Board) -> list[str]:
    skipped = {"/live"}  # a stream; its parameters are those of /live/changes
    return sorted(
        rule.rule
        for rule in board.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.rule not in skipped
    )


HOSTILE = (
    "q[]=a&provider[$ne]=x&target[0][x]=1",
    'provider=$ne&target={"$gt":""}&model=$where',
    "cursor=%00&after=%00&since=%00&limit=%00&window=%00",
    "provider=" + "x" * 7000,
    "&".join(f"target={n}" for n in range(1000)),
    "lang=%F0%9F%92%A9&theme=%ff%fe&q=%ED%A0%80&refresh=%00",
    "q=%E2%80%AE%E2%80%AE&sort=--n&state=DOWN&category=*",
    "since=2026-11-21T00:00:00Z&until=2026-11-20T00:00:00Z",
    "limit=99999999999999999999&limit=-1",
    "period=week&window=1000d&fragment=1&id=x&lanes=2&wall=zz",
    "%00=%00&=&&&=;",
    "refresh=../../etc/passwd&next=//evil.example",
    "a" * 8000,
)


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: query[:24])
def test_no_query_string_breaks_any_page(board: Board, query: str) -> None:
    board.store.add_results([a_result(), a_result(Outcome.STALLED)])
    for rule in get_routes(board):
        path = re.sub(r"<[^>]*target>", QUICK, rule)
        path = re.sub(r"<[^>]*>", "x", path)
        answer = board.client.get(f"{path}?{query}")
        answer.close()
        assert answer.status_code in (200, 302, 308, 400, 404, 414), f"{path} gave {answer.status_code}"


@pytest.mark.parametrize(
    "value",
    [
        "%00",
        "..%2f..%2fapp.py",
        "%ff%fe",
        "{{7*7}}",
        "$ne",
        "a" * 3000,
        "%E2%80%AE",
        "<script>",
        "acme//quick",
    ],
)
def test_no_path_breaks_any_page(board: Board, value: str) -> None:
    for rule in get_routes(board):
        if "<" not in rule:
            continue
        answer = board.client.get(re.sub(r"<[^>]*>", value, rule))
        assert answer.status_code in (308, 400, 404, 414), rule
        assert "<script>" not in answer.text.split("<main")[-1]


@given(
    path=st.text(max_size=60),
    names=st.lists(
        st.one_of(
            st.sampled_from(["window", "q", "since", "cursor", "limit", "state"]), st.text(max_size=20)
        ),
        max_size=4,
    ),
    value=st.text(max_size=200),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_at_all_breaks_the_site(board: Board, path: str, names: list[str], value: str) -> None:
    query = "&".join(f"{quote(name, errors='replace')}={quote(value, errors='replace')}" for name in names)
    for prefix in ("/", "/api/v1/", "/models/", "/api/v1/targets/", "/result/", "/static/"):
        answer = board.client.get(f"{prefix}{quote(path, errors='replace')}?{query}")
        assert answer.status_code < 500
