"""Hour and day buckets: counted once, told apart by location, found by change, made again from raw results."""

from datetime import datetime, timedelta

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Trigger
from probes.domain.rollup import Period, RollupKey, Tally
from probes.stats.tally import merge, tally_of
from probes.store.base import ResultQuery, Retention, Store
from probes.store.mongo import housekeeping as mongo_housekeeping
from probes.store.sqlite import housekeeping as sqlite_housekeeping
from tests.contract.conftest import OpenStore
from tests.examples import NOON, a_result
from tests.fakes import FakeClock

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MIDNIGHT = NOON - 12 * HOUR


def buckets(store: Store, period: Period, since: datetime = NOON - 200 * DAY) -> dict[RollupKey, Tally]:
    return {rollup.key: rollup.tally for rollup in store.rollups(period, since, NOON + 2 * DAY)}


def spread(count: int = 60) -> list[ProbeResult]:
    """Two days of two targets from two locations, some of it failed, unpriced or confirming."""
    return [
        a_result(
            (Outcome.OK, Outcome.OK, Outcome.STALLED, Outcome.MISSED)[n % 4],
            due_at=NOON - n * timedelta(minutes=47),
            target=f"acme/main/{'quick' if n % 3 else 'slow'}",
            location="here" if n % 5 else "there",
            trigger=Trigger.CONFIRM if n % 7 == 0 else Trigger.SCHEDULED,
            ttft_seconds=0.1 + n / 50 if n % 4 < 2 else None,
            cost=0.25 if n % 2 else None,
        )
        for n in range(count)
    ]


def test_a_result_is_counted_in_its_hour_and_its_day(store: Store) -> None:
    result = a_result(due_at=NOON + timedelta(minutes=59), cost=0.5, input_tokens=10)

    store.add_results([result])

    expected = tally_of([result])
    here = (result.target, "here")
    assert buckets(store, Period.HOUR) == {RollupKey(*here, Period.HOUR, NOON): expected}
    assert buckets(store, Period.DAY) == {RollupKey(*here, Period.DAY, MIDNIGHT): expected}
    assert expected.n == 1
    assert expected.cost == 0.5


def test_rollups_are_the_tally_of_the_results_however_they_were_batched(store: Store) -> None:
    results = spread()

    for start in range(0, len(results), 7):
        store.add_results(results[start : start + 7])
    store.add_results(results)

    for period in Period:
        found = buckets(store, period)
        assert found
        for key, tally in found.items():
            members = [r for r in results if (r.target, r.location) == (key.target, key.location)]
            assert tally == tally_of(r for r in members if period.start_of(r.due_at) == key.start)
        assert merge(found.values()).outcomes == tally_of(results).outcomes


def test_only_scheduled_probes_are_counted(store: Store) -> None:
    store.add_results([a_result(trigger=Trigger.MANUAL), a_result(trigger=Trigger.CONFIRM)])

    assert buckets(store, Period.HOUR) == {}


def test_ranges_are_half_open_and_can_be_narrowed_to_targets(store: Store) -> None:
    store.add_results([a_result(due_at=NOON - n * HOUR, target=f"acme/main/m{n % 2}") for n in range(6)])

    found = store.rollups(Period.HOUR, NOON - 3 * HOUR, NOON)
    of_one = store.rollups(Period.HOUR, NOON - 3 * HOUR, NOON, ["acme/main/m1", "acme/main/never"])

    assert {rollup.key.start for rollup in found} == {NOON - n * HOUR for n in (1, 2, 3)}
    assert {rollup.key.start for rollup in of_one} == {NOON - n * HOUR for n in (1, 3)}


def test_changed_rollups_are_those_touched_since(store: Store, clock: FakeClock) -> None:
    store.add_results([a_result(due_at=NOON - 30 * DAY), a_result(due_at=NOON - 2 * HOUR)])
    clock.advance(10)
    changed_since = clock.now()
    store.add_results([a_result(due_at=NOON - 2 * HOUR), a_result(due_at=NOON - 40 * DAY)])

    changed = store.rollups_changed(Period.HOUR, NOON - 35 * DAY, changed_since)

    assert [(rollup.key.start, rollup.tally.n) for rollup in changed] == [(NOON - 2 * HOUR, 2)]
    assert changed[0].updated_at == changed_since
    assert len(store.rollups_changed(Period.HOUR, NOON - 50 * DAY, NOON - DAY)) == 3
    assert store.rollups_changed(Period.DAY, NOON - DAY, changed_since + timedelta(seconds=1)) == []


def test_rebuilding_gives_what_counting_gave(store: Store, open_store: OpenStore) -> None:
    results = spread()
    store.add_results(results)
    before = {period: buckets(store, period) for period in Period}
    steps: list[tuple[int, int | None]] = []

    read = open_store().rebuild_rollups(lambda done, total: steps.append((done, total)))

    assert read == len(results)
    assert {period: buckets(store, period) for period in Period} == before
    assert steps[-1] == (60, 60)
    store.add_results([a_result(due_at=NOON)])
    assert merge(buckets(store, Period.DAY).values()).n == merge(before[Period.DAY].values()).n + 1


def test_rebuilding_an_empty_store_is_no_error(store: Store) -> None:
    assert store.rebuild_rollups() == 0


def test_sweeping_deletes_what_is_older_than_its_retention(store: Store) -> None:
    ages = (0, 1, 9, 11, 40)
    store.add_results([a_result(due_at=NOON - age * DAY) for age in ages])

    deleted = store.sweep(
        Retention(results=timedelta(days=10), hourly=timedelta(days=5), daily=timedelta(days=20)), NOON
    )

    since = NOON - 100 * DAY
    page = store.results(ResultQuery(since=since))
    assert [(NOON - result.due_at).days for result in page.results] == [0, 1, 9]
    assert store.count_results(ResultQuery(since=since, locations=["here"]), at_most=10) == 3
    assert {(NOON - key.start).days for key in buckets(store, Period.HOUR)} == {0, 1}
    assert {(NOON - key.start).days for key in buckets(store, Period.DAY)} == {0, 1, 9, 11}
    assert deleted == 2 + 3 + 1


def test_sweeping_with_no_limits_deletes_nothing(store: Store) -> None:
    store.add_results([a_result(due_at=NOON - 4000 * DAY)])

    assert store.sweep(Retention(results=None, hourly=None, daily=None), NOON) == 0


def test_sweeping_spares_the_results_that_the_board_shows(store: Store) -> None:
    """A target that was removed a year ago still has its newest result."""
    last_ok = a_result(due_at=NOON - 301 * DAY)
    last = a_result(Outcome.STALLED, due_at=NOON - 300 * DAY)
    store.add_results([a_result(due_at=NOON - 302 * DAY), last_ok, last])

    store.sweep(Retention(), NOON)

    statistics = store.statistics()[last.target]
    assert (statistics.newest, statistics.newest_ok, statistics.total) == (last, last_ok, 3)
    assert store.result(last.id) == last
    assert store.count_results(ResultQuery(since=NOON - 400 * DAY), at_most=10) == 2


def test_rollups_outlive_raw_results_and_a_rebuild(store: Store) -> None:
    results = [a_result(due_at=NOON - n * 6 * HOUR) for n in range(80)]
    store.add_results(results)
    before = buckets(store, Period.DAY)

    store.sweep(Retention(results=timedelta(days=10), hourly=None, daily=None), NOON)
    read = store.rebuild_rollups()

    assert read < len(results)
    assert buckets(store, Period.DAY) == before


def test_a_sweep_of_more_than_one_batch_deletes_everything(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for housekeeping in (sqlite_housekeeping, mongo_housekeeping):
        monkeypatch.setattr(housekeeping, "SWEEP_BATCH", 10)
    old = NOON - 120 * DAY
    store.add_results([a_result(due_at=old + n // 2 * timedelta(seconds=9)) for n in range(43)])
    newest = a_result()
    store.add_results([newest])

    deleted = store.sweep(Retention(daily=timedelta(days=100)), NOON)

    assert store.results(ResultQuery(since=NOON - 200 * DAY)).results == (newest,)
    assert deleted == 43 + 2
