"""The timeline: one row a change."""

import sqlite3
from collections.abc import Iterable

from probes.domain.event import EventKind, TargetEvent
from probes.store.base import MAX_PAGE_SIZE, EventPage, EventQuery
from probes.store.cursor import Position, cursor_of, position_of
from probes.store.records import milliseconds, moment_of

Parameter = str | int


def add(connection: sqlite3.Connection, events: Iterable[TargetEvent]) -> int:
    return sum(_insert(connection, event) for event in events)


def read_page(connection: sqlite3.Connection, query: EventQuery) -> EventPage:
    limit = min(max(query.limit, 1), MAX_PAGE_SIZE)
    where, parameters = _conditions(query)
    rows = connection.execute(
        f"""
        SELECT id, target, at, kind, before, after, result_id FROM events {where}
        ORDER BY at DESC, id DESC LIMIT ?
        """,  # noqa: S608
        (*parameters, limit + 1),
    ).fetchall()
    page = tuple(
        TargetEvent(id, target, moment_of(at), EventKind(kind), before, after, result_id)
        for id, target, at, kind, before, after, result_id in rows[:limit]
    )
    if len(rows) <= limit:
        return EventPage(page, None)
    return EventPage(page, cursor_of(Position(rows[limit - 1][2], page[-1].id), oldest_first=False))


def _insert(connection: sqlite3.Connection, event: TargetEvent) -> int:
    return connection.execute(
        """
        INSERT INTO events (id, target, at, kind, before, after, result_id) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO NOTHING
        """,
        (
            event.id,
            event.target,
            milliseconds(event.at),
            event.kind.value,
            event.before,
            event.after,
            event.result_id,
        ),
    ).rowcount


def _conditions(query: EventQuery) -> tuple[str, list[Parameter]]:
    conditions, parameters = list[str](), list[Parameter]()
    for name, values in (("target", query.targets), ("kind", query.kinds)):
        if values:
            conditions.append(f"{name} IN ({', '.join('?' * len(values))})")
            parameters += [str(value) for value in values]
    for sign, moment in ((">=", query.since), ("<", query.until)):
        if moment is not None:
            conditions.append(f"at {sign} ?")
            parameters.append(milliseconds(moment))
    if query.cursor is not None:
        position = position_of(query.cursor, oldest_first=False)
        conditions.append("(at, id) < (?, ?)")
        parameters += [position.due_at_ms, position.id]
    return f"WHERE {' AND '.join(conditions)}" if conditions else "", parameters
