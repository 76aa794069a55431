"""Fixtures: one MongoDB wire server a session, one database a test. Any conftest may import them."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pymongo import MongoClient

from tests.ferretdb.launch import mongodb_server


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mongodb_server(tmp_path_factory.mktemp("mongodb")) as uri:
        yield uri


@pytest.fixture
def mongodb_database(mongodb_uri: str) -> Iterator[str]:
    """The name of a database of this test's own, dropped afterwards."""
    name = f"firsttoken_test_{uuid4().hex[:12]}"
    yield name
    with MongoClient[dict[str, object]](mongodb_uri) as client:
        client.drop_database(name)
