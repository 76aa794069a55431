"""Where a test's store is. Can be sent to another process, which then opens the same store."""

from dataclasses import dataclass
from pathlib import Path

from probes.clock import Clock
from probes.store.base import Store
from probes.store.mongo import open_mongo
from probes.store.sqlite import open_sqlite


@dataclass(frozen=True, slots=True)
class Address:
    place: str  # a file, or the URI of a MongoDB server
    database: str = ""  # empty for SQLite

    @property
    def is_mongo(self) -> bool:
        return bool(self.database)

    def open(self, clock: Clock | None = None) -> Store:
        if self.is_mongo:
            return open_mongo(self.place, self.database, clock)
        return open_sqlite(Path(self.place), clock)
