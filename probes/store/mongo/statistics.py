"""api_statistics: one document a target. Changed by compare-and-swap on `revision`; the verdict apart from the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from probes.domain.outcome import Fault
from probes.domain.result import Category, ProbeResult
from probes.domain.state import Reason, State, TargetStatistics, Verdict
from probes.store.base import StoreUnavailableError
from probes.store.documents import memory_of, memory_text
from probes.store.mongo import events
from probes.store.mongo import results as api_status
from probes.store.mongo.connection import Document, Documents, upsert_once
from probes.store.records import cut
from probes.store.standing import Standing, advance

_ATTEMPTS: Final = 50


def read_all(statistics: Documents) -> dict[str, TargetStatistics]:
    return {document["_id"]: _statistics_of(document) for document in statistics.find({}, {"memory": 0})}


@dataclass(frozen=True, slots=True)
class Collections:
    """What counting a target's results reads and writes."""

    statistics: Documents
    records: Documents
    events: Documents


def advance_target(collections: Collections, fresh: Sequence[ProbeResult], batch: str, now: datetime) -> None:
    """Count the batch's results of one target; harmless where they have been counted already.

    Events go in before the statistics that make them old news, so that a crash between the two makes them again,
    under the same ids; where another writer was faster they are taken back and found anew.
    """
    statistics, records = collections.statistics, collections.records
    target, added = fresh[0].target, list[str]()
    for _ in range(_ATTEMPTS):
        document = statistics.find_one({"_id": target})
        if document is not None and batch in document.get("batches", ()):
            return  # somebody else finished it, and found the same events
        events.take_back(collections.events, added)
        before = TargetStatistics(target) if document is None else _statistics_of(document)
        memory = memory_of(None if document is None else document.get("memory"))
        step = advance(Standing(before, memory), fresh, cut(now))
        fields = {**_fields_of(step.statistics), "memory": memory_text(step.memory)}
        category, newest = step.statistics.category, step.statistics.newest
        if step.needs_run and category is not None and newest is not None:
            fields["category_since"] = _start_of_run(records, target, category, cut(newest.due_at))
        added = events.add(collections.events, step.events)
        if _swap(statistics, target, document, fields, batch):
            return
    raise StoreUnavailableError(
        f"MongoDB: the statistics of {target} are being changed by others all the time"
    )


def forget_batch(statistics: Documents, targets: Sequence[str], batch: str) -> None:
    statistics.update_many({"_id": {"$in": list(targets)}}, {"$pull": {"batches": batch}})


def put_verdict(statistics: Documents, target: str, verdict: Verdict) -> None:
    """An older judgement never replaces a newer one."""
    judged_at = cut(verdict.judged_at)
    fields = {
        "state": verdict.state.value,
        "reason": {
            "key": verdict.reason.key,
            "params": [{"name": name, "value": value} for name, value in verdict.reason.params],
        },
        "since": None if verdict.since is None else cut(verdict.since),
        "judged_at": judged_at,
    }
    not_newer = [{"verdict": None}, {"verdict.judged_at": {"$lte": judged_at}}]
    upsert_once(statistics, {"_id": target, "$or": not_newer}, {"$set": {"verdict": fields}})


def newest_ids(statistics: Documents) -> list[str]:
    """Results that the sweep spares, because the board points at them."""
    found: set[str] = set()
    for document in statistics.find({}, {"newest.id": 1, "newest_ok.id": 1}):
        found |= {document[name]["id"] for name in ("newest", "newest_ok") if document.get(name)}
    return sorted(found)


def _swap(statistics: Documents, target: str, seen: Document | None, fields: Document, batch: str) -> bool:
    if seen is None:
        try:
            statistics.insert_one({"_id": target, **fields, "revision": 1, "batches": [batch]})
        except DuplicateKeyError:
            return False
        return True
    swapped = statistics.update_one(
        {"_id": target, "revision": seen.get("revision")},
        {"$set": fields, "$inc": {"revision": 1}, "$addToSet": {"batches": batch}},
    )
    return swapped.matched_count == 1


def _start_of_run(records: Documents, target: str, category: Category, newest_at: datetime) -> datetime:
    """Due time of the first result after the newest one of another category.

    `newest_at` when that one is due at the same moment: two locations may share a slot.
    """
    ran: Document = {"target": target, "fault": {"$ne": Fault.NOT_RUN.value}}
    other = records.find_one({**ran, "category": {"$ne": category.value}}, sort=[("due_at", DESCENDING)])
    if other is not None:
        ran["due_at"] = {"$gt": other["due_at"]}
    first = records.find_one(ran, sort=[("due_at", ASCENDING)])
    start: datetime = newest_at if first is None else first["due_at"]
    return start


def _fields_of(statistics: TargetStatistics) -> Document:
    newest, newest_ok = statistics.newest, statistics.newest_ok
    return {
        "newest": None if newest is None else api_status.document_of(newest, id_name="id"),
        "newest_ok": None if newest_ok is None else api_status.document_of(newest_ok, id_name="id"),
        "category": statistics.category and statistics.category.value,
        "category_since": statistics.category_since and cut(statistics.category_since),
        "total": statistics.total,
        "total_ok": statistics.total_ok,
        "first_seen_at": statistics.first_seen_at and cut(statistics.first_seen_at),
        "updated_at": statistics.updated_at,
    }


def _statistics_of(document: Mapping[str, Any]) -> TargetStatistics:
    category = document.get("category")
    return TargetStatistics(
        target=document["_id"],
        verdict=_verdict_of(document.get("verdict")),
        newest=_result_of(document.get("newest")),
        newest_ok=_result_of(document.get("newest_ok")),
        category=None if category is None else Category(category),
        category_since=document.get("category_since"),
        total=document.get("total", 0),
        total_ok=document.get("total_ok", 0),
        first_seen_at=document.get("first_seen_at"),
        updated_at=document.get("updated_at"),
    )


def _result_of(document: Mapping[str, Any] | None) -> ProbeResult | None:
    return None if document is None else api_status.result_of(document, id_name="id")


def _verdict_of(document: Mapping[str, Any] | None) -> Verdict | None:
    if document is None:
        return None
    reason = document["reason"]
    params = tuple((param["name"], param["value"]) for param in reason["params"])
    return Verdict(
        state=State(document["state"]),
        reason=Reason(reason["key"], params),
        since=document["since"],
        judged_at=document["judged_at"],
    )
