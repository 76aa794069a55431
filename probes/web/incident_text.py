"""What pages say of incidents, with the names that models are configured with. Needs a request."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import flask_babel
from babel.dates import format_skeleton

from probes.domain.incident import Incident, IncidentUpdate
from probes.domain.rollup import Period
from probes.domain.state import Reason
from probes.verdicts.rules import ReasonKey
from probes.web.context import current_snapshot
from probes.web.display import duration
from probes.web.i18n import _, ngettext
from probes.web.incident_log import Part
from probes.web.incident_words import NAME_LENGTH, incident_headline, update_text
from probes.web.text import plain
from probes.web.words import reason_text, word

MAX_NOTED: Final = 3  # incidents of one day


def model_name(target: str) -> str:
    """As configured, else the model's own name; one line."""
    plan = current_snapshot().target(target)
    return plain(plan.name if plan is not None else target.split("/", 2)[-1], NAME_LENGTH)


def incident_title(incident: Incident) -> str:
    """ "Acme Fast is down"."""
    return incident_headline(incident, model_name)


def incident_why(incident: Incident) -> str:
    """The reason of its worst part that lasts, or of its worst at all; while all of them answer again, that they do."""
    if (recovering := _recovering(incident)) is not None:
        return reason_text(recovering)
    lasting = [part for part in incident.affected if part.is_open] or list(incident.affected)
    worst = max(lasting, key=lambda part: part.severity.rank, default=None)
    return reason_text(worst.reason) if worst is not None else ""


def _recovering(incident: Incident) -> Reason | None:
    """An incident lasts until it is sure that it is over; what the board says of its models now may be better."""
    snapshot = current_snapshot()
    targets = [snapshot.target(target) for target in incident.open_targets] if incident.is_open else []
    reasons = [snapshot.verdict(target).reason for target in targets if target is not None]
    is_all = bool(reasons) and all(reason.key == ReasonKey.RECOVERING for reason in reasons)
    return reasons[0] if is_all else None


def entry_text(incident: Incident, update: IncidentUpdate) -> str:
    """What an entry of the timeline says."""
    return update_text(incident, update, model_name)


def incident_span(incident: Incident) -> str:
    """How long it lasted, or has lasted."""
    end = incident.ended_at or incident.resolved_at or current_snapshot().now
    return duration(max(0.0, (end - incident.started_at).total_seconds()))


def month_name(at: datetime) -> str:
    """ "November 2026", in UTC."""
    return str(format_skeleton("yMMMM", at.astimezone(UTC), locale=flask_babel.get_locale()))


def day_notes(parts: Iterable[Part], today: datetime, days: int) -> Mapping[int, str]:
    """What a strip of days tells of incidents: by cell, oldest day first; only days that have any."""
    first = Period.DAY.start_of(today) - (days - 1) * Period.DAY.length
    by_day: dict[int, list[Part]] = {}
    for part in parts:
        begin = (Period.DAY.start_of(part.started_at) - first).days
        end = (Period.DAY.start_of(part.ended_at or today) - first).days
        for day in range(max(0, begin), min(days - 1, end) + 1):
            by_day.setdefault(day, []).append(part)
    return {day: _day_note(found) for day, found in sorted(by_day.items())}


def _day_note(parts: Sequence[Part]) -> str:
    """ "1 incident: Down, 42 min", "5 incidents: Down, 42 min; Degraded, 2 h; Down, 5 min; 2 more"."""
    told = [_one_part(part) for part in parts[:MAX_NOTED]]
    told += [_("%(n)s more", n=len(parts) - MAX_NOTED)] if len(parts) > MAX_NOTED else []
    return ngettext(
        "%(num)s incident: %(which)s", "%(num)s incidents: %(which)s", len(parts), which=_("; ").join(told)
    )


def _one_part(part: Part) -> str:
    severity = word(part.worst).label
    if part.ended_at is None:
        return _("%(severity)s, goes on", severity=severity)
    lasted = duration((part.ended_at - part.started_at).total_seconds())
    return _("%(severity)s, %(span)s", severity=severity, span=lasted)
