"""The store's port, in domain terms. The agent writes it, the web reads it, and they meet nowhere else.

Two implementations (sqlite, mongo) pass the same contract suite. All times are aware UTC, cut to milliseconds.
Every method may raise StoreUnavailableError; none returns an empty answer because a query failed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from probes.domain.delivery import Delivery, DeliveryState
from probes.domain.event import EventKind, TargetEvent
from probes.domain.incident import Incident
from probes.domain.outcome import Outcome
from probes.domain.plan import AgentStatus, Plan, PlanDiff, Problem, RefreshRequest
from probes.domain.result import Category, ProbeResult, Trigger
from probes.domain.rollup import Period, Rollup
from probes.domain.state import TargetStatistics, Verdict
from probes.domain.upkeep import Maintenance, Pause

MAX_PAGE_SIZE: Final = 1000


class StoreError(Exception):
    """Root of what a store raises."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached or refuses to work; try again later, nothing was decided."""


class CursorError(StoreError):
    """A page cursor that this store never gave out."""


@dataclass(frozen=True, slots=True)
class ResultQuery:
    """Filters are joined by AND, values inside one by OR; empty means any. `since` <= due time < `until`."""

    since: datetime | None = None  # None: 90 days back, so that each query has a bound
    until: datetime | None = None
    targets: Collection[str] = ()
    providers: Collection[str] = ()
    locations: Collection[str] = ()
    categories: Collection[Category] = ()
    outcomes: Collection[Outcome] = ()
    triggers: Collection[Trigger] = ()
    limit: int = 50  # at most MAX_PAGE_SIZE
    cursor: str | None = None  # of the page before
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class ResultPage:
    results: tuple[ProbeResult, ...]
    next_cursor: str | None  # None: this is the last page


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Filters are joined by AND, values inside one by OR; empty means any. `since` <= at < `until`."""

    since: datetime | None = None  # None: from the first one on; events are few
    until: datetime | None = None
    targets: Collection[str] = ()
    kinds: Collection[EventKind] = ()
    limit: int = 50  # at most MAX_PAGE_SIZE
    cursor: str | None = None  # of the page before


@dataclass(frozen=True, slots=True)
class EventPage:
    """Newest first."""

    events: tuple[TargetEvent, ...]
    next_cursor: str | None  # None: this is the last page


@dataclass(frozen=True, slots=True)
class IncidentQuery:
    """Filters are joined by AND, values inside one by OR; empty or None means any.

    `since` and `until` find what overlaps with them: it ended at or after `since` (or has not), and began before
    `until`. Merged ones are left out unless asked for; the one that took them up tells their story.
    """

    since: datetime | None = None
    until: datetime | None = None
    changed_since: datetime | None = None  # `updated_at` at or after it
    providers: Collection[str] = ()
    targets: Collection[str] = ()  # any of the affected ones
    is_open: bool | None = None
    is_public: bool | None = None
    with_merged: bool = False
    limit: int = 50  # at most MAX_PAGE_SIZE
    cursor: str | None = None  # of the page before


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """By (started_at, id), newest first."""

    incidents: tuple[Incident, ...]
    next_cursor: str | None  # None: this is the last page


@dataclass(frozen=True, slots=True)
class DeliveryQuery:
    """Filters are joined by AND, values inside one by OR; empty or None means any. Newest first, by creation."""

    since: datetime | None = None  # created at or after it
    states: Collection[DeliveryState] = ()
    channels: Collection[str] = ()
    incidents: Collection[str] = ()
    limit: int = 50  # at most MAX_PAGE_SIZE


@dataclass(frozen=True, slots=True)
class RefreshUpdate:
    """What an agent reports on a refresh; None leaves a field as it is."""

    total: int | None = None
    finished: int | None = None
    is_done: bool = False
    diff: PlanDiff | None = None
    problems: tuple[Problem, ...] | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each kind is kept; None keeps it for ever. Rollups outlive raw results.

    Events and ended incidents are kept as long as daily rollups, for they explain the steps in them; finished
    deliveries as long as results.
    """

    results: timedelta | None = timedelta(days=100)
    hourly: timedelta | None = timedelta(days=100)
    daily: timedelta | None = None


@dataclass(frozen=True, slots=True)
class StoreHealth:
    kind: str  # "sqlite", "mongo"
    detail: str  # server version; never an address with a password
    results: int | None = None  # estimate
    bytes: int | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


Progress = Callable[[int, int | None], None]  # (done, total or None)


class Store(Protocol):
    def close(self) -> None: ...

    # Results. Writing also counts the rollups, updates the target's statistics and writes the events that the
    # results make, once per new result.

    def add_results(self, results: Sequence[ProbeResult]) -> int:
        """Write results with all that follows from them; returns how many were new. Repeating is harmless."""

    def result(self, result_id: str) -> ProbeResult | None: ...

    def results(self, query: ResultQuery) -> ResultPage:
        """One page by (due_at, id), newest first unless asked otherwise. Raises CursorError."""

    def count_results(self, query: ResultQuery, at_most: int) -> int:
        """How many match, counted no further than `at_most`; cursor and limit are ignored."""

    def recent(self, targets: Collection[str], limit: int) -> Mapping[str, tuple[ProbeResult, ...]]:
        """Up to `limit` newest results that ran or were missed, for each target, newest first.

        Of any trigger and location; slots that were skipped on purpose are left out. Every target asked for is there.
        """

    # Rollups.

    def rollups(
        self, period: Period, since: datetime, until: datetime, targets: Collection[str] = ()
    ) -> list[Rollup]:
        """Buckets with since <= start < until, of all locations; empty targets means all."""

    def rollups_changed(self, period: Period, since: datetime, changed_since: datetime) -> list[Rollup]:
        """Buckets with start >= since whose `updated_at` >= changed_since: what a reader's cache lacks.

        Agents on several hosts stamp by their own clocks and a write shows up after its stamp, so a reader steps
        back by a minute from the newest stamp it has seen. A bucket that a rebuild deletes is not reported.
        """

    def rebuild_rollups(self, progress: Progress | None = None) -> int:
        """Make rollups again from raw results, for the time that raw results cover; returns results read."""

    # Statistics: one per target.

    def statistics(self) -> Mapping[str, TargetStatistics]: ...

    def set_verdict(self, target: str, verdict: Verdict) -> None: ...

    # The timeline. What results tell comes with add_results; this is for events of other origin.

    def add_events(self, events: Sequence[TargetEvent]) -> int:
        """Returns how many were new. Repeating is harmless."""

    def events(self, query: EventQuery) -> EventPage:
        """One page by (at, id), newest first. Raises CursorError."""

    # Incidents.

    def save_incident(self, incident: Incident) -> bool:
        """Write version 1 if its id is new, version n over version n - 1; False when another writer was quicker.

        Atomic: of several writers of one version exactly one is told True. Then read it again and decide anew.
        """

    def incident(self, incident_id: str) -> Incident | None: ...

    def incidents(self, query: IncidentQuery) -> IncidentPage:
        """One page, newest first. Raises CursorError."""

    # The outbox.

    def add_deliveries(self, deliveries: Sequence[Delivery]) -> int:
        """Returns how many were new. One that is there already stays as it is."""

    def due_deliveries(self, now: datetime, limit: int) -> tuple[Delivery, ...]:
        """Pending ones whose time has come, longest due first."""

    def update_delivery(self, delivery: Delivery) -> None:
        """Replace what is known of it; one that is not there is ignored."""

    def deliveries(self, query: DeliveryQuery) -> tuple[Delivery, ...]: ...

    # What operators announce.

    def put_maintenance(self, maintenance: Maintenance) -> None:
        """Write, or replace by its id."""

    def delete_maintenance(self, maintenance_id: str) -> bool:
        """Whether there was one."""

    def maintenance(self) -> tuple[Maintenance, ...]:
        """All, by first start and id."""

    def put_pause(self, pause: Pause) -> None:
        """Write, or replace the target's."""

    def delete_pause(self, target: str) -> bool:
        """Whether there was one."""

    def pauses(self) -> tuple[Pause, ...]:
        """All, by target."""

    # The running configuration.

    def put_plan(self, plan: Plan) -> None: ...

    def plan(self) -> Plan | None: ...

    # Refresh requests.

    def request_refresh(self, request: RefreshRequest, cooldown: timedelta) -> RefreshRequest | None:
        """File it and return None; or return the newer-than-cooldown request that stands in its way. Atomic."""

    def refresh(self, request_id: str) -> RefreshRequest | None: ...

    def latest_refresh(self) -> RefreshRequest | None: ...

    def claim_refresh(self, agent: str, now: datetime) -> RefreshRequest | None:
        """Take the oldest pending request, or one whose claimant has been silent for 5 minutes; atomic."""

    def update_refresh(self, request_id: str, update: RefreshUpdate, now: datetime) -> None: ...

    # Agents.

    def beat(self, status: AgentStatus) -> None: ...

    def agents(self, since: datetime) -> list[AgentStatus]:
        """Agents whose last beat is at or after `since`, ordered by location and name."""

    def acquire_lease(self, name: str, owner: str, now: datetime, ttl: timedelta) -> int | None:
        """Take or renew a lease; returns its epoch (it grows with each change of owner) or None when held."""

    def release_lease(self, name: str, owner: str) -> None: ...

    # Housekeeping.

    def sweep(self, retention: Retention, now: datetime) -> int:
        """Delete what is older than its retention, in small batches; returns how many were deleted.

        Raw results go by whole UTC days, so that the days left can be rebuilt; those that statistics show stay.
        """

    def health(self) -> StoreHealth: ...
