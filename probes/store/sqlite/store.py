"""The Store of one SQLite file: each method is one transaction around a function of the modules beside."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from probes.clock import Clock, SystemClock
from probes.domain.delivery import Delivery
from probes.domain.event import TargetEvent
from probes.domain.incident import Incident
from probes.domain.plan import AgentStatus, Plan, RefreshRequest
from probes.domain.result import ProbeResult
from probes.domain.rollup import Period, Rollup
from probes.domain.state import TargetStatistics, Verdict
from probes.domain.upkeep import Maintenance, Pause
from probes.store.base import (
    DeliveryQuery,
    EventPage,
    EventQuery,
    IncidentPage,
    IncidentQuery,
    Progress,
    RefreshUpdate,
    ResultPage,
    ResultQuery,
    Retention,
    StoreHealth,
    StoreUnavailableError,
)
from probes.store.records import milliseconds, result_of
from probes.store.sqlite import (
    agents,
    deliveries,
    events,
    housekeeping,
    incidents,
    reading,
    requests,
    rollups,
    statistics,
    upkeep,
    writing,
)
from probes.store.sqlite.database import Database
from probes.store.sqlite.schema import MIGRATIONS


def open_sqlite(path: Path, clock: Clock | None = None) -> "SqliteStore":
    """Open the file, or make it with its directory; brings an older schema forward. Raises StoreUnavailableError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailableError(
            f"the directory of {path.name} cannot be made: {error.strerror}"
        ) from error
    database = Database(path, MIGRATIONS)
    with database.reading():
        pass
    return SqliteStore(database, clock or SystemClock())


class SqliteStore:
    """Implements the port `Store`; safe to use from many threads and processes at once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def close(self) -> None:
        self._database.close()

    def add_results(self, results: Sequence[ProbeResult]) -> int:
        if not results:
            return 0
        with self._database.writing() as connection:
            return writing.add_results(connection, results, self._clock.now())

    def result(self, result_id: str) -> ProbeResult | None:
        with self._database.reading() as connection:
            sql = f"SELECT {writing.COLUMNS} FROM results WHERE id = ?"  # noqa: S608
            row = connection.execute(sql, (result_id,)).fetchone()
        return None if row is None else result_of(row)

    def results(self, query: ResultQuery) -> ResultPage:
        with self._database.reading() as connection:
            return reading.read_page(connection, query, milliseconds(self._clock.now()))

    def count_results(self, query: ResultQuery, at_most: int) -> int:
        with self._database.reading() as connection:
            return reading.count(connection, query, at_most, milliseconds(self._clock.now()))

    def recent(self, targets: Collection[str], limit: int) -> Mapping[str, tuple[ProbeResult, ...]]:
        with self._database.reading() as connection:
            return reading.recent(connection, targets, limit)

    def rollups(
        self, period: Period, since: datetime, until: datetime, targets: Collection[str] = ()
    ) -> list[Rollup]:
        with self._database.reading() as connection:
            return rollups.read_range(connection, period, since, until, targets)

    def rollups_changed(self, period: Period, since: datetime, changed_since: datetime) -> list[Rollup]:
        with self._database.reading() as connection:
            return rollups.read_changed(connection, period, since, changed_since)

    def rebuild_rollups(self, progress: Progress | None = None) -> int:
        return housekeeping.rebuild_rollups(self._database, self._clock.now(), progress)

    def statistics(self) -> Mapping[str, TargetStatistics]:
        with self._database.reading() as connection:
            return statistics.read_all(connection)

    def set_verdict(self, target: str, verdict: Verdict) -> None:
        with self._database.writing() as connection:
            statistics.put_verdict(connection, target, verdict)

    def add_events(self, added: Sequence[TargetEvent]) -> int:
        if not added:
            return 0
        with self._database.writing() as connection:
            return events.add(connection, added)

    def events(self, query: EventQuery) -> EventPage:
        with self._database.reading() as connection:
            return events.read_page(connection, query)

    def save_incident(self, incident: Incident) -> bool:
        with self._database.writing() as connection:
            return incidents.save(connection, incident)

    def incident(self, incident_id: str) -> Incident | None:
        with self._database.reading() as connection:
            return incidents.by_id(connection, incident_id)

    def incidents(self, query: IncidentQuery) -> IncidentPage:
        with self._database.reading() as connection:
            return incidents.read_page(connection, query)

    def add_deliveries(self, added: Sequence[Delivery]) -> int:
        if not added:
            return 0
        with self._database.writing() as connection:
            return deliveries.add(connection, added)

    def due_deliveries(self, now: datetime, limit: int) -> tuple[Delivery, ...]:
        with self._database.reading() as connection:
            return deliveries.due(connection, now, limit)

    def update_delivery(self, delivery: Delivery) -> None:
        with self._database.writing() as connection:
            deliveries.update(connection, delivery)

    def deliveries(self, query: DeliveryQuery) -> tuple[Delivery, ...]:
        with self._database.reading() as connection:
            return deliveries.read(connection, query)

    def put_maintenance(self, maintenance: Maintenance) -> None:
        with self._database.writing() as connection:
            upkeep.put_maintenance(connection, maintenance)

    def delete_maintenance(self, maintenance_id: str) -> bool:
        with self._database.writing() as connection:
            return upkeep.delete_maintenance(connection, maintenance_id)

    def maintenance(self) -> tuple[Maintenance, ...]:
        with self._database.reading() as connection:
            return upkeep.read_maintenance(connection)

    def put_pause(self, pause: Pause) -> None:
        with self._database.writing() as connection:
            upkeep.put_pause(connection, pause)

    def delete_pause(self, target: str) -> bool:
        with self._database.writing() as connection:
            return upkeep.delete_pause(connection, target)

    def pauses(self) -> tuple[Pause, ...]:
        with self._database.reading() as connection:
            return upkeep.read_pauses(connection)

    def put_plan(self, plan: Plan) -> None:
        with self._database.writing() as connection:
            agents.put_plan(connection, plan)

    def plan(self) -> Plan | None:
        with self._database.reading() as connection:
            return agents.read_plan(connection)

    def request_refresh(self, request: RefreshRequest, cooldown: timedelta) -> RefreshRequest | None:
        with self._database.writing() as connection:
            return requests.file(connection, request, cooldown)

    def refresh(self, request_id: str) -> RefreshRequest | None:
        with self._database.reading() as connection:
            return requests.by_id(connection, request_id)

    def latest_refresh(self) -> RefreshRequest | None:
        with self._database.reading() as connection:
            return requests.latest(connection)

    def claim_refresh(self, agent: str, now: datetime) -> RefreshRequest | None:
        with (
            self._database.reading() as connection
        ):  # agents ask often: look before locking out other writers
            if requests.claimable(connection, now) is None:
                return None
        with self._database.writing() as connection:
            return requests.claim(connection, agent, now)

    def update_refresh(self, request_id: str, update: RefreshUpdate, now: datetime) -> None:
        with self._database.writing() as connection:
            requests.update(connection, request_id, update, now)

    def beat(self, status: AgentStatus) -> None:
        with self._database.writing() as connection:
            agents.beat(connection, status)

    def agents(self, since: datetime) -> list[AgentStatus]:
        with self._database.reading() as connection:
            return agents.read_agents(connection, since)

    def acquire_lease(self, name: str, owner: str, now: datetime, ttl: timedelta) -> int | None:
        with self._database.writing() as connection:
            return agents.acquire_lease(connection, name, owner, now, ttl)

    def release_lease(self, name: str, owner: str) -> None:
        with self._database.writing() as connection:
            agents.release_lease(connection, name, owner)

    def sweep(self, retention: Retention, now: datetime) -> int:
        return housekeeping.sweep(self._database, retention, now)

    def health(self) -> StoreHealth:
        with self._database.reading() as connection:
            return housekeeping.health(connection)
