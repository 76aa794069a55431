"""Which hours of a target may be learnt from: what a store knows of its incidents and of our own changes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from probes.domain.event import EventKind
from probes.domain.incident import Incident
from probes.stats.baseline import Span, Undisturbed
from probes.store.base import MAX_PAGE_SIZE, EventQuery, IncidentQuery, Store

OUR_CHANGES = tuple(kind for kind in EventKind if kind.is_ours)


def undisturbed(store: Store, target: str, since: datetime) -> Undisturbed:
    """From `since` on. Raises StoreUnavailableError."""
    changes = store.events(EventQuery(targets=(target,), kinds=OUR_CHANGES, limit=1)).events
    spans = tuple(
        Span(part.started_at, part.ended_at)
        for incident in _incidents(store, target, since)
        for part in incident.affected
        if part.target == target
    )
    return Undisturbed(changes[0].at if changes else None, spans)


def _incidents(store: Store, target: str, since: datetime) -> Iterator[Incident]:
    query = IncidentQuery(since=since, targets=(target,), limit=MAX_PAGE_SIZE)
    while True:
        page = store.incidents(query)
        yield from page.incidents
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)
