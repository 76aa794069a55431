"""One probe end to end with a MongoDB wire server as the store: from aimock to the board."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from pydantic import TypeAdapter
from pymongo import MongoClient

from probes.domain.outcome import Outcome
from probes.domain.result import Category, ProbeResult, Trigger
from probes.store.base import ResultQuery
from probes.store.mongo import open_mongo
from probes.web.display import seconds, tokens_per_second
from tests.ferretdb.launch import mongodb_server
from tests.peers import page_figures
from tests.peers.html_tree import tree_of
from tests.peers.peer_logs import aimock_journal
from tests.peers.probed_targets import KEY
from tests.peers.rounds import PATIENCE_SECONDS
from tests.service_process import Service, running
from tests.waiting import wait_until

pytestmark = [pytest.mark.mongo, pytest.mark.peer, pytest.mark.xdist_group("peers")]

TARGET = "aimock/main/counting"


@dataclass(frozen=True, slots=True)
class Database:
    uri: str
    name: str


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database of this test's own, dropped afterwards."""
    name = f"firsttoken_test_{uuid4().hex[:12]}"
    with mongodb_server(tmp_path_factory.mktemp("mongodb")) as uri:
        yield Database(uri, name)
        with MongoClient[dict[str, object]](uri) as client:
            client.drop_database(name)


def configuration(aimock: str, database: Database) -> str:
    account = {"base_url": f"{aimock}/v1", "api_key": KEY, "models": ["counting"]}
    return yaml.safe_dump(
        {
            "apis": {"aimock": {"main": account}},
            "defaults": {"interval": "7d"},
            "store": {"database": database.name},
        }
    )


def counted(service: Service) -> int:
    """Probes that the statistics speak of."""
    return sum(row["figures"]["n"] for row in service.json("/api/v1/statistics")["rows"])


def test_a_probe_goes_through_mongodb_to_the_board(aimock: str, database: Database, tmp_path: Path) -> None:
    config = tmp_path / "local.yaml"
    config.write_text(configuration(aimock, database), "utf-8")
    requests_before = len(aimock_journal(aimock))
    with running(tmp_path, "--config", str(config), environ={"MONGODB_URI": database.uri}) as service:
        wait_until("the probe on the board", lambda: counted(service), PATIENCE_SECONDS)
        listed = service.json("/api/v1/results")["results"]
        target = service.json(f"/api/v1/targets/{TARGET}")
        figures = service.json("/api/v1/statistics")["rows"][0]["figures"]
        health = service.json("/api/v1/health")
        row = page_figures.board_rows(tree_of(service.get("/")))[TARGET]
        (shown,) = page_figures.record_rows(tree_of(service.get("/result")))
    store = open_mongo(database.uri, database.name)
    (record,) = store.results(ResultQuery()).results
    store.close()

    assert (record.outcome, record.category, record.trigger) == (
        Outcome.OK,
        Category.SMOOTH,
        Trigger.SCHEDULED,
    )
    assert [entry.request_id for entry in aimock_journal(aimock)[requests_before:]] == [record.request_id]
    assert TypeAdapter(list[ProbeResult]).validate_python(listed, strict=False) == [record]
    assert target["newest"] == listed[0]
    assert (figures["n"], figures["ok"], figures["availability"]) == (1, 1, 1.0)
    assert health["store"]["kind"] == "mongo"
    assert row.ttft == seconds(figures["ttft_p50_seconds"])
    assert (shown.ttft, shown.throughput) == (
        seconds(record.ttft_seconds),
        tokens_per_second(record.throughput),
    )
    assert not list((tmp_path / "data").glob("firsttoken.sqlite3*")), "nothing of it went to SQLite"
    with MongoClient[dict[str, object]](database.uri) as client:
        stored = client[database.name]
        assert [document["_id"] for document in stored["api_status"].find()] == [record.id]
        assert [document["_id"] for document in stored["api_statistics"].find()] == [TARGET]
