"""The public incidents that pages show, kept up to date by reading only what changed. Knows nothing of HTML.

What the operator alone may see never gets in here, so that no page, feed or live word can let it out.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from probes.domain.incident import Affected, Incident, Severity, UpdateKind
from probes.store.base import MAX_PAGE_SIZE, IncidentQuery, Store, StoreError
from probes.web.windows import Window

SKEW: Final = timedelta(seconds=120)  # that clocks of agents may differ from each other's and from ours
WHOLE_EVERY: Final = timedelta(seconds=60)  # a reading that trusts no clock is too dear to be made each time
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """One model's part of an incident, with what pages need of the whole. Equal parts look the same."""

    incident: str
    started_at: datetime
    ended_at: datetime | None
    worst: Severity


@dataclass(frozen=True, slots=True)
class IncidentLog:
    """Open ones, and those that ended within 90 days; newest first. Never changes; a change makes a new one."""

    incidents: tuple[Incident, ...] = ()
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)  # by target, newest first
    news: tuple[Hashable, ...] = ()  # tells apart what is worth telling an open page

    @classmethod
    def of(cls, incidents: Iterable[Incident]) -> "IncidentLog":
        ordered = sorted(incidents, key=lambda found: (found.started_at, found.id), reverse=True)
        parts: defaultdict[str, list[Part]] = defaultdict(list)
        for incident in ordered:
            for affected in incident.affected:
                parts[affected.target].append(_part(incident, affected))
        frozen = {target: tuple(found) for target, found in parts.items()}
        return cls(tuple(ordered), frozen, tuple(_news(incident) for incident in ordered))

    @property
    def open(self) -> tuple[Incident, ...]:
        return tuple(incident for incident in self.incidents if incident.is_open)

    def of_target(self, target: str) -> tuple[Part, ...]:
        return self.parts.get(target, ())

    def count(self, target: str, since: datetime) -> int:
        """How many of the target's lasted at or after that moment."""
        return sum(part.ended_at is None or part.ended_at >= since for part in self.of_target(target))


class RecentIncidents:
    """Keeps the log current. Not thread-safe: the caller holds a lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Incident] = {}
        self._log = IncidentLog()
        self._newest: datetime | None = None
        self._read_at: datetime | None = None
        self._whole_at = LONG_AGO

    def update(self, now: datetime) -> IncidentLog:
        """The same object while nothing changed.

        Raises StoreError; the next call then reads everything afresh, for it cannot know what it has missed.
        """
        try:
            if self._read(now):
                self._log = IncidentLog.of(self._known.values())
        except StoreError:
            self._read_at = None
            raise
        return self._log

    def _read(self, now: datetime) -> bool:
        """Whether anything looks different now."""
        before, since = dict(self._known), Window.QUARTER.start(now)
        if self._read_at is None or self._newest is None or now - self._whole_at >= WHOLE_EVERY:
            self._known.clear()
            self._whole_at = now
            found = _every(self._store, IncidentQuery(since=since, is_public=True))
        else:
            changed_since = min(self._newest, self._read_at) - SKEW
            found = _every(self._store, IncidentQuery(changed_since=changed_since, with_merged=True))
        for incident in found:
            self._keep(incident, since)
        self._read_at = now
        return before != self._known

    def _keep(self, incident: Incident, since: datetime) -> None:
        self._newest = max(self._newest or incident.updated_at, incident.updated_at)
        is_recent = incident.ended_at is None or incident.ended_at >= since
        if incident.is_public and incident.merged_into is None and is_recent:
            self._known[incident.id] = public_face(incident)
        else:
            self._known.pop(incident.id, None)


def public_face(incident: Incident) -> Incident:
    """The incident as anybody may see it: without private entries, and without a trace of when they were written.

    Its version is 1, so that no store would take it for the incident itself.
    """
    told = tuple(update for update in incident.updates if update.is_public)
    is_acknowledged = any(update.kind is UpdateKind.ACKNOWLEDGED for update in told)
    return replace(
        incident,
        updates=told,
        updated_at=max((update.at for update in told), default=incident.detected_at),
        acknowledged_at=incident.acknowledged_at if is_acknowledged else None,
        handed_over=0,
        version=1,
    )


def _every(store: Store, query: IncidentQuery) -> Iterable[Incident]:
    query = replace(query, limit=MAX_PAGE_SIZE)
    while True:
        page = store.incidents(query)
        yield from page.incidents
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)


def _part(incident: Incident, affected: Affected) -> Part:
    return Part(incident.id, affected.started_at, affected.ended_at, affected.worst)


def _news(incident: Incident) -> Hashable:
    """Without evidence and reasons, which grow with every probe."""
    parts = tuple((part.target, part.severity, part.ended_at) for part in incident.affected)
    told = tuple(update.id for update in incident.updates)
    return (incident.id, incident.severity, incident.cause, incident.resolved_at, parts, told)
