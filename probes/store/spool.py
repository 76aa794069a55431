"""Results that could not be written wait in a local SQLite file and are replayed in order. Nothing waits in memory."""

import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from probes.domain.result import ProbeResult
from probes.store.base import Store, StoreError, StoreUnavailableError
from probes.store.records import document_of, result_of_document
from probes.store.sqlite.database import Database

logger = logging.getLogger(__name__)

REPLAY_BATCH: Final = 200
REPLAY_BATCHES: Final = 10  # per call, so that a long outage's replay does not hold up its caller

_MIGRATIONS: Final = (
    (
        "CREATE TABLE spooled (seq INTEGER PRIMARY KEY, document TEXT NOT NULL) STRICT",
        "CREATE TABLE refused (seq INTEGER PRIMARY KEY, document TEXT NOT NULL, error TEXT NOT NULL) STRICT",
    ),
)


@dataclass(frozen=True, slots=True)
class _Waiting:
    seq: int
    document: str

    def read(self) -> ProbeResult:
        return result_of_document(json.loads(self.document))


class SpoolingWriter:
    """Writes to the store, or to the file while the store is away. What it has taken survives a kill."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._spool = Database(path, _MIGRATIONS)
        self._lock = threading.Lock()
        with self._spool.reading() as connection:
            self._spooled = int(connection.execute("SELECT count(*) FROM spooled").fetchone()[0])

    def close(self) -> None:
        self._spool.close()

    @property
    def spooled(self) -> int:
        """How many results wait for the store."""
        return self._spooled

    def write(self, results: Sequence[ProbeResult]) -> bool:
        """True when everything, spooled results included, is in the store.

        Raises StoreError only when the spool itself cannot be written.
        """
        with self._lock:
            if self._spooled == 0 and self._is_added(results):
                return True
            self._append(results)
            return self._replay()

    def _is_added(self, results: Sequence[ProbeResult]) -> bool:
        try:
            self._store.add_results(results)
        except StoreError as error:
            logger.warning("%d results go to the spool: %s", len(results), error)
            return False
        return True

    def _append(self, results: Sequence[ProbeResult]) -> None:
        if not results:
            return
        documents = [(json.dumps(document_of(result)),) for result in results]
        with self._spool.writing() as connection:
            connection.executemany("INSERT INTO spooled (document) VALUES (?)", documents)
        self._spooled += len(documents)

    def _replay(self) -> bool:
        before = self._spooled
        try:
            for _ in range(REPLAY_BATCHES):
                batch = self._oldest()
                if not batch:
                    break
                self._replay_batch(batch)
        except StoreUnavailableError as error:
            logger.debug("the spool keeps %d results: %s", self._spooled, error)
        if self._spooled < before:
            logger.info("replayed %d spooled results, %d wait", before - self._spooled, self._spooled)
        return self._spooled == 0

    def _oldest(self) -> list[_Waiting]:
        with self._spool.reading() as connection:
            sql = "SELECT seq, document FROM spooled ORDER BY seq LIMIT ?"
            return [_Waiting(*row) for row in connection.execute(sql, (REPLAY_BATCH,))]

    def _replay_batch(self, batch: Sequence[_Waiting]) -> None:
        """A result that the store refuses for good is set aside, or it would block all that follow."""
        try:
            self._store.add_results([waiting.read() for waiting in batch])
        except StoreUnavailableError:
            raise
        except (StoreError, ValueError, TypeError) as error:
            if len(batch) > 1:
                for waiting in batch:
                    self._replay_batch([waiting])
                return
            self._refuse(batch[0], error)
            return
        self._delete(batch)

    def _refuse(self, waiting: _Waiting, error: Exception) -> None:
        logger.error("a spooled result is set aside, the store refuses it: %s", error)
        with self._spool.writing() as connection:
            connection.execute(
                "INSERT INTO refused (document, error) VALUES (?, ?)", (waiting.document, str(error))
            )
        self._delete([waiting])

    def _delete(self, batch: Sequence[_Waiting]) -> None:
        with self._spool.writing() as connection:
            connection.executemany("DELETE FROM spooled WHERE seq = ?", [(waiting.seq,) for waiting in batch])
        self._spooled -= len(batch)
