"""One model's page: series without invented points, the hour-of-week map, and honest words for every state."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from probes.domain.event import EventKind, TargetEvent
from probes.domain.outcome import Fault, Outcome
from probes.domain.plan import PlannedTarget
from probes.domain.rollup import Period
from probes.domain.target import Deadlines, Prices, Readiness, RequestOptions, Thresholds
from probes.web.captions import captions
from probes.web.queries.model import ModelView, Series, model_view, rollup_series
from probes.web.snapshot import Snapshots
from probes.web.windows import Window
from tests.examples import NOON, a_result, a_target
from tests.web.serving import Board, a_board, a_plan

QUICK = "acme/main/quick"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


def series_of(board: Board, window: Window, period: Period | None = None) -> Series:
    return rollup_series(board.store, QUICK, window, board.clock.now(), period)


def view_of(board: Board, target: str = QUICK, window: Window = Window.WEEK) -> ModelView:
    view = model_view(Snapshots(board.store, board.clock).current(), board.store, target, window)
    assert view is not None
    return view


def hourly(board: Board, hours: int, start: datetime = NOON, **changes: object) -> None:
    results = [
        a_result(due_at=start - timedelta(hours=position), **changes)  # type: ignore[arg-type]
        for position in range(hours)
    ]
    board.store.add_results(results)
    board.tick()


@pytest.mark.parametrize(
    ("window", "step_hours", "points"),
    [
        (Window.HOUR, 1, 2),
        (Window.DAY, 1, 24),
        (Window.WEEK, 1, 6 * 24 + 13),
        (Window.MONTH, 6, 29 * 4 + 3),
        (Window.QUARTER, 24, 90),
    ],
)
def test_a_series_has_every_step_of_its_window(
    board: Board, window: Window, step_hours: int, points: int
) -> None:
    series = series_of(board, window)
    assert (series.step_seconds, len(series.points)) == (step_hours * 3600, points)
    assert series.points[0].start == series.since == window.start(NOON)
    assert series.points[-1].start <= NOON < series.until


def test_a_gap_is_none_and_never_zero(board: Board) -> None:
    board.store.add_results([a_result(due_at=NOON), a_result(due_at=NOON - timedelta(hours=2))])
    older, gap, newest = series_of(board, Window.DAY).points[-3:]
    assert (older.n, gap.n, newest.n) == (1, 0, 1)
    assert gap.ttft_p50_seconds is gap.response_p95_seconds is gap.throughput_p50 is None
    assert newest.ttft_p50_seconds == pytest.approx(0.25, rel=0.01)


def test_a_step_of_failures_only_has_counts_but_no_latency(board: Board) -> None:
    board.store.add_results([a_result(Outcome.STALLED), a_result(Outcome.AUTH, NOON - timedelta(seconds=5))])
    before, point = series_of(board, Window.DAY).points[-2:]
    assert (point.ttft_p50_seconds, point.faults) == (None, {Fault.PROVIDER: 1})
    assert before.faults == {Fault.OURS: 1}


def test_locations_are_merged(board: Board) -> None:
    board.store.add_results([a_result(location="here", ttft_seconds=0.1)])
    board.store.add_results([a_result(location="there", ttft_seconds=0.9)])
    point = series_of(board, Window.DAY).points[-1]
    assert point.n == 2
    assert point.ttft_p95_seconds == pytest.approx(0.9, rel=0.01)


@pytest.mark.parametrize("window", list(Window))
def test_the_series_adds_up_to_the_figures_and_to_the_statistics_page(board: Board, window: Window) -> None:
    hourly(board, 24 * 40)
    view = view_of(board, window=window)
    assert view.series.n == view.figures.n
    rows = board.client.get(f"/stats.json?window={window}&q=quick").json["rows"]  # type: ignore[index]
    assert rows[0]["figures"]["n"] == view.figures.n
    assert rows[0]["figures"]["ttft_p95_seconds"] == view.figures.ttft_p95_seconds


def test_the_api_may_ask_for_its_own_period(board: Board) -> None:
    hourly(board, 30)
    assert len(series_of(board, Window.MONTH, Period.DAY).points) == 30
    assert series_of(board, Window.MONTH, Period.HOUR).step_seconds == 3600


def test_the_week_map_compares_hours_that_have_enough_results(board: Board) -> None:
    for week in range(3):
        at = NOON - timedelta(weeks=week)
        board.store.add_results(
            [
                a_result(due_at=at, ttft_seconds=2.0),
                a_result(due_at=at - timedelta(hours=1), ttft_seconds=0.5),
            ]
        )
    board.store.add_results([a_result(due_at=NOON - timedelta(hours=5), ttft_seconds=9.0)])
    cells = {(cell.weekday, cell.hour): cell for cell in view_of(board).week}
    assert len(cells) == 168
    slow, fast, few, none = cells[5, 12], cells[5, 11], cells[5, 7], cells[0, 0]
    assert (slow.n, fast.n, few.n, none.n) == (3, 3, 1, 0)
    assert (few.level, none.level, none.ttft_p50_seconds) == (None, None, None)
    assert slow.level is not None
    assert fast.level is not None
    assert slow.level > fast.level


def test_equal_hours_have_equal_colour(board: Board) -> None:
    hourly(board, 24 * 28)
    assert len({cell.level for cell in view_of(board).week}) == 1


def test_three_weeks_make_a_band_of_what_is_usual_and_a_figure_in_the_header(board: Board) -> None:
    hourly(board, 24 * 21, NOON - timedelta(hours=1))
    view = view_of(board)
    point, usual = view.series.points[-1], view.series.usual
    assert usual is not None
    assert usual.ttft_seconds is not None
    assert usual.ttft_seconds.value == pytest.approx(0.25, rel=0.011)
    assert (usual.ttft_seconds.n, usual.ttft_seconds.scope, usual.days) == (21, "hour_of_day", 22)
    assert point.ttft_usual_low_seconds == pytest.approx(0.25 / 1.5, rel=0.011)
    assert point.ttft_usual_high_seconds == pytest.approx(0.25 * 1.5, rel=0.011)
    html = board.client.get("/models/acme/main/quick").text
    assert "usual first token 0.25\xa0s (n 21 in 22 days)" in html
    assert "0.37\xa0s or more is slow (n 21)" in html
    assert 'data-band="ttft_usual_low_seconds ttft_usual_high_seconds"' in html
    assert html.count('data-key="ttft_usual_') == 2


def test_the_api_gives_what_is_usual_with_its_n_and_its_window(board: Board) -> None:
    hourly(board, 24 * 21, NOON - timedelta(hours=1))
    told = board.client.get("/api/v1/targets/acme/main/quick/series?window=24h").json
    assert told["usual"]["ttft_seconds"]["n"] == 21  # type: ignore[index]
    assert (told["usual"]["days"], told["usual"]["since"]) == (22, "2026-10-31T12:00:00Z")  # type: ignore[index]
    assert told["points"][0]["ttft_usual_high_seconds"] == pytest.approx(0.375, rel=0.011)  # type: ignore[index]


def test_days_that_are_too_few_have_no_band(board: Board) -> None:
    hourly(board, 24 * 7)
    assert view_of(board).series.usual is None
    html = board.client.get("/models/acme/main/quick").text
    assert "data-band" not in html
    assert "usual first token" not in html


def test_an_incident_and_what_came_before_our_own_change_do_not_make_the_usual(board: Board) -> None:
    hourly(board, 24 * 21, NOON - timedelta(hours=1))
    change = (NOON - timedelta(days=2), "0" * 32)
    board.store.add_events([TargetEvent.of(QUICK, EventKind.SPEC_CHANGED, ("a", "b"), change)])
    assert view_of(board).series.usual is None


def test_a_model_never_heard_of_is_not_found_and_names_the_nearest(board: Board) -> None:
    answer = board.client.get("/models/acme/main/quik")
    assert answer.status_code == 404
    assert "/models/acme/main/quick" in answer.text


@pytest.mark.parametrize(
    "target", ["<script>alert(1)</script>", "a/b/%00", "../../etc/passwd", "x" * 3000, "acme/main/"]
)
def test_hostile_model_names_are_harmless(board: Board, target: str) -> None:
    answer = board.client.get(f"/models/{target}")
    assert answer.status_code in (308, 400, 404)
    assert "<script>alert" not in answer.text


def test_a_removed_model_keeps_its_history_and_says_so(board: Board) -> None:
    hourly(board, 30)
    board.store.put_plan(a_plan(targets=(a_target("slow"),)))
    board.tick()
    answer = board.client.get("/models/acme/main/quick")
    assert answer.status_code == 200
    assert "Removed from the configuration." in answer.text
    assert "30 of 30" in answer.text
    assert "How it is measured" not in answer.text
    assert 'name="target" value="acme/main/quick"' not in answer.text  # no Refresh for what cannot be probed


def test_a_model_waiting_for_its_first_probe_says_when(board: Board) -> None:
    html = board.client.get("/models/acme/main/quick").text
    assert "The first probe has not come back yet." in html
    assert "Probed every 1\xa0min" in html
    assert "How it is measured" in html


@pytest.mark.parametrize(
    ("readiness", "reason", "text"),
    [
        (
            Readiness.NOT_CONFIGURED,
            "environment variable ACME_KEY is not set",
            "environment variable ACME_KEY is not set",
        ),
        (Readiness.PAUSED, "", "switched off in the configuration"),
    ],
)
def test_a_model_that_is_not_probed_says_why(
    board: Board, readiness: Readiness, reason: str, text: str
) -> None:
    target = a_target("off", readiness=readiness, readiness_reason=reason)
    board.store.put_plan(a_plan(targets=(target,)))
    board.tick()
    html = board.client.get("/models/acme/main/off").text
    assert "Never probed." in html
    assert text in html


def test_a_window_without_probes_still_shows_the_newest_records(board: Board) -> None:
    hourly(board, 3, NOON - timedelta(days=20))
    html = board.client.get("/models/acme/main/quick?window=24h").text
    assert "No scheduled probe in this window." in html
    assert html.count("data-record") == 3
    assert "uPlot.iife.min.js" not in html  # nothing to draw, nothing to load


def test_how_it_is_measured_is_what_the_plan_says(board: Board) -> None:
    target = a_target(
        interval_seconds=900,
        options=RequestOptions(max_tokens=48, prompt="Say <b>hello</b>"),
        deadlines=Deadlines(first_token_seconds=45),
        thresholds=Thresholds(smooth_seconds=3.5),
        prices=Prices(1.5, 6),
        labels={"team": "search"},
    )
    board.store.put_plan(replace(a_plan(), targets=(PlannedTarget.of(target),)))
    board.store.add_results([a_result(prompt_version="count-1")])
    board.tick()
    html = board.client.get("/models/acme/main/quick").text
    for text in (
        "15\xa0min",
        "48",
        "Say &lt;b&gt;hello&lt;/b&gt;",
        "first token 45\xa0s",
        "smooth below 3.5\xa0s",
    ):
        assert text in html
    for text in ("input 1.50 · output 6.00", "team", "search", "count-1", "OpenAI Chat Completions"):
        assert text in html


def test_a_gap_is_a_dash_in_the_table_that_the_charts_are_drawn_from(board: Board) -> None:
    board.store.add_results([a_result(due_at=NOON), a_result(due_at=NOON - timedelta(hours=2))])
    board.tick()
    html = board.client.get("/models/acme/main/quick?window=24h").text
    rows = re.findall(r"<tr><th scope=\"row\" data-t.*?</tr>", html, flags=re.DOTALL)
    cells = [re.findall(r"<td>(.*?)</td>", row) for row in rows]
    assert len(cells) == 24
    assert cells[-1] == cells[-3]
    assert [float(cell) for cell in cells[-1]] == pytest.approx([0.25, 0.25, 1.25, 1.25, 50, 1], rel=0.01)
    assert cells[-2] == ["–"] * 6


def test_each_chart_has_one_sentence_and_its_columns_in_the_table(board: Board) -> None:
    hourly(board, 30)
    html = board.client.get("/models/acme/main/quick").text
    heads = set(re.findall(r'data-key="(\w+)"', html))
    for name in ("latency", "response", "throughput", "outcomes"):
        figure = html[html.index(f'data-chart="{name}"') :].split("</figure>")[0]
        assert re.search(r"<figcaption[^>]*>([^<]{20,})<a", figure)
        keys = re.search(r'data-keys="([^"]+)"', figure)
        assert keys is not None
        assert set(keys[1].split()) <= heads


def test_what_was_never_measured_has_a_sentence_but_no_axes(board: Board) -> None:
    board.store.add_results([a_result(Outcome.SERVER_ERROR)])
    board.tick()
    html = board.client.get("/models/acme/main/quick").text
    assert re.findall(r'data-chart="(\w+)"', html) == ["outcomes"]
    assert html.count("Nothing was measured in this window.") == 3


def test_the_outcome_sentence_says_whose_fault(board: Board) -> None:
    hourly(board, 8)
    board.store.add_results(
        [
            a_result(Outcome.STALLED, NOON + timedelta(seconds=1)),
            a_result(Outcome.MISSED, NOON + timedelta(seconds=2)),
        ]
    )
    board.tick()
    with board.app.test_request_context("/"):
        sentence = captions(view_of(board)).outcomes
    assert (
        sentence
        == "8 of 10 scheduled probes were ok (80.00\xa0%). The others, by whose fault: the provider 1; not run 1."
    )


@pytest.mark.parametrize("window", list(Window))
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_window_renders_in_both_languages(board: Board, window: Window, lang: str) -> None:
    hourly(board, 24 * 10)
    answer = board.client.get(f"/models/acme/main/quick?window={window}&lang={lang}")
    assert answer.status_code == 200
    assert f'aria-current="true">{window}</a>' in answer.text


def test_the_page_keeps_within_the_budget_over_the_wire(board: Board) -> None:
    hourly(board, 24 * 28)
    client = board.client
    html = client.get("/models/acme/main/quick", headers={"Accept-Encoding": "gzip"})
    assets = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get("/models/acme/main/quick").text))
    assets |= {f"/static/js/{name}.js" for name in ("charts", "records", "swap", "live")}
    sizes = {path: len(client.get(path, headers={"Accept-Encoding": "gzip"}).data) for path in assets}
    total = len(html.data) + sum(sizes.values())
    assert total <= 60_000, (total, len(html.data), sizes)
