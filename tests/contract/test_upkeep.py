"""What operators announce: maintenance windows and pauses, replaced by name, taken back, told in order."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from probes.domain.upkeep import Announcer, Maintenance, Pause, Repeat
from probes.store.base import Retention, Store
from tests.contract.conftest import OpenStore
from tests.examples import NOON

SUNDAY_NIGHT = datetime(2026, 11, 22, 2, 30)  # noqa: DTZ001  # wall-clock time of its own zone


def a_window(identity: str = "m1", **changes: Any) -> Maintenance:
    window = Maintenance(
        id=identity,
        title="Router swap 文",
        first_start=SUNDAY_NIGHT,
        duration_seconds=5400.5,
        timezone="Europe/Berlin",
        repeat=Repeat.WEEKLY,
        last_day=date(2027, 3, 28),
        providers=("acme",),
        targets=("other/main/one",),
        note="both lines",
        announcer=Announcer.OPERATOR,
        announced_at=NOON,
    )
    return replace(window, **changes)


def test_nothing_is_announced_at_first(store: Store) -> None:
    assert store.maintenance() == ()
    assert store.pauses() == ()


def test_a_window_comes_back_as_it_was_on_the_wall_clock(store: Store, open_store: OpenStore) -> None:
    once = Maintenance("m2", "Once", SUNDAY_NIGHT + timedelta(days=1), 60.0, "UTC")

    store.put_maintenance(once)
    store.put_maintenance(a_window())

    assert open_store().maintenance() == (a_window(), once)
    assert store.maintenance()[0].first_start.tzinfo is None


def test_windows_are_told_by_first_start_and_id(store: Store) -> None:
    later = a_window("a", first_start=SUNDAY_NIGHT + timedelta(seconds=1))

    for window in (later, a_window("c"), a_window("b")):
        store.put_maintenance(window)

    assert [window.id for window in store.maintenance()] == ["b", "c", "a"]


def test_a_window_is_replaced_by_its_id_and_taken_back_once(store: Store) -> None:
    store.put_maintenance(a_window())
    store.put_maintenance(a_window("m2"))
    store.put_maintenance(a_window(title="Longer", announced_at=NOON + timedelta(microseconds=123_999)))

    changed, other = store.maintenance()
    assert changed == a_window(title="Longer", announced_at=NOON + timedelta(milliseconds=123))
    assert store.delete_maintenance("m1") is True
    assert store.delete_maintenance("m1") is False
    assert store.maintenance() == (other,)


def test_pauses_come_back_as_they_were_by_target(store: Store, open_store: OpenStore) -> None:
    endless = Pause("acme/main/slow", NOON + timedelta(microseconds=123_999), note="moves house, 文")
    until = Pause("acme/main/quick", NOON, NOON + timedelta(hours=1, microseconds=5))

    store.put_pause(endless)
    store.put_pause(until)

    assert open_store().pauses() == (
        replace(until, until=NOON + timedelta(hours=1)),
        replace(endless, paused_at=NOON + timedelta(milliseconds=123)),
    )


def test_a_pause_is_replaced_by_its_target_and_ended_once(store: Store) -> None:
    store.put_pause(Pause("acme/main/quick", NOON))
    store.put_pause(Pause("acme/main/quick", NOON, NOON + timedelta(hours=1)))

    assert store.pauses() == (Pause("acme/main/quick", NOON, NOON + timedelta(hours=1)),)
    assert store.delete_pause("acme/main/quick") is True
    assert store.delete_pause("acme/main/quick") is False
    assert store.pauses() == ()


def test_a_sweep_leaves_what_is_announced(store: Store) -> None:
    store.put_maintenance(a_window())
    store.put_pause(Pause("acme/main/quick", NOON))

    store.sweep(Retention(daily=timedelta(days=1)), NOON + timedelta(days=3000))

    assert (len(store.maintenance()), len(store.pauses())) == (1, 1)
