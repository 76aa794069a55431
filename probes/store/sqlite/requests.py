"""Refresh requests: filed by the web, worked off by an agent."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from probes.domain.plan import RefreshRequest, RefreshState
from probes.store.base import RefreshUpdate
from probes.store.documents import DIFF, PROBLEMS, TEXTS
from probes.store.records import milliseconds, moment_of

SILENCE: Final = timedelta(minutes=5)  # a claimant that says nothing for so long has died
_COLUMNS: Final = "id, requested_at, targets, state, claimed_by, total, finished, finished_at, diff, problems"


def file(
    connection: sqlite3.Connection, request: RefreshRequest, cooldown: timedelta
) -> RefreshRequest | None:
    newest = latest(connection)
    if newest is not None and newest.requested_at > request.requested_at - cooldown:
        return newest
    connection.execute(
        f"INSERT INTO requests ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            request.id,
            milliseconds(request.requested_at),
            TEXTS.text(request.targets),
            request.state.value,
            request.claimed_by,
            request.total,
            request.finished,
            None if request.finished_at is None else milliseconds(request.finished_at),
            DIFF.text(request.diff),
            PROBLEMS.text(request.problems),
        ),
    )
    return None


def by_id(connection: sqlite3.Connection, request_id: str) -> RefreshRequest | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM requests WHERE id = ?", (request_id,)).fetchone()  # noqa: S608
    return None if row is None else _request_of(row)


def latest(connection: sqlite3.Connection) -> RefreshRequest | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM requests ORDER BY requested_at DESC, id DESC LIMIT 1"  # noqa: S608
    ).fetchone()
    return None if row is None else _request_of(row)


def claimable(connection: sqlite3.Connection, now: datetime) -> RefreshRequest | None:
    row = connection.execute(
        f"""
        SELECT {_COLUMNS} FROM requests
        WHERE state = ? OR (state = ? AND touched_at < ?) ORDER BY requested_at, id LIMIT 1
        """,  # noqa: S608
        (RefreshState.PENDING.value, RefreshState.RUNNING.value, milliseconds(now - SILENCE)),
    ).fetchone()
    return None if row is None else _request_of(row)


def claim(connection: sqlite3.Connection, agent: str, now: datetime) -> RefreshRequest | None:
    request = claimable(connection, now)
    if request is None:
        return None
    connection.execute(
        "UPDATE requests SET state = ?, claimed_by = ?, touched_at = ? WHERE id = ?",
        (RefreshState.RUNNING.value, agent, milliseconds(now), request.id),
    )
    return replace(request, state=RefreshState.RUNNING, claimed_by=agent)


def update(connection: sqlite3.Connection, request_id: str, update: RefreshUpdate, now: datetime) -> None:
    changes: dict[str, str | int] = {"touched_at": milliseconds(now)}
    if update.total is not None:
        changes["total"] = update.total
    if update.finished is not None:
        changes["finished"] = update.finished
    if update.diff is not None:
        changes["diff"] = DIFF.text(update.diff)
    if update.problems is not None:
        changes["problems"] = PROBLEMS.text(update.problems)
    if update.is_done:
        changes |= {"state": RefreshState.DONE.value, "finished_at": milliseconds(now)}
    assignments = ", ".join(f"{name} = ?" for name in changes)
    connection.execute(f"UPDATE requests SET {assignments} WHERE id = ?", (*changes.values(), request_id))  # noqa: S608


def _request_of(row: Sequence[Any]) -> RefreshRequest:
    identity, requested_at, targets, state, claimed_by, total, finished, finished_at, diff, problems = row
    return RefreshRequest(
        id=identity,
        requested_at=moment_of(requested_at),
        targets=TEXTS.read(targets),
        state=RefreshState(state),
        claimed_by=claimed_by,
        total=total,
        finished=finished,
        finished_at=None if finished_at is None else moment_of(finished_at),
        diff=DIFF.read(diff),
        problems=PROBLEMS.read(problems),
    )
