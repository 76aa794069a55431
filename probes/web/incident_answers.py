"""Incidents as the API gives them."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import force_locale

from probes.domain.incident import Affected, Cause, Ending, Incident, IncidentUpdate, Severity, UpdateKind
from probes.web.answers import ReasonView
from probes.web.incident_text import entry_text, incident_title
from probes.web.queries.incidents import IncidentState, Listed


@dataclass(frozen=True, slots=True)
class AffectedView:
    """One model's part. `evidence` are ids of records: the first failures and the newest."""

    target: str
    severity: Severity
    worst: Severity
    reason: ReasonView
    started_at: datetime  # due time of the first failing slot
    detected_at: datetime
    ended_at: datetime | None  # due time of the first good slot; null while it lasts
    ending: Ending | None
    evidence: tuple[str, ...]

    @classmethod
    def of(cls, part: Affected) -> "AffectedView":
        return cls(
            target=part.target,
            severity=part.severity,
            worst=part.worst,
            reason=ReasonView.of(part.reason),
            started_at=part.started_at,
            detected_at=part.detected_at,
            ended_at=part.ended_at,
            ending=part.ending,
            evidence=part.evidence,
        )


@dataclass(frozen=True, slots=True)
class UpdateView:
    """One entry of the timeline: `text` in English, or the operator's own words. Private ones only for the operator."""

    id: str
    at: datetime
    kind: UpdateKind
    severity: Severity  # of the incident after it
    targets: tuple[str, ...]  # empty: the whole incident
    reason: ReasonView | None
    text: str
    is_public: bool

    @classmethod
    def of(cls, incident: Incident, update: IncidentUpdate) -> "UpdateView":
        return cls(
            id=update.id,
            at=update.at,
            kind=update.kind,
            severity=update.severity,
            targets=update.targets,
            reason=ReasonView.of(update.reason) if update.reason is not None else None,
            text=entry_text(incident, update),
            is_public=update.is_public,
        )


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident. `title` is in English and follows the present; `updates` are oldest first."""

    id: str
    title: str
    provider: str
    state: IncidentState
    severity: Severity  # the worst of its open parts; the worst of all once resolved
    cause: Cause
    is_public: bool
    started_at: datetime
    detected_at: datetime
    ended_at: datetime | None
    resolved_at: datetime | None  # when the end was sure
    acknowledged_at: datetime | None
    merged_into: str | None
    time_to_detect_seconds: float
    time_to_recover_seconds: float | None  # null while open, or where nobody saw the end
    affected: tuple[AffectedView, ...]
    updates: tuple[UpdateView, ...]
    updated_at: datetime

    @classmethod
    def of(cls, incident: Incident) -> "IncidentView":
        return cls(
            id=incident.id,
            title=incident_title(incident),
            provider=incident.provider,
            state=IncidentState.of(incident),
            severity=incident.severity,
            cause=incident.cause,
            is_public=incident.is_public,
            started_at=incident.started_at,
            detected_at=incident.detected_at,
            ended_at=incident.ended_at,
            resolved_at=incident.resolved_at,
            acknowledged_at=incident.acknowledged_at,
            merged_into=incident.merged_into,
            time_to_detect_seconds=incident.time_to_detect_seconds,
            time_to_recover_seconds=incident.time_to_recover_seconds,
            affected=tuple(AffectedView.of(part) for part in incident.affected),
            updates=tuple(UpdateView.of(incident, update) for update in incident.updates),
            updated_at=incident.updated_at,
        )


@dataclass(frozen=True, slots=True)
class IncidentList:
    """One page of incidents, newest first. `older_cursor` is for `?cursor=`; None: there is nothing older."""

    incidents: tuple[IncidentView, ...]
    older_cursor: str | None

    @classmethod
    def of(cls, listed: Listed) -> "IncidentList":
        with force_locale("en"):
            return cls(tuple(IncidentView.of(incident) for incident in listed.incidents), listed.older_cursor)
