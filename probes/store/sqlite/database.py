"""Connections, transactions and the mapping of SQLite's errors. No SQL of any table lives here."""

import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from probes.store.base import StoreError, StoreUnavailableError

BUSY_TIMEOUT_SECONDS: Final = 5.0
LEAST_SQLITE: Final = (3, 37, 0)  # STRICT tables
_WAL_ATTEMPTS: Final = 100
_WAL_PAUSE_SECONDS: Final = 0.02

# Primary result codes (the low byte); the cure is what the operator reads.
_UNAVAILABLE: Final = {
    sqlite3.SQLITE_BUSY: "another process holds it for longer than {timeout:g} s",
    sqlite3.SQLITE_LOCKED: "another connection holds it",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a copy, or move it away to start anew",
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database; move it away to start anew",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the file or its directory may not be written",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; does its directory exist, may it be written?",
    sqlite3.SQLITE_PERM: "the file may not be accessed",
    sqlite3.SQLITE_IOERR: "reading or writing the disk failed",
    sqlite3.SQLITE_NOMEM: "no memory is left",
    sqlite3.SQLITE_PROTOCOL: "locking the file failed; is it on a network disk?",
    sqlite3.SQLITE_SCHEMA: "its schema changed under a query",
}


class _Connection(sqlite3.Connection):
    """Can be weakly referenced, so that a thread's connection ends with its thread."""


Migrations = Sequence[Sequence[str]]  # statements that bring a file from each schema version to the next


class Database:
    """One file. Each thread has its own connection, so that readers never wait for each other."""

    def __init__(
        self, path: Path, migrations: Migrations, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS
    ) -> None:
        self.path = path
        self._migrations = migrations
        self._timeout = busy_timeout_seconds
        self._local = threading.local()
        self._guard = threading.Lock()
        self._open: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._is_closed = False

    def close(self) -> None:
        with self._guard:
            self._is_closed = True
            connections = list(self._open)
        for connection in connections:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view for all queries inside."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; waits for other writers before the first read, so that nothing read can be stale."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self.mapping_errors():
            connection = self._connection()
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def mapping_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._mapped(error) from error

    def _mapped(self, error: sqlite3.Error) -> StoreError:
        code = getattr(error, "sqlite_errorcode", None)
        cure = None if code is None else _UNAVAILABLE.get(code & 0xFF)
        if cure is not None:
            return StoreUnavailableError(f"{self.path.name}: {cure.format(timeout=self._timeout)} ({error})")
        if self._is_closed:
            return StoreUnavailableError(f"{self.path.name}: the store is closed")
        return StoreError(f"{self.path.name}: {error}")

    def _connection(self) -> _Connection:
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            with self._guard:
                if self._is_closed:
                    connection.close()
                    raise StoreUnavailableError(f"{self.path.name}: the store is closed")
                self._open.add(connection)
            self._local.connection = connection
        return connection

    def _connect(self) -> _Connection:
        if sqlite3.sqlite_version_info < LEAST_SQLITE:
            least = ".".join(map(str, LEAST_SQLITE))
            raise StoreUnavailableError(
                f"SQLite {least} or newer is needed, this is {sqlite3.sqlite_version}"
            )
        connection = sqlite3.connect(
            self.path,
            timeout=self._timeout,
            isolation_level=None,  # transactions are begun by hand, the module's own start too late
            check_same_thread=False,  # close() comes from another thread
            cached_statements=256,
            factory=_Connection,
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "PRAGMA synchronous = NORMAL"
        )  # with WAL: survives kill -9, costs no fsync per write
        connection.execute(
            "PRAGMA journal_size_limit = 67108864"
        )  # a large import leaves no large -wal behind
        if self._version(connection) == len(self._migrations):
            return
        self._switch_to_wal(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._migrate(connection)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _migrate(self, connection: sqlite3.Connection) -> None:
        for step in self._migrations[self._version(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(self._migrations)}")

    def _version(self, connection: sqlite3.Connection) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > len(self._migrations):
            raise StoreUnavailableError(
                f"{self.path.name}: it has schema {version}, this program knows {len(self._migrations)}; "
                "update the program"
            )
        return version

    def _switch_to_wal(self, connection: sqlite3.Connection) -> None:
        """Kept in the file. SQLite does not wait for its lock here when two processes make the file at once."""
        for attempt in range(_WAL_ATTEMPTS):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or attempt == _WAL_ATTEMPTS - 1:
                    raise
                time.sleep(_WAL_PAUSE_SECONDS)
