"""What the operator does to an incident, written by compare-and-swap beside an agent that may be writing too."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from probes.domain.incident import Incident
from probes.store.base import Store
from probes.verdicts.merging import merged
from probes.verdicts.remarks import acknowledged, noted, with_postmortem
from probes.web.i18n import Lazy, lazy
from probes.web.text import plain_lines

MAX_TEXT: Final = 10_000
MAX_TRIES: Final = 10

Change = Callable[[Incident], Incident]


class Action(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    NOTE = "note"
    POSTMORTEM = "postmortem"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Ask:
    action: Action
    text: str = ""
    is_public: bool = False
    into: str = ""  # id of the incident to merge into


class ActionError(Exception):
    """Refused, with the field that is to blame; nothing was written."""

    def __init__(self, status: int, field: str, problem: Lazy) -> None:
        super().__init__(f"{field}: {problem!r}")
        self.status = status
        self.field = field
        self.problem = problem


def act(store: Store, incident_id: str, ask: Ask, now: datetime) -> Incident:
    """The incident as it is now; for a merge the one that took the other up.

    Acknowledging twice is acknowledging once. Raises ActionError, and LookupError for an unknown id.
    """
    match ask.action:
        case Action.ACKNOWLEDGE:
            return _changed(store, incident_id, lambda found: _acknowledged(found, now))
        case Action.NOTE:
            text = _text(ask.text)
            return _changed(store, incident_id, lambda found: noted(found, text, ask.is_public, now))
        case Action.POSTMORTEM:
            text = _text(ask.text)
            return _changed(
                store, incident_id, lambda found: with_postmortem(found, text, ask.is_public, now)
            )
        case Action.MERGE:
            return _merged(store, incident_id, ask.into, now)


def _acknowledged(found: Incident, now: datetime) -> Incident:
    if not found.is_open:
        raise ActionError(409, "acknowledge", lazy("It is over; there is nothing left to acknowledge."))
    return found if found.acknowledged_at is not None else acknowledged(found, now)


def _text(given: str) -> str:
    text = plain_lines(given)
    if not text:
        raise ActionError(400, "text", lazy("Write something first."))
    if len(text) > MAX_TEXT:
        raise ActionError(400, "text", lazy("Longer than %(n)s characters.", n=MAX_TEXT))
    return text


def _changed(store: Store, incident_id: str, change: Change) -> Incident:
    for _ in range(MAX_TRIES):
        found = _read(store, incident_id)
        changed = change(found)
        if changed is found or store.save_incident(changed):
            return changed
    raise _overtaken("text")


def _merged(store: Store, incident_id: str, into_id: str, now: datetime) -> Incident:
    """The one that stays is written first: a crash between leaves a merge that is finished by doing it again."""
    if not into_id:
        raise ActionError(400, "into", lazy("Choose the incident that goes on."))
    for _ in range(MAX_TRIES):
        other, into = _read(store, incident_id), store.incident(into_id)
        if into is None:
            raise ActionError(400, "into", lazy("There is no incident with this id."))
        if not (into.is_open and other.is_open):
            raise ActionError(409, "into", lazy("Only open incidents can be merged."))
        try:
            taken, closed = merged(into, other, now)
        except ValueError:
            raise ActionError(
                409, "into", lazy("Only two incidents of one provider and one kind can be merged.")
            ) from None
        if (taken is into or store.save_incident(taken)) and store.save_incident(closed):
            return taken
    raise _overtaken("into")


def _read(store: Store, incident_id: str) -> Incident:
    found = store.incident(incident_id)
    if found is None:
        raise LookupError(incident_id)
    if found.merged_into is not None:
        raise ActionError(409, "action", lazy("It was merged into another one; act on that."))
    return found


def _overtaken(field: str) -> ActionError:
    return ActionError(409, field, lazy("It changes faster than this could be written; try again."))
