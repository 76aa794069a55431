"""The reading of the store that all requests share: what it counts, how little it reads, how it bears trouble."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Trigger
from probes.domain.rollup import Period, Rollup
from probes.domain.state import State
from probes.stats.tally import tally_of
from probes.store.base import Store, StoreUnavailableError
from probes.store.sqlite import open_sqlite
from probes.verdicts.rules import Freshness, ReasonKey, Subject, judge
from probes.web.snapshot import Snapshots
from probes.web.windows import Window
from tests.examples import NOON, a_result, a_target
from tests.fakes import FakeClock
from tests.web.serving import a_plan, an_agent

QUICK, SLOW = "acme/main/quick", "acme/main/slow"


class CountingStore:
    """The real store behind a window that counts which reading methods are used."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: list[str] = []
        self.rows = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            answer = method(*args, **kwargs)
            if name in ("rollups", "rollups_changed"):
                self.rows += len(answer)
            return answer

        return counted


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Store:
    store = open_sqlite(tmp_path / "snapshot.sqlite3", clock)
    store.put_plan(a_plan((a_target("quick"), a_target("slow"))))
    return store


@pytest.fixture
def snapshots(store: Store, clock: FakeClock) -> Snapshots:
    return Snapshots(store, clock)


def ago(**age: float) -> datetime:
    return NOON - timedelta(**age)


def counted_n(snapshots: Snapshots, target: str = QUICK) -> dict[Window, int]:
    snapshot = snapshots.current()
    return {window: snapshot.tally(target, window).n for window in Window}


def spread(*moments: datetime, target: str = QUICK) -> Sequence[ProbeResult]:
    return [a_result(due_at=moment, target=target) for moment in moments]


def test_each_window_counts_its_buckets_and_no_older_one(store: Store, snapshots: Snapshots) -> None:
    store.add_results(
        spread(
            NOON,
            ago(hours=1),
            ago(hours=3),
            ago(days=1),
            ago(days=6),
            ago(days=7),
            ago(days=29),
            ago(days=89),
        )
    )
    store.add_results(spread(ago(days=90)))
    assert counted_n(snapshots) == {
        Window.HOUR: 2,
        Window.DAY: 3,
        Window.WEEK: 5,
        Window.MONTH: 7,
        Window.QUARTER: 8,
    }


def test_a_window_starts_where_its_oldest_bucket_starts() -> None:
    moment = NOON + timedelta(minutes=34)
    assert Window.HOUR.start(moment) == NOON - timedelta(hours=1)
    assert Window.DAY.start(moment) == NOON - timedelta(hours=23)
    assert Window.WEEK.start(moment) == datetime(2026, 11, 15, tzinfo=NOON.tzinfo)
    assert Window.QUARTER.start(moment) == datetime(2026, 8, 24, tzinfo=NOON.tzinfo)


def test_what_was_merged_equals_what_was_counted(store: Store, snapshots: Snapshots) -> None:
    results = [
        a_result(
            Outcome.STALLED if n % 5 == 0 else Outcome.OK,
            ago(hours=7 * n),
            location="here" if n % 2 else "there",
            ttft_seconds=None if n % 5 == 0 else 0.1 * n,
        )
        for n in range(1, 60)
    ]
    store.add_results(results)
    merged = snapshots.current().tally(QUICK, Window.QUARTER)
    assert merged == tally_of(results)


def test_the_newest_bar_is_today_and_the_oldest_is_89_days_ago(store: Store, snapshots: Snapshots) -> None:
    store.add_results([*spread(NOON, ago(hours=1)), a_result(Outcome.STALLED, ago(days=89))])
    days = snapshots.current().history(QUICK).days
    assert len(days) == 90
    assert (days[-1].n, days[-1].ok) == (2, 2)
    assert (days[0].n, days[0].faulty) == (1, 1)
    assert sum(day.n for day in days[1:-1]) == 0


def test_a_new_result_is_seen_at_the_next_reading(
    store: Store, snapshots: Snapshots, clock: FakeClock
) -> None:
    store.add_results(spread(ago(minutes=2)))
    before = counted_n(snapshots)
    clock.advance(60)
    store.add_results(spread(clock.now()))
    assert counted_n(snapshots) == {window: n + 1 for window, n in before.items()}


def test_a_result_replayed_into_a_closed_day_is_seen(
    store: Store, snapshots: Snapshots, clock: FakeClock
) -> None:
    store.add_results(spread(NOON, ago(days=3)))
    assert counted_n(snapshots)[Window.WEEK] == 2
    clock.advance(60)
    store.add_results(spread(ago(days=3, hours=1)))
    assert counted_n(snapshots)[Window.WEEK] == 3
    assert snapshots.current().history(QUICK).days[-4].n == 2


def test_windows_move_on_with_the_hour_and_the_day(
    store: Store, snapshots: Snapshots, clock: FakeClock
) -> None:
    store.add_results(spread(NOON))
    assert counted_n(snapshots)[Window.HOUR] == 1
    clock.advance(2 * 3600)
    assert counted_n(snapshots)[Window.HOUR] == 0
    clock.advance(22 * 3600)
    assert counted_n(snapshots) == {
        Window.HOUR: 0,
        Window.DAY: 0,
        Window.WEEK: 1,
        Window.MONTH: 1,
        Window.QUARTER: 1,
    }
    assert snapshots.current().history(QUICK).days[-2].n == 1


def test_manual_and_confirming_probes_are_not_counted(store: Store, snapshots: Snapshots) -> None:
    store.add_results(
        [a_result(due_at=NOON, trigger=trigger) for trigger in (Trigger.MANUAL, Trigger.CONFIRM)]
    )
    assert counted_n(snapshots)[Window.DAY] == 0
    assert snapshots.current().statistics_of(QUICK).total == 2


def test_a_target_added_to_the_plan_brings_its_history(
    store: Store, snapshots: Snapshots, clock: FakeClock
) -> None:
    store.add_results(spread(ago(days=2), target="acme/main/new"))
    snapshots.current()
    clock.advance(60)
    store.put_plan(a_plan((a_target("quick"), a_target("new"))))
    assert counted_n(snapshots, "acme/main/new")[Window.WEEK] == 1
    assert snapshots.current().target(SLOW) is None


def test_the_store_is_read_at_most_once_a_second(store: Store, clock: FakeClock) -> None:
    counting = CountingStore(store)
    snapshots = Snapshots(counting, clock)  # type: ignore[arg-type]
    first = snapshots.current()
    counting.calls.clear()
    assert snapshots.current() is first
    clock.advance(0.9)
    assert snapshots.current() is first
    assert counting.calls == []
    clock.advance(0.2)
    assert snapshots.current() is not first


def test_a_reading_costs_what_changed_and_not_what_there_is(store: Store, clock: FakeClock) -> None:
    store.add_results([r for n in range(80) for r in spread(ago(days=n), ago(hours=n % 20), target=QUICK)])
    counting = CountingStore(store)
    snapshots = Snapshots(counting, clock)  # type: ignore[arg-type]
    snapshots.current()
    clock.advance(600)
    snapshots.current()
    counting.rows = 0
    clock.advance(10)
    store.add_results(spread(clock.now()))
    snapshots.current()
    assert 0 < counting.rows <= 4


def test_an_unchanged_target_keeps_its_history_and_its_tallies(
    store: Store, snapshots: Snapshots, clock: FakeClock
) -> None:
    store.add_results([*spread(NOON), *spread(NOON, target=SLOW)])
    before = snapshots.current()
    tally = before.tally(SLOW, Window.DAY)
    clock.advance(60)
    store.add_results(spread(clock.now()))
    after = snapshots.current()
    assert after.tally(SLOW, Window.DAY) is tally
    assert after.history(SLOW).revision == before.history(SLOW).revision
    assert after.history(QUICK).revision > before.history(QUICK).revision


@pytest.mark.parametrize("skew_seconds", [-90, 90], ids=["behind", "ahead"])
def test_an_agent_whose_clock_differs_is_not_overlooked(
    tmp_path: Path, clock: FakeClock, skew_seconds: int
) -> None:
    """Rollups bear the clock of whoever wrote them."""
    agents_clock = FakeClock(NOON + timedelta(seconds=skew_seconds))
    store = open_sqlite(tmp_path / "skewed.sqlite3", agents_clock)
    store.put_plan(a_plan((a_target("quick"),)))
    store.add_results(spread(NOON))
    snapshots = Snapshots(store, clock)
    assert counted_n(snapshots)[Window.DAY] == 1
    for n in range(2, 8):
        clock.advance(30)
        agents_clock.advance(30)
        store.add_results(spread(NOON + timedelta(seconds=n)))
        assert counted_n(snapshots)[Window.DAY] == n


def test_two_agents_whose_clocks_differ_are_both_seen_within_a_minute(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "two.sqlite3"
    fast, slow = FakeClock(NOON), FakeClock(NOON - timedelta(seconds=100))
    ahead, behind = open_sqlite(path, fast), open_sqlite(path, slow)
    ahead.put_plan(a_plan((a_target("quick"),)))
    snapshots = Snapshots(ahead, clock)
    ahead.add_results(spread(NOON))
    counted_n(snapshots)
    behind.add_results([replace(a_result(due_at=NOON), location="there")])
    for some_clock in (clock, fast, slow):
        some_clock.advance(61)
    ahead.add_results(spread(clock.now()))
    assert counted_n(snapshots)[Window.DAY] == 3


def test_when_the_store_goes_away_the_last_reading_stays_with_its_time(
    store: Store, snapshots: Snapshots, clock: FakeClock
) -> None:
    store.add_results(spread(NOON))
    snapshots.current()
    store.close()
    clock.advance(120)
    snapshot = snapshots.current()
    assert snapshot.store_error
    assert snapshot.as_of == NOON
    assert snapshot.now == NOON + timedelta(seconds=120)
    assert snapshot.tally(QUICK, Window.DAY).n == 1


def test_a_store_that_was_never_there_gives_an_empty_snapshot(store: Store, snapshots: Snapshots) -> None:
    store.close()
    snapshot = snapshots.current()
    assert snapshot.store_error
    assert snapshot.as_of is None
    assert snapshot.targets == ()


def test_silence_turns_a_verdict_into_unknown_without_anybody_writing_it(
    store: Store, snapshots: Snapshots, clock: FakeClock
) -> None:
    store.add_results(spread(NOON))
    target = snapshots.current().targets[0]
    store.set_verdict(QUICK, judge(Subject(target.readiness, "", 60), store.recent([QUICK], 5)[QUICK], NOON))
    clock.advance(2)
    assert snapshots.current().verdict(target).state is State.OPERATIONAL
    assert snapshots.current().freshness(target) is Freshness.FRESH
    clock.advance(150)
    assert snapshots.current().freshness(target) is Freshness.STALE
    clock.advance(600)
    verdict = snapshots.current().verdict(target)
    assert (verdict.state, verdict.reason.key) == (State.UNKNOWN, ReasonKey.STALE)


def test_an_agent_that_stopped_beating_is_not_alive(
    store: Store, snapshots: Snapshots, clock: FakeClock
) -> None:
    store.beat(an_agent(NOON))
    assert len(snapshots.current().alive_agents) == 1
    assert snapshots.current().next_due_at == NOON + timedelta(seconds=20)
    clock.advance(31)
    snapshot = snapshots.current()
    assert (snapshot.alive_agents, snapshot.next_due_at) == ((), None)
    assert len(snapshot.agents) == 1


def test_readers_are_not_held_up_by_the_one_that_reads_the_store(store: Store, clock: FakeClock) -> None:
    """While one thread waits for a slow store, the others get the reading before."""
    slow = SlowStore(store)
    snapshots = Snapshots(slow, clock)  # type: ignore[arg-type]
    before = snapshots.current()
    clock.advance(5)
    slow.is_slow = True
    reader = threading.Thread(target=snapshots.current)
    reader.start()
    assert slow.is_asked.wait(10)
    assert snapshots.current() is before
    slow.may_answer.set()
    reader.join(10)
    assert snapshots.current() is not before


class SlowStore(CountingStore):
    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.is_slow = False
        self.is_asked, self.may_answer = threading.Event(), threading.Event()

    def rollups_changed(self, period: Period, since: datetime, changed_since: datetime) -> list[Rollup]:
        if self.is_slow:
            self.is_asked.set()
            assert self.may_answer.wait(10)
        return self._store.rollups_changed(period, since, changed_since)


class FailingStore(CountingStore):
    """Fails in the middle of a reading, as a database does that goes away between two queries."""

    is_away = False

    def rollups_changed(self, period: Period, since: datetime, changed_since: datetime) -> list[Rollup]:
        if self.is_away and period is Period.DAY:
            raise StoreUnavailableError("gone")
        return self._store.rollups_changed(period, since, changed_since)


def test_a_reading_that_broke_off_halfway_loses_nothing(store: Store, clock: FakeClock) -> None:
    failing = FailingStore(store)
    snapshots = Snapshots(failing, clock)  # type: ignore[arg-type]
    store.add_results(spread(NOON))
    assert counted_n(snapshots)[Window.DAY] == 1
    clock.advance(5)
    store.add_results(spread(clock.now()))
    failing.is_away = True
    assert counted_n(snapshots)[Window.DAY] == 1
    clock.advance(600)
    failing.is_away = False
    assert counted_n(snapshots) == dict.fromkeys(Window, 2)
