"""The outbox: one row a thing to tell through one channel."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from probes.domain.delivery import Delivery, DeliveryState
from probes.store.base import MAX_PAGE_SIZE, DeliveryQuery
from probes.store.documents import as_stored
from probes.store.records import milliseconds, moment_of

Parameter = str | int

_COLUMNS: Final = (
    "id",
    "channel",
    "incident_id",
    "transition",
    "created_at",
    "due_at",
    "state",
    "attempts",
    "finished_at",
    "error",
)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM deliveries"  # noqa: S608
_INSERT: Final = f"""
    INSERT INTO deliveries ({", ".join(_COLUMNS)}) VALUES ({", ".join("?" * len(_COLUMNS))})
    ON CONFLICT (id) DO NOTHING
"""  # noqa: S608
_UPDATE: Final = f"""
    UPDATE deliveries SET {", ".join(f"{name} = ?" for name in _COLUMNS[1:])} WHERE id = ?
"""  # noqa: S608


def add(connection: sqlite3.Connection, deliveries: Iterable[Delivery]) -> int:
    return sum(connection.execute(_INSERT, _row_of(delivery)).rowcount for delivery in deliveries)


def update(connection: sqlite3.Connection, delivery: Delivery) -> None:
    identity, *rest = _row_of(delivery)
    connection.execute(_UPDATE, (*rest, identity))


def due(connection: sqlite3.Connection, now: datetime, limit: int) -> tuple[Delivery, ...]:
    rows = connection.execute(
        f"{_SELECT} WHERE state = ? AND due_at <= ? ORDER BY due_at, created_at, id LIMIT ?",
        (DeliveryState.PENDING.value, milliseconds(now), min(max(limit, 1), MAX_PAGE_SIZE)),
    )
    return tuple(_delivery_of(row) for row in rows)


def read(connection: sqlite3.Connection, query: DeliveryQuery) -> tuple[Delivery, ...]:
    where, parameters = _conditions(query)
    rows = connection.execute(
        f"{_SELECT} {where} ORDER BY created_at DESC, id DESC LIMIT ?",
        (*parameters, min(max(query.limit, 1), MAX_PAGE_SIZE)),
    )
    return tuple(_delivery_of(row) for row in rows)


def sweep(connection: sqlite3.Connection, until: datetime) -> int:
    """Delete what was finished before; what still has to be told stays."""
    return connection.execute(
        "DELETE FROM deliveries WHERE state <> ? AND coalesce(finished_at, created_at) < ?",
        (DeliveryState.PENDING.value, milliseconds(until)),
    ).rowcount


def _conditions(query: DeliveryQuery) -> tuple[str, list[Parameter]]:
    conditions, parameters = list[str](), list[Parameter]()
    for name, values in (
        ("state", query.states),
        ("channel", query.channels),
        ("incident_id", query.incidents),
    ):
        if values:
            conditions.append(f"{name} IN ({', '.join('?' * len(values))})")
            parameters += [str(value) for value in values]
    if query.since is not None:
        conditions.append("created_at >= ?")
        parameters.append(milliseconds(query.since))
    return f"WHERE {' AND '.join(conditions)}" if conditions else "", parameters


def _row_of(delivery: Delivery) -> tuple[Parameter | None, ...]:
    stored = as_stored(delivery)
    return (
        stored.id,
        stored.channel,
        stored.incident_id,
        stored.transition,
        milliseconds(stored.created_at),
        milliseconds(stored.due_at),
        stored.state.value,
        stored.attempts,
        None if stored.finished_at is None else milliseconds(stored.finished_at),
        stored.error,
    )


def _delivery_of(row: Sequence[Any]) -> Delivery:
    identity, channel, incident_id, transition, created_at, due_at, state, attempts, finished_at, error = row
    return Delivery(
        id=identity,
        channel=channel,
        incident_id=incident_id,
        transition=transition,
        created_at=moment_of(created_at),
        due_at=moment_of(due_at),
        state=DeliveryState(state),
        attempts=attempts,
        finished_at=None if finished_at is None else moment_of(finished_at),
        error=error,
    )
