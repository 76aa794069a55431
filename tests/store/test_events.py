"""Events are neither lost nor doubled: over a store that is away, an older file, a memory of another version."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from probes.domain.result import ProbeResult, Trigger
from probes.stats.changes import changes_of
from probes.store.base import EventQuery
from probes.store.documents import memory_of, memory_text
from probes.store.spool import SpoolingWriter
from probes.store.sqlite import SqliteStore, open_sqlite
from probes.store.sqlite.database import Database
from probes.store.sqlite.schema import MIGRATIONS
from tests.examples import NOON, a_result
from tests.fakes import FakeClock


def served(*models: str) -> list[ProbeResult]:
    return [
        a_result(due_at=NOON + timedelta(minutes=n), served_model=model) for n, model in enumerate(models)
    ]


def news(store: SqliteStore) -> list[str]:
    return [event.after for event in store.events(EventQuery()).events]


def test_events_of_results_that_waited_in_the_spool_are_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    database = Database(path, MIGRATIONS, busy_timeout_seconds=0.02)
    before, *waiting = served("x-1", "x-2", "x-3")
    with (
        closing(SqliteStore(database, FakeClock())) as store,
        closing(SpoolingWriter(store, tmp_path / "spool.sqlite3")) as writer,
    ):
        writer.write([before])
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert writer.write(waiting) is False

        assert news(store) == []
        assert writer.write([]) is True
        assert news(store) == ["x-3", "x-2"]


def test_a_file_from_before_events_goes_on_with_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    old = Database(path, MIGRATIONS[:1])
    with closing(old), old.writing() as connection:
        connection.execute("INSERT INTO statistics (target, total) VALUES ('acme/main/quick', 7)")

    with closing(open_sqlite(path, FakeClock())) as store:
        store.add_results(served("x-1", "x-2"))

        assert news(store) == ["x-2"]
        assert store.statistics()["acme/main/quick"].total == 9


def test_a_memory_of_another_version_is_forgotten_and_not_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    first, *rest = served("x-1", "x-2", "x-3")
    with closing(open_sqlite(path, FakeClock())) as store:
        store.add_results([first])
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("""UPDATE statistics SET memory = '{"mood": {"current": "good"}}'""")

        store.add_results(rest)

        assert news(store) == ["x-3"]


def test_a_memory_comes_back_as_it_was() -> None:
    memory, _ = changes_of({}, served("x-1", "x-2", "x-1", "文"))

    assert memory_of(memory_text(memory)) == memory
    assert memory_of(None) == {}


def test_what_answers_under_announced_maintenance_changes_nothing_on_the_timeline(tmp_path: Path) -> None:
    first, inside, after = served("x-1", "x-2", "x-1")
    with closing(open_sqlite(tmp_path / "store.sqlite3", FakeClock())) as store:
        store.add_results([first, replace(inside, trigger=Trigger.MAINTENANCE), after])
        assert news(store) == []
