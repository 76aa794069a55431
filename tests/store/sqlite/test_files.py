"""What can be wrong with a database file, and what the operator is told."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from probes.domain.result import RESULT_FIELDS
from probes.domain.rollup import Period
from probes.store.base import ResultQuery, StoreError, StoreUnavailableError
from probes.store.sqlite import SqliteStore, open_sqlite
from probes.store.sqlite.database import Database
from probes.store.sqlite.schema import MIGRATIONS
from tests.examples import NOON, a_result
from tests.fakes import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "store.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with closing(open_sqlite(path, FakeClock())) as store:
        yield store


def test_the_file_and_its_directory_are_made(store: SqliteStore, path: Path) -> None:
    assert path.exists()
    assert store.statistics() == {}


def test_each_field_of_a_result_has_a_typed_column(store: SqliteStore, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(results)")]
        (schema,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'results'").fetchone()

    assert columns == ["seq", *RESULT_FIELDS], (
        "ProbeResult has changed: add a migration, do not edit an old one"
    )
    assert schema.rstrip().endswith("STRICT")


def test_a_file_of_a_newer_version_is_refused_with_the_cure(store: SqliteStore, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")

    with pytest.raises(StoreUnavailableError, match=r"schema 99.*update the program"):
        open_sqlite(path)


def test_a_file_of_an_older_version_is_brought_forward(path: Path) -> None:
    path.parent.mkdir()
    first = Database(path, [["CREATE TABLE a (x INTEGER) STRICT", "INSERT INTO a VALUES (7)"]])
    with closing(first), first.reading() as connection:
        assert connection.execute("SELECT x FROM a").fetchall() == [(7,)]

    second = Database(path, [["must not run again"], ["ALTER TABLE a ADD COLUMN y TEXT"]])
    with closing(second), second.reading() as connection:
        assert connection.execute("SELECT x, y FROM a").fetchall() == [(7, None)]


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    path.parent.mkdir()
    broken = Database(path, [["CREATE TABLE a (x INTEGER) STRICT", "CREATE TABLE a (x INTEGER) STRICT"]])
    with closing(broken), pytest.raises(StoreError, match="already exists"), broken.reading():
        pass

    mended = Database(path, [["CREATE TABLE a (x INTEGER) STRICT"]])
    with closing(mended), mended.reading() as connection:
        assert connection.execute("SELECT count(*) FROM a").fetchone() == (0,)


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("a letter to a friend " * 100, encoding="utf-8")

    with pytest.raises(StoreUnavailableError, match="not an SQLite database; move it away"):
        open_sqlite(path)

    assert path.read_text(encoding="utf-8").startswith("a letter")


def test_a_damaged_file_is_told_as_damaged(store: SqliteStore, path: Path) -> None:
    store.add_results([a_result(due_at=NOON - timedelta(minutes=n)) for n in range(400)])
    store.close()
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xa5" * 4096 * 40)

    with pytest.raises(StoreUnavailableError, match="damaged"):
        open_sqlite(path, FakeClock()).results(ResultQuery(limit=1000))


def test_a_directory_in_the_files_place_is_told(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        open_sqlite(path)


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailableError, match=r"directory of store\.sqlite3 cannot be made"):
        open_sqlite(tmp_path / "file" / "store.sqlite3")


def test_a_file_that_another_process_holds_is_told_as_locked(store: SqliteStore, path: Path) -> None:
    impatient = SqliteStore(Database(path, MIGRATIONS, busy_timeout_seconds=0.05), FakeClock())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match=r"another process holds it for longer than 0\.05 s"):
            impatient.add_results([a_result()])
        assert impatient.statistics() == {}, "readers must not wait for a writer"
        other.execute("ROLLBACK")

    assert impatient.add_results([a_result()]) == 1
    impatient.close()


def test_a_full_disk_is_told_and_leaves_no_half_written_batch(path: Path) -> None:
    path.parent.mkdir()
    database = Database(path, MIGRATIONS)
    store = SqliteStore(database, FakeClock())
    store.add_results([a_result(id="before")])
    with database.reading() as connection:
        connection.execute("PRAGMA max_page_count = 60")  # the file may not grow much more

    with pytest.raises(StoreUnavailableError, match="disk is full"):
        store.add_results([a_result(due_at=NOON - timedelta(minutes=n)) for n in range(400)])

    assert [result.id for result in store.results(ResultQuery()).results] == ["before"]
    assert [rollup.tally.n for rollup in store.rollups(Period.DAY, NOON - timedelta(days=1), NOON)] == [1]
    store.close()


def test_a_file_that_may_not_be_written_is_told(path: Path) -> None:
    path.parent.mkdir()
    database = Database(path, MIGRATIONS)
    store = SqliteStore(database, FakeClock())
    with database.reading() as connection:
        connection.execute("PRAGMA query_only = 1")  # as for a read-only file; tests may run as root

    with pytest.raises(StoreUnavailableError, match="may not be written"):
        store.add_results([a_result()])
    store.close()


def test_a_closed_store_says_so(store: SqliteStore) -> None:
    store.close()

    with pytest.raises(StoreUnavailableError, match="closed"):
        store.statistics()


def test_a_programming_error_is_no_outage(path: Path) -> None:
    path.parent.mkdir()
    database = Database(path, MIGRATIONS)
    with closing(database), pytest.raises(StoreError) as caught, database.reading() as connection:
        connection.execute("SELECT nonsense")

    assert not isinstance(caught.value, StoreUnavailableError)
