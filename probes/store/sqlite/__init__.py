"""The embedded store: one SQLite file, by the standard library."""

from probes.store.sqlite.store import SqliteStore, open_sqlite

__all__ = ["SqliteStore", "open_sqlite"]
