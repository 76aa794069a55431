"""The outbox: planned once, due in order, replaced by what became of it, kept until it was told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from probes.domain.delivery import Delivery, DeliveryState
from probes.store.base import DeliveryQuery, Retention, Store
from tests.contract.conftest import OpenStore
from tests.examples import NOON

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def a_delivery(minute: int = 0, channel: str = "mail", incident: str = "i1", **changes: Any) -> Delivery:
    """Pending, planned that many minutes after noon and due at once."""
    at = NOON + minute * MINUTE
    return replace(Delivery.of(channel, incident, f"t{minute}", created_at=at, due_at=at), **changes)


def sent(delivery: Delivery) -> Delivery:
    done = delivery.due_at + MINUTE
    return replace(delivery, state=DeliveryState.SENT, attempts=1, finished_at=done)


def found(store: Store, **query: Any) -> list[Delivery]:
    return list(store.deliveries(DeliveryQuery(**query)))


def test_an_empty_outbox_has_nothing_due(store: Store) -> None:
    assert store.due_deliveries(NOON, limit=10) == ()
    assert store.deliveries(DeliveryQuery()) == ()
    assert store.add_deliveries([]) == 0


def test_a_delivery_comes_back_as_it_was(store: Store, open_store: OpenStore) -> None:
    told = sent(a_delivery(1, error="connection refused: 文 \ud83d"))

    store.add_deliveries([a_delivery(), told])

    assert found(open_store()) == [replace(told, error="connection refused: 文 ?"), a_delivery()]


def test_planning_twice_is_planning_once(store: Store) -> None:
    first = a_delivery()

    assert store.add_deliveries([first, a_delivery(1), first]) == 2
    store.update_delivery(sent(first))
    assert store.add_deliveries([first, a_delivery(2)]) == 1

    assert found(store) == [a_delivery(2), a_delivery(1), sent(first)]


def test_pending_ones_whose_time_has_come_are_due_longest_first(store: Store) -> None:
    late, early, coming = a_delivery(2), a_delivery(1), a_delivery(4)
    retried = replace(a_delivery(0), due_at=NOON + 3 * MINUTE, attempts=2)
    finished = [
        replace(a_delivery(0, channel=state.value), state=state, finished_at=NOON)
        for state in DeliveryState
        if state is not DeliveryState.PENDING
    ]
    store.add_deliveries([late, coming, early, retried, *finished])

    assert store.due_deliveries(NOON + 3 * MINUTE, limit=10) == (early, late, retried)
    assert store.due_deliveries(NOON + 3 * MINUTE, limit=1) == (early,)
    assert store.due_deliveries(NOON, limit=10) == ()


def test_of_those_due_at_once_the_one_planned_first_is_first(store: Store) -> None:
    due_at = NOON + 5 * MINUTE
    planned = [a_delivery(minute, due_at=due_at) for minute in range(5)]

    store.add_deliveries(planned[::-1])

    assert store.due_deliveries(due_at, limit=10) == tuple(planned)


def test_what_became_of_a_delivery_replaces_what_was_known(store: Store) -> None:
    first = a_delivery()
    store.add_deliveries([first, a_delivery(1)])
    failed = replace(first, attempts=1, due_at=NOON + 9 * MINUTE, error="timeout")

    store.update_delivery(failed)
    assert store.due_deliveries(NOON + MINUTE, limit=10) == (a_delivery(1),)
    store.update_delivery(replace(failed, state=DeliveryState.FAILED, finished_at=NOON + 9 * MINUTE))

    assert found(store, states=[DeliveryState.FAILED]) == [
        replace(failed, state=DeliveryState.FAILED, finished_at=NOON + 9 * MINUTE)
    ]


def test_updating_one_that_is_not_there_makes_none(store: Store) -> None:
    store.update_delivery(sent(a_delivery()))

    assert found(store) == []


def test_times_are_cut_to_milliseconds(store: Store) -> None:
    odd = NOON + timedelta(microseconds=123_999)
    store.add_deliveries([a_delivery(created_at=odd, due_at=odd, finished_at=odd)])

    (back,) = found(store)
    assert {back.created_at, back.due_at, back.finished_at} == {NOON + timedelta(milliseconds=123)}


@pytest.mark.parametrize(
    ("query", "minutes"),
    [
        pytest.param({}, [5, 4, 3, 2, 1, 0], id="all"),
        pytest.param({"limit": 2}, [5, 4], id="limit"),
        pytest.param({"channels": ["chat"]}, [5, 3, 1], id="channel"),
        pytest.param({"incidents": ["i2"]}, [4, 1], id="incident"),
        pytest.param({"states": [DeliveryState.SENT]}, [1, 0], id="state"),
        pytest.param(
            {"states": [DeliveryState.SENT, DeliveryState.PENDING]}, [5, 4, 3, 2, 1, 0], id="states"
        ),
        pytest.param({"since": NOON + 4 * MINUTE}, [5, 4], id="since"),
        pytest.param({"channels": ["chat"], "incidents": ["i2"]}, [1], id="both"),
        pytest.param({"channels": ["$ne"]}, [], id="unknown"),
    ],
)
def test_a_query_finds_exactly_what_matches_newest_first(
    store: Store, query: dict[str, Any], minutes: list[int]
) -> None:
    planned = [
        a_delivery(n, channel="chat" if n % 2 else "mail", incident="i2" if n % 3 == 1 else "i1")
        for n in range(6)
    ]
    store.add_deliveries([sent(one) if n < 2 else one for n, one in enumerate(planned)])

    assert [one.created_at for one in found(store, **query)] == [NOON + n * MINUTE for n in minutes]


def test_finished_deliveries_go_with_the_results_and_pending_ones_never(store: Store) -> None:
    told, waiting = sent(a_delivery()), a_delivery(1)
    lately = sent(a_delivery(300 * 24 * 60))
    store.add_deliveries([told, waiting, lately])
    later = NOON + 350 * DAY

    store.sweep(Retention(results=None, hourly=None), later)
    before = found(store)
    deleted = store.sweep(Retention(results=100 * DAY), later)

    assert len(before) == 3
    assert deleted == 1
    assert found(store) == [lately, waiting]
