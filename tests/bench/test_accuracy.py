"""The accuracy bench's own arithmetic, and one small run of all of it. It asserts no times."""

import json
import math
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.accuracy import plan
from tests.bench.accuracy.__main__ import cases, options, report, rows
from tests.bench.accuracy.errors import (
    Measured,
    Sent,
    Spread,
    beyond,
    errors_of,
    in_flight,
    joined,
    lateness,
    paired,
    percentile,
    spread,
    uncertainty,
)
from tests.bench.accuracy.plan import Beside, Case
from tests.bench.accuracy.run import Row, Surroundings, row
from tests.bench.accuracy.schedule import Pace, Schedule
from tests.bench.accuracy.table import document, losses, ratios, table, truth_line, verdicts
from tests.bench.accuracy.tools import TOOLS, aiperf_report, guidellm_report
from tests.bench.accuracy.ways import ASYNC_SDK, OURS, SYNC_SDK
from tests.peers.absence import missing

MS = 1_000_000
# Request at 1 ms, tokens at 201, 221, 241 ms; each write took 0.1 ms.
SENT = Sent(
    id="truth-1",
    request_id="",
    request_ns=1 * MS,
    tokens_ns=(201 * MS, 221 * MS, 241 * MS),
    sent_ns=(201 * MS + 100_000, 221 * MS + 100_000, 241 * MS + 100_000),
    end_ns=242 * MS,
    end_sent_ns=242 * MS + 100_000,
)
TRUE = Measured(
    "truth-1", ttft_seconds=0.2, gaps_seconds=(0.02, 0.02), tpot_seconds=0.02, total_seconds=0.241
)


def a_row(way: str = OURS, ttft: float = 0.2, quality: str | None = None, **around: object) -> Row:
    measured = Measured(
        "truth-1", ttft, TRUE.gaps_seconds, TRUE.tpot_seconds, TRUE.total_seconds, quality=quality
    )
    fields = {"pages_per_second": None, "load": 0.5, "failure": None} | around
    return row(Case(way, Pace(1, 1)), [measured], [SENT], None, Surroundings(**fields))  # type: ignore[arg-type]


# Arithmetic.


def test_what_lies_inside_of_a_write_is_no_error() -> None:
    assert errors_of(TRUE, SENT) == errors_of(TRUE, SENT)
    errors = errors_of(TRUE, SENT)
    assert (errors.ttft, errors.gaps, errors.tpot, errors.total) == ([0], [0, 0], [0], [0])


def test_an_error_has_the_sign_of_what_was_measured() -> None:
    late = Measured("truth-1", 0.2031, (0.0221, 0.0179), tpot_seconds=0.0211, total_seconds=0.2401)
    errors = errors_of(late, SENT)
    assert errors.ttft == pytest.approx([0.003])
    assert errors.gaps == pytest.approx([0.002, -0.002])
    assert errors.tpot == pytest.approx([0.00105])
    assert errors.total == pytest.approx([-0.0009])


def test_what_a_way_does_not_tell_is_no_error_and_not_zero() -> None:
    errors = errors_of(Measured("truth-1", ttft_seconds=None), SENT)
    assert (errors.ttft, errors.gaps, errors.tpot, errors.total) == ([], [], [], [])
    assert spread(errors.ttft) == Spread(None, None)


def test_gaps_that_are_not_those_of_the_tokens_are_not_compared() -> None:
    assert errors_of(Measured("truth-1", 0.2, gaps_seconds=(0.02,)), SENT).gaps == []


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 2))
def test_an_error_is_the_distance_to_the_possible(low_ns: int, width_ns: int, seconds: float) -> None:
    high_ns = low_ns + width_ns
    error = beyond(seconds, low_ns, high_ns)
    assert math.isclose(seconds - error, min(max(seconds, low_ns / 1e9), high_ns / 1e9), abs_tol=1e-12)


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert [percentile([4, 1, 3, 2], share) for share in (0.25, 0.5, 0.95)] == [1, 2, 4]
    assert percentile([], 0.5) is None
    assert spread([-3.0, 1.0, 2.0]) == Spread(2.0, 3.0)


def test_streams_are_paired_by_either_id() -> None:
    other = Sent("truth-2", "request-9", 0, (), (), 0, 0)
    pairs = paired([TRUE, Measured("request-9", 1.0), Measured("", None)], [SENT, other])
    assert [truth.id for _measured, truth in pairs] == ["truth-1", "truth-2"]


def test_the_truth_tells_how_late_and_how_vague_it_is() -> None:
    assert lateness([SENT], Schedule(tokens=3)) == pytest.approx([0, 0, 0])
    assert uncertainty([SENT]) == pytest.approx([0.0001] * 3)


def test_streams_in_flight_are_counted_at_their_most() -> None:
    def answer(request_ns: int, end_ns: int) -> Sent:
        return Sent("", "", request_ns, (), (), end_ns, end_ns)

    assert in_flight([answer(0, 10), answer(5, 15), answer(10, 20), answer(12, 0)]) == 2
    assert in_flight([]) == 0


def test_errors_of_all_streams_are_one_heap() -> None:
    both = joined([errors_of(TRUE, SENT), errors_of(TRUE, SENT)])
    assert (len(both.ttft), len(both.gaps)) == (2, 4)


# Rows and the table.


def test_records_that_call_themselves_exact_are_judged_apart() -> None:
    good, bad = Measured("truth-1", 0.2, quality="exact"), Measured("truth-1", 0.25, quality="bounded")
    made = row(Case(OURS, Pace(2, 1)), [good, bad], [SENT], None, Surroundings(None, 0.5, None))
    assert (made.exact, made.bounded, made.degraded, made.bounded_share) == (1, 1, 0, 0.5)
    assert made.exact_ttft == Spread(0, 0)
    assert made.ttft.p95 == pytest.approx(0.0499)


def test_a_way_without_such_a_word_has_no_share_of_it() -> None:
    made = a_row(ASYNC_SDK)
    assert (made.exact, made.bounded_share, made.exact_ttft) == (None, None, None)


@pytest.mark.parametrize(
    ("ttft", "verdict"),
    [(0.2, "within the bars"), (0.2019, "MISSED (TTFT median 1.80 ms, TTFT p95 1.80 ms)")],
    ids=["true", "late"],
)
def test_our_rows_are_held_against_the_bars(ttft: float, verdict: str) -> None:
    assert verdicts([a_row(OURS, ttft), a_row(ASYNC_SDK, 9.0)]) == [
        f"{verdict}: FirstToken, 1 streams, steady, plain, alone"
    ]


def test_a_ratio_is_of_two_rows_of_one_run() -> None:
    (line,) = ratios([a_row(OURS, 0.2011), a_row(ASYNC_SDK, 0.2101)])
    assert line.startswith("AsyncOpenAI loop, 1 streams, steady, plain, alone: TTFT median x10,")
    assert ratios([a_row(ASYNC_SDK)]) == []


def test_the_table_has_a_line_for_each_row_also_for_one_that_failed() -> None:
    drawn = table([a_row(), a_row(SYNC_SDK, failure="not installed")]).splitlines()
    assert len(drawn) == 4
    assert len({line.count("|") for line in drawn}) == 1
    assert "not installed" in drawn[3]


def test_lost_streams_are_named() -> None:
    measured = [Measured("", None, failure="internal: why")] * 2
    made = row(Case(OURS, Pace(2, 1)), measured, [SENT], None, Surroundings(None, 0.5, None))
    assert losses([made]) == ["lost 2 of FirstToken, 2 streams, steady, plain, alone: internal: why"]
    assert "2 streams lost" in verdicts([made])[0]


def test_everything_is_there_for_machines_too() -> None:
    read = json.loads(json.dumps(document([a_row()], {"cores": 2})))
    assert read["about"] == {"cores": 2, "schedule": {"first_ms": 200, "gap_ms": 20, "tokens": 51}}
    assert read["rows"][0]["ttft"] == {"median": 0.0, "p95": 0.0}
    assert read["rows"][0]["case"]["pace"]["streams"] == 1


# The plan.


def test_the_full_plan_has_every_way_and_the_quick_one_is_short() -> None:
    full, quick = list(plan.full()), list(plan.quick())
    assert {case.way for case in full} == {OURS, ASYNC_SDK, SYNC_SDK, *TOOLS}
    assert {case.beside for case in full} == set(Beside)
    ours = {
        (case.pace.streams, case.is_tls) for case in full if case.way == OURS and case.beside == Beside.WEB
    }
    assert ours == {(streams, is_tls) for streams in (1, 20, 100, 300) for is_tls in (False, True)}
    assert len(set(full)) == len(full)
    assert len(quick) < len(full) / 4


def test_what_is_asked_for_is_what_is_run() -> None:
    chosen = cases(options(["--way", OURS, "--streams", "1,20", "--beside", "alone"]))
    assert {(case.way, case.pace.streams) for case in chosen} == {(OURS, 1), (OURS, 20)}
    assert cases(options([])) == list(plan.quick())


def test_steady_streams_are_spread_over_one_answer() -> None:
    delays = Pace(4, 2).delays(Schedule(first_ms=0, gap_ms=100, tokens=11))
    assert delays == pytest.approx([0, 0.25025, 0.5005, 0.75075])


# The tools' own reports, as they write them.


def test_guidellms_report_is_read(tmp_path: Path) -> None:
    one = {
        "response_id": "truth-7",
        "time_to_first_token_ms": 203.5,
        "inter_token_latency_ms": 20.0,
        "request_latency": 1.2,
    }
    told = {"benchmarks": [{"requests": {"successful": [one]}}]}
    (tmp_path / "report.json").write_text(json.dumps(told))
    assert list(guidellm_report(tmp_path)) == [
        Measured("truth-7", 0.2035, tpot_seconds=0.02, total_seconds=1.2)
    ]


def test_aiperfs_report_is_read(tmp_path: Path) -> None:
    figures = {
        "time_to_first_token": 215.5,
        "inter_chunk_latency": [20.0, 21.0],
        "inter_token_latency": 20.5,
        "request_latency": 1216.0,
    }
    lines = [
        {
            "metadata": {"x_request_id": "request-1"},
            "metrics": {name: {"value": value, "unit": "ms"} for name, value in figures.items()},
        },
        {"metadata": {"x_request_id": "request-2"}, "metrics": {}},
    ]
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "profile_export.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert list(aiperf_report(tmp_path)) == [
        Measured("request-1", 0.2155, [0.02, 0.021], 0.0205, 1.216),
        Measured("request-2", None),
    ]


@pytest.mark.parametrize("name", TOOLS)
def test_the_tools_are_pinned(name: str) -> None:
    assert TOOLS[name].pin.split() == [TOOLS[name].package, {"GuideLLM": "0.8.1", "AIPerf": "0.13.0"}[name]]


# All of it, small.


def test_a_small_run_measures_every_stream_of_every_way(tmp_path: Path) -> None:
    if shutil.which("go") is None:
        missing("Go, which builds the accuracy bench's server", "Install Go 1.22 or newer.")
    wanted = [
        Case(OURS, Pace(1, 1)),
        Case(OURS, Pace(5, 1, is_burst=True), is_tls=True),
        Case(ASYNC_SDK, Pace(5, 1)),
        Case(SYNC_SDK, Pace(5, 1, is_burst=True), is_tls=True),
    ]
    made = list(rows(wanted, tmp_path))
    assert [one.case for one in made] == wanted
    assert [(one.failure, dict(one.lost)) for one in made] == [(None, {})] * 4
    assert [(one.matched, one.asked) for one in made] == [(1, 1), (5, 5), (5, 5), (5, 5)]
    assert [one.exact is None for one in made] == [False, False, True, True]
    for one in made:
        assert None not in (one.ttft.median, one.gaps.p95, one.tpot.p95, one.total.p95)
        assert one.cpu_per_token is not None
        assert one.cpu_per_token > 0
        assert one.took is not None
        assert one.took.peak_bytes > 10_000_000
    facts = {"at": "now", "cores": 2, "python": "3", "load_average": (1, 1, 1), "tools": {}}
    assert "AIPerf: not installed" in report(made, facts)
    assert truth_line(made).startswith("truth server: its writes took up to")
