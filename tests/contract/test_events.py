"""Events: made with the results that show it, once each, paged by key, kept beyond the results."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from probes.domain.event import EventKind, TargetEvent
from probes.domain.result import ProbeResult
from probes.store.base import CursorError, EventQuery, Retention, Store
from tests.contract.conftest import OpenStore
from tests.examples import NOON, a_result
from tests.fakes import FakeClock

MINUTE = timedelta(minutes=1)


def served(*models: str, start: int = 0, **fields: Any) -> list[ProbeResult]:
    return [
        a_result(due_at=NOON + (start + n) * MINUTE, served_model=model, **fields)
        for n, model in enumerate(models)
    ]


def all_events(store: Store, **query: Any) -> tuple[TargetEvent, ...]:
    return store.events(EventQuery(**query)).events


def an_event(minute: int = 0, target: str = "acme/main/quick", **changes: Any) -> TargetEvent:
    kind = changes.pop("kind", EventKind.SERVED_MODEL_CHANGED)
    return TargetEvent.of(target, kind, ("a", "b 文"), (NOON + minute * MINUTE, f"r{minute}"))


def test_an_empty_store_has_no_events(store: Store) -> None:
    page = store.events(EventQuery())

    assert (page.events, page.next_cursor) == ((), None)


def test_results_bring_the_events_that_they_make(store: Store) -> None:
    before, after = served("x-1", "x-2")

    store.add_results([before])
    store.add_results([after])

    (event,) = all_events(store)
    assert event == TargetEvent.of(
        "acme/main/quick",
        EventKind.SERVED_MODEL_CHANGED,
        ("x-1", "x-2"),
        (after.started_at, after.id),
    )


def test_what_was_known_survives_a_restart(open_store: OpenStore) -> None:
    first = open_store()
    first.add_results(served("x-1"))
    first.close()

    second = open_store()
    second.add_results(served("x-2", start=1))

    assert [event.after for event in all_events(second)] == ["x-2"]


def test_writing_the_same_results_again_makes_no_second_event(store: Store) -> None:
    results = served("x-1", "x-2", "x-3")

    store.add_results(results)
    store.add_results(results)
    store.add_results(results[1:2])

    assert [event.after for event in all_events(store)] == ["x-3", "x-2"]


def test_a_batch_tells_the_same_as_single_results(store: Store) -> None:
    store.add_results(
        [
            *served("x-1", "x-2", "x-3", target="acme/main/quick"),
            *served("y-1", "y-1", target="acme/main/slow"),
        ]
    )

    assert [event.after for event in all_events(store)] == ["x-3", "x-2"]


def test_a_late_result_makes_no_event(store: Store) -> None:
    store.add_results(served("x-2", start=5))

    store.add_results(served("x-1"))
    store.add_results(served("x-2", start=6))

    assert all_events(store) == ()


def test_adding_an_event_twice_is_adding_it_once(store: Store) -> None:
    assert store.add_events([an_event(), an_event(1)]) == 2
    assert store.add_events([an_event(), an_event(2)]) == 1
    assert store.add_events([]) == 0
    assert all_events(store) == (an_event(2), an_event(1), an_event())


def test_times_are_cut_to_milliseconds(store: Store) -> None:
    store.add_events([replace(an_event(), at=NOON + timedelta(microseconds=123_999))])

    assert all_events(store)[0].at == NOON + timedelta(milliseconds=123)


@pytest.mark.parametrize(
    ("query", "minutes"),
    [
        pytest.param({}, [5, 4, 3, 2, 1, 0], id="all"),
        pytest.param({"targets": ["acme/main/slow"]}, [5, 3, 1], id="target"),
        pytest.param({"targets": ["acme/main/slow", "acme/main/quick"]}, [5, 4, 3, 2, 1, 0], id="targets"),
        pytest.param({"kinds": [EventKind.MODEL_RETIRED]}, [4, 1], id="kind"),
        pytest.param({"since": NOON + 2 * MINUTE, "until": NOON + 4 * MINUTE}, [3, 2], id="time"),
        pytest.param({"targets": ["acme/main/slow"], "kinds": [EventKind.MODEL_RETIRED]}, [1], id="both"),
        pytest.param({"targets": ["$ne", "acme"]}, [], id="unknown"),
    ],
)
def test_pages_hold_exactly_what_matches_newest_first(
    store: Store, query: dict[str, Any], minutes: list[int]
) -> None:
    store.add_events(
        [
            an_event(
                n,
                target="acme/main/slow" if n % 2 else "acme/main/quick",
                kind=EventKind.MODEL_RETIRED if n % 3 == 1 else EventKind.FINGERPRINT_CHANGED,
            )
            for n in range(6)
        ]
    )

    found: list[TargetEvent] = []
    page = store.events(EventQuery(**query, limit=2))
    found += page.events
    while page.next_cursor is not None:
        page = store.events(EventQuery(**query, limit=2, cursor=page.next_cursor))
        found += page.events

    assert [event.at for event in found] == [NOON + n * MINUTE for n in minutes]


def test_events_of_one_moment_are_paged_without_loss(store: Store) -> None:
    events = [an_event(target=f"acme/main/m{n}") for n in range(5)]
    store.add_events(events)

    first = store.events(EventQuery(limit=3))
    rest = store.events(EventQuery(limit=3, cursor=first.next_cursor))

    assert {event.id for event in (*first.events, *rest.events)} == {event.id for event in events}
    assert rest.next_cursor is None


def test_a_cursor_that_was_never_given_out_is_refused(store: Store) -> None:
    with pytest.raises(CursorError):
        store.events(EventQuery(cursor="MTIz"))


def test_events_outlive_raw_results_and_go_with_the_daily_rollups(store: Store, clock: FakeClock) -> None:
    store.add_events([an_event()])
    later = clock.now() + timedelta(days=300)

    store.sweep(Retention(), later)
    kept = all_events(store)
    store.sweep(Retention(daily=timedelta(days=200)), later)

    assert len(kept) == 1
    assert all_events(store) == ()
