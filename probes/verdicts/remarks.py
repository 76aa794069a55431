"""What an operator adds to an incident: that somebody knows of it, notes, and what was learnt. Pure."""

from dataclasses import replace
from datetime import datetime

from probes.domain.incident import Incident, IncidentUpdate, UpdateKind, update_id


def acknowledged(incident: Incident, now: datetime, text: str = "", *, is_public: bool = True) -> Incident:
    """Its next version; itself when it is over or somebody knows of it already."""
    if incident.acknowledged_at is not None or not incident.is_open:
        return incident
    entry = _entry(incident, UpdateKind.ACKNOWLEDGED, text, now, is_public=is_public)
    return replace(incident.next(now, [entry]), acknowledged_at=now)


def noted(incident: Incident, text: str, is_public: bool, now: datetime) -> Incident:
    """Its next version, open or over. Raises ValueError for a note without words."""
    return incident.next(now, [_entry(incident, UpdateKind.NOTE, _words(text), now, is_public=is_public)])


def with_postmortem(incident: Incident, text: str, is_public: bool, now: datetime) -> Incident:
    """Its next version; the newest postmortem is the one that holds. Raises ValueError for one without words."""
    words = _words(text)
    return incident.next(now, [_entry(incident, UpdateKind.POSTMORTEM, words, now, is_public=is_public)])


def _words(text: str) -> str:
    words = text.strip()
    if not words:
        raise ValueError("there is nothing to write down")
    return words


def _entry(
    incident: Incident, kind: UpdateKind, text: str, now: datetime, *, is_public: bool
) -> IncidentUpdate:
    name = update_id(incident.id, incident.version + 1, kind)
    return IncidentUpdate(name, now, kind, incident.severity, text=text.strip(), is_public=is_public)
