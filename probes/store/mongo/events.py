"""events: one document a change on a target's timeline. `_id` is the event's id, all other names are TargetEvent's."""

from collections.abc import Iterable

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from probes.domain.event import EventKind, TargetEvent
from probes.store.base import MAX_PAGE_SIZE, EventPage, EventQuery
from probes.store.cursor import Position, cursor_of, position_of
from probes.store.mongo.connection import Document, Documents
from probes.store.records import cut, milliseconds, moment_of


def add(collection: Documents, events: Iterable[TargetEvent]) -> list[str]:
    """Write those that are not there yet; returns their ids."""
    return [event.id for event in events if _is_new(collection, event)]


def _is_new(collection: Documents, event: TargetEvent) -> bool:
    try:
        collection.insert_one({"_id": event.id, **_fields_of(event)})
    except DuplicateKeyError:
        return False
    return True


def take_back(collection: Documents, ids: list[str]) -> None:
    if ids:
        collection.delete_many({"_id": {"$in": ids}})


def read_page(collection: Documents, query: EventQuery) -> EventPage:
    limit = min(max(query.limit, 1), MAX_PAGE_SIZE)
    newest_first = [("at", DESCENDING), ("_id", DESCENDING)]
    found = list(collection.find(_filter(query)).sort(newest_first).limit(limit + 1))
    page = tuple(_event_of(document) for document in found[:limit])
    if len(found) <= limit:
        return EventPage(page, None)
    last = Position(milliseconds(page[-1].at), page[-1].id)
    return EventPage(page, cursor_of(last, oldest_first=False))


def _filter(query: EventQuery) -> Document:
    """Only plain strings reach the server, never an operator."""
    span: Document = {}
    if query.since is not None:
        span["$gte"] = cut(query.since)
    if query.until is not None:
        span["$lt"] = cut(query.until)
    where: Document = {}
    if query.cursor is not None:
        position = position_of(query.cursor, oldest_first=False)
        at = moment_of(position.due_at_ms)
        span["$lte"] = at  # beside the `$or`, so that the server enters the index where the page begins
        where["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": position.id}}]
    if span:
        where["at"] = span
    for name, values in (("target", query.targets), ("kind", query.kinds)):
        if values:
            where[name] = {"$in": [str(value) for value in values]}
    return where


def _fields_of(event: TargetEvent) -> Document:
    return {
        "target": event.target,
        "at": cut(event.at),
        "kind": event.kind.value,
        "before": event.before,
        "after": event.after,
        "result_id": event.result_id,
    }


def _event_of(document: Document) -> TargetEvent:
    return TargetEvent(
        id=document["_id"],
        target=document["target"],
        at=document["at"],
        kind=EventKind(document["kind"]),
        before=document["before"],
        after=document["after"],
        result_id=document["result_id"],
    )
