"""pymongo's errors as the operator reads them; a password never among them."""

import socket
import traceback
from inspect import isclass

import pymongo.errors
import pytest
from pymongo.errors import (
    BulkWriteError,
    ClientBulkWriteException,
    EncryptedCollectionError,
    OperationFailure,
    PyMongoError,
)

from probes.store.base import StoreError, StoreUnavailableError
from probes.store.mongo import open_mongo
from probes.store.mongo.connection import mapping_errors

PASSWORD = "s3cret-Pa55word"


def every_error() -> list[type[PyMongoError]]:
    public = [value for name, value in vars(pymongo.errors).items() if not name.startswith("_")]
    return [value for value in public if isclass(value) and issubclass(value, PyMongoError)]


def an_instance(kind: type[PyMongoError]) -> PyMongoError:
    arguments: dict[type[PyMongoError], tuple[object, ...]] = {
        BulkWriteError: ({"writeErrors": [{"errmsg": "refused"}]},),
        ClientBulkWriteException: ({"writeErrors": [], "writeConcernErrors": []}, False),
        EncryptedCollectionError: (ValueError("boom"), {}),
    }
    return kind(*arguments.get(kind, ("boom",)))


AWAY = {
    "AutoReconnect",
    "ConfigurationError",
    "ConnectionFailure",
    "ExecutionTimeout",
    "InvalidOperation",
    "InvalidURI",
    "NetworkTimeout",
    "NotPrimaryError",
    "ServerSelectionTimeoutError",
    "WaitQueueTimeoutError",
    "WTimeoutError",
}


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_each_error_of_the_driver_is_mapped(kind: type[PyMongoError]) -> None:
    error = an_instance(kind)

    with pytest.raises(StoreError) as caught, mapping_errors():
        raise error

    assert isinstance(caught.value, StoreUnavailableError) == (kind.__name__ in AWAY)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("code", "says"), [(18, "user name or the password"), (13, "readWrite"), (14031, "full")]
)
def test_refusals_that_pass_are_told_from_those_that_stay(code: int, says: str) -> None:
    with pytest.raises(StoreUnavailableError, match=says), mapping_errors():
        raise OperationFailure("refused", code)


def test_a_server_that_is_not_there_is_told_within_seconds() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and never listening: nobody else gets the port
        port = unused.getsockname()[1]
        uri = f"mongodb://user:{PASSWORD}@127.0.0.1:{port}/?serverSelectionTimeoutMS=200"
        store = open_mongo(uri, "test")
        with pytest.raises(StoreUnavailableError, match="no server that takes writes") as caught:
            store.statistics()
        store.close()

    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param(f"mongo://user:{PASSWORD}@host/", id="scheme"),
        pytest.param(f"mongodb://user:{PASSWORD}@host:port/", id="port"),
        pytest.param(f"mongodb://user:a@{PASSWORD}@host/", id="unescaped"),
        pytest.param(f"mongodb://user:{PASSWORD}@/", id="no host"),
        pytest.param(f"mongodb://user:{PASSWORD}@host/?authMechanism=NOSUCH", id="option"),
    ],
)
def test_a_bad_uri_is_refused_without_repeating_it(uri: str) -> None:
    with pytest.raises(StoreError, match="MongoDB URI is not valid") as caught:
        open_mongo(uri, "test")

    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_opening_a_store_does_not_wait_for_its_server() -> None:
    """The agent probes and spools while the database is still starting."""
    open_mongo("mongodb://127.0.0.1:9/", "test").close()


def test_a_closed_store_says_so() -> None:
    store = open_mongo("mongodb://127.0.0.1:9/", "test")
    store.close()

    with pytest.raises(StoreUnavailableError, match="closed"):
        store.statistics()
