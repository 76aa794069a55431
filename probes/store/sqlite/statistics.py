"""One row a target: its newest results, counters and verdict."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from probes.domain.event import TargetEvent
from probes.domain.outcome import Fault
from probes.domain.result import RESULT_FIELDS, Category, ProbeResult
from probes.domain.state import State, TargetStatistics, Verdict
from probes.stats.changes import Memory
from probes.store.documents import REASON, memory_of, memory_text
from probes.store.records import milliseconds, moment_of, result_of
from probes.store.standing import Standing, advance

_OWN: Final = (
    "target",
    "category",
    "category_since",
    "total",
    "total_ok",
    "first_seen_at",
    "updated_at",
    "state",
    "reason",
    "state_since",
    "judged_at",
    "newest",
    "newest_ok",
)
_COLUMNS: Final = ", ".join(
    [f"s.{name}" for name in _OWN] + [f'{table}."{name}"' for table in "no" for name in RESULT_FIELDS]
)
_SELECT: Final = f"""
    SELECT {_COLUMNS} FROM statistics s
    LEFT JOIN results n ON n.seq = s.newest
    LEFT JOIN results o ON o.seq = s.newest_ok AND s.newest_ok <> s.newest
"""  # noqa: S608
_UPSERT: Final = """
    INSERT INTO statistics
        (target, category, category_since, total, total_ok, first_seen_at, updated_at, memory, newest, newest_ok)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?,
        (SELECT seq FROM results WHERE id = ?), (SELECT seq FROM results WHERE id = ?))
    ON CONFLICT (target) DO UPDATE SET
        category = excluded.category, category_since = excluded.category_since,
        total = excluded.total, total_ok = excluded.total_ok, first_seen_at = excluded.first_seen_at,
        updated_at = excluded.updated_at, memory = excluded.memory,
        newest = excluded.newest, newest_ok = excluded.newest_ok
"""
_NOT_RUN: Final = Fault.NOT_RUN.value


def read_all(connection: sqlite3.Connection) -> dict[str, TargetStatistics]:
    return {row[0]: _statistics_of(row) for row in connection.execute(_SELECT)}


def advance_all(
    connection: sqlite3.Connection, fresh: Iterable[ProbeResult], now_ms: int
) -> list[TargetEvent]:
    """Bring the targets of these results up to date; returns the events that they make."""
    by_target: defaultdict[str, list[ProbeResult]] = defaultdict(list)
    for result in fresh:
        by_target[result.target].append(result)
    return [
        event
        for target, results in by_target.items()
        for event in _advance(connection, target, results, now_ms)
    ]


def put_verdict(connection: sqlite3.Connection, target: str, verdict: Verdict) -> None:
    """Touches only the verdict's columns; an older judgement never replaces a newer one."""
    connection.execute(
        """
        INSERT INTO statistics (target, state, reason, state_since, judged_at) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (target) DO UPDATE SET
            state = excluded.state, reason = excluded.reason,
            state_since = excluded.state_since, judged_at = excluded.judged_at
        WHERE judged_at IS NULL OR judged_at <= excluded.judged_at
        """,
        (
            target,
            verdict.state.value,
            REASON.text(verdict.reason),
            None if verdict.since is None else milliseconds(verdict.since),
            milliseconds(verdict.judged_at),
        ),
    )


def _advance(
    connection: sqlite3.Connection, target: str, fresh: Collection[ProbeResult], now_ms: int
) -> tuple[TargetEvent, ...]:
    row = connection.execute(f"{_SELECT} WHERE s.target = ?", (target,)).fetchone()
    before = TargetStatistics(target) if row is None else _statistics_of(row)
    step = advance(Standing(before, _memory(connection, target)), fresh, moment_of(now_ms))
    after = step.statistics
    since = after.category_since
    if step.needs_run and after.category is not None and after.newest is not None:
        since = _start_of_run(connection, target, after.category) or after.newest.due_at
    connection.execute(
        _UPSERT,
        (
            target,
            after.category,
            _optional_ms(since),
            after.total,
            after.total_ok,
            _optional_ms(after.first_seen_at),
            now_ms,
            memory_text(step.memory),
            after.newest and after.newest.id,
            after.newest_ok and after.newest_ok.id,
        ),
    )
    return step.events


def _memory(connection: sqlite3.Connection, target: str) -> Memory:
    """Apart from the rest of the row, which the board reads every second for every target."""
    row = connection.execute("SELECT memory FROM statistics WHERE target = ?", (target,)).fetchone()
    return memory_of(row[0] if row is not None else None)


def _start_of_run(connection: sqlite3.Connection, target: str, category: Category) -> datetime | None:
    """Due time of the first result after the newest one of another category.

    None when that one is due at the very moment of the newest result: two locations may share a slot.
    """
    (start,) = connection.execute(
        """
        SELECT min(r.due_at) FROM results r WHERE r.target = :target AND r.fault <> :not_run AND r.due_at > (
            SELECT coalesce(max(due_at), -1) FROM results
            WHERE target = :target AND category <> :category AND fault <> :not_run)
        """,
        {"target": target, "category": category.value, "not_run": _NOT_RUN},
    ).fetchone()
    return _optional_moment(start)


def _statistics_of(row: Sequence[Any]) -> TargetStatistics:
    own = dict(zip(_OWN, row, strict=False))
    first, second = len(_OWN), len(_OWN) + len(RESULT_FIELDS)
    newest = result_of(row[first:second]) if row[first] is not None else None
    newest_ok = result_of(row[second:]) if row[second] is not None else None
    if newest_ok is None and own["newest_ok"] is not None and own["newest_ok"] == own["newest"]:
        newest_ok = newest
    return TargetStatistics(
        target=own["target"],
        verdict=_verdict_of(own),
        newest=newest,
        newest_ok=newest_ok,
        category=None if own["category"] is None else Category(own["category"]),
        category_since=_optional_moment(own["category_since"]),
        total=own["total"],
        total_ok=own["total_ok"],
        first_seen_at=_optional_moment(own["first_seen_at"]),
        updated_at=_optional_moment(own["updated_at"]),
    )


def _verdict_of(own: dict[str, Any]) -> Verdict | None:
    if own["state"] is None:
        return None
    return Verdict(
        state=State(own["state"]),
        reason=REASON.read(own["reason"]),
        since=_optional_moment(own["state_since"]),
        judged_at=moment_of(own["judged_at"]),
    )


def _optional_ms(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def _optional_moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else moment_of(milliseconds)
