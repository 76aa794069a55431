"""Incidents as lists: open ones first, then by month, filtered and key-paged. What /incidents and the API show."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Final

from probes.domain.incident import Incident, Severity
from probes.store.base import MAX_PAGE_SIZE, IncidentQuery, Store
from probes.store.cursor import Position, cursor_of
from probes.store.records import milliseconds
from probes.web.incident_log import public_face
from probes.web.queries.stats import matches_search

OPEN_AT_MOST: Final = 50  # above the list; more of them are a list of their own
MAX_READS: Final = (
    20  # pages of the store read for one of ours; a filter that fits nothing must not read for ever
)
READ_SIZE: Final = 200

Texts = Callable[[Incident], Sequence[str]]  # what the search looks through


class Standing(StrEnum):
    """What a filter may ask for."""

    OPEN = "open"
    RESOLVED = "resolved"


class IncidentState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    MERGED = "merged"  # another one tells its story

    @classmethod
    def of(cls, incident: Incident) -> "IncidentState":
        if incident.merged_into is not None:
            return cls.MERGED
        return cls.OPEN if incident.is_open else cls.RESOLVED


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Filters are joined by AND, values inside one by OR; empty or None means any."""

    search: str = ""
    providers: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    state: Standing | None = None
    targets: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return self == IncidentFilter()


@dataclass(frozen=True, slots=True)
class IncidentsQuery:
    filter: IncidentFilter = IncidentFilter()
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """Newest first. `older_cursor` is None where there is nothing older."""

    incidents: tuple[Incident, ...]
    older_cursor: str | None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks, and where from. The operator sees everything, anybody else the public faces."""

    store: Store
    texts: Texts
    sees_all: bool = False

    def face(self, incident: Incident) -> Incident | None:
        """The incident as this reader may see it; None for one that is none of their business."""
        if self.sees_all:
            return incident
        return public_face(incident) if incident.is_public else None

    def find(self, incident_id: str) -> Incident | None:
        found = self.store.incident(incident_id)
        return self.face(found) if found is not None else None

    def listed(self, query: IncidentsQuery, *, is_open: bool | None = None) -> Listed:
        """One page. Raises CursorError."""
        found: list[Incident] = []
        asked = self._asked(query, is_open)
        for _ in range(MAX_READS):
            page = self.store.incidents(asked)
            for incident in self._matching(page.incidents, query.filter):
                if len(found) == query.limit:
                    return Listed(tuple(found), _cursor(found[-1]))
                found.append(incident)
            if page.next_cursor is None:
                return Listed(tuple(found), None)
            asked = replace(asked, cursor=page.next_cursor)
        return Listed(tuple(found), asked.cursor)

    def _asked(self, query: IncidentsQuery, is_open: bool | None) -> IncidentQuery:
        wanted = query.filter
        is_sifted = bool(wanted.search or wanted.severities)
        return IncidentQuery(
            since=wanted.since,
            until=wanted.until,
            providers=wanted.providers,
            targets=wanted.targets,
            is_open=is_open if wanted.state is None else wanted.state is Standing.OPEN,
            is_public=None if self.sees_all else True,
            limit=READ_SIZE if is_sifted else min(query.limit + 1, MAX_PAGE_SIZE),
            cursor=query.cursor,
        )

    def _matching(self, incidents: Sequence[Incident], wanted: IncidentFilter) -> Iterator[Incident]:
        """The store knows neither severities nor words."""
        for incident in incidents:
            face = self.face(incident)
            if face is None or (wanted.severities and face.severity not in wanted.severities):
                continue
            if not wanted.search or matches_search(wanted.search, self.texts(face)):
                yield face


@dataclass(frozen=True, slots=True)
class Month:
    start: datetime  # of any incident in it: the month is all that counts
    incidents: tuple[Incident, ...]


@dataclass(frozen=True, slots=True)
class IncidentsView:
    query: IncidentsQuery
    open: tuple[Incident, ...]  # on the first page only
    has_more_open: bool
    months: tuple[Month, ...]  # newest first
    older_cursor: str | None

    @property
    def is_empty(self) -> bool:
        return not (self.open or self.months)


def incidents_view(reader: Reader, query: IncidentsQuery) -> IncidentsView:
    """Raises CursorError."""
    if query.filter.state is Standing.OPEN:
        page = reader.listed(query)
        return IncidentsView(query, page.incidents, False, (), page.older_cursor)
    lasting = Listed((), None)
    if query.cursor is None and query.filter.state is None:
        lasting = reader.listed(replace(query, limit=OPEN_AT_MOST), is_open=True)
    page = reader.listed(query, is_open=False)
    return IncidentsView(
        query,
        lasting.incidents,
        lasting.older_cursor is not None,
        by_month(page.incidents),
        page.older_cursor,
    )


def by_month(incidents: Sequence[Incident]) -> tuple[Month, ...]:
    """In the order given, cut where the UTC month of the beginning changes."""
    groups = groupby(incidents, key=lambda found: (found.started_at.year, found.started_at.month))
    months = (tuple(members) for _, members in groups)
    return tuple(Month(members[0].started_at, members) for members in months)


def _cursor(incident: Incident) -> str:
    return cursor_of(Position(milliseconds(incident.started_at), incident.id), oldest_first=False)
