"""What a model's page shows of its last 90 days: bars, newest incidents, and the spans that its charts shade."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import url_for
from markupsafe import Markup

from probes.domain.incident import Incident, Severity
from probes.domain.rollup import Period
from probes.stats.availability import Availability, availability
from probes.web.drawings import strip
from probes.web.history import EMPTY_HISTORY
from probes.web.incident_text import day_notes
from probes.web.labels import strip_label
from probes.web.snapshot import Snapshot
from probes.web.windows import Window

NEWEST: Final = 5
MAX_SHADES: Final = 500


@dataclass(frozen=True, slots=True)
class Shade:
    """A span of a chart, in seconds since 1970; without an end it goes on."""

    begin: int
    end: int | None
    severity: Severity


@dataclass(frozen=True, slots=True)
class ModelIncidents:
    days: Markup
    quarter: Availability
    newest: Sequence[Incident]
    total: int
    shades: Sequence[Shade]
    url: str  # of all of them


def model_incidents(snapshot: Snapshot, target: str) -> ModelIncidents:
    history = snapshot.histories.get(target) or snapshot.removed.get(target) or EMPTY_HISTORY
    parts = snapshot.incidents.of_target(target)
    found = [incident for incident in snapshot.incidents.incidents if target in incident.targets]
    notes = day_notes(parts, snapshot.now, len(history.days))
    return ModelIncidents(
        days=strip(history.days, Period.DAY, strip_label(history.days, Period.DAY), notes),
        quarter=availability(history.tally(Window.QUARTER)),
        newest=found[:NEWEST],
        total=len(found),
        shades=[
            Shade(_seconds(part.started_at), _seconds(part.ended_at) if part.ended_at else None, part.worst)
            for part in parts[:MAX_SHADES]
        ],
        url=url_for("incidents.list", target=target),
    )


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
