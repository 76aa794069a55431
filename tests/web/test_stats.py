"""The statistics table: figures, order, filters, and the page around them."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from probes.domain.outcome import Outcome
from probes.domain.plan import PlannedTarget
from probes.domain.result import Category, Trigger
from probes.domain.state import State
from probes.domain.target import Readiness
from probes.verdicts.rules import Subject, judge
from probes.web.memo import Memo
from probes.web.queries.stats import (
    WORST_FIRST,
    StatsColumn,
    StatsQuery,
    StatsRow,
    StatsSort,
    StatsTable,
    stats_table,
)
from probes.web.snapshot import Snapshots
from probes.web.windows import Window
from tests.examples import NOON, a_result, a_target
from tests.web.serving import Board, a_board, a_plan

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ config }}",
    "a\0b",
    "\u202egnp.exe",
    "%00%ff",
    "' OR 1=1 --",
    "x" * 10_000,
    "-",
    "--ttft_p95",
    "$ne",
)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


def probe(
    board: Board, target: str, *outcomes: Outcome, every: timedelta = timedelta(minutes=1), **changes: object
) -> None:
    """Results of a target, the newest one now."""
    results = [
        a_result(outcome, board.clock.now() - position * every, target, **changes)
        for position, outcome in enumerate(reversed(outcomes))
    ]
    board.store.add_results(results)
    board.tick()


def judged(board: Board) -> None:
    """What an agent does after each probe."""
    plan = board.store.plan()
    assert plan is not None
    for target in plan.targets:
        subject = Subject(target.readiness, target.readiness_reason, target.interval_seconds)
        recent = board.store.recent((target.id,), 10).get(target.id, ())
        board.store.set_verdict(target.id, judge(subject, recent, board.clock.now()))
    board.tick()


def table_of(board: Board, query: StatsQuery | None = None) -> StatsTable:
    return stats_table(Snapshots(board.store, board.clock).current(), query or StatsQuery(), Memo())


def row_of(board: Board, target: str, window: Window = Window.DAY) -> StatsRow:
    return next(row for row in table_of(board, StatsQuery(window=window)).rows if row.target == target)


def names(html: str) -> list[str]:
    """The targets of the table, in the order shown."""
    return re.findall(r'<tr class="stats-row[^>]* data-target="([^"]+)"', html)


def test_every_configured_model_has_a_row_even_one_never_probed(board: Board) -> None:
    assert [row.target for row in table_of(board).rows] == [
        "acme/main/quick",
        "acme/main/slow",
        "acme/main/vision/large",
    ]
    figures = row_of(board, "acme/main/slow").figures
    assert (figures.n, figures.availability, figures.ttft_p50_seconds, figures.errors) == (0, None, None, ())


def test_figures_are_those_of_the_results(board: Board) -> None:
    probe(
        board,
        "acme/main/quick",
        *[Outcome.OK] * 9,
        Outcome.STALLED,
        ttft_seconds=0.4,
        response_seconds=2.0,
        throughput=80.0,
    )
    row = row_of(board, "acme/main/quick")
    figures = row.figures
    assert (figures.n, figures.ok, figures.faulty, figures.availability) == (10, 9, 1, 0.9)
    assert figures.ttft_p50_seconds == pytest.approx(0.4, rel=0.01)
    assert figures.response_p95_seconds == pytest.approx(2.0, rel=0.01)
    assert figures.throughput_p50 == pytest.approx(80, rel=0.01)
    assert [(error.outcome, error.n) for error in figures.errors] == [(Outcome.STALLED, 1)]
    assert row.last_check_at == NOON


def test_our_own_faults_stand_beside_availability_not_in_it(board: Board) -> None:
    probe(board, "acme/main/quick", Outcome.OK, Outcome.AUTH, Outcome.RATE_LIMITED, Outcome.MISSED)
    figures = row_of(board, "acme/main/quick").figures
    assert (figures.availability, figures.n, figures.ok + figures.faulty) == (1.0, 4, 1)
    assert {error.outcome for error in figures.errors} == {Outcome.AUTH, Outcome.RATE_LIMITED, Outcome.MISSED}


def test_a_window_counts_its_own_buckets_only(board: Board) -> None:
    probe(board, "acme/main/quick", *[Outcome.OK] * 40, every=timedelta(hours=12))
    counts = {window: row_of(board, "acme/main/quick", window).figures.n for window in Window}
    assert counts == {Window.HOUR: 1, Window.DAY: 2, Window.WEEK: 14, Window.MONTH: 40, Window.QUARTER: 40}


def test_manual_probes_move_the_last_check_but_no_figure(board: Board) -> None:
    probe(board, "acme/main/quick", Outcome.OK, trigger=Trigger.MANUAL)
    row = row_of(board, "acme/main/quick")
    assert (row.figures.n, row.last_check_at) == (0, NOON)


def test_figures_change_as_soon_as_results_come_in(board: Board) -> None:
    snapshots, memo = Snapshots(board.store, board.clock), Memo()
    for expected in (1, 2):
        probe(board, "acme/main/quick", Outcome.OK)
        table = stats_table(snapshots.current(), StatsQuery(), memo)
        assert table.rows[0].figures.n == expected


@pytest.mark.parametrize("is_descending", [False, True], ids=["ascending", "descending"])
@pytest.mark.parametrize(
    "column",
    [
        *(StatsColumn.AVAILABILITY, StatsColumn.TTFT_P50, StatsColumn.TTFT_P95, StatsColumn.TTFT_P99),
        *(StatsColumn.RESPONSE_P50, StatsColumn.RESPONSE_P95, StatsColumn.THROUGHPUT_P50),
        *(StatsColumn.LAST_CHECK, StatsColumn.ERRORS),
    ],
)
def test_unknown_comes_last_in_either_direction(
    board: Board, column: StatsColumn, is_descending: bool
) -> None:
    probe(board, "acme/main/slow", Outcome.OK)
    rows = table_of(board, StatsQuery(sort=StatsSort(column, is_descending))).rows
    assert [row.model for row in rows] == ["slow", "quick", "vision/large"]


@pytest.mark.parametrize(
    ("is_descending", "expected"), [(False, ["quick", "slow"]), (True, ["slow", "quick"])]
)
def test_sorting_by_a_percentile(board: Board, is_descending: bool, expected: list[str]) -> None:
    probe(board, "acme/main/quick", Outcome.OK, ttft_seconds=0.2)
    probe(board, "acme/main/slow", Outcome.OK, ttft_seconds=4.0)
    rows = table_of(board, StatsQuery(sort=StatsSort(StatsColumn.TTFT_P95, is_descending))).rows
    assert [row.model for row in rows][:2] == expected


@pytest.mark.parametrize("is_descending", [False, True], ids=["ascending", "descending"])
def test_equal_values_keep_the_order_of_provider_and_model(board: Board, is_descending: bool) -> None:
    rows = table_of(board, StatsQuery(sort=StatsSort(StatsColumn.N, is_descending))).rows
    assert [row.model for row in rows] == ["quick", "slow", "vision/large"]


def test_the_worst_state_comes_first_by_itself(board: Board) -> None:
    probe(board, "acme/main/quick", Outcome.OK)
    probe(board, "acme/main/vision/large", *[Outcome.SERVER_ERROR] * 4)
    judged(board)
    assert [row.state for row in table_of(board).rows] == [State.DOWN, State.UNKNOWN, State.OPERATIONAL]


def test_every_state_has_a_rank() -> None:
    assert sorted(WORST_FIRST) == sorted(State)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("QUICK", {"quick"}),
        ("acme large", {"vision/large"}),
        ("  ", {"quick", "slow", "vision/large"}),
        ("quick slow", set()),
    ],
)
def test_search_wants_every_word_in_any_case(board: Board, search: str, expected: set[str]) -> None:
    assert {row.model for row in table_of(board, StatsQuery(search=search)).rows} == expected


def test_filters_are_joined_by_and_their_values_by_or(board: Board) -> None:
    probe(board, "acme/main/quick", Outcome.OK, response_seconds=1.0)
    probe(board, "acme/main/slow", Outcome.OK, response_seconds=40.0)
    judged(board)
    both = StatsQuery(categories=(Category.SMOOTH, Category.CONGESTION))
    assert {row.model for row in table_of(board, both).rows} == {"quick", "slow"}
    assert {row.model for row in table_of(board, replace(both, search="slow")).rows} == {"slow"}
    assert table_of(board, replace(both, states=(State.DOWN,))).rows == ()
    assert table_of(board, replace(both, providers=("nobody",))).total == 3


def test_few_probes_make_a_row_grey_and_say_why(board: Board) -> None:
    probe(board, "acme/main/quick", *[Outcome.OK] * 19)
    probe(board, "acme/main/slow", *[Outcome.OK] * 20)
    sparse = {row.model: row.figures.is_sparse for row in table_of(board).rows}
    assert sparse == {"quick": True, "slow": False, "vision/large": False}
    html = board.client.get("/stats").text
    assert html.count("stats-row--sparse") == 1
    assert "Fewer than 20 probes in this window" in html


def test_the_sorted_column_says_so_and_its_link_turns_the_order(board: Board) -> None:
    html = board.client.get("/stats?sort=-ttft_p95").text
    assert re.findall(r'aria-sort="(\w+)"', html) == ["descending"]
    assert 'href="/stats?sort=ttft_p95"' in html
    assert 'href="/stats?sort=-n"' in html  # counts begin with the largest


def test_page_csv_and_json_show_the_same_rows_in_the_same_order(board: Board) -> None:
    probe(board, "acme/main/quick", Outcome.OK, ttft_seconds=3.0)
    probe(board, "acme/main/slow", Outcome.OK, ttft_seconds=1.0)
    query = "?q=main&sort=ttft_p50&window=7d"
    html, csv, body = (board.client.get(path + query) for path in ("/stats", "/stats.csv", "/stats.json"))
    shown = names(html.text)
    assert shown == ["acme/main/slow", "acme/main/quick", "acme/main/vision/large"]
    assert [line.split(",")[0] for line in csv.text.splitlines()[1:]] == shown
    assert [row["target"] for row in body.json["rows"]] == shown  # type: ignore[index]
    assert "/stats.csv?window=7d&amp;q=main&amp;sort=ttft_p50" in html.text


def test_the_json_of_the_page_is_the_api_of_the_same_query(board: Board) -> None:
    probe(board, "acme/main/quick", Outcome.OK)
    page, api = (board.client.get(path + "?sort=-n").json for path in ("/stats.json", "/api/v1/statistics"))
    assert page == api


def test_the_interval_stands_with_every_availability(board: Board) -> None:
    probe(board, "acme/main/quick", *[Outcome.OK] * 49, Outcome.STALLED)
    html = board.client.get("/stats").text
    assert "95\xa0% interval 89.50\xa0% to 99.65\xa0%; 49 of 50" in html


def test_a_filter_that_hides_all_can_be_cleared(board: Board) -> None:
    html = board.client.get("/stats?q=nothing-like-this&window=7d").text
    assert "0 of 3 models match." in html
    assert 'href="/stats?window=7d"' in html


def test_without_a_configuration_it_says_how_to_add_a_model(tmp_path: Path) -> None:
    board = a_board(tmp_path)
    board.store.put_plan(a_plan(targets=()))
    board.tick()
    html = board.client.get("/stats").text
    assert "No models are configured yet." in html
    assert "config/local.yaml" in html


def test_paused_and_unconfigured_models_are_listed_without_figures(board: Board) -> None:
    targets = (
        a_target("off", readiness=Readiness.PAUSED),
        a_target("bare", readiness=Readiness.NOT_CONFIGURED),
    )
    board.store.put_plan(replace(a_plan(), targets=tuple(PlannedTarget.of(target) for target in targets)))
    board.tick()
    assert {row.model: row.state for row in table_of(board).rows} == {
        "off": State.PAUSED,
        "bare": State.NOT_CONFIGURED,
    }


def test_the_table_outlives_the_store_with_its_age(board: Board) -> None:
    probe(board, "acme/main/quick", Outcome.OK)
    assert names(board.client.get("/stats").text)
    board.store_goes_away()
    answer = board.client.get("/stats")
    assert answer.status_code == 200
    assert names(answer.text)
    assert "The database cannot be reached." in answer.text


@pytest.mark.parametrize(
    "path", ["/stats", "/stats.csv", "/stats.json", "/result", "/result.csv", "/result.ndjson"]
)
@pytest.mark.parametrize(
    "value", HOSTILE, ids=[value[:20].encode("unicode_escape").decode() for value in HOSTILE]
)
def test_hostile_query_strings_are_answered_harmlessly(board: Board, path: str, value: str) -> None:
    for name in (
        "q",
        "provider",
        "sort",
        "state",
        "window",
        "since",
        "cursor",
        "after",
        "target",
        "model",
        "limit",
    ):
        answer = board.client.get(path, query_string={name: value}, buffered=True)
        assert answer.status_code in (200, 400, 414), (name, answer.status_code)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.mimetype == "text/html":
            assert b"<script>alert" not in answer.data
            assert b"<img src=x" not in answer.data


def test_hostile_names_are_escaped_in_the_table(board: Board) -> None:
    name = "<b>x</b>\u202e\"'&"
    target = a_target("evil", display_name=name, provider="<i>p</i>")
    board.store.put_plan(a_plan(targets=(target,)))
    board.tick()
    html = board.client.get("/stats").text
    assert "<b>x</b>" not in html
    assert "<i>p</i>" not in html
    assert "\u202e" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html


def test_errors_link_to_their_records(board: Board) -> None:
    probe(board, "acme/main/quick", Outcome.STALLED, Outcome.SERVER_ERROR, Outcome.STALLED)
    html = board.client.get("/stats").text
    link = re.search(r'href="(/result\?[^"]*outcome=stalled[^"]*)"', html)
    assert link is not None
    answer = board.client.get(link[1].replace("&amp;", "&"))
    assert answer.text.count("data-record") == 3


def test_the_rows_are_ready_for_the_script_to_sort(board: Board) -> None:
    """data-v is a plain number, or empty for unknown; the script reads nothing else."""
    probe(board, "acme/main/quick", Outcome.OK, ttft_seconds=0.5)
    html = board.client.get("/stats").text
    row = html[html.index('data-target="acme/main/quick"') :].split("</tr>")[0]
    values = re.findall(r'data-v="([^"]*)"', row)
    assert len(values) == len(StatsColumn)
    assert float(values[5]) == pytest.approx(0.5, rel=0.01)
    other = html[html.index('data-target="acme/main/slow"') :].split("</tr>")[0]
    assert re.findall(r'data-v="([^"]*)"', other)[4:11] == [""] * 7


def test_the_json_is_plain_json(board: Board) -> None:
    body = json.loads(board.client.get("/stats.json").data)
    assert body["total"] == 3
    assert body["query"]["window"] == "24h"
