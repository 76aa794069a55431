"""Counting results, and summing what was counted."""

from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.outcome import Outcome
from probes.domain.result import Category, ProbeResult, Trigger
from probes.domain.rollup import Period, RollupKey, Tally
from probes.stats.histogram import histogram_of
from probes.stats.tally import add, merge, tallies_of, tally_of
from tests.examples import NOON, a_result


def test_nothing_counted_is_an_empty_tally() -> None:
    assert tally_of([]) == Tally()
    assert merge([]) == Tally()


def test_a_tally_counts_outcomes_categories_times_tokens_and_cost() -> None:
    results = [
        a_result(input_tokens=10, cost=0.5),
        a_result(response_seconds=20.0, cost=None),
        a_result(Outcome.STALLED, output_tokens=3),
    ]

    tally = tally_of(results)

    assert tally.outcomes == {Outcome.OK: 2, Outcome.STALLED: 1}
    assert tally.categories == {Category.SMOOTH: 1, Category.AVAILABLE: 1, Category.UNKNOWN: 1}
    assert tally.ttft == histogram_of([0.25, 0.25])
    assert tally.response == histogram_of([1.25, 20.0])
    assert tally.throughput == histogram_of([50.0, 50.0])
    assert (tally.output_tokens, tally.input_tokens) == (67, 10)
    assert (tally.cost, tally.priced) == (0.5, 1)


@pytest.mark.parametrize("trigger", [trigger for trigger in Trigger if trigger is not Trigger.SCHEDULED])
def test_only_scheduled_probes_are_counted(trigger: Trigger) -> None:
    assert tally_of([a_result(trigger=trigger)]) == Tally()
    assert tallies_of([a_result(trigger=trigger)]) == {}


@pytest.mark.parametrize("outcome", [Outcome.MISSED, Outcome.SKIPPED])
def test_a_slot_that_did_not_run_is_counted_under_its_outcome_only(outcome: Outcome) -> None:
    assert tally_of([a_result(outcome)]) == Tally(outcomes={outcome: 1})


def test_times_of_failures_are_not_counted_as_latency() -> None:
    partial = a_result(Outcome.TRUNCATED_STREAM, ttft_seconds=0.2, response_seconds=3.0, throughput=9.0)

    tally = tally_of([partial])

    assert (tally.ttft, tally.response, tally.throughput) == ({}, {}, {})


def test_a_probe_without_a_price_does_not_make_the_others_cheaper() -> None:
    assert tally_of([a_result(cost=0.5), a_result(cost=None)]).priced == 1


samples = st.lists(
    st.builds(
        a_result,
        st.sampled_from([Outcome.OK, Outcome.STALLED, Outcome.MISSED]),
        due_at=st.integers(0, 5000).map(lambda minutes: NOON - timedelta(minutes=minutes)),
        target=st.sampled_from(["a/b/c", "a/b/d"]),
        trigger=st.sampled_from(Trigger),
    ),
    max_size=30,
)


@given(samples, samples)
def test_adding_tallies_is_counting_together(a: list[ProbeResult], b: list[ProbeResult]) -> None:
    assert add(tally_of(a), tally_of(b)) == tally_of([*a, *b])


@given(samples)
def test_each_bucket_holds_the_tally_of_its_own_results(results: list[ProbeResult]) -> None:
    tallies = tallies_of(results)

    for key, tally in tallies.items():
        members = [r for r in results if (r.target, r.location) == (key.target, key.location)]
        assert tally == tally_of(r for r in members if key.period.start_of(r.due_at) == key.start)
    for period in Period:
        total = merge(tally for key, tally in tallies.items() if key.period is period)
        assert total == tally_of(results)


def test_buckets_are_cut_in_utc_whatever_zone_a_time_is_given_in() -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))

    assert tallies_of([a_result(due_at=NOON.astimezone(kathmandu))]).keys() == tallies_of([a_result()]).keys()


def test_buckets_are_told_apart_by_location() -> None:
    result = a_result()

    tallies = tallies_of([result, replace(result, id="2", location="there")])

    assert RollupKey(result.target, "here", Period.HOUR, NOON) in tallies
    assert RollupKey(result.target, "there", Period.DAY, Period.DAY.start_of(NOON)) in tallies
    assert len(tallies) == 4
