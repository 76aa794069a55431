"""What the pages show, read from the store at most once a second and shared by all requests.

Reading costs O(targets): only rollups that changed are read again. Nothing here knows of HTML.
"""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from probes.clock import Clock
from probes.domain.plan import AgentStatus, Plan, PlannedTarget, RefreshRequest
from probes.domain.rollup import Tally
from probes.domain.state import TargetStatistics, Verdict
from probes.domain.upkeep import Maintenance, Pause
from probes.store.base import Store, StoreError
from probes.verdicts.maintenance import Upkeep, upkeep_at
from probes.verdicts.rules import Freshness, Subject, freshness, present
from probes.web.deliveries import ChannelHealth, RecentDeliveries
from probes.web.history import EMPTY_HISTORY, Histories, TargetHistory, month_start
from probes.web.incident_log import IncidentLog, RecentIncidents
from probes.web.windows import Window

MAX_AGE_SECONDS: Final = 1.0
AGENT_SILENT_AFTER_SECONDS: Final = 30.0
AGENTS_SHOWN_FOR: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent reading of the store. Frozen; requests share it.

    `as_of` is when the store last answered. `store_error` is None while it answers; else the redacted reason, and
    everything here is as it was at `as_of` (or empty, with `as_of` None, when the store never answered).
    """

    now: datetime
    as_of: datetime | None = None
    plan: Plan | None = None
    statistics: Mapping[str, TargetStatistics] = field(default_factory=dict)
    agents: tuple[AgentStatus, ...] = ()  # seen in the last 24 hours
    refresh: RefreshRequest | None = None  # the latest one
    histories: Mapping[str, TargetHistory] = field(default_factory=dict)
    removed: Mapping[str, TargetHistory] = field(default_factory=dict)  # probed this month, no longer planned
    incidents: IncidentLog = field(default_factory=IncidentLog)  # public ones
    maintenance: tuple[Maintenance, ...] = ()  # every rule: the file's and the operator's
    pauses: tuple[Pause, ...] = ()  # by the operator
    upkeep: Upkeep = field(default_factory=Upkeep)  # of both, what holds now
    channels: tuple[ChannelHealth, ...] = ()  # of alerts, as configured
    store_error: str | None = None

    @property
    def targets(self) -> tuple[PlannedTarget, ...]:
        """In the order of the configuration; empty without a plan."""
        return self.plan.targets if self.plan is not None else ()

    def target(self, target_id: str) -> PlannedTarget | None:
        return next((target for target in self.targets if target.id == target_id), None)

    def history(self, target_id: str) -> TargetHistory:
        """Hours and days of a planned target; an empty history for any other id."""
        return self.histories.get(target_id, EMPTY_HISTORY)

    def tally(self, target_id: str, window: Window) -> Tally:
        """All scheduled probes of the window, of all locations. The object stays the same while nothing changed."""
        return self.history(target_id).tally(window)

    def statistics_of(self, target_id: str) -> TargetStatistics:
        return self.statistics.get(target_id) or TargetStatistics(target=target_id)

    def verdict(self, target: PlannedTarget) -> Verdict:
        """The state as it may be shown now: silence has turned it into unknown."""
        statistics = self.statistics_of(target.id)
        return present(statistics.verdict, self._subject(target), statistics.newest, self.now)

    def _subject(self, target: PlannedTarget) -> Subject:
        return Subject(
            target.readiness,
            target.readiness_reason,
            target.interval_seconds,
            window=self.upkeep.window(target.id),
            pause=self.upkeep.pause(target.id),
        )

    def freshness(self, target: PlannedTarget) -> Freshness:
        newest = self.statistics_of(target.id).newest
        return freshness(newest.started_at if newest else None, target.interval_seconds, self.now)

    @property
    def alive_agents(self) -> tuple[AgentStatus, ...]:
        oldest = self.now - timedelta(seconds=AGENT_SILENT_AFTER_SECONDS)
        return tuple(agent for agent in self.agents if agent.beat_at >= oldest)

    @property
    def next_due_at(self) -> datetime | None:
        """When the next scheduled probe runs; None when no living agent has one."""
        dues = [agent.next_due_at for agent in self.alive_agents if agent.is_active and agent.next_due_at]
        return min(dues, default=None)


class Snapshots:
    """Keeps the current snapshot. Thread-safe: one thread reads the store, the others get the one before."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._histories = Histories(store)
        self._incidents = RecentIncidents(store)
        self._deliveries = RecentDeliveries(store)
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._checked_ns = 0

    def current(self) -> Snapshot:
        """At most MAX_AGE_SECONDS old, or the last one with `store_error` set. Never raises StoreError."""
        snapshot = self._snapshot
        if snapshot is not None and self._is_recent():
            return snapshot
        if self._lock.acquire(blocking=snapshot is None):  # only the very first readers have to wait
            try:
                if self._snapshot is None or not self._is_recent():
                    self._snapshot = self._read(self._snapshot)
                    self._checked_ns = self._clock.monotonic_ns()
                return self._snapshot
            finally:
                self._lock.release()
        assert snapshot is not None
        return snapshot

    def _is_recent(self) -> bool:
        return (self._clock.monotonic_ns() - self._checked_ns) / 1e9 < MAX_AGE_SECONDS

    def _read(self, previous: Snapshot | None) -> Snapshot:
        now = self._clock.now()
        try:
            return self._read_store(now)
        except StoreError as error:
            known = previous or Snapshot(now=now)
            upkeep = upkeep_at(known.maintenance, known.pauses, now)
            return replace(known, now=now, upkeep=upkeep, store_error=str(error) or "unavailable")

    def _read_store(self, now: datetime) -> Snapshot:
        plan = self._store.plan()
        targets = [target.id for target in plan.targets] if plan is not None else []
        rules = (*(plan.maintenance if plan is not None else ()), *self._store.maintenance())
        pauses = self._store.pauses()
        statistics = self._store.statistics()
        removed = _removed(targets, statistics, now)
        histories = self._histories.update(now, [*targets, *removed])
        return Snapshot(
            now=now,
            as_of=now,
            plan=plan,
            statistics=statistics,
            agents=tuple(self._store.agents(now - AGENTS_SHOWN_FOR)),
            refresh=self._store.latest_refresh(),
            histories={target: histories[target] for target in targets},
            removed={target: histories[target] for target in removed},
            incidents=self._incidents.update(now),
            channels=self._deliveries.update(plan.alert_channels if plan is not None else (), now),
            maintenance=rules,
            pauses=pauses,
            upkeep=upkeep_at(rules, pauses, now),
        )


def _removed(
    planned: Collection[str], statistics: Mapping[str, TargetStatistics], now: datetime
) -> list[str]:
    """Without these a provider's counters would fall when one of its models leaves the configuration."""
    since, known = month_start(now), frozenset(planned)
    return [
        target
        for target, found in statistics.items()
        if target not in known and found.updated_at is not None and found.updated_at >= since
    ]
