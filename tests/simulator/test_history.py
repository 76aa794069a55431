"""The demo's invented past: one alias moved, and every page has the record that shows it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from probes.domain.event import EventKind
from probes.simulator.history import AGENT, MOVED_AGO, load_past, write_history
from probes.store.base import EventQuery
from probes.store.sqlite import SqliteStore, open_sqlite
from tests.examples import NOON, a_target
from tests.fakes import FakeClock

SCENARIOS = (
    "models:\n  swift: {description: Quick., scenario: ok}\n  pro: {description: Steady., scenario: ok}\n"
)
DAYS = 5


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(open_sqlite(tmp_path / "demo.sqlite3", FakeClock())) as store:
        yield store


def write(store: SqliteStore, tmp_path: Path, now_after: timedelta = timedelta(0)) -> None:
    scenarios = tmp_path / "scenarios.yaml"
    scenarios.write_text(SCENARIOS)
    past = load_past(scenarios, [a_target("swift"), a_target("pro")], 7, "here")
    assert sum(write_history(store, past, DAYS, NOON + now_after)) > 0


def test_one_alias_moved_and_its_record_shows_it(store: SqliteStore, tmp_path: Path) -> None:
    write(store, tmp_path)

    (event,) = store.events(EventQuery()).events

    assert (event.kind, event.target) == (EventKind.SERVED_MODEL_CHANGED, "acme/main/swift")
    assert (event.before, event.after) == ("swift-preview", "swift")
    assert timedelta(0) <= event.at - (NOON - MOVED_AGO) < timedelta(hours=2)
    shown = store.result(event.result_id)
    assert shown is not None
    assert (shown.served_model, shown.agent) == ("swift", AGENT)


def test_a_second_start_moves_no_second_alias(store: SqliteStore, tmp_path: Path) -> None:
    write(store, tmp_path)
    write(store, tmp_path, now_after=timedelta(days=2))

    assert len(store.events(EventQuery()).events) == 1
