"""iCalendar (RFC 5545), as much of it as announced windows need: one event a window, in UTC.

Written by hand because it is two pages: no recurrence rules and no zone definitions, for a rule that repeats is told
by its single windows, and UTC needs no definition.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import uuid5

from probes.domain.result import ID_NAMESPACE
from probes.verdicts.maintenance import Occurrence

MEDIA: Final = "text/calendar"
MAX_OCTETS: Final = 75  # of a line, without its end
SEQUENCE_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Calendar:
    name: str
    url: str  # of the page that tells the same
    changed_at: datetime  # of what carries no moment of its own: the file's windows


def calendar_text(calendar: Calendar, windows: Iterable[Occurrence]) -> str:
    """The whole document; lines end in CRLF."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//FirstToken//Maintenance//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escaped(calendar.name)}",
    ]
    for window in windows:
        lines += _event(calendar, window)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in folded(line))


def escaped(text: str) -> str:
    """A TEXT value: what would end it, or split it, is marked; what no calendar may hold is left out."""
    marked = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    told = marked.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return "".join(character for character in told if character.isprintable())


def folded(line: str) -> Iterator[str]:
    """The line in pieces of at most MAX_OCTETS, none cut within a character; all but the first begin with a blank."""
    piece, octets = "", 0
    for character in line:
        size = len(character.encode("utf-8", "replace"))
        if octets + size > MAX_OCTETS:
            yield piece
            piece, octets = " ", 1
        piece += character
        octets += size
    yield piece


def _event(calendar: Calendar, window: Occurrence) -> list[str]:
    rule = window.rule
    changed_at = rule.changed_at or rule.announced_at or calendar.changed_at
    scope = ", ".join((*rule.providers, *rule.targets))
    told = "\n".join(part for part in (rule.note, scope, calendar.url) if part)
    uid = uuid5(ID_NAMESPACE, "\n".join(("event", rule.id, window.start.isoformat())))
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{_utc(changed_at)}",
        f"LAST-MODIFIED:{_utc(changed_at)}",
        f"SEQUENCE:{max(0, int((changed_at - SEQUENCE_EPOCH).total_seconds() // 60))}",
        f"DTSTART:{_utc(window.start)}",
        f"DTEND:{_utc(window.end)}",
        f"SUMMARY:{escaped(rule.title)}",
        f"DESCRIPTION:{escaped(told)}",
        f"URL:{calendar.url}",
        "CATEGORIES:MAINTENANCE",
        "STATUS:CONFIRMED",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _utc(at: datetime) -> str:
    """20261201T010000Z"""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
