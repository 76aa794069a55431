"""Incidents and maintenance in the shape of Atlassian Statuspage's public API, version 2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from probes.domain.incident import Affected, Ending, Incident, IncidentUpdate, Severity, UpdateKind
from probes.domain.state import Reason
from probes.verdicts.rules import ReasonKey
from probes.web.incident_text import incident_title, model_name
from probes.web.queries.statuspage import AnyComponent, ComponentStatus, component_id, moment, short_id
from probes.web.told import update_body


class IncidentStatus(StrEnum):
    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"  # an operator has acknowledged it
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"
    SCHEDULED = "scheduled"  # this and the next two: of maintenance
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class Impact(StrEnum):
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class AffectedComponent:
    code: str
    name: str
    old_status: ComponentStatus
    new_status: ComponentStatus


@dataclass(frozen=True, slots=True)
class PageUpdate:
    id: str
    status: IncidentStatus
    body: str
    incident_id: str
    created_at: str
    updated_at: str
    display_at: str
    affected_components: tuple[AffectedComponent, ...] | None
    deliver_notifications: bool
    custom_tweet: None = None
    tweet_id: None = None


@dataclass(frozen=True, slots=True)
class PageIncident:
    """`incident_updates` newest first; `monitoring_at` is not known to us."""

    id: str
    name: str
    status: IncidentStatus
    created_at: str
    updated_at: str
    monitoring_at: str | None
    resolved_at: str | None
    impact: Impact
    shortlink: str
    started_at: str
    page_id: str
    incident_updates: tuple[PageUpdate, ...]
    components: tuple[AnyComponent, ...]
    reminder_intervals: None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an incident stands in: the page's id and address, and the components of now."""

    page_id: str
    url: str
    components: Mapping[str, AnyComponent]  # by id

    def components_of(self, targets: Sequence[str]) -> tuple[AnyComponent, ...]:
        """A model that is no longer probed is no component."""
        ids = (component_id(target) for target in targets)
        return tuple(self.components[id_] for id_ in ids if id_ in self.components)


def page_incident(incident: Incident, around: Surroundings) -> PageIncident:
    """Only what is public of it."""
    updates = _updates(incident, around)
    changes = [update.at for update in incident.updates if update.is_public]
    return PageIncident(
        id=short_id("incident", incident.id),
        name=incident_title(incident),
        status=updates[-1].status if updates else IncidentStatus.INVESTIGATING,
        created_at=moment(incident.detected_at),
        updated_at=moment(max([*changes, incident.detected_at])),
        monitoring_at=None,
        resolved_at=moment(incident.resolved_at) if incident.resolved_at is not None else None,
        impact=_impact(incident.affected),
        shortlink=f"{around.url}/incidents/{incident.id}",
        started_at=moment(incident.started_at),
        page_id=around.page_id,
        incident_updates=tuple(reversed(updates)),
        components=around.components_of(incident.targets),
        reminder_intervals=None,
    )


def _updates(incident: Incident, around: Surroundings) -> list[PageUpdate]:
    """Oldest first; walks along, for each entry says what was before and after it."""
    told: list[PageUpdate] = []
    status, now = IncidentStatus.INVESTIGATING, dict[str, ComponentStatus]()
    for update in incident.updates:
        before, now = now, _after(now, update, incident)
        if not update.is_public:
            continue
        status = _status_after(status, update.kind)
        at = moment(update.at)
        changed = tuple(
            AffectedComponent(
                code=component_id(target),
                name=model_name(target),
                old_status=before.get(target, ComponentStatus.OPERATIONAL),
                new_status=after,
            )
            for target, after in now.items()
            if after is not ComponentStatus.OPERATIONAL or before.get(target) is not after
        )
        told.append(
            PageUpdate(
                id=short_id("update", update.id),
                status=status,
                body=update_body(incident, update),
                incident_id=short_id("incident", incident.id),
                created_at=at,
                updated_at=at,
                display_at=at,
                affected_components=changed or None,
                deliver_notifications=not update.kind.is_manual,
            )
        )
    return told


def _after(
    now: Mapping[str, ComponentStatus], update: IncidentUpdate, incident: Incident
) -> dict[str, ComponentStatus]:
    about = update.targets or tuple(now)
    match update.kind:
        case (
            UpdateKind.OPENED
            | UpdateKind.REOPENED
            | UpdateKind.JOINED
            | UpdateKind.WORSENED
            | UpdateKind.EASED
        ):
            shown = _shown(update.severity, update.reason)
            return {**now, **dict.fromkeys(update.targets or incident.targets, shown)}
        case UpdateKind.LEFT:
            return {**now, **{target: _end_of(incident, target) for target in about}}
        case UpdateKind.RESOLVED:
            return {target: _end_of(incident, target) for target in now}
        case _:
            return dict(now)


def _end_of(incident: Incident, target: str) -> ComponentStatus:
    """Operational, unless nobody saw how it ended."""
    part = next((part for part in incident.affected if part.target == target), None)
    is_unwatched = part is not None and part.ending is Ending.UNWATCHED
    return ComponentStatus.UNDER_MAINTENANCE if is_unwatched else ComponentStatus.OPERATIONAL


def _status_after(before: IncidentStatus, kind: UpdateKind) -> IncidentStatus:
    match kind:
        case UpdateKind.ACKNOWLEDGED if before is IncidentStatus.INVESTIGATING:
            return IncidentStatus.IDENTIFIED
        case UpdateKind.REOPENED:
            return IncidentStatus.INVESTIGATING
        case UpdateKind.RESOLVED:
            return IncidentStatus.RESOLVED
        case UpdateKind.POSTMORTEM if before is IncidentStatus.RESOLVED:
            return IncidentStatus.POSTMORTEM
        case _:
            return before


def _shown(severity: Severity, reason: Reason | None) -> ComponentStatus:
    if severity is Severity.DOWN:
        return ComponentStatus.MAJOR_OUTAGE
    if reason is not None and reason.key == ReasonKey.PARTIAL_FAILURES:
        return ComponentStatus.PARTIAL_OUTAGE
    return ComponentStatus.DEGRADED_PERFORMANCE


def _impact(parts: Sequence[Affected]) -> Impact:
    """As Statuspage derives it from what is affected: the worst of the parts, at their worst."""
    shown = {_shown(part.worst, part.reason) for part in parts}
    if ComponentStatus.MAJOR_OUTAGE in shown:
        return Impact.CRITICAL
    return Impact.MAJOR if ComponentStatus.PARTIAL_OUTAGE in shown else Impact.MINOR
