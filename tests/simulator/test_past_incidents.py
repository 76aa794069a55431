"""The demo's past has its incidents too, found by the real rules in its records."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from probes.domain.incident import Severity
from probes.simulator.history import FRESH_SPAN, load_past, write_history
from probes.simulator.past_incidents import Span, write_incidents
from probes.simulator.troubles import TROUBLES
from probes.store.base import IncidentQuery
from probes.store.sqlite import SqliteStore, open_sqlite
from tests.examples import NOON, a_target
from tests.fakes import FakeClock

DAYS = 8
MODELS = ("lumen-spark", "lumen-sage", "lumen-atlas")
SPAN = Span(NOON - timedelta(days=DAYS), NOON - FRESH_SPAN)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    scenarios = tmp_path / "scenarios.yaml"
    steady = "".join(f"  {model}: {{description: Steady., scenario: ok}}\n" for model in MODELS)
    scenarios.write_text(f"models:\n{steady}")
    with closing(open_sqlite(tmp_path / "demo.sqlite3", FakeClock())) as store:
        past = load_past(scenarios, [a_target(model) for model in MODELS], 7, "here")
        assert sum(write_history(store, past, DAYS, NOON)) > 0
        yield store


def tell(store: SqliteStore, *, is_stopped: bool = False) -> int:
    return write_incidents(store, [a_target(model) for model in MODELS], SPAN, lambda: is_stopped)


def test_each_trouble_of_the_past_is_one_incident_with_records(store: SqliteStore) -> None:
    assert tell(store) == 1
    (incident,) = store.incidents(IncidentQuery()).incidents
    trouble = next(t for t in TROUBLES if t.ago < timedelta(days=1))
    assert {target.rsplit("/", 1)[1] for target in incident.targets} == set(trouble.models)
    assert incident.severity is Severity.DOWN
    assert timedelta() <= incident.started_at - (NOON - trouble.ago) < timedelta(minutes=11)
    assert incident.time_to_recover_seconds is not None
    assert abs(timedelta(seconds=incident.time_to_recover_seconds) - trouble.lasts) < timedelta(minutes=15)
    evidence = [store.result(record) for record in incident.affected[0].evidence]
    assert evidence
    assert all(record is not None and not record.outcome.is_up for record in evidence)


def test_nobody_is_alerted_to_a_past_that_was_made_up(store: SqliteStore) -> None:
    tell(store)
    assert all(i.handed_over == len(i.updates) for i in store.incidents(IncidentQuery()).incidents)


def test_a_second_start_tells_no_second_past(store: SqliteStore) -> None:
    assert tell(store, is_stopped=True) == 0
    assert tell(store) == 1
    assert tell(store) == 0
    assert len(store.incidents(IncidentQuery()).incidents) == 1
