"""A batch of results goes in as one transaction: records, rollups, statistics, events, all of it or nothing."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from probes.domain.result import RESULT_FIELDS, ProbeResult
from probes.stats.tally import tallies_of
from probes.store.records import storable, values_of
from probes.store.sqlite import events, rollups, statistics

COLUMNS: Final = ", ".join(f'"{name}"' for name in RESULT_FIELDS)
_INSERT: Final = f"""
    INSERT INTO results ({COLUMNS}) VALUES ({", ".join("?" * len(RESULT_FIELDS))}) ON CONFLICT (id) DO NOTHING
"""  # noqa: S608


def add_results(connection: sqlite3.Connection, results: Sequence[ProbeResult], now: datetime) -> int:
    fresh = [result for result in map(storable, results) if _insert(connection, result)]
    if fresh:
        now_ms = rollups.stamp(connection, now)
        _count_branches(connection, fresh)
        rollups.add_tallies(connection, tallies_of(fresh), now_ms)
        events.add(connection, statistics.advance_all(connection, fresh, now_ms))
    return len(fresh)


def _insert(connection: sqlite3.Connection, result: ProbeResult) -> bool:
    return connection.execute(_INSERT, values_of(result)).rowcount == 1


def _count_branches(connection: sqlite3.Connection, fresh: Sequence[ProbeResult]) -> None:
    series = Counter((result.target, result.location, result.provider) for result in fresh)
    connection.executemany(
        """
        INSERT INTO series (target, location, provider, results) VALUES (?, ?, ?, ?)
        ON CONFLICT (target, location) DO UPDATE SET results = results + excluded.results
        """,
        [(*key, n) for key, n in series.items()],
    )
    kinds = Counter((result.outcome, result.category, result.trigger) for result in fresh)
    connection.executemany(
        """
        INSERT INTO kinds (outcome, category, "trigger", results) VALUES (?, ?, ?, ?)
        ON CONFLICT (outcome, category, "trigger") DO UPDATE SET results = results + excluded.results
        """,
        [(*(word.value for word in key), n) for key, n in kinds.items()],
    )
