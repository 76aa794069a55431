"""The client, the collections with their indexes, and the mapping of pymongo's errors.

StoreUnavailableError  no server, no primary, credentials refused, a timeout, a closed client
StoreError             everything else that the server or the driver refuses
"""

import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from typing import Any, Final

from bson.codec_options import CodecOptions
from pymongo import ASCENDING, IndexModel, MongoClient
from pymongo.collection import Collection
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WTimeoutError,
)

from probes.store.base import StoreError, StoreUnavailableError

Document = dict[str, Any]
Documents = Collection[Document]

SELECTION_SECONDS: Final = 3
SOCKET_SECONDS: Final = 20

# Most specific first: NotPrimaryError is an AutoReconnect is a ConnectionFailure.
_UNAVAILABLE: Final[tuple[tuple[type[PyMongoError], str], ...]] = (
    (ServerSelectionTimeoutError, f"no server that takes writes answers within {SELECTION_SECONDS} s"),
    (NotPrimaryError, "the server is no longer the primary"),
    (WaitQueueTimeoutError, "all connections are busy"),
    (AutoReconnect, "the connection broke"),
    (ConnectionFailure, "the server cannot be reached"),
    (ExecutionTimeout, "the server took too long"),
    (WTimeoutError, "too few members of the replica set confirmed the write"),
    (InvalidOperation, "the store is closed"),
)
_UNAVAILABLE_CODES: Final[Mapping[int, str]] = {
    13: "the account may not do this; it needs readWrite on the database",
    18: "the server refuses the user name or the password",
    8000: "the server refuses the user name or the password",  # Atlas
    50: "the server took too long",
    91: "the server is shutting down",
    14031: "the server's disk is full",
}

_INDEXES: Final[Mapping[str, tuple[IndexModel, ...]]] = {
    # One per filter of ResultQuery, each in page order; $in on the first field is merged in order by the server.
    "api_status": (
        IndexModel([("due_at", ASCENDING), ("_id", ASCENDING)]),
        *(
            IndexModel([(name, ASCENDING), ("due_at", ASCENDING), ("_id", ASCENDING)])
            for name in ("target", "provider", "location", "outcome", "category", "trigger")
        ),
        IndexModel([("counting", ASCENDING)], sparse=True),
    ),
    "rollups": (
        IndexModel([("period", ASCENDING), ("start", ASCENDING)]),
        IndexModel([("period", ASCENDING), ("target", ASCENDING), ("start", ASCENDING)]),
        IndexModel([("updated_at", ASCENDING)]),
    ),
    "events": (
        IndexModel([("at", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("target", ASCENDING), ("at", ASCENDING), ("_id", ASCENDING)]),
    ),
    "incidents": (
        IndexModel([("started_at", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("is_open", ASCENDING), ("started_at", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("targets", ASCENDING), ("started_at", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("updated_at", ASCENDING)]),
    ),
    "deliveries": (
        IndexModel([("state", ASCENDING), ("due_at", ASCENDING)]),
        IndexModel([("created_at", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("incident_id", ASCENDING), ("created_at", ASCENDING), ("_id", ASCENDING)]),
    ),
    "requests": (IndexModel([("requested_at", ASCENDING)]),),
}


class Connection:
    """One client; the server is first asked when something is first needed, so that an agent starts without it."""

    def __init__(self, client: MongoClient[Document], database: str) -> None:
        self.client = client
        options: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)
        self.database = client.get_database(database, codec_options=options)
        self._lock = threading.Lock()
        self._is_ready = False

    @classmethod
    def to(cls, uri: str, database: str) -> "Connection":
        """Raises StoreError for a URI that is none; the message never repeats it, it may hold a password."""
        defaults: dict[str, Any] = {
            "serverSelectionTimeoutMS": SELECTION_SECONDS * 1000,
            "connectTimeoutMS": SELECTION_SECONDS * 1000,
            "socketTimeoutMS": SOCKET_SECONDS * 1000,
            "appname": "firsttoken",
        }
        options = {name: value for name, value in defaults.items() if f"{name}=".lower() not in uri.lower()}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "error", UserWarning
                )  # the driver would ignore an option it does not know
                return cls(MongoClient(uri, connect=False, **options), database)
        except (PyMongoError, ValueError, TypeError, UserWarning) as error:
            problem = "an option of it" if isinstance(error, UserWarning) else type(error).__name__
        raise StoreError(
            f"the MongoDB URI is not valid ({problem}); it looks like mongodb://user:password@host:27017, "
            "with special characters of the password percent-encoded"
        )

    def collection(self, name: str) -> Documents:
        self._make_ready()
        return self.database[name]

    def close(self) -> None:
        self.client.close()

    def _make_ready(self) -> None:
        """Indexes are looked for once a process."""
        if self._is_ready:
            return
        with self._lock:
            if not self._is_ready:
                for name, indexes in _INDEXES.items():
                    self._make_indexes(self.database[name], indexes)
                self._is_ready = True

    def _make_indexes(self, collection: Documents, indexes: Iterable[IndexModel]) -> None:
        existing = collection.index_information()
        for index in indexes:
            if index.document["name"] not in existing:
                collection.create_indexes([index])  # one by one: another process may be making them too


@contextmanager
def mapping_errors() -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        raise _mapped(error) from error


def upsert_once(collection: Documents, where: Document, change: Document) -> None:
    """Update the document `where["_id"]` if it meets the other conditions, or make it if there is none.

    A duplicate key means that the document is there and fails the conditions, or that another writer has just
    made it; a second try without upsert tells the two apart.
    """
    try:
        collection.update_one(where, change, upsert=True)
    except DuplicateKeyError:
        collection.update_one(where, change)


def _mapped(error: PyMongoError) -> StoreError:
    if isinstance(error, OperationFailure) and (problem := _UNAVAILABLE_CODES.get(error.code or 0)):
        return StoreUnavailableError(f"MongoDB: {problem}")
    if isinstance(error, ConfigurationError):
        return StoreUnavailableError(f"MongoDB: {error}")
    for kind, problem in _UNAVAILABLE:
        if isinstance(error, kind):
            return StoreUnavailableError(f"MongoDB: {problem}")
    if isinstance(error, BulkWriteError):
        problems = {entry.get("errmsg", "") for entry in (error.details or {}).get("writeErrors", ())}
        return StoreError(f"MongoDB refuses a write: {'; '.join(sorted(problems))[:300]}")
    return StoreError(f"MongoDB: {type(error).__name__}: {str(error)[:300]}")
