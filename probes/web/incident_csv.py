"""Incidents as a file: one line each, in the fields of the API."""

from collections.abc import Callable, Iterable
from typing import Final

from probes.domain.incident import Incident
from probes.web.export import csv_lines
from probes.web.queries.incidents import IncidentState

HEADING: Final = (
    *("id", "title", "provider", "state", "severity", "cause", "started_at", "detected_at", "ended_at"),
    *("resolved_at", "time_to_detect_seconds", "time_to_recover_seconds", "targets"),
)


def incidents_csv(incidents: Iterable[Incident], title: Callable[[Incident], str]) -> str:
    rows = (
        (
            *(found.id, title(found), found.provider, IncidentState.of(found), found.severity, found.cause),
            *(found.started_at, found.detected_at, found.ended_at, found.resolved_at),
            *(found.time_to_detect_seconds, found.time_to_recover_seconds, " ".join(found.targets)),
        )
        for found in incidents
    )
    return csv_lines([HEADING, *rows])
