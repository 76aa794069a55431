"""The store over MongoDB; the one place that imports pymongo."""

from probes.store.mongo.store import MongoStore, open_mongo

__all__ = ["MongoStore", "open_mongo"]
