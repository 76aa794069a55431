"""A writer that dies between an event and the statistics that make it old news: told once, never lost."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from probes.domain.result import ProbeResult
from probes.store.base import EventQuery, Store
from probes.store.mongo import open_mongo, statistics
from tests.examples import NOON, a_result
from tests.fakes import FakeClock

pytestmark = pytest.mark.mongo

Opened = Callable[[FakeClock], Store]


class KilledError(BaseException):
    """Passes every handler, as a kill would."""


@pytest.fixture
def opened(mongodb_uri: str, mongodb_database: str) -> Iterator[Opened]:
    stores: list[Store] = []

    def open_with(clock: FakeClock) -> Store:
        stores.append(open_mongo(mongodb_uri, mongodb_database, clock))
        return stores[-1]

    yield open_with
    for store in stores:
        store.close()


def served(model: str, minute: int) -> ProbeResult:
    return a_result(due_at=NOON + timedelta(minutes=minute), served_model=model, id=f"{model}-{minute}")


def news(store: Store) -> list[str]:
    return [event.after for event in store.events(EventQuery()).events]


def test_a_killed_writers_event_is_told_once(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(FakeClock()).add_results([served("x-1", 0)])
    with monkeypatch.context() as patch:

        def killed(*_: Any) -> bool:
            raise KilledError

        patch.setattr(statistics, "_swap", killed)
        with pytest.raises(KilledError):
            opened(FakeClock()).add_results([served("x-2", 1)])

    other = opened(FakeClock(NOON + timedelta(minutes=5)))
    other.add_results([served("x-2", 2)])

    assert news(other) == ["x-2"]


def test_a_writer_that_was_overtaken_tells_what_is_true_then(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, fast = opened(FakeClock()), opened(FakeClock())
    slow.add_results([served("x-1", 0)])
    real, overtaken = statistics._swap, list[bool]()

    def overtake_once(*arguments: Any) -> bool:
        if not overtaken:
            overtaken.append(True)
            fast.add_results([served("x-2", 1)])
        return real(*arguments)

    monkeypatch.setattr(statistics, "_swap", overtake_once)
    slow.add_results([served("x-2", 2)])

    assert news(slow) == ["x-2"]
    assert slow.events(EventQuery()).events[0].result_id == "x-2-1"
