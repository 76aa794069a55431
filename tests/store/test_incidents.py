"""Incidents in an older file, in one of a newer program, and under writers that hold the file."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from probes.domain.upkeep import Pause
from probes.store.base import EventQuery, IncidentQuery, StoreError, StoreUnavailableError
from probes.store.sqlite import SqliteStore, open_sqlite
from probes.store.sqlite.database import Database
from probes.store.sqlite.schema import MIGRATIONS
from tests.contract.test_deliveries import a_delivery
from tests.contract.test_incidents import an_incident
from tests.examples import NOON, a_result
from tests.fakes import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with closing(open_sqlite(path, FakeClock())) as store:
        yield store


def test_a_file_from_before_incidents_keeps_all_and_takes_them(path: Path) -> None:
    served = [a_result(due_at=NOON + timedelta(minutes=n), served_model=f"x-{n}") for n in range(3)]
    with closing(SqliteStore(Database(path, MIGRATIONS[:2]), FakeClock())) as old:
        old.add_results(served)
        results, events, statistics = (
            old.recent(["acme/main/quick"], 10),
            old.events(EventQuery()),
            old.statistics(),
        )

    with closing(open_sqlite(path, FakeClock())) as store:
        assert store.recent(["acme/main/quick"], 10) == results
        assert store.events(EventQuery()) == events
        assert store.statistics() == statistics
        assert store.incidents(IncidentQuery()).incidents == ()
        assert store.save_incident(an_incident())
        assert store.add_deliveries([a_delivery()]) == 1
        store.put_pause(Pause("acme/main/quick", NOON))
        assert (len(store.maintenance()), len(store.pauses())) == (0, 1)


def test_an_incident_of_another_version_is_said_to_be_unreadable(store: SqliteStore, path: Path) -> None:
    store.save_incident(an_incident())
    database = Database(path, MIGRATIONS)
    with closing(database), database.writing() as connection:
        connection.execute("UPDATE incidents SET document = replace(document, 'timeout', 'sulking')")

    with pytest.raises(StoreError, match="the stored incident was written by another version"):
        store.incidents(IncidentQuery())


def test_an_incident_is_written_with_its_targets_or_not_at_all(store: SqliteStore, path: Path) -> None:
    first = an_incident()
    store.save_incident(first)
    database = Database(path, MIGRATIONS)
    with closing(database), database.writing() as connection:
        connection.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON incident_targets BEGIN SELECT raise(ABORT, 'broken'); END"
        )

    second = replace(first.next(NOON), affected=an_incident(0, "acme/main/slow").affected)
    with pytest.raises(StoreError, match="broken"):
        store.save_incident(second)

    assert store.incident(first.id) == first
    assert store.incidents(IncidentQuery(targets=["acme/main/quick"])).incidents == (first,)


def test_a_held_file_is_unavailable_and_nothing_was_decided(path: Path) -> None:
    database = Database(path, MIGRATIONS, busy_timeout_seconds=0.02)
    with closing(SqliteStore(database, FakeClock())) as store:
        other = Database(path, MIGRATIONS)
        with closing(other), other.writing(), pytest.raises(StoreUnavailableError):
            store.save_incident(an_incident())

        assert store.save_incident(an_incident()) is True
