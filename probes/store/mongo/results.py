"""api_status: one document a probe. `_id` is the result's id, all other names are ProbeResult's, absent means None.

`counting` names the batch of a result whose rollups and statistics may not have been brought up to date yet.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult
from probes.store import records
from probes.store.base import MAX_PAGE_SIZE, ResultPage, ResultQuery
from probes.store.cursor import Position, cursor_of, position_of
from probes.store.mongo.connection import Document, Documents
from probes.store.records import FLAGS, MOMENTS, cut, milliseconds, moment_of

DEFAULT_REACH: Final = timedelta(days=90)
_DUPLICATE_KEY: Final = 11000


def document_of(result: ProbeResult, id_name: str = "_id") -> Document:
    document: Document = dict(records.document_of(result))
    document[id_name] = document.pop("id")
    for name in MOMENTS:
        document[name] = moment_of(document[name])
    for name in FLAGS & document.keys():
        document[name] = bool(document[name])
    if "rate_limits" in document:
        document["rate_limits"] = json.loads(document["rate_limits"])
    return document


def result_of(document: Mapping[str, Any], id_name: str = "_id") -> ProbeResult:
    values = dict(document)
    values["id"] = values[id_name]
    for name in MOMENTS:
        values[name] = milliseconds(values[name])
    if "rate_limits" in values:
        values["rate_limits"] = json.dumps(values["rate_limits"])
    return records.result_of_document(values)


def insert(collection: Documents, results: Iterable[ProbeResult], batch: str) -> list[ProbeResult]:
    """Insert those not there yet, marked as being counted; returns them."""
    unique = list({result.id: result for result in results}.values())
    documents = [{**document_of(result), "counting": batch} for result in unique]
    try:
        collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        if any(failure["code"] != _DUPLICATE_KEY for failure in failures):
            raise
        known = {failure["index"] for failure in failures}
        return [result for index, result in enumerate(unique) if index not in known]
    return unique


def read_page(collection: Documents, query: ResultQuery, now: datetime) -> ResultPage:
    limit = min(max(query.limit, 1), MAX_PAGE_SIZE)
    where = _filter(query, now)
    if query.cursor is not None:
        _start_behind(where, position_of(query.cursor, oldest_first=query.oldest_first), query.oldest_first)
    direction = ASCENDING if query.oldest_first else DESCENDING
    found = collection.find(where).sort([("due_at", direction), ("_id", direction)]).limit(limit + 1)
    results = [result_of(document) for document in found]
    page = tuple(results[:limit])
    next_cursor = None
    if len(results) > limit:
        last = Position(milliseconds(page[-1].due_at), page[-1].id)
        next_cursor = cursor_of(last, oldest_first=query.oldest_first)
    return ResultPage(page, next_cursor)


def count(collection: Documents, query: ResultQuery, at_most: int, now: datetime) -> int:
    return collection.count_documents(_filter(query, now), limit=at_most) if at_most > 0 else 0


def recent(collection: Documents, targets: Collection[str], limit: int) -> dict[str, tuple[ProbeResult, ...]]:
    """Newest first per target, of all locations; slots skipped on purpose are left out."""
    newest_first = [("due_at", DESCENDING), ("_id", DESCENDING)]
    found: dict[str, tuple[ProbeResult, ...]] = dict.fromkeys(targets, ())
    if limit <= 0:  # which means "all" to the server
        return found
    for target in found:
        where = {"target": target, "outcome": {"$ne": Outcome.SKIPPED.value}}
        found[target] = tuple(result_of(d) for d in collection.find(where).sort(newest_first).limit(limit))
    return found


def being_counted(collection: Documents, batch: str) -> list[ProbeResult]:
    return [result_of(document) for document in collection.find({"counting": batch})]


def batches_before(collection: Documents, moment: datetime) -> list[str]:
    """Batches begun before the moment and never finished; a batch's name starts with its time."""
    return sorted(collection.distinct("counting", {"counting": {"$gt": "", "$lt": batch_prefix(moment)}}))


def mark_counted(collection: Documents, batch: str, ids: Sequence[str] | None = None) -> None:
    """All of the batch, or only those: a write that timed out here may still bring more of it in."""
    where: Document = {"counting": batch}
    if ids is not None:
        where["_id"] = {"$in": list(ids)}
    collection.update_many(where, {"$unset": {"counting": ""}})


def batch_prefix(moment: datetime) -> str:
    return f"{milliseconds(moment):015d}"


def _filter(query: ResultQuery, now: datetime) -> Document:
    """Only plain strings of our own enums and of the query reach the server, never an operator."""
    span: Document = {"$gte": cut(query.since if query.since is not None else now - DEFAULT_REACH)}
    if query.until is not None:
        span["$lt"] = cut(query.until)
    where: Document = {"due_at": span}
    for name, values in (
        ("target", query.targets),
        ("provider", query.providers),
        ("location", query.locations),
        ("category", query.categories),
        ("outcome", query.outcomes),
        ("trigger", query.triggers),
    ):
        if values:
            where[name] = {"$in": [str(value) for value in values]}
    return where


def _start_behind(where: Document, position: Position, oldest_first: bool) -> None:
    """Without the redundant bound beside the `$or` the server walks the index from its end: 0.7 against 483 ms."""
    at, beyond = moment_of(position.due_at_ms), "$gt" if oldest_first else "$lt"
    where["due_at"][f"{beyond}e"] = max(at, where["due_at"]["$gte"]) if oldest_first else at
    where["$or"] = [{"due_at": {beyond: at}}, {"due_at": at, "_id": {beyond: position.id}}]
