"""Slower than usual, and slow drift: what the rules say of them, and what they leave alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Quality, Trigger
from probes.domain.rollup import Rollup
from probes.domain.state import Reason, State, Verdict
from probes.domain.target import Readiness
from probes.stats.baseline import Baseline, Metric, Scope, Span, Undisturbed, Usual
from probes.verdicts.deviation import (
    SLOWER_AFTER,
    SLOWER_FACTOR,
    USUAL_AGAIN_AFTER,
    Deviation,
    Known,
    deviation_of,
    drift_in,
    known_from,
    slow_from,
)
from probes.verdicts.drift import DRIFT_FACTOR, DRIFT_OVER_FACTOR, RECENT_SPAN, REFERENCE_SPAN, Drift
from probes.verdicts.rules import ReasonKey, Subject, judge
from tests.examples import NOON, a_result
from tests.stats.test_baseline import an_hour

HOUR = timedelta(hours=1)
USUAL, SLOW = 0.25, 1.0  # of a_result(): 1.25 s in all and 50 tokens/s


def known(location: str = "here", spread: float = 0.1) -> Known:
    values = {Metric.TTFT: 0.25, Metric.RESPONSE: 1.25, Metric.THROUGHPUT: 50.0}
    cells = {
        (m, Scope.ALL_HOURS, 0): Usual(value, spread, 500, Scope.ALL_HOURS) for m, value in values.items()
    }
    return Known({location: Baseline(cells, NOON - timedelta(days=28), 28)})


def probes(*ttfts: float, **changes: object) -> list[ProbeResult]:
    """A minute apart, newest first."""
    return [
        a_result(due_at=NOON - timedelta(minutes=age), ttft_seconds=ttft, **changes)  # type: ignore[arg-type]
        for age, ttft in enumerate(ttfts)
    ]


def verdict(recent: Sequence[ProbeResult], usual: Known | None, previous: Verdict | None = None) -> Verdict:
    return judge(Subject(Readiness.READY, "", 60.0, usual), recent, NOON, previous)


def degraded(key: ReasonKey, *params: tuple[str, str | int | float]) -> Verdict:
    return Verdict(State.DEGRADED, Reason(key, params), NOON - 5 * HOUR, NOON)


WAS_SLOWER = degraded(ReasonKey.SLOWER_THAN_USUAL, ("metric", "ttft"))


@pytest.mark.parametrize(
    ("ttfts", "state"),
    [
        pytest.param([SLOW] * SLOWER_AFTER, State.DEGRADED, id="enough in a row"),
        pytest.param([SLOW] * (SLOWER_AFTER - 1) + [USUAL], State.OPERATIONAL, id="one too few"),
        pytest.param([SLOW, SLOW, USUAL, SLOW, SLOW, SLOW], State.OPERATIONAL, id="not in a row"),
        pytest.param([USUAL] + [SLOW] * SLOWER_AFTER, State.DEGRADED, id="one good does not end it"),
        pytest.param(
            [USUAL] * USUAL_AGAIN_AFTER + [SLOW] * SLOWER_AFTER, State.OPERATIONAL, id="three good ones do"
        ),
        pytest.param([USUAL * 1.4] * 15, State.OPERATIONAL, id="below the factor"),
        pytest.param([USUAL / 9] * 15, State.OPERATIONAL, id="faster is no trouble"),
    ],
)
def test_slower_than_usual_takes_several_in_a_row(ttfts: list[float], state: State) -> None:
    assert verdict(probes(*ttfts), known()).state is state


def test_the_reason_names_the_metric_and_both_figures() -> None:
    found = verdict(probes(*[SLOW] * 6, *[USUAL] * 5), known())
    assert found.reason == Reason(
        ReasonKey.SLOWER_THAN_USUAL,
        (("metric", "ttft"), ("value", 1.0), ("usual", 0.25), ("n", 6), ("of", 11)),
    )
    assert found.since == NOON - timedelta(minutes=5), "its first slow slot, not the one that made it sure"


def test_it_is_harder_to_leave_than_to_enter() -> None:
    wavering = probes(USUAL, SLOW, USUAL, USUAL, SLOW, SLOW)
    assert verdict(wavering, known()).state is State.OPERATIONAL
    stays = verdict(wavering, known(), WAS_SLOWER)
    assert (stays.state, stays.since) == (State.DEGRADED, WAS_SLOWER.since)
    assert verdict(probes(*[USUAL] * 3, SLOW, SLOW), known(), WAS_SLOWER).state is State.OPERATIONAL


def test_a_restless_model_needs_more_than_the_factor() -> None:
    restless = known(spread=0.4)
    assert slow_from(Usual(0.25, 0.4, 500, Scope.ALL_HOURS)) > 3.3
    assert slow_from(Usual(0.25, 0.1, 500, Scope.ALL_HOURS)) == SLOWER_FACTOR
    assert verdict(probes(*[0.75] * 15), restless).state is State.OPERATIONAL
    assert verdict(probes(*[0.90] * 15), restless).state is State.DEGRADED


@pytest.mark.parametrize(
    ("changes", "metric"),
    [({"throughput": 20.0}, Metric.THROUGHPUT), ({"response_seconds": 4.0}, Metric.RESPONSE)],
)
def test_response_time_and_throughput_count_too(changes: dict[str, float], metric: Metric) -> None:
    found = deviation_of(known(), probes(*[USUAL] * 6, **changes))
    assert found is not None
    assert found.metric is metric


def test_of_two_the_worse_is_named_and_stays_named() -> None:
    both = probes(*[0.5] * 6, response_seconds=4.0)
    worse, stays = deviation_of(known(), both), deviation_of(known(), both, was="ttft")
    assert worse is not None
    assert stays is not None
    assert (worse.metric, stays.metric) == (Metric.RESPONSE, Metric.TTFT)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"trigger": Trigger.MANUAL}, id="people press Refresh when things look bad"),
        pytest.param({"quality": Quality.DEGRADED}, id="our own host was late"),
        pytest.param({"location": "elsewhere"}, id="another way to the provider"),
    ],
)
def test_what_the_usual_was_not_learnt_from_is_not_compared(changes: dict[str, object]) -> None:
    assert deviation_of(known(), probes(*[SLOW] * 9, **changes)) is None


def test_each_hour_is_compared_with_its_own() -> None:
    cells = {
        (Metric.TTFT, Scope.HOUR_OF_DAY, 12): Usual(1.0, 0.1, 500, Scope.HOUR_OF_DAY),
        (Metric.TTFT, Scope.ALL_HOURS, 0): Usual(0.25, 0.1, 9000, Scope.ALL_HOURS),
    }
    busy_noon = Known({"here": Baseline(cells, NOON - timedelta(days=28), 28)})
    at_noon = [replace(result, due_at=NOON + HOUR / 2) for result in probes(*[SLOW] * 9)]
    assert deviation_of(busy_noon, at_noon) is None
    assert deviation_of(busy_noon, probes(*[SLOW] * 9)) is not None


def test_nothing_is_unusual_where_nothing_is_usual() -> None:
    assert verdict(probes(*[SLOW] * 9), Known({})).state is State.OPERATIONAL
    assert verdict(probes(*[SLOW] * 9), Known({}), WAS_SLOWER).state is State.OPERATIONAL


def test_a_verdict_that_rests_on_the_usual_stands_while_that_is_not_known_now() -> None:
    stands = verdict(probes(*[USUAL] * 9), None, WAS_SLOWER)
    assert (stands.state, stands.reason, stands.since) == (
        State.DEGRADED,
        WAS_SLOWER.reason,
        WAS_SLOWER.since,
    )
    was_partial = degraded(ReasonKey.PARTIAL_FAILURES)
    assert verdict(probes(*[USUAL] * 9), None, was_partial).state is State.OPERATIONAL


def test_an_outage_is_an_outage_however_slow_it_was_before() -> None:
    failing = [a_result(Outcome.STALLED, NOON + timedelta(minutes=n)) for n in (3, 2, 1)]
    assert verdict([*failing, *probes(*[SLOW] * 9)], known()).state is State.DOWN


def drifting(
    recent: Callable[[float], float], undisturbed: Undisturbed | None = None, days: int = 28
) -> tuple[Drift, ...]:
    """Hourly rollups: four weeks at 0.8 s, then `recent` of the days since (0 to 7)."""
    begin = NOON - RECENT_SPAN
    before = [an_hour(begin - HOUR * n, 0.8) for n in range(1, days * 24 + 1)]
    week = [an_hour(begin + HOUR * n, 0.8 * recent(n / 24)) for n in range(7 * 24)]
    return known_from([*before, *week], undisturbed or Undisturbed(), NOON).drifts


def test_a_drift_of_some_percent_a_day_is_found_and_dated() -> None:
    worst, *_ = drifting(lambda day: 1.08**day)
    assert worst.is_certain
    assert worst.metric.slowness(worst.value, worst.usual) == pytest.approx(1.08**6.5, rel=0.1)
    assert NOON - RECENT_SPAN <= worst.since < NOON - timedelta(days=2)


@pytest.mark.parametrize(
    "recent",
    [
        pytest.param(lambda _: 1.0, id="as ever"),
        pytest.param(lambda _: 1.1, id="ten percent do not matter"),
        pytest.param(lambda _: 0.5, id="faster"),
        pytest.param(lambda day: 2.0 if 3 <= day < 3.5 else 1.0, id="half a day, days ago"),
        pytest.param(lambda day: 8.0 if day > 6.9 else 1.0, id="two wild hours"),
    ],
)
def test_what_is_no_drift(recent: Callable[[float], float]) -> None:
    assert drift_in(Known({}, drifting(recent))) is None


def test_a_drift_stays_until_it_is_small() -> None:
    def found(factor: float) -> Drift | None:
        return drift_in(Known({}, drifting(lambda _: factor)), was="ttft")

    between = (DRIFT_FACTOR + DRIFT_OVER_FACTOR) / 2
    assert drift_in(Known({}, drifting(lambda _: between))) is None
    assert found(between) is not None
    assert found(1.05) is None


def test_a_drift_degrades_and_says_since_when() -> None:
    one = Drift(Metric.TTFT, 1.234567, 0.8, NOON - timedelta(days=3), is_certain=True)
    found = verdict(probes(*[USUAL] * 9), Known({}, (one,)))
    assert (found.state, found.reason.key, found.since) == (State.DEGRADED, ReasonKey.DRIFTED, one.since)
    assert dict(found.reason.params) == {
        "metric": "ttft",
        "value": 1.23,
        "usual": 0.8,
        "since": "2026-11-18T12:00:00+00:00",
    }


def test_two_weeks_are_needed_to_call_anything_a_drift() -> None:
    assert drifting(lambda day: 1.08**day, days=12) == ()


def test_an_incident_that_is_over_is_no_drift_but_one_that_lasts_is() -> None:
    def slow_days(day: float) -> float:
        return 3.0 if day >= 5.0 else 1.0

    start = NOON - timedelta(days=2)
    ended = Undisturbed(None, (Span(start, NOON - HOUR),))
    assert drift_in(Known({}, drifting(slow_days, ended))) is None
    assert drift_in(Known({}, drifting(slow_days, Undisturbed(None, (Span(start),))))) is not None


def test_each_location_has_its_own_usual() -> None:
    hours: list[Rollup] = []
    for n in range(1, (REFERENCE_SPAN + RECENT_SPAN) // HOUR):
        at: datetime = NOON - HOUR * n
        hours += [an_hour(at, 0.2), an_hour(at, 2.0, location="far")]
    both = known_from(hours, Undisturbed(), NOON)
    assert (
        deviation_of(both, probes(*[2.0] * 9, location="far", response_seconds=None, throughput=None)) is None
    )
    near: Deviation | None = deviation_of(both, probes(*[2.0] * 9, response_seconds=None, throughput=None))
    assert near is not None
    assert near.usual == pytest.approx(0.2, rel=0.2)
