"""The Store over MongoDB: each method picks its collections and calls a function of the modules beside."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

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
)
from probes.store.mongo import (
    agents,
    deliveries,
    events,
    housekeeping,
    incidents,
    requests,
    rollups,
    statistics,
    upkeep,
)
from probes.store.mongo import results as api_status
from probes.store.mongo.connection import Connection, Documents, mapping_errors
from probes.store.mongo.counting import Counting


def open_mongo(uri: str, database: str, clock: Clock | None = None) -> "MongoStore":
    """A store over the server of the URI. The server need not be there yet; raises StoreError for a bad URI."""
    return MongoStore(Connection.to(uri, database), clock or SystemClock())


class MongoStore:
    """Implements the port `Store`; safe to use from many threads and processes at once."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._counting = Counting(connection, clock)

    def close(self) -> None:
        self._connection.close()

    def add_results(self, results: Sequence[ProbeResult]) -> int:
        if not results:
            return 0
        with mapping_errors():
            return self._counting.add_results(results)

    def result(self, result_id: str) -> ProbeResult | None:
        with mapping_errors():
            document = self._in("api_status").find_one({"_id": result_id})
        return None if document is None else api_status.result_of(document)

    def results(self, query: ResultQuery) -> ResultPage:
        with mapping_errors():
            return api_status.read_page(self._in("api_status"), query, self._clock.now())

    def count_results(self, query: ResultQuery, at_most: int) -> int:
        with mapping_errors():
            return api_status.count(self._in("api_status"), query, at_most, self._clock.now())

    def recent(self, targets: Collection[str], limit: int) -> Mapping[str, tuple[ProbeResult, ...]]:
        with mapping_errors():
            return api_status.recent(self._in("api_status"), targets, limit)

    def rollups(
        self, period: Period, since: datetime, until: datetime, targets: Collection[str] = ()
    ) -> list[Rollup]:
        with mapping_errors():
            return rollups.read_range(self._in("rollups"), period, since, until, targets)

    def rollups_changed(self, period: Period, since: datetime, changed_since: datetime) -> list[Rollup]:
        with mapping_errors():
            return rollups.read_changed(self._in("rollups"), period, since, changed_since)

    def rebuild_rollups(self, progress: Progress | None = None) -> int:
        with mapping_errors():
            self._counting.finish_abandoned(self._clock.now())
            return housekeeping.rebuild_rollups(self._connection, self._clock.now(), progress)

    def statistics(self) -> Mapping[str, TargetStatistics]:
        with mapping_errors():
            return statistics.read_all(self._in("api_statistics"))

    def set_verdict(self, target: str, verdict: Verdict) -> None:
        with mapping_errors():
            statistics.put_verdict(self._in("api_statistics"), target, verdict)

    def add_events(self, added: Sequence[TargetEvent]) -> int:
        with mapping_errors():
            return len(events.add(self._in("events"), added))

    def events(self, query: EventQuery) -> EventPage:
        with mapping_errors():
            return events.read_page(self._in("events"), query)

    def save_incident(self, incident: Incident) -> bool:
        with mapping_errors():
            return incidents.save(self._in("incidents"), incident)

    def incident(self, incident_id: str) -> Incident | None:
        with mapping_errors():
            return incidents.by_id(self._in("incidents"), incident_id)

    def incidents(self, query: IncidentQuery) -> IncidentPage:
        with mapping_errors():
            return incidents.read_page(self._in("incidents"), query)

    def add_deliveries(self, added: Sequence[Delivery]) -> int:
        with mapping_errors():
            return deliveries.add(self._in("deliveries"), added)

    def due_deliveries(self, now: datetime, limit: int) -> tuple[Delivery, ...]:
        with mapping_errors():
            return deliveries.due(self._in("deliveries"), now, limit)

    def update_delivery(self, delivery: Delivery) -> None:
        with mapping_errors():
            deliveries.update(self._in("deliveries"), delivery)

    def deliveries(self, query: DeliveryQuery) -> tuple[Delivery, ...]:
        with mapping_errors():
            return deliveries.read(self._in("deliveries"), query)

    def put_maintenance(self, maintenance: Maintenance) -> None:
        with mapping_errors():
            upkeep.put_maintenance(self._in("maintenance"), maintenance)

    def delete_maintenance(self, maintenance_id: str) -> bool:
        with mapping_errors():
            return upkeep.delete_maintenance(self._in("maintenance"), maintenance_id)

    def maintenance(self) -> tuple[Maintenance, ...]:
        with mapping_errors():
            return upkeep.read_maintenance(self._in("maintenance"))

    def put_pause(self, pause: Pause) -> None:
        with mapping_errors():
            upkeep.put_pause(self._in("pauses"), pause)

    def delete_pause(self, target: str) -> bool:
        with mapping_errors():
            return upkeep.delete_pause(self._in("pauses"), target)

    def pauses(self) -> tuple[Pause, ...]:
        with mapping_errors():
            return upkeep.read_pauses(self._in("pauses"))

    def put_plan(self, plan: Plan) -> None:
        with mapping_errors():
            agents.put_plan(self._in("plan"), plan)

    def plan(self) -> Plan | None:
        with mapping_errors():
            return agents.read_plan(self._in("plan"))

    def request_refresh(self, request: RefreshRequest, cooldown: timedelta) -> RefreshRequest | None:
        with mapping_errors():
            return requests.file(self._in("requests"), self._in("marks"), request, cooldown)

    def refresh(self, request_id: str) -> RefreshRequest | None:
        with mapping_errors():
            return requests.by_id(self._in("requests"), request_id)

    def latest_refresh(self) -> RefreshRequest | None:
        with mapping_errors():
            return requests.latest(self._in("requests"))

    def claim_refresh(self, agent: str, now: datetime) -> RefreshRequest | None:
        with mapping_errors():
            return requests.claim(self._in("requests"), agent, now)

    def update_refresh(self, request_id: str, update: RefreshUpdate, now: datetime) -> None:
        with mapping_errors():
            requests.update(self._in("requests"), request_id, update, now)

    def beat(self, status: AgentStatus) -> None:
        with mapping_errors():
            agents.beat(self._in("agents"), status)

    def agents(self, since: datetime) -> list[AgentStatus]:
        with mapping_errors():
            return agents.read_agents(self._in("agents"), since)

    def acquire_lease(self, name: str, owner: str, now: datetime, ttl: timedelta) -> int | None:
        with mapping_errors():
            return agents.acquire_lease(self._in("leases"), name, owner, now, ttl)

    def release_lease(self, name: str, owner: str) -> None:
        with mapping_errors():
            agents.release_lease(self._in("leases"), name, owner)

    def sweep(self, retention: Retention, now: datetime) -> int:
        with mapping_errors():
            self._counting.finish_abandoned(now)
            return housekeeping.sweep(self._connection, retention, now)

    def health(self) -> StoreHealth:
        with mapping_errors():
            return housekeeping.health(self._connection)

    def _in(self, collection: str) -> Documents:
        return self._connection.collection(collection)
