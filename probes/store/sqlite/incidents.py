"""Incidents: a JSON document each, replaced by compare-and-swap on its version."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from probes.domain.incident import Incident
from probes.store.base import MAX_PAGE_SIZE, IncidentPage, IncidentQuery
from probes.store.cursor import Position, cursor_of, position_of
from probes.store.documents import INCIDENT, as_stored
from probes.store.records import milliseconds

Parameter = str | int

_INSERT: Final = """
    INSERT INTO incidents
        (id, version, provider, started_at, ended_at, updated_at, is_open, is_public, is_merged, document)
    VALUES
        (:id, :version, :provider, :started_at, :ended_at, :updated_at, :is_open, :is_public, :is_merged, :document)
    ON CONFLICT (id) DO NOTHING
"""
_UPDATE: Final = """
    UPDATE incidents SET
        version = :version, provider = :provider, started_at = :started_at, ended_at = :ended_at,
        updated_at = :updated_at, is_open = :is_open, is_public = :is_public, is_merged = :is_merged,
        document = :document
    WHERE id = :id AND version = :version - 1
"""


def save(connection: sqlite3.Connection, incident: Incident) -> bool:
    """In a transaction that writes: the version is looked at and replaced in one statement."""
    stored = as_stored(incident)
    statement = _INSERT if stored.version == 1 else _UPDATE
    if connection.execute(statement, _fields_of(stored)).rowcount != 1:
        return False
    connection.execute("DELETE FROM incident_targets WHERE incident_id = ?", (stored.id,))
    connection.executemany(
        "INSERT OR IGNORE INTO incident_targets (target, incident_id) VALUES (?, ?)",
        [(target, stored.id) for target in stored.targets],
    )
    return True


def by_id(connection: sqlite3.Connection, incident_id: str) -> Incident | None:
    row = connection.execute("SELECT document FROM incidents WHERE id = ?", (incident_id,)).fetchone()
    return None if row is None else INCIDENT.read(row[0])


def read_page(connection: sqlite3.Connection, query: IncidentQuery) -> IncidentPage:
    limit = min(max(query.limit, 1), MAX_PAGE_SIZE)
    where, parameters = _conditions(query)
    rows = connection.execute(
        f"SELECT started_at, id, document FROM incidents {where} ORDER BY started_at DESC, id DESC LIMIT ?",  # noqa: S608
        (*parameters, limit + 1),
    ).fetchall()
    page = tuple(INCIDENT.read(document) for _, _, document in rows[:limit])
    if len(rows) <= limit:
        return IncidentPage(page, None)
    started_at, last, _ = rows[limit - 1]
    return IncidentPage(page, cursor_of(Position(started_at, last), oldest_first=False))


def sweep(connection: sqlite3.Connection, until: datetime) -> int:
    """Delete what ended before; one that is open stays, however old. A merged one ended with its last change."""
    gone = connection.execute(
        "DELETE FROM incidents WHERE is_open = 0 AND coalesce(ended_at, updated_at) < ? RETURNING id",
        (milliseconds(until),),
    ).fetchall()
    connection.executemany("DELETE FROM incident_targets WHERE incident_id = ?", gone)
    return len(gone)


def _fields_of(incident: Incident) -> dict[str, Parameter | None]:
    return {
        "id": incident.id,
        "version": incident.version,
        "provider": incident.provider,
        "started_at": milliseconds(incident.started_at),
        "ended_at": None if incident.ended_at is None else milliseconds(incident.ended_at),
        "updated_at": milliseconds(incident.updated_at),
        "is_open": int(incident.is_open),
        "is_public": int(incident.is_public),
        "is_merged": int(incident.merged_into is not None),
        "document": INCIDENT.text(incident),
    }


def _conditions(query: IncidentQuery) -> tuple[str, list[Parameter]]:
    conditions, parameters = list[str](), list[Parameter]()
    for name, flag in (("is_open", query.is_open), ("is_public", query.is_public)):
        if flag is not None:
            conditions.append(f"{name} = {int(flag)}")
    if not query.with_merged:
        conditions.append("is_merged = 0")
    for condition, moment in (
        ("(ended_at IS NULL OR ended_at >= ?)", query.since),
        ("started_at < ?", query.until),
        ("updated_at >= ?", query.changed_since),
    ):
        if moment is not None:
            conditions.append(condition)
            parameters.append(milliseconds(moment))
    if query.providers:
        conditions.append(f"provider IN {_marks(query.providers)}")
        parameters += map(str, query.providers)
    if query.targets:
        having = f"SELECT incident_id FROM incident_targets WHERE target IN {_marks(query.targets)}"  # noqa: S608
        conditions.append(f"id IN ({having})")
        parameters += map(str, query.targets)
    if query.cursor is not None:
        position = position_of(query.cursor, oldest_first=False)
        conditions.append("(started_at, id) < (?, ?)")
        parameters += [position.due_at_ms, position.id]
    return f"WHERE {' AND '.join(conditions)}" if conditions else "", parameters


def _marks(values: Iterable[str]) -> str:
    return f"({', '.join('?' for _ in values)})"
