"""Incidents as a recorder keeps them: a real store, and a recorder that ends and starts anew between any two slots."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from probes.agent.announced import Announced
from probes.agent.incidents import IncidentKeeper, Judged
from probes.agent.recorder import Recorder
from probes.domain.incident import Ending, Incident, Severity
from probes.domain.outcome import Outcome
from probes.domain.plan import Plan, PlannedTarget
from probes.domain.result import ProbeResult
from probes.domain.state import State
from probes.domain.target import Readiness
from probes.store.base import IncidentQuery
from probes.store.spool import SpoolingWriter
from probes.store.sqlite import SqliteStore
from probes.store.sqlite.database import Database
from probes.store.sqlite.schema import MIGRATIONS
from probes.verdicts.incidents import noted
from probes.verdicts.rules import Subject, judge
from tests.examples import a_result, a_target
from tests.fakes import FakeClock
from tests.verdicts.incident_days import kinds

OK, FAIL = Outcome.OK, Outcome.SERVER_ERROR


class Site:
    """A store on disk, and a recorder for each slot: whatever it had in memory is gone at the next one."""

    def __init__(self, directory: Path) -> None:
        self.clock = FakeClock()
        self.file = directory / "firsttoken.sqlite3"
        self.store = SqliteStore(Database(self.file, MIGRATIONS, busy_timeout_seconds=0.02), self.clock)
        self._spool = directory / "spool.sqlite3"
        self.targets = {model: a_target(model) for model in ("quick", "other")}

    def slot(self, **outcomes: Outcome) -> None:
        """A minute later, one result for each of these models is recorded and judged."""
        self.clock.advance(60)
        now = self.clock.now()
        self.restart([a_result(outcome, now, self.targets[model].id) for model, outcome in outcomes.items()])

    def slots(self, n: int, **outcomes: Outcome) -> None:
        for _ in range(n):
            self.slot(**outcomes)

    def restart(self, results: list[ProbeResult] | None = None) -> None:
        """A recorder from its start to its end, which writes and judges what is queued."""
        writer = SpoolingWriter(self.store, self._spool)
        announced = Announced(self.store, self.clock)
        recorder = Recorder(self.store, writer, self.clock, lambda *_: None, announced)
        recorder.set_targets(self.targets.values())
        for result in results or []:
            recorder.record(result)
        recorder.start()
        assert recorder.close(timeout_seconds=20)
        writer.close()

    def publish(self) -> None:
        planned = tuple(PlannedTarget.of(target) for target in self.targets.values())
        self.store.put_plan(
            Plan(
                version="1",
                loaded_at=self.clock.now(),
                source="local.yaml",
                is_demo=False,
                targets=planned,
            )
        )

    @property
    def incidents(self) -> tuple[Incident, ...]:
        return self.store.incidents(IncidentQuery(with_merged=True)).incidents

    @property
    def only(self) -> Incident:
        (incident,) = self.incidents
        return incident

    def state(self, model: str) -> State | None:
        known = self.store.statistics()[self.targets[model].id].verdict
        return known.state if known is not None else None

    @contextmanager
    def store_away(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            yield
            lock.execute("ROLLBACK")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.store.close()


def test_an_outage_over_many_restarts_is_one_incident_with_true_times(site: Site) -> None:
    site.slots(2, quick=OK, other=OK)
    site.slots(3, quick=FAIL, other=OK)
    opened = site.only
    assert (opened.is_open, opened.severity, opened.targets) == (
        True,
        Severity.DOWN,
        (site.targets["quick"].id,),
    )
    assert opened.time_to_detect_seconds == 120
    site.slots(4, quick=FAIL, other=OK)
    site.slots(3, quick=OK, other=OK)
    over = site.only
    assert (over.id, over.is_open, over.time_to_recover_seconds) == (opened.id, False, 7 * 60)
    assert kinds(over) == ["opened", "resolved"]


def test_evidence_leads_to_the_records(site: Site) -> None:
    site.slots(2, quick=OK)
    site.slots(3, quick=FAIL)
    records = [site.store.result(record) for record in site.only.affected[0].evidence]
    assert [record.outcome for record in records if record is not None] == [FAIL] * 3
    assert records[0] is not None
    assert records[0].due_at == site.only.started_at


def test_a_store_that_is_away_resolves_nothing_and_what_was_spooled_does(site: Site) -> None:
    site.slots(2, quick=OK)
    site.slots(3, quick=FAIL)
    with site.store_away():
        site.slots(3, quick=OK)
    assert site.only.is_open
    assert site.state("quick") is State.DOWN
    site.restart()
    assert not site.only.is_open


def test_a_dead_agent_resolves_nothing(site: Site) -> None:
    site.slots(2, quick=OK)
    site.slots(3, quick=FAIL)
    site.clock.advance(86400)
    site.restart()
    assert site.state("quick") is State.UNKNOWN
    assert site.only.is_open
    site.slots(3, quick=OK)
    assert not site.only.is_open


def test_missing_data_resolves_nothing(site: Site) -> None:
    site.slots(2, quick=OK, other=OK)
    site.slots(3, quick=FAIL, other=OK)
    site.slots(30, quick=Outcome.MISSED, other=OK)
    assert site.only.is_open


def test_a_crash_between_incident_and_verdict_is_repaired(site: Site) -> None:
    site.slots(2, quick=OK)
    before = site.store.statistics()[site.targets["quick"].id].verdict
    assert before is not None
    site.slots(3, quick=FAIL)
    opened = site.only
    site.store.set_verdict(site.targets["quick"].id, before)
    site.restart()
    assert site.only == opened
    assert site.state("quick") is State.DOWN


def test_a_model_removed_while_the_agent_was_away_leaves_unwatched(site: Site) -> None:
    site.publish()
    site.slots(2, quick=OK, other=OK)
    site.slots(3, quick=FAIL, other=FAIL)
    removed = site.targets.pop("quick").id
    site.restart()
    assert removed in site.only.open_targets, "not before the new plan is known"
    site.publish()
    site.restart()
    assert site.only.open_targets == (site.targets["other"].id,)
    assert {p.ending for p in site.only.affected if p.target == removed} == {Ending.UNWATCHED}


def test_a_model_paused_while_the_agent_was_away_leaves_unwatched(site: Site) -> None:
    site.slots(2, quick=OK)
    site.slots(3, quick=FAIL)
    site.targets["quick"] = replace(site.targets["quick"], readiness=Readiness.PAUSED)
    site.restart()
    assert not site.only.is_open
    assert site.only.time_to_recover_seconds is None


def test_what_an_operator_writes_stays_and_stops_nothing(site: Site) -> None:
    site.slots(2, quick=OK)
    site.slots(3, quick=FAIL)
    assert site.store.save_incident(noted(site.only, "They are on it.", is_public=True, now=site.clock.now()))
    site.slots(3, quick=OK)
    assert kinds(site.only) == ["opened", "note", "resolved"]


def test_agents_that_judge_at_once_open_one_incident(site: Site) -> None:
    target = site.targets["quick"]
    results = [
        a_result(OK if age > 2 else FAIL, site.clock.now() - timedelta(minutes=age), target.id)
        for age in range(6)
    ]
    site.store.add_results(results)
    verdict = judge(Subject(Readiness.READY, "", target.interval_seconds), results, site.clock.now())
    judged = Judged(target, verdict, results, ())
    start = threading.Barrier(8)

    def keep() -> None:
        start.wait()
        IncidentKeeper(site.store).settle([judged], site.clock.now())

    threads = [threading.Thread(target=keep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (site.only.version, kinds(site.only)) == (1, ["opened"])


def test_an_endpoint_that_never_worked_is_the_operators_business(site: Site) -> None:
    site.slots(4, quick=FAIL)
    assert (site.only.severity, site.only.is_public) == (Severity.ATTENTION, False)


def test_a_long_outage_stays_the_providers_after_its_last_good_answer_is_out_of_sight(site: Site) -> None:
    site.slot(quick=OK)
    now = site.clock.now()
    failures = [a_result(FAIL, now + timedelta(minutes=n), site.targets["quick"].id) for n in range(1, 60)]
    site.clock.advance(59 * 60)
    site.restart(failures)
    assert site.only.severity is Severity.DOWN
