"""What operators announce: maintenance windows and pauses."""

import sqlite3

from probes.domain.upkeep import Maintenance, Pause
from probes.store.documents import MAINTENANCE, as_stored
from probes.store.records import milliseconds, moment_of


def put_maintenance(connection: sqlite3.Connection, maintenance: Maintenance) -> None:
    stored = as_stored(maintenance)
    connection.execute(
        "INSERT OR REPLACE INTO maintenance (id, document) VALUES (?, ?)",
        (stored.id, MAINTENANCE.text(stored)),
    )


def delete_maintenance(connection: sqlite3.Connection, maintenance_id: str) -> bool:
    return connection.execute("DELETE FROM maintenance WHERE id = ?", (maintenance_id,)).rowcount == 1


def read_maintenance(connection: sqlite3.Connection) -> tuple[Maintenance, ...]:
    rows = connection.execute("SELECT document FROM maintenance")
    found = [MAINTENANCE.read(document) for (document,) in rows]
    return tuple(sorted(found, key=lambda one: (one.first_start, one.id)))


def put_pause(connection: sqlite3.Connection, pause: Pause) -> None:
    stored = as_stored(pause)
    connection.execute(
        "INSERT OR REPLACE INTO pauses (target, paused_at, until, note) VALUES (?, ?, ?, ?)",
        (
            stored.target,
            milliseconds(stored.paused_at),
            None if stored.until is None else milliseconds(stored.until),
            stored.note,
        ),
    )


def delete_pause(connection: sqlite3.Connection, target: str) -> bool:
    return connection.execute("DELETE FROM pauses WHERE target = ?", (target,)).rowcount == 1


def read_pauses(connection: sqlite3.Connection) -> tuple[Pause, ...]:
    rows = connection.execute("SELECT target, paused_at, until, note FROM pauses ORDER BY target")
    return tuple(
        Pause(target, moment_of(paused_at), None if until is None else moment_of(until), note)
        for target, paused_at, until, note in rows
    )
