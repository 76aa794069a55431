"""Incidents version by version, as the agent and the operator write them, for what is told of them elsewhere."""

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
from probes.store.base import Store
from tests.examples import NOON

QUICK, SLOW, LARGE = "acme/main/quick", "acme/main/slow", "acme/main/vision/large"
MINUTE = timedelta(minutes=1)
FAILED = Reason("consecutive_failures", (("n", 4), ("outcome", "stalled")))
PARTIAL = Reason("partial_failures", (("n", 5), ("of", 15), ("outcome", "stalled")))


def opened(
    *targets: str,
    at: datetime = NOON - 30 * MINUTE,
    severity: Severity = Severity.DOWN,
    reason: Reason = FAILED,
) -> Incident:
    """Its first version, detected a minute after it began."""
    names, detected_at = targets or (QUICK,), at + MINUTE
    id_ = incident_id(names[0], at, severity)
    parts = tuple(Affected(name, at, detected_at, severity, reason, worst=severity) for name in names)
    first = IncidentUpdate(
        update_id(id_, 1, UpdateKind.OPENED), detected_at, UpdateKind.OPENED, severity, names, reason
    )
    return Incident(
        id=id_,
        provider=names[0].split("/", 1)[0],
        started_at=at,
        detected_at=detected_at,
        severity=severity,
        cause=Cause.TIMEOUT,
        affected=parts,
        updates=(first,),
        updated_at=detected_at,
    )


def with_update(incident: Incident, kind: UpdateKind, at: datetime, **changes: Any) -> Incident:
    """Its next version, with one more entry."""
    fields: dict[str, Any] = {"severity": incident.severity, **changes}
    entry = IncidentUpdate(update_id(incident.id, incident.version + 1, kind), at, kind, **fields)
    return incident.next(at, (entry,))


def resolved(incident: Incident, at: datetime, ending: Ending = Ending.RECOVERED) -> Incident:
    """Its next version: every part ended a minute before."""
    parts = tuple(replace(part, ended_at=at - MINUTE, ending=ending) for part in incident.affected)
    over = with_update(incident, UpdateKind.RESOLVED, at)
    return replace(over, affected=parts, ended_at=at - MINUTE, resolved_at=at)


def save(store: Store, *versions: Incident) -> Incident:
    """One after the other; returns the last."""
    for version in versions:
        assert store.save_incident(version)
    return versions[-1]
