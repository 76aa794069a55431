"""incidents: one document an incident, replaced by compare-and-swap on `version`.

`document` is the whole of it as JSON text (lists of lists are not for every server); the fields beside it are what
queries ask for.
"""

from datetime import datetime

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from probes.domain.incident import Incident
from probes.store.base import MAX_PAGE_SIZE, IncidentPage, IncidentQuery
from probes.store.cursor import Position, cursor_of, position_of
from probes.store.documents import INCIDENT, as_stored
from probes.store.mongo.connection import Document, Documents
from probes.store.records import cut, milliseconds, moment_of


def save(collection: Documents, incident: Incident) -> bool:
    """One atomic operation, so that each version has one writer."""
    document = _document_of(as_stored(incident))
    if incident.version > 1:
        before = {"_id": incident.id, "version": incident.version - 1}
        return collection.replace_one(before, document).matched_count == 1
    try:
        collection.insert_one(document)
    except DuplicateKeyError:
        return False
    return True


def by_id(collection: Documents, incident_id: str) -> Incident | None:
    found = collection.find_one({"_id": incident_id})
    return None if found is None else INCIDENT.read(found["document"])


def read_page(collection: Documents, query: IncidentQuery) -> IncidentPage:
    limit = min(max(query.limit, 1), MAX_PAGE_SIZE)
    newest_first = [("started_at", DESCENDING), ("_id", DESCENDING)]
    found = list(collection.find(_filter(query)).sort(newest_first).limit(limit + 1))
    page = tuple(INCIDENT.read(document["document"]) for document in found[:limit])
    if len(found) <= limit:
        return IncidentPage(page, None)
    last = Position(milliseconds(page[-1].started_at), page[-1].id)
    return IncidentPage(page, cursor_of(last, oldest_first=False))


def sweep(collection: Documents, until: datetime) -> int:
    """Delete what ended before; one that is open stays, however old. A merged one ended with its last change."""
    gone = {"$lt": cut(until)}
    ended = [{"ended_at": gone}, {"ended_at": None, "updated_at": gone}]
    return collection.delete_many({"is_open": False, "$or": ended}).deleted_count


def _document_of(incident: Incident) -> Document:
    return {
        "_id": incident.id,
        "version": incident.version,
        "provider": incident.provider,
        "targets": list(incident.targets),
        "started_at": incident.started_at,
        "ended_at": incident.ended_at,
        "updated_at": incident.updated_at,
        "is_open": incident.is_open,
        "is_public": incident.is_public,
        "is_merged": incident.merged_into is not None,
        "document": INCIDENT.text(incident),
    }


def _filter(query: IncidentQuery) -> Document:
    """Only plain strings reach the server, never an operator."""
    where: Document = {} if query.with_merged else {"is_merged": False}
    for name, flag in (("is_open", query.is_open), ("is_public", query.is_public)):
        if flag is not None:
            where[name] = flag
    for name, values in (("provider", query.providers), ("targets", query.targets)):
        if values:
            where[name] = {"$in": [str(value) for value in values]}
    if query.changed_since is not None:
        where["updated_at"] = {"$gte": cut(query.changed_since)}
    either = list[Document]()
    if query.since is not None:
        either.append({"$or": [{"ended_at": None}, {"ended_at": {"$gte": cut(query.since)}}]})
    span: Document = {} if query.until is None else {"$lt": cut(query.until)}
    if query.cursor is not None:
        position = position_of(query.cursor, oldest_first=False)
        at = moment_of(position.due_at_ms)
        span["$lte"] = at  # beside the `$or`, so that the server enters the index where the page begins
        either.append({"$or": [{"started_at": {"$lt": at}}, {"started_at": at, "_id": {"$lt": position.id}}]})
    if span:
        where["started_at"] = span
    if either:
        where["$and"] = either
    return where
