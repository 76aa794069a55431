"""The usual behaviour of a target, learnt from its hourly rollups."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

import pytest

from probes.domain.outcome import Outcome
from probes.domain.rollup import Period, Rollup, RollupKey, Tally
from probes.stats.baseline import (
    LEARNT_SPAN,
    MIN_DAYS,
    SPREAD_FLOOR,
    Baseline,
    Metric,
    Scope,
    Span,
    Undisturbed,
    learnt,
    usual_of,
)
from probes.stats.histogram import histogram_of
from tests.examples import NOON

HOUR = timedelta(hours=1)
DRAW = Random(1)
ONE_PERCENT = 0.011
FREE = Undisturbed()


def an_hour(start: datetime, seconds: float = 0.8, n: int = 6, location: str = "here") -> Rollup:
    """Restless by 20 %."""
    values = [seconds * math.exp(DRAW.gauss(0.0, 0.2)) for _ in range(n)]
    tally = Tally(
        outcomes={Outcome.OK: n},
        ttft=histogram_of(values),
        response=histogram_of(2 * value for value in values),
        throughput=histogram_of(50 / value for value in values),
    )
    return Rollup(RollupKey("acme/main/quick", location, Period.HOUR, start), tally, start)


def hours(days: int, seconds: Callable[[datetime], float] = lambda _: 0.8, n: int = 6) -> list[Rollup]:
    """Every hour of the last days before NOON."""
    starts = [NOON - HOUR * back for back in range(1, days * 24 + 1)]
    return [an_hour(start, seconds(start), n) for start in starts]


def baseline(rollups: list[Rollup], undisturbed: Undisturbed = FREE) -> Baseline:
    found = learnt(rollups, undisturbed, NOON)
    assert found is not None
    return found


def test_the_usual_is_the_median_and_the_spread_that_of_a_normal_distribution() -> None:
    values = [math.exp(Random(n).gauss(math.log(0.8), 0.3)) for n in range(4000)]
    usual = usual_of(histogram_of(values), Scope.ALL_HOURS)
    assert usual is not None
    assert usual.value == pytest.approx(0.8, rel=0.03)
    assert usual.spread == pytest.approx(0.3, rel=0.06)
    assert usual.n == 4000


def test_wild_values_move_neither() -> None:
    values = [math.exp(Random(n).gauss(math.log(0.8), 0.3)) for n in range(900)]
    usual = usual_of(histogram_of(values + [60.0] * 100), Scope.ALL_HOURS)
    assert usual is not None
    assert usual.value == pytest.approx(0.8, rel=0.1)
    assert usual.spread == pytest.approx(0.3, rel=0.25)


def test_a_steady_model_has_the_smallest_spread_and_not_none() -> None:
    usual = usual_of(histogram_of([0.8] * 100), Scope.ALL_HOURS)
    assert usual is not None
    assert usual.spread == SPREAD_FLOOR
    assert usual.value == pytest.approx(0.8, rel=ONE_PERCENT)


def test_nothing_measured_is_not_usual() -> None:
    assert usual_of({}, Scope.ALL_HOURS) is None


def test_each_hour_of_the_week_has_a_usual_of_its_own() -> None:
    def busy_mondays(start: datetime) -> float:
        return 3.0 if (start.weekday(), start.hour) == (0, 9) else 0.8

    found = baseline(hours(28, busy_mondays, n=12))
    monday, tuesday = datetime.fromisoformat("2026-11-16T09:20Z"), datetime.fromisoformat("2026-11-17T09:20Z")
    busy, calm = found.usual(Metric.TTFT, monday), found.usual(Metric.TTFT, tuesday)
    assert busy is not None
    assert calm is not None
    assert (busy.scope, busy.n) == (Scope.HOUR_OF_WEEK, 48)
    assert busy.value == pytest.approx(3.0, rel=0.2)
    assert calm.value == pytest.approx(0.8, rel=0.2)


@pytest.mark.parametrize(
    ("days", "n", "scope", "probes"),
    [
        pytest.param(28, 6, Scope.HOUR_OF_WEEK, 24, id="four weeks of six an hour"),
        pytest.param(21, 6, Scope.HOUR_OF_DAY, 126, id="three weeks: 18 of an hour of the week are too few"),
        pytest.param(28, 1, Scope.HOUR_OF_DAY, 28, id="one an hour"),
        pytest.param(14, 1, Scope.ALL_HOURS, 14 * 24, id="14 of an hour of the day are too few"),
    ],
)
def test_where_an_hour_saw_too_little_a_coarser_cell_speaks(
    days: int, n: int, scope: Scope, probes: int
) -> None:
    usual = baseline(hours(days, n=n)).usual(Metric.TTFT, NOON)
    assert usual is not None
    assert (usual.scope, usual.n) == (scope, probes)


def test_days_that_are_too_few_teach_nothing() -> None:
    assert learnt(hours(MIN_DAYS - 2), FREE, NOON) is None
    assert learnt(hours(MIN_DAYS), FREE, NOON) is not None


def test_days_on_which_next_to_nothing_was_measured_teach_nothing() -> None:
    rare = [hour for hour in hours(28, n=1) if hour.key.start.hour == 6]
    assert baseline(rare).usual(Metric.TTFT, NOON) is None


def test_what_is_older_than_four_weeks_and_the_running_hour_do_not_teach() -> None:
    old = [an_hour(NOON - LEARNT_SPAN - HOUR * n, 9.0, 600) for n in range(1, 200)]
    running = an_hour(NOON, 9.0, 60_000)
    usual = baseline([*hours(28), *old, running]).overall(Metric.TTFT)
    assert usual is not None
    assert usual.n == 28 * 24 * 6


def test_an_incident_teaches_nothing() -> None:
    start, end = NOON - timedelta(days=9, minutes=30), NOON - timedelta(days=1, minutes=30)

    def slow_week(at: datetime) -> float:
        return 8.0 if start <= at + HOUR and at <= end else 0.8

    taught = baseline(hours(28, slow_week), Undisturbed(None, (Span(start, end),))).overall(Metric.TTFT)
    assert taught is not None
    assert taught.n == (28 * 24 - 8 * 24 - 1) * 6, "whole hours, both ends with it"
    assert taught.value == pytest.approx(0.8, rel=0.05)


def test_an_incident_that_lasts_teaches_nothing_and_after_two_weeks_nothing_is_usual() -> None:
    def open_for(days: int) -> Undisturbed:
        return Undisturbed(None, (Span(NOON - timedelta(days=days)),))

    assert learnt(hours(28), open_for(10), NOON) is not None
    assert learnt(hours(28), open_for(16), NOON) is None


def test_nothing_from_before_our_own_change_teaches() -> None:
    change = NOON - timedelta(days=16, minutes=20)
    found = baseline(hours(28), Undisturbed(since=change))
    assert found.since == NOON - timedelta(days=16), "the hour of the change has both"
    assert learnt(hours(28), Undisturbed(since=NOON - timedelta(days=10)), NOON) is None


def test_hours_of_an_open_incident_still_tell_of_the_present() -> None:
    hour = NOON - HOUR
    open_one, ended = Span(NOON - 3 * HOUR), Span(NOON - 3 * HOUR, NOON - HOUR)
    assert Undisturbed(None, (open_one,)).may_tell(hour)
    assert not Undisturbed(None, (open_one,)).may_teach(hour)
    assert not Undisturbed(None, (ended,)).may_tell(hour)


def test_tokens_a_second_are_slow_when_there_are_few() -> None:
    assert Metric.THROUGHPUT.slowness(25.0, 50.0) == 2.0
    assert Metric.RESPONSE.slowness(2.0, 1.0) == 2.0
