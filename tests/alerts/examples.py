"""Incidents as agents write them, without an agent."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from probes.domain.incident import (
    Affected,
    Cause,
    Ending,
    Incident,
    IncidentUpdate,
    Severity,
    UpdateKind,
    incident_id,
    update_id,
)
from probes.domain.state import Reason
from probes.domain.target import Secret
from probes.settings.alerts import Channel, ChannelType
from probes.verdicts.rules import ReasonKey
from tests.examples import NOON

QUICK, SLOW = "acme/main/quick", "acme/main/slow"
FAILING = Reason(ReasonKey.CONSECUTIVE_FAILURES, (("n", 3), ("outcome", "server_error")))


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def a_channel(name: str = "ops", url: str = "http://127.0.0.1:9/", **changes: Any) -> Channel:
    channel = Channel(name, ChannelType.WEBHOOK, Secret(url), group_for_seconds=0.0)
    return replace(channel, **changes)


def an_incident(
    *targets: str,
    at: datetime = NOON,
    severity: Severity = Severity.DOWN,
    cause: Cause = Cause.SERVER_ERROR,
) -> Incident:
    """Open since five minutes before it was detected."""
    affected = targets or (QUICK,)
    started_at = at - minutes(5)
    identity = incident_id(affected[0], started_at, severity)
    parts = tuple(Affected(target, started_at, at, severity, FAILING, severity) for target in affected)
    opened = IncidentUpdate(
        update_id(identity, 1, UpdateKind.OPENED), at, UpdateKind.OPENED, severity, affected
    )
    provider = affected[0].split("/")[0]
    return Incident(identity, provider, started_at, at, severity, cause, parts, (opened,), at)


def updated(incident: Incident, kind: UpdateKind, at: datetime, **changes: Any) -> Incident:
    """Its next version, with such an update of all its targets."""
    severity = changes.get("severity", incident.severity)
    targets: Sequence[str] = changes.pop("targets", incident.targets)
    text = changes.pop("text", "")
    identity = update_id(incident.id, incident.version + 1, kind)
    update = IncidentUpdate(identity, at, kind, severity, tuple(targets), text=text)
    return replace(incident.next(at, [update]), **changes)


def resolved(incident: Incident, at: datetime, ending: Ending = Ending.RECOVERED) -> Incident:
    parts = tuple(replace(part, ended_at=at - minutes(1), ending=ending) for part in incident.affected)
    return updated(
        incident, UpdateKind.RESOLVED, at, affected=parts, ended_at=at - minutes(1), resolved_at=at
    )


def reopened(incident: Incident, at: datetime) -> Incident:
    parts = tuple(replace(part, ended_at=None, ending=None) for part in incident.affected)
    return updated(incident, UpdateKind.REOPENED, at, affected=parts, ended_at=None, resolved_at=None)
