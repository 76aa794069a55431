"""Writing a batch without transactions, so that each result is counted exactly once even across a crash.

1. insert the records with `counting: batch`    after this nothing can be lost
2. add the batch to rollups and statistics      each document takes a batch at most once: `batches`
3. remove `counting` from the records
4. remove the batch from `batches`
A batch that stops between 1 and 3 is finished by the next write of the same process, or by any process once it is
older than ABANDONED. All of it is repeatable.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from pymongo.errors import PyMongoError

from probes.clock import Clock
from probes.domain.result import ProbeResult
from probes.stats.tally import tallies_of
from probes.store.base import StoreError
from probes.store.mongo import results as api_status
from probes.store.mongo import rollups, statistics
from probes.store.mongo.connection import Connection, Documents
from probes.store.records import storable

logger = logging.getLogger(__name__)

ABANDONED: Final = timedelta(minutes=2)  # far beyond the socket timeout: its writer is dead, not slow


class Counting:
    """Adds results; remembers batches of its own that were interrupted."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        self._interrupted: set[str] = set()
        self._looked_at: datetime | None = None

    def add_results(self, results: Sequence[ProbeResult]) -> int:
        now = self._clock.now()
        self._finish_interrupted(now)
        batch = f"{api_status.batch_prefix(now)}-{uuid4().hex}"
        try:
            fresh = api_status.insert(self._records, map(storable, results), batch)
            rollups.add_tallies(self._rollups, tallies_of(fresh), batch, now)
            self._advance(batch, fresh, now)
            api_status.mark_counted(self._records, batch)
            self._forget(batch, fresh)
        except (PyMongoError, StoreError):
            with self._lock:
                self._interrupted.add(batch)
            raise
        return len(fresh)

    def finish_abandoned(self, now: datetime) -> int:
        """Count what dead processes left uncounted; returns the number of batches."""
        batches = api_status.batches_before(self._records, now - ABANDONED)
        for batch in batches:
            logger.info("counting the results of an interrupted batch")
            self._finish(batch, now)
        return len(batches)

    def _finish_interrupted(self, now: datetime) -> None:
        if self._looked_at is None or now - self._looked_at >= ABANDONED:
            self.finish_abandoned(now)
            self._looked_at = now
        with self._lock:
            interrupted = sorted(self._interrupted)
        for batch in interrupted:
            self._finish(batch, now)
            with self._lock:
                self._interrupted.discard(batch)

    def _finish(self, batch: str, now: datetime) -> None:
        fresh = api_status.being_counted(self._records, batch)
        rollups.add_tallies_again(self._rollups, tallies_of(fresh), batch, now)
        self._advance(batch, fresh, now)
        api_status.mark_counted(self._records, batch, [result.id for result in fresh])
        self._forget(batch, fresh)

    def _advance(self, batch: str, fresh: Sequence[ProbeResult], now: datetime) -> None:
        by_target: defaultdict[str, list[ProbeResult]] = defaultdict(list)
        for result in fresh:
            by_target[result.target].append(result)
        collections = statistics.Collections(
            self._statistics, self._records, self._connection.collection("events")
        )
        for members in by_target.values():
            statistics.advance_target(collections, members, batch, now)

    def _forget(self, batch: str, fresh: Sequence[ProbeResult]) -> None:
        rollups.forget_batch(self._rollups, tallies_of(fresh), batch)
        statistics.forget_batch(self._statistics, sorted({result.target for result in fresh}), batch)

    @property
    def _records(self) -> Documents:
        return self._connection.collection("api_status")

    @property
    def _rollups(self) -> Documents:
        return self._connection.collection("rollups")

    @property
    def _statistics(self) -> Documents:
        return self._connection.collection("api_statistics")
