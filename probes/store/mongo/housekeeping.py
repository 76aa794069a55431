"""Retention, rebuilding and health, in small batches."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from probes.domain.rollup import Period, RollupKey, Tally
from probes.stats.tally import tallies_of
from probes.store.base import Progress, Retention, StoreHealth, StoreUnavailableError
from probes.store.mongo import deliveries, incidents, rollups, statistics
from probes.store.mongo import results as api_status
from probes.store.mongo.connection import Connection, Document, Documents
from probes.store.records import cut

SWEEP_BATCH: Final = 500
_KEPT_TALK: Final = timedelta(days=30)  # requests and silent agents
_SWEPT_UNTIL: Final = "swept_until"  # raw results before this are gone; their rollups must not be made again
_ATTEMPTS: Final = 20


def sweep(connection: Connection, retention: Retention, now: datetime) -> int:
    deleted = 0
    if retention.results is not None:
        # Whole UTC days go, so that a day whose raw results are there has all of them and can be rebuilt.
        deleted += _sweep_results(connection, Period.DAY.start_of(now - retention.results))
        deleted += deliveries.sweep(connection.collection("deliveries"), now - retention.results)
    buckets = connection.collection("rollups")
    for period, kept in ((Period.HOUR, retention.hourly), (Period.DAY, retention.daily)):
        if kept is not None:
            until = cut(now - kept - period.length)
            deleted += _delete_in_batches(
                buckets, {"period": period.value, "start": {"$lte": until}}, "start"
            )
    if retention.daily is not None:
        gone = {"at": {"$lt": cut(now - retention.daily)}}
        deleted += connection.collection("events").delete_many(gone).deleted_count
        deleted += incidents.sweep(connection.collection("incidents"), now - retention.daily)
    before = {"$lt": cut(now - _KEPT_TALK)}
    deleted += connection.collection("requests").delete_many({"requested_at": before}).deleted_count
    deleted += connection.collection("agents").delete_many({"beat_at": before}).deleted_count
    return deleted


def rebuild_rollups(connection: Connection, now: datetime, progress: Progress | None) -> int:
    """Day by day; days whose raw results were swept keep the rollups they have."""
    records = connection.collection("api_status")
    mark = connection.collection("marks").find_one({"_id": _SWEPT_UNTIL})
    where: Document = {} if mark is None else {"due_at": {"$gte": mark["value"]}}
    first = records.find_one(where, sort=[("due_at", ASCENDING)])
    last = records.find_one(where, sort=[("due_at", DESCENDING)])
    if first is None or last is None:
        return 0
    total = records.count_documents(where)
    done, day = 0, Period.DAY.start_of(first["due_at"])
    while day <= last["due_at"]:
        done += _rebuild_day(connection, day, now)
        if progress is not None:
            progress(done, total)
        day += Period.DAY.length
    return done


def health(connection: Connection) -> StoreHealth:
    size = connection.database.command("dbStats")
    return StoreHealth(
        kind="mongo",
        detail=f"MongoDB {connection.client.server_info()['version']}",
        results=connection.collection("api_status").estimated_document_count(),
        bytes=int(size.get("storageSize", 0) + size.get("indexSize", 0)),
    )


def _sweep_results(connection: Connection, until: datetime) -> int:
    marks, records = connection.collection("marks"), connection.collection("api_status")
    marks.update_one({"_id": _SWEPT_UNTIL}, {"$max": {"value": until}}, upsert=True)
    spared = statistics.newest_ids(connection.collection("api_statistics"))
    return _delete_in_batches(records, {"due_at": {"$lt": until}, "_id": {"$nin": spared}}, "due_at")


def _delete_in_batches(collection: Documents, where: Document, order: str) -> int:
    """Delete by ranges of the ordering field, which must be bounded in `where`; batches end between two values."""
    deleted = 0
    while True:
        found = list(collection.find(where, {order: 1}).sort([(order, ASCENDING)]).limit(SWEEP_BATCH))
        if not found:
            return deleted
        batch = {**where, order: {"$lte": found[-1][order]}}
        deleted += collection.delete_many(batch).deleted_count


def _rebuild_day(connection: Connection, day: datetime, now: datetime) -> int:
    """Replace the day's buckets on condition that nobody counted since they were looked at; else look again."""
    buckets = connection.collection("rollups")
    for _ in range(_ATTEMPTS):
        # The order matters: what is counted after this look makes the replacing fail, and is read again then.
        seen = _buckets_of_day(buckets, day)
        records = list(_records_of_day(connection.collection("api_status"), day))
        tallies = {period: _tallies(records, period, seen) for period in Period}
        if all(_rebuild(buckets, period, tallies[period], seen, now) for period in Period):
            return len(records)
    raise StoreUnavailableError("MongoDB: the day is being written to all the time; try again later")


def _rebuild(
    buckets: Documents,
    period: Period,
    tallies: Mapping[RollupKey, Tally],
    seen: Mapping[str, Document],
    now: datetime,
) -> bool:
    wanted = {rollups.id_of(key) for key in tallies}
    done = [_replace(buckets, key, tally, seen, now) for key, tally in tallies.items()]
    for name, bucket in seen.items():
        if bucket["period"] == period.value and name not in wanted:
            done.append(buckets.delete_one(_unchanged(bucket)).deleted_count == 1)
    return all(done)


def _buckets_of_day(buckets: Documents, day: datetime) -> dict[str, Document]:
    span = {"$gte": day, "$lt": day + Period.DAY.length}
    return {d["_id"]: d for period in Period for d in buckets.find({"period": period.value, "start": span})}


def _records_of_day(records: Documents, day: datetime) -> Iterator[Document]:
    return iter(records.find({"due_at": {"$gte": day, "$lt": day + Period.DAY.length}}))


def _tallies(
    records: Iterable[Document], period: Period, seen: Mapping[str, Document]
) -> dict[RollupKey, Tally]:
    """What the period's buckets must say, apart from results that their writers are still going to add."""
    counted = [record for record in records if "counting" not in record or _has_taken(record, period, seen)]
    tallies = tallies_of(api_status.result_of(record) for record in counted)
    return {key: tally for key, tally in tallies.items() if key.period is period}


def _has_taken(record: Document, period: Period, seen: Mapping[str, Document]) -> bool:
    key = RollupKey(record["target"], record["location"], period, period.start_of(record["due_at"]))
    return record["counting"] in seen.get(rollups.id_of(key), {}).get("batches", ())


def _replace(
    buckets: Documents, key: RollupKey, tally: Tally, seen: Mapping[str, Document], now: datetime
) -> bool:
    bucket, fields = rollups.id_of(key), rollups.fields_of(key, tally, now)
    if bucket not in seen:
        try:
            buckets.insert_one({"_id": bucket, **fields, "revision": 1, "batches": []})
        except DuplicateKeyError:
            return False
        return True
    swapped = buckets.update_one(_unchanged(seen[bucket]), {"$set": fields, "$inc": {"revision": 1}})
    return swapped.matched_count == 1


def _unchanged(seen: Document) -> Document:
    return {"_id": seen["_id"], "revision": seen.get("revision")}
