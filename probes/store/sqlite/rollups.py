"""Hour and day buckets: added to by every write, read by the board, made again from raw results on demand."""

import json
import sqlite3
import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from probes.domain.outcome import Outcome
from probes.domain.result import Category
from probes.domain.rollup import Buckets, Period, Rollup, RollupKey, Tally
from probes.stats.tally import add
from probes.store.records import milliseconds, moment_of

_TALLY: Final = "outcomes, categories, ttft, response, throughput, output_tokens, input_tokens, cost, priced"
_UPSERT: Final = f"""
    INSERT INTO rollups (target, location, period, start, updated_at, {_TALLY})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (period, target, location, start) DO UPDATE SET
        updated_at = excluded.updated_at, outcomes = excluded.outcomes, categories = excluded.categories,
        ttft = excluded.ttft, response = excluded.response, throughput = excluded.throughput,
        output_tokens = excluded.output_tokens, input_tokens = excluded.input_tokens,
        cost = excluded.cost, priced = excluded.priced
"""  # noqa: S608
_SELECT: Final = f"SELECT target, location, period, start, updated_at, {_TALLY} FROM rollups"  # noqa: S608
_ONE: Final = f"SELECT {_TALLY} FROM rollups WHERE period = ? AND target = ? AND location = ? AND start = ?"  # noqa: S608


def add_tallies(connection: sqlite3.Connection, tallies: Mapping[RollupKey, Tally], now_ms: int) -> None:
    for key, tally in tallies.items():
        row = connection.execute(_ONE, (*_place(key),)).fetchone()
        _put(connection, key, tally if row is None else add(_tally_of(row), tally), now_ms)


def replace_day(
    connection: sqlite3.Connection, day: datetime, tallies: Mapping[RollupKey, Tally], now_ms: int
) -> None:
    """Make a UTC day's buckets say exactly this: what is no longer there is deleted."""
    until = milliseconds(day + Period.DAY.length)
    for period in Period:
        connection.execute(
            "DELETE FROM rollups WHERE period = ? AND start >= ? AND start < ?",
            (period.value, milliseconds(day), until),
        )
    for key, tally in tallies.items():
        _put(connection, key, tally, now_ms)


def read_range(
    connection: sqlite3.Connection,
    period: Period,
    since: datetime,
    until: datetime,
    targets: Collection[str],
) -> list[Rollup]:
    where = "WHERE period = ? AND start >= ? AND start < ?"
    bounds: list[str | int] = [period.value, milliseconds(since), milliseconds(until)]
    if not targets:
        return _rollups(connection.execute(f"{_SELECT} INDEXED BY rollups_by_start {where}", bounds))
    wanted = f"{where} AND target IN ({', '.join('?' * len(targets))})"
    return _rollups(
        connection.execute(f"{_SELECT} INDEXED BY rollups_by_key {wanted}", [*bounds, *sorted(targets)])
    )


def read_changed(
    connection: sqlite3.Connection, period: Period, since: datetime, changed_since: datetime
) -> list[Rollup]:
    return _rollups(
        connection.execute(
            f"{_SELECT} INDEXED BY rollups_by_change WHERE updated_at >= ? AND period = ? AND start >= ?",
            (milliseconds(changed_since), period.value, milliseconds(since)),
        )
    )


def stamp(connection: sqlite3.Connection, now: datetime) -> int:
    """The `updated_at` of this write: never before an earlier write's, even when the clock was set back.

    Writers are serial and this is taken inside the write, so a reader that asks for everything since the
    newest stamp it has seen misses nothing.
    """
    newest = connection.execute("SELECT max(updated_at) FROM rollups").fetchone()[0]
    return max(milliseconds(now), newest or 0)


def _put(connection: sqlite3.Connection, key: RollupKey, tally: Tally, now_ms: int) -> None:
    values = (
        key.target,
        key.location,
        key.period.value,
        milliseconds(key.start),
        now_ms,
        json.dumps(tally.outcomes, separators=(",", ":")),
        json.dumps(tally.categories, separators=(",", ":")),
        _packed(tally.ttft),
        _packed(tally.response),
        _packed(tally.throughput),
        tally.output_tokens,
        tally.input_tokens,
        tally.cost,
        tally.priced,
    )
    connection.execute(_UPSERT, values)


def _place(key: RollupKey) -> tuple[str, str, str, int]:
    return key.period.value, key.target, key.location, milliseconds(key.start)


def _rollups(rows: Iterable[Sequence[Any]]) -> list[Rollup]:
    return [
        Rollup(
            RollupKey(row[0], row[1], Period(row[2]), moment_of(row[3])),
            _tally_of(row[5:]),
            moment_of(row[4]),
        )
        for row in rows
    ]


def _tally_of(row: Sequence[Any]) -> Tally:
    outcomes, categories, ttft, response, throughput, output_tokens, input_tokens, cost, priced = row
    return Tally(
        outcomes=_outcomes_of(outcomes),
        categories=_categories_of(categories),
        ttft=_unpacked(ttft),
        response=_unpacked(response),
        throughput=_unpacked(throughput),
        output_tokens=output_tokens,
        input_tokens=input_tokens,
        cost=cost,
        priced=priced,
    )


# Most buckets of a healthy target say the same few things; nobody changes what a Tally holds.
@lru_cache(maxsize=8192)
def _outcomes_of(text: str) -> Mapping[Outcome, int]:
    return {Outcome(word): n for word, n in json.loads(text).items()}


@lru_cache(maxsize=8192)
def _categories_of(text: str) -> Mapping[Category, int]:
    return {Category(word): n for word, n in json.loads(text).items()}


def _packed(buckets: Buckets) -> bytes:
    numbers = [number for pair in sorted(buckets.items()) for number in pair]
    return struct.pack(f"<{len(numbers)}i", *numbers)


def _unpacked(blob: bytes) -> dict[int, int]:
    numbers = struct.unpack(f"<{len(blob) // 4}i", blob)
    return dict(zip(numbers[::2], numbers[1::2], strict=True))
