"""Results wait in a file while the store is away, survive a kill, and are replayed in order."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from probes.domain.result import ProbeResult
from probes.store import spool
from probes.store.base import ResultQuery, StoreUnavailableError
from probes.store.spool import SpoolingWriter
from probes.store.sqlite import SqliteStore
from probes.store.sqlite.database import Database
from probes.store.sqlite.schema import MIGRATIONS
from tests.examples import NOON, a_result
from tests.fakes import FakeClock


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def store(place: Path) -> Iterator[SqliteStore]:
    database = Database(place / "store.sqlite3", MIGRATIONS, busy_timeout_seconds=0.02)
    with closing(SqliteStore(database, FakeClock())) as store:
        assert store.statistics() == {}
        yield store


@pytest.fixture
def writer(store: SqliteStore, place: Path) -> Iterator[SpoolingWriter]:
    with closing(SpoolingWriter(store, place / "spool.sqlite3")) as writer:
        yield writer


@contextmanager
def store_away(place: Path) -> Iterator[None]:
    """Another process holds the database."""
    with closing(sqlite3.connect(place / "store.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def probes(count: int, start: int = 0) -> list[ProbeResult]:
    return [a_result(id=f"{n:05d}", due_at=NOON + timedelta(seconds=n)) for n in range(start, start + count)]


def stored_ids(store: SqliteStore) -> list[str]:
    """In the order in which they were written."""
    with store._database.reading() as connection:
        return [row[0] for row in connection.execute("SELECT id FROM results ORDER BY seq")]


def test_while_the_store_is_there_nothing_is_spooled(writer: SpoolingWriter, store: SqliteStore) -> None:
    assert writer.write(probes(3)) is True

    assert writer.spooled == 0
    assert len(stored_ids(store)) == 3


def test_while_the_store_is_away_results_wait(
    writer: SpoolingWriter, store: SqliteStore, place: Path
) -> None:
    with store_away(place):
        assert writer.write(probes(2)) is False
        assert writer.write(probes(1, start=2)) is False
        assert writer.spooled == 3

    assert stored_ids(store) == []


def test_waiting_results_come_before_new_ones(
    writer: SpoolingWriter, store: SqliteStore, place: Path
) -> None:
    with store_away(place):
        writer.write(probes(5))

    assert writer.write(probes(2, start=5)) is True

    assert stored_ids(store) == [f"{n:05d}" for n in range(7)]
    assert writer.spooled == 0


def test_writing_nothing_replays_what_waits(writer: SpoolingWriter, store: SqliteStore, place: Path) -> None:
    with store_away(place):
        writer.write(probes(5))
        assert writer.write([]) is False

    assert writer.write([]) is True
    assert len(stored_ids(store)) == 5


def test_a_replayed_result_is_as_it_was(writer: SpoolingWriter, store: SqliteStore, place: Path) -> None:
    result = a_result(error="said \ud83d and 文", answer_ok=False)
    with store_away(place):
        writer.write([result])
    writer.write([])

    assert store.result(result.id) == replace(result, error="said ? and 文")


def test_a_long_replay_gives_way_after_some_batches(
    writer: SpoolingWriter, store: SqliteStore, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "REPLAY_BATCH", 10)
    monkeypatch.setattr(spool, "REPLAY_BATCHES", 3)
    with store_away(place):
        writer.write(probes(45))

    assert writer.write([]) is False
    assert writer.spooled == 15
    assert writer.write(probes(5, start=45)) is True
    assert stored_ids(store) == [f"{n:05d}" for n in range(50)]


def test_a_result_that_reached_the_store_before_is_no_trouble(
    writer: SpoolingWriter, store: SqliteStore, place: Path
) -> None:
    """The agent was killed after the store had taken the batch and before the spool had let it go."""
    store.add_results(probes(3))
    with store_away(place):
        writer.write(probes(5))

    assert writer.write([]) is True
    assert store.statistics()["acme/main/quick"].total == 5


def test_a_result_that_the_store_refuses_does_not_block_the_others(
    writer: SpoolingWriter, store: SqliteStore, place: Path
) -> None:
    refused = replace(a_result(id="refused"), agent=None)  # type: ignore[arg-type]
    with store_away(place):
        writer.write([*probes(2), refused, *probes(2, start=2)])

    assert writer.write([]) is True

    assert stored_ids(store) == [f"{n:05d}" for n in range(4)]
    with closing(sqlite3.connect(place / "spool.sqlite3")) as connection:
        ((document, error),) = connection.execute("SELECT document, error FROM refused")
    assert '"refused"' in document
    assert "NOT NULL" in error


def test_a_spool_that_cannot_be_opened_is_told(store: SqliteStore, place: Path) -> None:
    (place / "spool.sqlite3").write_text("not a database " * 100, encoding="utf-8")

    with pytest.raises(StoreUnavailableError, match="move it away"):
        SpoolingWriter(store, place / "spool.sqlite3")


SPOOLER = """
import sys
from datetime import timedelta
from pathlib import Path
from probes.store.spool import SpoolingWriter
from probes.store.sqlite import SqliteStore
from probes.store.sqlite.database import Database
from probes.store.sqlite.schema import MIGRATIONS
from tests.examples import NOON, a_result
from tests.fakes import FakeClock

place = Path(sys.argv[1])
store = SqliteStore(Database(place / "store.sqlite3", MIGRATIONS, busy_timeout_seconds=0.001), FakeClock())
writer = SpoolingWriter(store, place / "spool.sqlite3")
for n in range(1_000_000):
    writer.write([a_result(id=f"{n:05d}", due_at=NOON + timedelta(seconds=n))])
    print(n, flush=True)
"""


def test_what_the_spool_has_taken_survives_a_kill(store: SqliteStore, place: Path) -> None:
    with store_away(place):
        command = [sys.executable, "-c", SPOOLER, str(place)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as agent:
            assert agent.stdout is not None
            taken = [int(agent.stdout.readline()) for _ in range(30)]
            agent.send_signal(signal.SIGKILL)
            taken += [int(line) for line in agent.stdout.read().split()]

    with closing(SpoolingWriter(store, place / "spool.sqlite3")) as restarted:
        assert restarted.spooled >= len(taken)
        assert restarted.write([]) is True

    assert {f"{n:05d}" for n in taken} <= set(stored_ids(store))
    assert stored_ids(store) == sorted(stored_ids(store))
    assert store.count_results(ResultQuery(since=NOON), at_most=10**6) == len(stored_ids(store))
