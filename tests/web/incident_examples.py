"""Ready-made incidents for arranging tests; every field that matters to a test is named in the test."""

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
from probes.verdicts.rules import ReasonKey

STALLED = Reason(ReasonKey.CONSECUTIVE_FAILURES, (("n", 3), ("outcome", "stalled")))
DETECTION = timedelta(minutes=2)
CERTAINTY = timedelta(minutes=3)


def an_incident(
    *targets: str,
    started_at: datetime,
    lasted: timedelta | None = None,
    severity: Severity = Severity.DOWN,
    **changes: Any,
) -> Incident:
    """Open, or over after it `lasted`."""
    targets = targets or ("acme/main/quick",)
    ended_at = started_at + lasted if lasted is not None else None
    parts = tuple(
        Affected(
            target=target,
            started_at=started_at,
            detected_at=started_at + DETECTION,
            severity=severity,
            reason=STALLED,
            worst=severity,
            ended_at=ended_at,
            ending=Ending.RECOVERED if ended_at is not None else None,
        )
        for target in targets
    )
    name = incident_id(targets[0], started_at, severity)
    opened = IncidentUpdate(
        update_id(name, 1, UpdateKind.OPENED),
        started_at + DETECTION,
        UpdateKind.OPENED,
        severity,
        targets,
        STALLED,
    )
    resolved_at = ended_at + CERTAINTY if ended_at is not None else None
    resolved = IncidentUpdate(
        update_id(name, 2, UpdateKind.RESOLVED),
        resolved_at or started_at,
        UpdateKind.RESOLVED,
        severity,
        targets,
    )
    incident = Incident(
        id=name,
        provider=targets[0].split("/", 1)[0],
        started_at=started_at,
        detected_at=started_at + DETECTION,
        severity=severity,
        cause=Cause.TIMEOUT,
        affected=parts,
        updates=(opened, resolved) if resolved_at is not None else (opened,),
        updated_at=resolved_at or started_at + DETECTION,
        ended_at=ended_at,
        resolved_at=resolved_at,
    )
    return replace(incident, **changes)


def an_entry(
    incident: Incident, kind: UpdateKind, text: str = "", *, is_public: bool = True
) -> IncidentUpdate:
    name = update_id(incident.id, incident.version + 1, kind)
    return IncidentUpdate(name, incident.updated_at, kind, incident.severity, text=text, is_public=is_public)


def stored(store: Store, *incidents: Incident) -> tuple[Incident, ...]:
    for incident in incidents:
        assert store.save_incident(incident), "an incident of this id is there already"
    return incidents
