"""Both stores behind one fixture: each test here runs against SQLite and against a MongoDB wire server."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from probes.store.base import Store
from tests.contract.address import Address
from tests.contract.mongodb import mongodb_database, mongodb_uri
from tests.fakes import FakeClock

__all__ = ["mongodb_database", "mongodb_uri"]


OpenStore = Callable[[], Store]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["sqlite", pytest.param("mongo", marks=pytest.mark.mongo)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Address:
    if request.param == "sqlite":
        return Address(str(tmp_path / "store.sqlite3"))
    uri: str = request.getfixturevalue("mongodb_uri")
    database: str = request.getfixturevalue("mongodb_database")
    return Address(uri, database)


@pytest.fixture
def open_store(address: Address, clock: FakeClock) -> Iterator[OpenStore]:
    """Opens the same database each time it is called, as processes of their own would."""
    with ExitStack() as stack:

        def opened() -> Store:
            store = address.open(clock)
            stack.callback(store.close)
            return store

        yield opened


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()
