"""Pages of results: a merge, by (due_at, id), of one short index run per branch.

A branch is one (target, location), or one (outcome, category, trigger), or everything. Each is a contiguous, ordered
run of an index, so a page costs a few rows per branch wherever it lies and however rare its rows are; the other
filters are answered from the index (series) or by looking at the row (kinds). The smaller side leads.
"""

import heapq
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Final

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult
from probes.store.base import MAX_PAGE_SIZE, ResultPage, ResultQuery
from probes.store.cursor import Position, cursor_of, position_of
from probes.store.records import milliseconds, result_of
from probes.store.sqlite.writing import COLUMNS

DEFAULT_REACH: Final = timedelta(days=90)
_FIRST_CHUNK: Final = 8
_ROW_PRICE: Final = 10  # a row looked up costs about as much as ten index entries walked over

Key = tuple[int, str, int]  # due_at, id, seq
Parameter = str | int


@dataclass(frozen=True, slots=True)
class Branch:
    """One run of an index: equalities that name it, and the filters left to check on the way."""

    index: str
    where: str
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """`low` <= due_at < `high`, beyond `after` in the direction of reading."""

    low: int
    high: int
    is_descending: bool
    after: Position | None = None


def read_page(connection: sqlite3.Connection, query: ResultQuery, now_ms: int) -> ResultPage:
    limit = min(max(query.limit, 1), MAX_PAGE_SIZE)
    bounds = _bounds(query, now_ms)
    runs = [_run(connection, branch, bounds) for branch in _branches(connection, query)]
    keys = list(islice(heapq.merge(*runs, reverse=bounds.is_descending), limit + 1))
    page = keys[:limit]
    next_cursor = None
    if len(keys) > limit:
        next_cursor = cursor_of(Position(*page[-1][:2]), oldest_first=query.oldest_first)
    return ResultPage(rows_of(connection, [seq for _, _, seq in page]), next_cursor)


def count(connection: sqlite3.Connection, query: ResultQuery, at_most: int, now_ms: int) -> int:
    low, high = _span(query, now_ms)
    total = 0
    for branch in _branches(connection, query):
        if total >= at_most:
            break
        sql = f"""
            SELECT count(*) FROM (SELECT 1 FROM results INDEXED BY {branch.index}
            WHERE {branch.where} due_at >= ? AND due_at < ? LIMIT ?)
        """  # noqa: S608
        total += connection.execute(sql, (*branch.parameters, low, high, at_most - total)).fetchone()[0]
    return total


def recent(
    connection: sqlite3.Connection, targets: Collection[str], limit: int
) -> dict[str, tuple[ProbeResult, ...]]:
    """Newest first per target, of all locations; slots skipped on purpose are left out."""
    found: dict[str, list[Key]] = {target: [] for target in targets}
    marks = ", ".join("?" * len(found))
    series = connection.execute(f"SELECT target, location FROM series WHERE target IN ({marks})", [*found])  # noqa: S608
    for target, location in series.fetchall():
        found[target] += connection.execute(
            """
            SELECT due_at, id, seq FROM results INDEXED BY results_by_series
            WHERE target = ? AND location = ? AND outcome <> ? ORDER BY due_at DESC, id DESC LIMIT ?
            """,
            (target, location, Outcome.SKIPPED.value, limit),
        ).fetchall()
    newest = {target: sorted(keys, reverse=True)[:limit] for target, keys in found.items()}
    return {target: rows_of(connection, [key[2] for key in keys]) for target, keys in newest.items()}


def rows_of(connection: sqlite3.Connection, seqs: Sequence[int]) -> tuple[ProbeResult, ...]:
    """The rows in the order asked for."""
    if not seqs:
        return ()
    marks = ", ".join("?" * len(seqs))
    rows = connection.execute(f"SELECT seq, {COLUMNS} FROM results WHERE seq IN ({marks})", seqs)  # noqa: S608
    by_seq = {row[0]: result_of(row[1:]) for row in rows}
    return tuple(by_seq[seq] for seq in seqs)


def _bounds(query: ResultQuery, now_ms: int) -> Bounds:
    low, high = _span(query, now_ms)
    after = None
    if query.cursor is not None:
        after = position_of(query.cursor, oldest_first=query.oldest_first)
    return Bounds(low, high, not query.oldest_first, after)


def _span(query: ResultQuery, now_ms: int) -> tuple[int, int]:
    low = now_ms - DEFAULT_REACH // timedelta(milliseconds=1)
    if query.since is not None:
        low = milliseconds(query.since)
    return low, 2**62 if query.until is None else milliseconds(query.until)


def _run(connection: sqlite3.Connection, branch: Branch, bounds: Bounds) -> Iterator[Key]:
    """The branch's keys in order, fetched in growing chunks as the merge asks for them."""
    order, beyond = ("DESC", "<") if bounds.is_descending else ("ASC", ">")
    sql = f"""
        SELECT due_at, id, seq FROM results INDEXED BY {branch.index}
        WHERE {branch.where} due_at >= ? AND due_at < ? AND (due_at, id) {beyond} (?, ?)
        ORDER BY due_at {order}, id {order} LIMIT ?
    """  # noqa: S608
    low, high = bounds.low, bounds.high
    at: tuple[int, str] = (high, "") if bounds.is_descending else (low - 1, "")
    if bounds.after is not None:
        at = (bounds.after.due_at_ms, bounds.after.id)
    chunk = _FIRST_CHUNK
    while True:
        # SQLite enters the index by one of the two conditions, so the plain one has to be as narrow as the pair.
        if bounds.is_descending:
            high = min(high, at[0] + 1)
        else:
            low = max(low, at[0])
        keys: list[Key] = connection.execute(sql, (*branch.parameters, low, high, *at, chunk)).fetchall()
        yield from keys
        if len(keys) < chunk:
            return
        at = keys[-1][:2]
        chunk *= 4


def _branches(connection: sqlite3.Connection, query: ResultQuery) -> list[Branch]:
    series_filters = (("target", query.targets), ("provider", query.providers), ("location", query.locations))
    kind_filters = (("outcome", query.outcomes), ("category", query.categories), ("trigger", query.triggers))
    has_series = any(values for _, values in series_filters)
    has_kinds = any(values for _, values in kind_filters)
    if not has_series and not has_kinds:
        return [Branch("results_by_time", "", ())]
    series = _matching(connection, "series", ("target", "location"), series_filters)
    kinds = _matching(connection, "kinds", ("outcome", "category", "trigger"), kind_filters)
    if has_series and (not has_kinds or _total(series) <= _ROW_PRICE * _total(kinds)):
        return _led_by("results_by_series", ("target", "location"), series, kind_filters)
    return _led_by("results_by_kind", ("outcome", "category", "trigger"), kinds, series_filters)


Filters = Sequence[tuple[str, Collection[str]]]
Group = tuple[tuple[str, ...], int]  # names, number of results


def _total(groups: Sequence[Group]) -> int:
    return sum(n for _, n in groups)


def _matching(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], filters: Filters
) -> list[Group]:
    where, parameters = _conditions(filters)
    names = ", ".join(f'"{name}"' for name in columns)
    sql = f"SELECT {names}, results FROM {table} WHERE {where} results > 0"  # noqa: S608
    return [(tuple(row[:-1]), row[-1]) for row in connection.execute(sql, parameters)]


def _led_by(index: str, columns: Sequence[str], groups: Sequence[Group], rest: Filters) -> list[Branch]:
    where, parameters = _conditions(rest)
    named = "".join(f'"{name}" = ? AND ' for name in columns)
    return [Branch(index, named + where, (*names, *parameters)) for names, _ in groups]


def _conditions(filters: Filters) -> tuple[str, list[str]]:
    """SQL that ends with AND, or is empty."""
    where, parameters = "", list[str]()
    for name, values in filters:
        if values:
            where += f'"{name}" IN ({", ".join("?" * len(values))}) AND '
            parameters += [str(value) for value in values]
    return where, parameters
