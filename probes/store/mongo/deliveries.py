"""deliveries: the outbox. `_id` is the delivery's id, all other names are Delivery's."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from probes.domain.delivery import Delivery, DeliveryState
from probes.store.base import MAX_PAGE_SIZE, DeliveryQuery
from probes.store.documents import as_stored
from probes.store.mongo.connection import Document, Documents
from probes.store.records import cut


def add(collection: Documents, deliveries: Iterable[Delivery]) -> int:
    return sum(_is_new(collection, delivery) for delivery in deliveries)


def update(collection: Documents, delivery: Delivery) -> None:
    collection.replace_one({"_id": delivery.id}, _document_of(delivery))


def due(collection: Documents, now: datetime, limit: int) -> tuple[Delivery, ...]:
    found = collection.find({"state": DeliveryState.PENDING.value, "due_at": {"$lte": cut(now)}})
    longest_first = [("due_at", ASCENDING), ("created_at", ASCENDING), ("_id", ASCENDING)]
    return tuple(map(_delivery_of, found.sort(longest_first).limit(min(max(limit, 1), MAX_PAGE_SIZE))))


def read(collection: Documents, query: DeliveryQuery) -> tuple[Delivery, ...]:
    newest_first = [("created_at", DESCENDING), ("_id", DESCENDING)]
    found = collection.find(_filter(query)).sort(newest_first)
    return tuple(map(_delivery_of, found.limit(min(max(query.limit, 1), MAX_PAGE_SIZE))))


def sweep(collection: Documents, until: datetime) -> int:
    """Delete what was finished before; what still has to be told stays."""
    gone = {"$lt": cut(until)}
    finished = [{"finished_at": gone}, {"finished_at": None, "created_at": gone}]
    pending = DeliveryState.PENDING.value
    return collection.delete_many({"state": {"$ne": pending}, "$or": finished}).deleted_count


def _is_new(collection: Documents, delivery: Delivery) -> bool:
    try:
        collection.insert_one(_document_of(delivery))
    except DuplicateKeyError:
        return False
    return True


def _filter(query: DeliveryQuery) -> Document:
    """Only plain strings reach the server, never an operator."""
    where: Document = {}
    for name, values in (
        ("state", query.states),
        ("channel", query.channels),
        ("incident_id", query.incidents),
    ):
        if values:
            where[name] = {"$in": [str(value) for value in values]}
    if query.since is not None:
        where["created_at"] = {"$gte": cut(query.since)}
    return where


def _document_of(delivery: Delivery) -> Document:
    fields = asdict(as_stored(delivery))
    return {"_id": fields.pop("id"), **fields, "state": delivery.state.value}


def _delivery_of(document: Document) -> Delivery:
    return Delivery(
        id=document["_id"],
        channel=document["channel"],
        incident_id=document["incident_id"],
        transition=document["transition"],
        created_at=document["created_at"],
        due_at=document["due_at"],
        state=DeliveryState(document["state"]),
        attempts=document["attempts"],
        finished_at=document["finished_at"],
        error=document["error"],
    )
