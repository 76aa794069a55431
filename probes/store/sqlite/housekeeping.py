"""Retention, rebuilding and health. Long work is cut into short transactions, so that no probe's write waits long."""

import sqlite3
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from probes.domain.rollup import Period
from probes.stats.tally import tallies_of
from probes.store.base import Progress, Retention, StoreHealth
from probes.store.records import milliseconds, moment_of, result_of
from probes.store.sqlite import deliveries, incidents, rollups
from probes.store.sqlite.database import Database
from probes.store.sqlite.writing import COLUMNS

SWEEP_BATCH: Final = 500
_KEPT_TALK: Final = timedelta(days=30)  # requests and silent agents
_SWEPT_UNTIL: Final = "swept_until"  # raw results before this are gone; their rollups must not be made again


def sweep(database: Database, retention: Retention, now: datetime) -> int:
    deleted = 0
    if retention.results is not None:
        # Whole UTC days go, so that a day whose raw results are there has all of them and can be rebuilt.
        deleted += _sweep_results(database, Period.DAY.start_of(now - retention.results))
        with database.writing() as connection:
            deleted += deliveries.sweep(connection, now - retention.results)
    for period, kept in ((Period.HOUR, retention.hourly), (Period.DAY, retention.daily)):
        if kept is not None:
            deleted += _sweep_rollups(database, period, now - kept - period.length)
    if retention.daily is not None:
        with database.writing() as connection:
            gone = (milliseconds(now - retention.daily),)
            deleted += connection.execute("DELETE FROM events WHERE at < ?", gone).rowcount
            deleted += incidents.sweep(connection, now - retention.daily)
    with database.writing() as connection:
        before = milliseconds(now - _KEPT_TALK)
        deleted += connection.execute("DELETE FROM requests WHERE requested_at < ?", (before,)).rowcount
        deleted += connection.execute("DELETE FROM agents WHERE beat_at < ?", (before,)).rowcount
    return deleted


def rebuild_rollups(database: Database, now: datetime, progress: Progress | None) -> int:
    """Day by day, each its own transaction; days whose raw results were swept keep the rollups they have."""
    with database.reading() as connection:
        first, last, total = _raw_days(connection)
    if first is None:
        return 0
    done, day = 0, first
    while day <= last:
        with database.writing() as connection:
            done += _rebuild_day(connection, day, now)
        if progress is not None:
            progress(done, total)
        day += Period.DAY.length
    return done


def health(connection: sqlite3.Connection) -> StoreHealth:
    (results,) = connection.execute("SELECT coalesce(sum(results), 0) FROM kinds").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    return StoreHealth(
        kind="sqlite",
        detail=f"SQLite {sqlite3.sqlite_version}",
        results=results,
        bytes=pages * page_size,
    )


def _sweep_results(database: Database, until: datetime) -> int:
    until_ms = milliseconds(until)
    deleted = 0
    with database.writing() as connection:
        connection.execute(
            "INSERT INTO marks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
            (_SWEPT_UNTIL, until_ms),
        )
    while True:
        with database.writing() as connection:
            batch = _delete_results(connection, until_ms)
        deleted += batch
        if batch < SWEEP_BATCH:
            return deleted


def _delete_results(connection: sqlite3.Connection, until_ms: int) -> int:
    gone = connection.execute(
        """
        DELETE FROM results WHERE seq IN (
            SELECT seq FROM results WHERE due_at < ?
            AND seq NOT IN (SELECT newest FROM statistics WHERE newest IS NOT NULL)
            AND seq NOT IN (SELECT newest_ok FROM statistics WHERE newest_ok IS NOT NULL)
            ORDER BY due_at LIMIT ?)
        RETURNING target, location, outcome, category, "trigger"
        """,
        (until_ms, SWEEP_BATCH),
    ).fetchall()
    _uncount(connection, gone)
    return len(gone)


def _uncount(connection: sqlite3.Connection, gone: Collection[tuple[str, str, str, str, str]]) -> None:
    series = Counter((target, location) for target, location, *_ in gone)
    connection.executemany(
        "UPDATE series SET results = results - ? WHERE target = ? AND location = ?",
        [(n, *key) for key, n in series.items()],
    )
    kinds = Counter((outcome, category, trigger) for *_, outcome, category, trigger in gone)
    connection.executemany(
        'UPDATE kinds SET results = results - ? WHERE outcome = ? AND category = ? AND "trigger" = ?',
        [(n, *key) for key, n in kinds.items()],
    )


def _sweep_rollups(database: Database, period: Period, until: datetime) -> int:
    deleted = 0
    while True:
        with database.writing() as connection:
            batch = connection.execute(
                """
                DELETE FROM rollups WHERE rowid IN (
                    SELECT rowid FROM rollups WHERE period = ? AND start <= ? ORDER BY start LIMIT ?)
                """,
                (period.value, milliseconds(until), SWEEP_BATCH),
            ).rowcount
        deleted += batch
        if batch < SWEEP_BATCH:
            return deleted


def _raw_days(connection: sqlite3.Connection) -> tuple[datetime | None, datetime, int]:
    """First and last UTC day that raw results cover whole, and how many results these days have."""
    swept = connection.execute("SELECT value FROM marks WHERE name = ?", (_SWEPT_UNTIL,)).fetchone()
    floor = swept[0] if swept else -(2**62)
    first, last, total = connection.execute(
        "SELECT min(due_at), max(due_at), count(*) FROM results WHERE due_at >= ?", (floor,)
    ).fetchone()
    if first is None:
        return None, moment_of(0), 0
    return Period.DAY.start_of(moment_of(first)), Period.DAY.start_of(moment_of(last)), total


def _rebuild_day(connection: sqlite3.Connection, day: datetime, now: datetime) -> int:
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM results WHERE due_at >= ? AND due_at < ?",  # noqa: S608
        (milliseconds(day), milliseconds(day + Period.DAY.length)),
    )
    results = [result_of(row) for row in rows]
    rollups.replace_day(connection, day, tallies_of(results), rollups.stamp(connection, now))
    return len(results)
