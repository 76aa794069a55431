"""Each query walks an index in its order: nothing is scanned, nothing is sorted, however large the tables grow."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import Category, Trigger
from probes.domain.rollup import Period
from probes.store.base import DeliveryQuery, IncidentQuery, ResultQuery, Retention
from probes.store.sqlite import SqliteStore
from probes.store.sqlite.database import Database
from probes.store.sqlite.schema import MIGRATIONS
from tests.examples import NOON, a_result
from tests.fakes import FakeClock

LARGE = ("results", "rollups")
FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "target": {"targets": ["acme/main/quick"]},
    "provider": {"providers": ["acme"]},
    "location": {"locations": ["here"]},
    "outcome": {"outcomes": [Outcome.OK, Outcome.STALLED]},
    "category": {"categories": [Category.SMOOTH]},
    "trigger": {"triggers": [Trigger.SCHEDULED]},
    "target and outcome": {"targets": ["acme/main/quick"], "outcomes": [Outcome.OK]},
}


class Watched:
    """A store of which every statement is remembered and can be explained."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, MIGRATIONS)
        self.store = SqliteStore(self._database, FakeClock())
        self.store.add_results([a_result(due_at=NOON - timedelta(minutes=n)) for n in range(50)])
        self.statements: set[str] = set()
        with self._database.reading() as connection:
            connection.set_trace_callback(self.statements.add)

    def plans(self) -> list[str]:
        """The steps SQLite takes for every statement so far."""
        kinds = ("SELECT", "DELETE", "UPDATE", "INSERT")
        queries = [s.strip() for s in self.statements if s.strip().startswith(kinds)]
        assert queries
        with self._database.reading() as connection:
            connection.set_trace_callback(None)
            return [row[3] for query in queries for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]

    def close(self) -> None:
        self.store.close()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(tmp_path / "store.sqlite3")) as watched:
        yield watched


def assert_cheap(plans: list[str]) -> None:
    scans = [step for step in plans if step.startswith("SCAN") and step.split()[1] in (*LARGE, "r", "n", "o")]
    sorts = [step for step in plans if "TEMP B-TREE" in step]
    assert (scans, sorts) == ([], [])


@pytest.mark.parametrize("given", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("oldest_first", [False, True], ids=["newest first", "oldest first"])
def test_a_page_is_read_in_index_order(watched: Watched, given: dict[str, Any], oldest_first: bool) -> None:
    query = ResultQuery(**given, limit=5, oldest_first=oldest_first)
    first = watched.store.results(query)
    assert first.next_cursor is not None
    watched.store.results(ResultQuery(**given, limit=5, oldest_first=oldest_first, cursor=first.next_cursor))
    watched.store.count_results(query, at_most=10)

    assert_cheap(watched.plans())


def test_everything_else_the_board_reads_goes_by_index(watched: Watched) -> None:
    store, month = watched.store, NOON - timedelta(days=30)
    store.statistics()
    store.recent(["acme/main/quick"], 20)
    store.rollups(Period.DAY, month, NOON)
    store.rollups(Period.DAY, month, NOON, ["acme/main/quick"])
    store.rollups_changed(Period.HOUR, month, NOON)
    store.result("x")
    store.latest_refresh()

    assert_cheap(watched.plans())


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (IncidentQuery(is_open=True), "incidents_open"),
        (IncidentQuery(is_open=False, since=NOON), "incidents_by_time"),
        (IncidentQuery(since=NOON, until=NOON + timedelta(days=90), providers=["acme"]), "incidents_by_time"),
        (IncidentQuery(changed_since=NOON, with_merged=True), "incidents_by_time"),
    ],
    ids=["open", "ended", "span", "changed"],
)
def test_incidents_are_read_in_index_order(watched: Watched, query: IncidentQuery, index: str) -> None:
    watched.statements.clear()
    watched.store.incidents(query)

    (step,) = watched.plans()
    assert f"USING INDEX {index}" in step


def test_what_is_due_and_what_an_incident_told_is_found_by_index(watched: Watched) -> None:
    watched.store.due_deliveries(NOON, limit=5)
    watched.store.deliveries(DeliveryQuery(incidents=["i1"]))
    watched.store.deliveries(DeliveryQuery(since=NOON))
    watched.store.incidents(IncidentQuery(targets=["acme/main/quick"], is_open=True))
    watched.store.incident("i1")

    assert not [step for step in watched.plans() if step.startswith("SCAN")]


def test_writing_and_sweeping_go_by_index(watched: Watched) -> None:
    late = a_result(due_at=NOON - timedelta(minutes=30, seconds=1), category=Category.LAGGING)
    watched.store.add_results([a_result(due_at=NOON + timedelta(minutes=1)), late])
    watched.store.sweep(Retention(daily=timedelta(days=300)), NOON)

    assert_cheap(watched.plans())
