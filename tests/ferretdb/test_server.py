"""The MongoDB wire server of the tests starts, keeps what it was given, and ends."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError, ServerSelectionTimeoutError

from tests.ferretdb.launch import mongodb_server

pytestmark = pytest.mark.mongo

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
Document = dict[str, object]


def client_of(uri: str) -> MongoClient[Document]:
    return MongoClient(uri, tz_aware=True, serverSelectionTimeoutMS=5_000)


@pytest.fixture(autouse=True)
def _own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about FerretDB, whatever server the others use."""
    monkeypatch.delenv("MONGODB_TEST_URI", raising=False)


def test_documents_outlive_a_restart(tmp_path: Path) -> None:
    with mongodb_server(tmp_path) as uri, client_of(uri) as client:
        client["firsttoken"]["api_status"].insert_one({"_id": "first", "timestamp": NOON})

    with mongodb_server(tmp_path) as uri, client_of(uri) as client:
        kept = client["firsttoken"]["api_status"].find_one({"timestamp": {"$gte": NOON}})

    assert kept == {"_id": "first", "timestamp": NOON}


def test_a_second_document_of_one_id_is_refused(tmp_path: Path) -> None:
    with mongodb_server(tmp_path) as uri, client_of(uri) as client:
        client["firsttoken"]["api_status"].insert_one({"_id": "first"})

        with pytest.raises(DuplicateKeyError):
            client["firsttoken"]["api_status"].insert_one({"_id": "first"})


def test_nothing_listens_any_more_after_the_end(tmp_path: Path) -> None:
    with mongodb_server(tmp_path) as uri:
        pass

    with (
        MongoClient[Document](uri, serverSelectionTimeoutMS=200) as client,
        pytest.raises(ServerSelectionTimeoutError),
    ):
        client.admin.command("ping")


def test_a_given_server_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGODB_TEST_URI", "mongodb://elsewhere.example:27017")

    with mongodb_server(tmp_path) as uri:
        assert uri == "mongodb://elsewhere.example:27017"

    assert list(tmp_path.iterdir()) == []
