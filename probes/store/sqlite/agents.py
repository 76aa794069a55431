"""Heartbeats, leases and the plan."""

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta

from probes.domain.plan import AgentStatus, Plan
from probes.store.documents import AGENT, PLAN
from probes.store.records import cut, milliseconds


def put_plan(connection: sqlite3.Connection, plan: Plan) -> None:
    document = PLAN.text(replace(plan, loaded_at=cut(plan.loaded_at)))
    connection.execute("INSERT OR REPLACE INTO plan (one, document) VALUES (1, ?)", (document,))


def read_plan(connection: sqlite3.Connection) -> Plan | None:
    row = connection.execute("SELECT document FROM plan").fetchone()
    return None if row is None else PLAN.read(row[0])


def beat(connection: sqlite3.Connection, status: AgentStatus) -> None:
    due, checked_at = status.next_due_at, status.self_check_at
    kept = replace(
        status,
        started_at=cut(status.started_at),
        beat_at=cut(status.beat_at),
        next_due_at=None if due is None else cut(due),
        self_check_at=None if checked_at is None else cut(checked_at),
    )
    connection.execute(
        "INSERT OR REPLACE INTO agents (agent, location, beat_at, document) VALUES (?, ?, ?, ?)",
        (status.agent, status.location, milliseconds(status.beat_at), AGENT.text(kept)),
    )


def read_agents(connection: sqlite3.Connection, since: datetime) -> list[AgentStatus]:
    rows = connection.execute(
        "SELECT document FROM agents WHERE beat_at >= ? ORDER BY location, agent", (milliseconds(since),)
    )
    return [AGENT.read(document) for (document,) in rows]


def acquire_lease(
    connection: sqlite3.Connection, name: str, owner: str, now: datetime, ttl: timedelta
) -> int | None:
    row = connection.execute("SELECT owner, expires_at, epoch FROM leases WHERE name = ?", (name,)).fetchone()
    holder, expires_at, epoch = row or ("", 0, 0)
    if holder != owner:
        if expires_at > milliseconds(now):
            return None
        epoch += 1
    connection.execute(
        "INSERT OR REPLACE INTO leases (name, owner, expires_at, epoch) VALUES (?, ?, ?, ?)",
        (name, owner, milliseconds(now + ttl), epoch),
    )
    return int(epoch)


def release_lease(connection: sqlite3.Connection, name: str, owner: str) -> None:
    """The row stays, so that the epoch keeps growing."""
    connection.execute(
        "UPDATE leases SET owner = '', expires_at = 0 WHERE name = ? AND owner = ?", (name, owner)
    )
