"""Hour and day buckets as documents; a batch of results is counted in each of them exactly once.

`batches` holds the batches that are being counted: a batch is added only where it is not in it. `revision` grows with
every change, so that a rebuild can replace a bucket on condition that nobody counted meanwhile.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from probes.domain.outcome import Outcome
from probes.domain.result import Category
from probes.domain.rollup import Buckets, Period, Rollup, RollupKey, Tally
from probes.store.mongo.connection import Document, Documents, upsert_once
from probes.store.records import cut, milliseconds

DUPLICATE_KEY: Final = 11000
_HISTOGRAMS: Final = ("ttft", "response", "throughput")


def add_tallies(rollups: Documents, tallies: Mapping[RollupKey, Tally], batch: str, now: datetime) -> None:
    """Count a batch that was never counted before."""
    updates = [_counting(key, tally, batch, now) for key, tally in tallies.items()]
    if not updates:
        return
    try:
        rollups.bulk_write(
            [UpdateOne(where, change, upsert=True) for where, change in updates], ordered=False
        )
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        if any(failure["code"] != DUPLICATE_KEY for failure in failures):
            raise
        for failure in failures:  # another writer has just made the bucket
            rollups.update_one(*updates[failure["index"]])


def add_tallies_again(
    rollups: Documents, tallies: Mapping[RollupKey, Tally], batch: str, now: datetime
) -> None:
    """Count a batch where it has not been counted yet."""
    for key, tally in tallies.items():
        upsert_once(rollups, *_counting(key, tally, batch, now))


def forget_batch(rollups: Documents, keys: Iterable[RollupKey], batch: str) -> None:
    ids = [id_of(key) for key in keys]
    rollups.update_many({"_id": {"$in": ids}}, {"$pull": {"batches": batch}})


def read_range(
    rollups: Documents, period: Period, since: datetime, until: datetime, targets: Collection[str]
) -> list[Rollup]:
    where: Document = {"period": period.value, "start": {"$gte": cut(since), "$lt": cut(until)}}
    if targets:
        where["target"] = {"$in": sorted(targets)}
    return [rollup_of(document) for document in rollups.find(where)]


def read_changed(
    rollups: Documents, period: Period, since: datetime, changed_since: datetime
) -> list[Rollup]:
    where = {
        "period": period.value,
        "start": {"$gte": cut(since)},
        "updated_at": {"$gte": cut(changed_since)},
    }
    return [rollup_of(document) for document in rollups.find(where)]


def id_of(key: RollupKey) -> str:
    return f"{key.period.value} {milliseconds(key.start)} {key.location} {key.target}"


def fields_of(key: RollupKey, tally: Tally, now: datetime) -> Document:
    """A whole bucket, without what guards its counting."""
    return {
        "target": key.target,
        "location": key.location,
        "period": key.period.value,
        "start": key.start,
        "updated_at": cut(now),
        "outcomes": {outcome.value: n for outcome, n in tally.outcomes.items()},
        "categories": {category.value: n for category, n in tally.categories.items()},
        **{name: {f"b{bucket}": n for bucket, n in _histogram(tally, name).items()} for name in _HISTOGRAMS},
        "output_tokens": tally.output_tokens,
        "input_tokens": tally.input_tokens,
        "cost": tally.cost,
        "priced": tally.priced,
    }


def rollup_of(document: Mapping[str, Any]) -> Rollup:
    key = RollupKey(document["target"], document["location"], Period(document["period"]), document["start"])
    tally = Tally(
        outcomes={Outcome(word): n for word, n in document.get("outcomes", {}).items()},
        categories={Category(word): n for word, n in document.get("categories", {}).items()},
        ttft=_buckets(document, "ttft"),
        response=_buckets(document, "response"),
        throughput=_buckets(document, "throughput"),
        output_tokens=document.get("output_tokens", 0),
        input_tokens=document.get("input_tokens", 0),
        cost=document.get("cost", 0.0),
        priced=document.get("priced", 0),
    )
    return Rollup(key, tally, document["updated_at"])


def _counting(key: RollupKey, tally: Tally, batch: str, now: datetime) -> tuple[Document, Document]:
    counts: Document = {
        "revision": 1,
        "output_tokens": tally.output_tokens,
        "input_tokens": tally.input_tokens,
        "cost": tally.cost,
        "priced": tally.priced,
    }
    counts |= {f"outcomes.{outcome.value}": n for outcome, n in tally.outcomes.items()}
    counts |= {f"categories.{category.value}": n for category, n in tally.categories.items()}
    for name in _HISTOGRAMS:
        counts |= {f"{name}.b{bucket}": n for bucket, n in _histogram(tally, name).items()}
    change = {
        "$inc": counts,
        "$set": {"updated_at": cut(now)},
        "$addToSet": {"batches": batch},
        "$setOnInsert": {
            "target": key.target,
            "location": key.location,
            "period": key.period.value,
            "start": key.start,
        },
    }
    return {"_id": id_of(key), "batches": {"$ne": batch}}, change


def _histogram(tally: Tally, name: str) -> Buckets:
    buckets: Buckets = getattr(tally, name)
    return buckets


def _buckets(document: Mapping[str, Any], name: str) -> dict[int, int]:
    return {int(key[1:]): n for key, n in document.get(name, {}).items()}
