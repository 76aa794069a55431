"""maintenance and pauses: what operators announce. `_id` is the window's id, or the paused target."""

from pymongo import ASCENDING

from probes.domain.upkeep import Maintenance, Pause
from probes.store.documents import MAINTENANCE, as_stored
from probes.store.mongo.connection import Documents


def put_maintenance(collection: Documents, maintenance: Maintenance) -> None:
    """As JSON text: its days and wall-clock times have no zone, which BSON's dates cannot say."""
    stored = as_stored(maintenance)
    document = {"_id": stored.id, "document": MAINTENANCE.text(stored)}
    collection.replace_one({"_id": stored.id}, document, upsert=True)


def delete_maintenance(collection: Documents, maintenance_id: str) -> bool:
    return collection.delete_one({"_id": maintenance_id}).deleted_count == 1


def read_maintenance(collection: Documents) -> tuple[Maintenance, ...]:
    found = [MAINTENANCE.read(document["document"]) for document in collection.find()]
    return tuple(sorted(found, key=lambda one: (one.first_start, one.id)))


def put_pause(collection: Documents, pause: Pause) -> None:
    stored = as_stored(pause)
    fields = {"paused_at": stored.paused_at, "until": stored.until, "note": stored.note}
    collection.replace_one({"_id": stored.target}, {"_id": stored.target, **fields}, upsert=True)


def delete_pause(collection: Documents, target: str) -> bool:
    return collection.delete_one({"_id": target}).deleted_count == 1


def read_pauses(collection: Documents) -> tuple[Pause, ...]:
    found = collection.find().sort([("_id", ASCENDING)])
    return tuple(
        Pause(document["_id"], document["paused_at"], document["until"], document["note"])
        for document in found
    )
