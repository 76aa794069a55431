"""A writer that dies between two steps: whatever the step, each result ends up counted exactly once."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import AutoReconnect

from probes.domain.rollup import Period
from probes.stats.tally import merge
from probes.store.base import Store, StoreUnavailableError
from probes.store.mongo import counting, open_mongo, statistics
from tests.examples import NOON, a_result
from tests.fakes import FakeClock

pytestmark = pytest.mark.mongo

RESULTS = [a_result(id=f"r{n}", target=f"acme/main/m{n % 3}", cost=0.25) for n in range(6)]
STEPS: dict[str, tuple[Any, str, int]] = {
    "before the rollups": (counting.rollups, "add_tallies", 0),
    "in the midst of the statistics": (counting.statistics, "advance_target", 1),
    "before the results are marked": (counting.api_status, "mark_counted", 0),
    "before rollups forget the batch": (counting.rollups, "forget_batch", 0),
    "before statistics forget the batch": (counting.statistics, "forget_batch", 0),
}


class KilledError(BaseException):
    """Passes every handler, as a kill would."""


@pytest.fixture
def opened(mongodb_uri: str, mongodb_database: str) -> Iterator[Callable[[FakeClock], Store]]:
    stores: list[Store] = []

    def open_with(clock: FakeClock) -> Store:
        stores.append(open_mongo(mongodb_uri, mongodb_database, clock))
        return stores[-1]

    yield open_with
    for store in stores:
        store.close()


def fail_at(monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str, int], error: BaseException) -> None:
    """Raise instead of the step, after it has been done so many times."""
    module, name, times = step
    real, calls = getattr(module, name), [0]

    def interrupted(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] > times:
            raise error
        return real(*arguments)

    monkeypatch.setattr(module, name, interrupted)


def assert_each_counted_once(store: Store, total: int) -> None:
    span = (NOON - timedelta(days=2), NOON + timedelta(days=2))
    counted = {period: {r.key: r.tally for r in store.rollups(period, *span)} for period in Period}
    assert [merge(tallies.values()).n for tallies in counted.values()] == [total, total]
    assert sum(of_target.total for of_target in store.statistics().values()) == total
    store.rebuild_rollups()
    assert {period: {r.key: r.tally for r in store.rollups(period, *span)} for period in Period} == counted


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_another_process_finishes_what_a_killed_one_began(
    opened: Callable[[FakeClock], Store], monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str, int]
) -> None:
    with monkeypatch.context() as patch:
        fail_at(patch, step, KilledError())
        with pytest.raises(KilledError):
            opened(FakeClock()).add_results(RESULTS)
    later = FakeClock(NOON + timedelta(minutes=3))

    repeated = opened(later).add_results(RESULTS)

    assert repeated == 0
    assert_each_counted_once(opened(later), len(RESULTS))


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_the_same_process_finishes_after_the_connection_broke(
    opened: Callable[[FakeClock], Store], monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str, int]
) -> None:
    store = opened(FakeClock())
    with monkeypatch.context() as patch:
        fail_at(patch, step, AutoReconnect("connection reset"))
        with pytest.raises(StoreUnavailableError):
            store.add_results(RESULTS)

    assert store.add_results([*RESULTS, a_result(id="one more", target="acme/main/m0")]) == 1

    assert_each_counted_once(store, len(RESULTS) + 1)


def test_a_batch_in_the_making_is_left_to_its_writer(
    opened: Callable[[FakeClock], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = opened(FakeClock())
    other = opened(FakeClock(NOON + timedelta(minutes=1)))
    real = counting.rollups.add_tallies

    def meanwhile(*arguments: Any) -> None:
        monkeypatch.setattr(counting.rollups, "add_tallies", real)
        other.add_results([a_result(id="of another")])
        real(*arguments)

    monkeypatch.setattr(counting.rollups, "add_tallies", meanwhile)
    slow.add_results(RESULTS)

    assert_each_counted_once(slow, len(RESULTS) + 1)


def test_statistics_that_change_under_the_writer_are_read_again(
    opened: Callable[[FakeClock], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = opened(FakeClock()), opened(FakeClock())
    real = statistics._statistics_of

    def meanwhile(document: Any) -> Any:
        monkeypatch.setattr(statistics, "_statistics_of", real)
        other.add_results([a_result(id="of another", due_at=NOON + timedelta(minutes=1))])
        return real(document)

    store.add_results([a_result(id="first")])
    monkeypatch.setattr(statistics, "_statistics_of", meanwhile)
    store.add_results([a_result(id="second", due_at=NOON + timedelta(seconds=1))])

    found = store.statistics()["acme/main/quick"]
    assert found.total == 3
    assert found.newest is not None
    assert found.newest.id == "of another"


@pytest.mark.parametrize("period", Period)
def test_a_rebuild_beside_a_writer_counts_its_results_once(
    opened: Callable[[FakeClock], Store], monkeypatch: pytest.MonkeyPatch, period: Period
) -> None:
    """The rebuild comes when the writer has inserted its results and not yet counted them."""
    store, rebuilding = opened(FakeClock()), opened(FakeClock())
    store.add_results([a_result(id="earlier")])
    real = counting.rollups.add_tallies

    def meanwhile(buckets: Any, tallies: Any, batch: str, now: Any) -> None:
        halves = [
            {key: tally for key, tally in tallies.items() if (key.period is period) is own}
            for own in (True, False)
        ]
        real(buckets, halves[0], batch, now)
        rebuilding.rebuild_rollups()
        real(buckets, halves[1], batch, now)

    monkeypatch.setattr(counting.rollups, "add_tallies", meanwhile)
    store.add_results([a_result(id="beside")])

    assert_each_counted_once(store, 2)


def test_the_store_leaves_no_marks_behind(
    mongodb_uri: str, mongodb_database: str, opened: Callable[[FakeClock], Store]
) -> None:
    opened(FakeClock()).add_results(RESULTS)

    with closing(MongoClient[dict[str, Any]](mongodb_uri)) as client:
        database = client[mongodb_database]
        assert database.api_status.count_documents({"counting": {"$exists": True}}) == 0
        assert [d["batches"] for d in database.rollups.find()] == [[]] * 6
        assert [d["batches"] for d in database.api_statistics.find()] == [[]] * 3
