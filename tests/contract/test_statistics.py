"""One document a target: newest by due time, runs of a category, counters, and a verdict of its own."""

from datetime import timedelta
from itertools import permutations

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import Category, ProbeResult, Trigger
from probes.domain.state import Reason, State, TargetStatistics, Verdict
from probes.store.base import Store
from tests.contract.conftest import OpenStore
from tests.examples import NOON, a_result
from tests.fakes import FakeClock

MINUTE = timedelta(minutes=1)


def a_verdict(state: State = State.DOWN, judged_at: int = 0) -> Verdict:
    reason = Reason("consecutive_failures", (("n", 3), ("usual", 0.8), ("outcome", "stalled")))
    return Verdict(state, reason, since=NOON - 5 * MINUTE, judged_at=NOON + judged_at * MINUTE)


def of_quick(store: Store) -> TargetStatistics:
    return store.statistics()["acme/main/quick"]


def test_an_empty_store_has_no_statistics(store: Store) -> None:
    assert store.statistics() == {}


def test_the_first_result_starts_a_targets_statistics(store: Store, clock: FakeClock) -> None:
    result = a_result()

    store.add_results([result])

    assert of_quick(store) == TargetStatistics(
        target="acme/main/quick",
        newest=result,
        newest_ok=result,
        category=Category.SMOOTH,
        category_since=NOON,
        total=1,
        total_ok=1,
        first_seen_at=NOON,
        updated_at=clock.now(),
    )


def test_newest_ok_stays_behind_a_failure(store: Store) -> None:
    ok = a_result()
    failed = a_result(Outcome.STALLED, due_at=NOON + MINUTE, trigger=Trigger.MANUAL)

    store.add_results([ok])
    store.add_results([failed])

    statistics = of_quick(store)
    assert (statistics.newest, statistics.newest_ok) == (failed, ok)
    assert (statistics.category, statistics.category_since) == (Category.UNKNOWN, failed.due_at)
    assert (statistics.total, statistics.total_ok) == (2, 1)


@pytest.mark.parametrize("outcome", [Outcome.MISSED, Outcome.SKIPPED])
def test_a_slot_that_did_not_run_is_never_the_newest(store: Store, outcome: Outcome) -> None:
    ran = a_result()

    store.add_results([ran, a_result(outcome, due_at=NOON + MINUTE)])

    statistics = of_quick(store)
    assert (statistics.newest, statistics.total, statistics.category) == (ran, 1, Category.SMOOTH)


def test_results_that_arrive_late_do_not_become_the_newest(store: Store) -> None:
    newest = a_result(due_at=NOON)
    store.add_results([newest])

    store.add_results([a_result(Outcome.STALLED, due_at=NOON - n * MINUTE) for n in range(1, 4)])

    statistics = of_quick(store)
    assert (statistics.newest, statistics.newest_ok) == (newest, newest)
    assert statistics.first_seen_at == NOON - 3 * MINUTE
    assert (statistics.total, statistics.total_ok) == (4, 1)


def run_of_categories() -> list[ProbeResult]:
    """lagging, smooth, lagging, lagging: the present run began with the third."""
    categories = (Category.LAGGING, Category.SMOOTH, Category.LAGGING, Category.LAGGING)
    return [a_result(due_at=NOON + n * MINUTE, category=category) for n, category in enumerate(categories)]


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_time_in_a_category_does_not_depend_on_the_order_of_arrival(
    store: Store, order: tuple[int, ...]
) -> None:
    results = run_of_categories()

    for index in order:
        store.add_results([results[index]])

    statistics = of_quick(store)
    assert (statistics.category, statistics.category_since) == (Category.LAGGING, NOON + 2 * MINUTE)
    assert statistics.newest == results[3]


def test_two_locations_may_share_a_slot(store: Store) -> None:
    store.add_results([a_result(due_at=NOON, id="b", location="here")])
    store.add_results([a_result(Outcome.STALLED, NOON, id="a", location="there")])
    statistics = store.statistics()["acme/main/quick"]
    assert statistics.newest is not None
    assert (statistics.newest.id, statistics.category, statistics.category_since) == (
        "b",
        Category.SMOOTH,
        NOON,
    )
    assert statistics.total == 2


def test_a_repeated_write_changes_no_counter(store: Store) -> None:
    results = run_of_categories()
    store.add_results(results)
    before = of_quick(store)

    store.add_results(results)

    assert of_quick(store) == before


def test_a_verdict_is_kept_beside_the_results(store: Store, open_store: OpenStore) -> None:
    store.add_results([a_result()])

    store.set_verdict("acme/main/quick", a_verdict())
    store.add_results([a_result(due_at=NOON + MINUTE)])

    statistics = open_store().statistics()["acme/main/quick"]
    assert statistics.verdict == a_verdict()
    assert statistics.total == 2


def test_a_target_can_be_judged_before_it_was_ever_probed(store: Store) -> None:
    verdict = Verdict(State.NOT_CONFIGURED, Reason("not_configured"), since=None, judged_at=NOON)

    store.set_verdict("acme/main/quick", verdict)

    assert of_quick(store) == TargetStatistics("acme/main/quick", verdict=verdict)
    store.add_results([a_result()])
    assert (of_quick(store).verdict, of_quick(store).total) == (verdict, 1)


def test_an_older_judgement_does_not_replace_a_newer_one(store: Store) -> None:
    store.set_verdict("acme/main/quick", a_verdict(State.DOWN, judged_at=0))
    store.set_verdict("acme/main/quick", a_verdict(State.OPERATIONAL, judged_at=2))
    store.set_verdict("acme/main/quick", a_verdict(State.DEGRADED, judged_at=1))

    assert of_quick(store).verdict == a_verdict(State.OPERATIONAL, judged_at=2)
