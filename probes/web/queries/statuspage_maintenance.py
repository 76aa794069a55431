"""Windows of maintenance in the shape of Atlassian Statuspage's public API, version 2."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from probes.verdicts.maintenance import Occurrence, concerns, finished, upcoming
from probes.web.queries.public_incidents import Reading
from probes.web.queries.statuspage import AnyComponent, ComponentStatus, moment, short_id
from probes.web.queries.statuspage_incidents import (
    AffectedComponent,
    Impact,
    IncidentStatus,
    PageIncident,
    PageUpdate,
    Surroundings,
)
from probes.web.text import plain

AHEAD: Final = timedelta(days=30)
BACK: Final = timedelta(days=30)
EACH_SIDE: Final = 25  # windows; of those to come the soonest
NAME_LENGTH: Final = 200
NOTE_LENGTH: Final = 2000
SAID: Final = {
    IncidentStatus.SCHEDULED: "Maintenance is announced; failures are expected.",
    IncidentStatus.IN_PROGRESS: "The announced maintenance has begun.",
    IncidentStatus.COMPLETED: "The announced maintenance is over.",
}


@dataclass(frozen=True, slots=True)
class PageMaintenance(PageIncident):
    """An incident whose end is known ahead."""

    scheduled_for: str
    scheduled_until: str


def maintenances_of(now: Reading, around: Surroundings) -> Iterator[PageMaintenance]:
    """Latest start first: what is to come, what goes on, what is over."""
    rules, at = now.snapshot.maintenance, now.snapshot.now
    to_come = upcoming(rules, at, AHEAD)[:EACH_SIDE]
    for window in [*reversed(to_come), *finished(rules, at, BACK)[:EACH_SIDE]]:
        yield _maintenance(window, now, around)


def _maintenance(window: Occurrence, now: Reading, around: Surroundings) -> PageMaintenance:
    id_ = short_id("maintenance", window.rule.id, window.start.isoformat())
    targets = [target.id for target in now.snapshot.targets if concerns(window.rule, target.id)]
    concerned = around.components_of(targets)
    updates = [_update(id_, status, at, window, concerned) for status, at in _passed(window, now)]
    status, is_over = updates[-1].status, updates[-1].status is IncidentStatus.COMPLETED
    return PageMaintenance(
        id=id_,
        name=plain(window.rule.title, NAME_LENGTH),
        status=status,
        created_at=updates[0].created_at,
        updated_at=updates[-1].updated_at,
        monitoring_at=None,
        resolved_at=moment(window.end) if is_over else None,
        impact=Impact.MAINTENANCE,
        shortlink=f"{around.url}/maintenance",
        started_at=updates[0].created_at,
        page_id=around.page_id,
        incident_updates=tuple(reversed(updates)),
        components=concerned,
        reminder_intervals=None,
        scheduled_for=moment(window.start),
        scheduled_until=moment(window.end),
    )


def _passed(window: Occurrence, now: Reading) -> Iterator[tuple[IncidentStatus, datetime]]:
    """What has come to pass of it, oldest first."""
    at = now.snapshot.now
    yield IncidentStatus.SCHEDULED, min(window.rule.announced_at or now.begun_at, window.start)
    if at >= window.start:
        yield IncidentStatus.IN_PROGRESS, window.start
    if at >= window.end:
        yield IncidentStatus.COMPLETED, window.end


def _update(
    id_: str,
    status: IncidentStatus,
    at: datetime,
    window: Occurrence,
    concerned: Sequence[AnyComponent],
) -> PageUpdate:
    note = plain(window.rule.note, NOTE_LENGTH) if status is IncidentStatus.SCHEDULED else ""
    return PageUpdate(
        id=short_id("maintenance update", id_, status.value),
        status=status,
        body=note or SAID[status],
        incident_id=id_,
        created_at=moment(at),
        updated_at=moment(at),
        display_at=moment(at),
        affected_components=_changed(status, concerned) or None,
        deliver_notifications=False,
    )


def _changed(status: IncidentStatus, concerned: Sequence[AnyComponent]) -> tuple[AffectedComponent, ...]:
    usual, held = ComponentStatus.OPERATIONAL, ComponentStatus.UNDER_MAINTENANCE
    match status:
        case IncidentStatus.IN_PROGRESS:
            before, after = usual, held
        case IncidentStatus.COMPLETED:
            before, after = held, usual
        case _:
            return ()
    return tuple(AffectedComponent(one.id, one.name, before, after) for one in concerned)
