"""Refresh requests: filed by the web, worked off by an agent."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from probes.domain.plan import RefreshRequest, RefreshState
from probes.store.base import RefreshUpdate
from probes.store.documents import DIFF, PROBLEMS
from probes.store.mongo.connection import Document, Documents
from probes.store.records import cut

SILENCE: Final = timedelta(minutes=5)  # a claimant that says nothing for so long has died
_GATE: Final = "refresh"


def file(
    requests: Documents, marks: Documents, request: RefreshRequest, cooldown: timedelta
) -> RefreshRequest | None:
    """The newest request's time stands in one document, which only one of several filers can move on."""
    gate = {"requested_at": cut(request.requested_at), "request": request.id}
    passed = marks.find_one_and_update(
        {"_id": _GATE, "requested_at": {"$lte": cut(request.requested_at - cooldown)}}, {"$set": gate}
    )
    if passed is None:
        try:
            marks.insert_one({"_id": _GATE, **gate})
        except DuplicateKeyError:
            return _in_the_way(requests, marks)
    requests.insert_one(_document_of(request))
    return None


def by_id(requests: Documents, request_id: str) -> RefreshRequest | None:
    document = requests.find_one({"_id": request_id})
    return None if document is None else _request_of(document)


def latest(requests: Documents) -> RefreshRequest | None:
    document = requests.find_one(sort=[("requested_at", DESCENDING), ("_id", DESCENDING)])
    return None if document is None else _request_of(document)


def claim(requests: Documents, agent: str, now: datetime) -> RefreshRequest | None:
    document = requests.find_one_and_update(
        {
            "$or": [
                {"state": RefreshState.PENDING.value},
                {"state": RefreshState.RUNNING.value, "touched_at": {"$lt": cut(now - SILENCE)}},
            ]
        },
        {"$set": {"state": RefreshState.RUNNING.value, "claimed_by": agent, "touched_at": cut(now)}},
        sort=[("requested_at", ASCENDING), ("_id", ASCENDING)],
        return_document=ReturnDocument.AFTER,
    )
    return None if document is None else _request_of(document)


def update(requests: Documents, request_id: str, update: RefreshUpdate, now: datetime) -> None:
    changes: Document = {"touched_at": cut(now)}
    if update.total is not None:
        changes["total"] = update.total
    if update.finished is not None:
        changes["finished"] = update.finished
    if update.diff is not None:
        changes["diff"] = DIFF.plain(update.diff)
    if update.problems is not None:
        changes["problems"] = PROBLEMS.plain(update.problems)
    if update.is_done:
        changes |= {"state": RefreshState.DONE.value, "finished_at": cut(now)}
    requests.update_one({"_id": request_id}, {"$set": changes})


def _in_the_way(requests: Documents, marks: Documents) -> RefreshRequest:
    """The request that passed the gate last, even in the instant before it is filed."""
    gate = marks.find_one({"_id": _GATE}) or {}
    return by_id(requests, gate["request"]) or RefreshRequest(gate["request"], gate["requested_at"])


def _document_of(request: RefreshRequest) -> Document:
    return {
        "_id": request.id,
        "requested_at": cut(request.requested_at),
        "targets": list(request.targets),
        "state": request.state.value,
        "claimed_by": request.claimed_by,
        "total": request.total,
        "finished": request.finished,
        "finished_at": request.finished_at and cut(request.finished_at),
        "diff": DIFF.plain(request.diff),
        "problems": PROBLEMS.plain(request.problems),
    }


def _request_of(document: Mapping[str, Any]) -> RefreshRequest:
    return RefreshRequest(
        id=document["_id"],
        requested_at=document["requested_at"],
        targets=tuple(document["targets"]),
        state=RefreshState(document["state"]),
        claimed_by=document["claimed_by"],
        total=document["total"],
        finished=document["finished"],
        finished_at=document["finished_at"],
        diff=DIFF.read_plain(document["diff"]),
        problems=PROBLEMS.read_plain(document["problems"]),
    )
