"""What an operator announces: maintenance windows, once or again and again, and pauses of single targets."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fnmatch import fnmatchcase


class Repeat(StrEnum):
    NEVER = "never"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"  # on the same day of the month; months without it are left out


class Announcer(StrEnum):
    FILE = "file"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A rule; which spans of time it means is worked out in verdicts.maintenance.

    `first_start` is wall-clock time without a zone, read in `timezone`, so that "02:00 each Saturday" stays at 02:00
    when summer time begins.
    """

    id: str
    title: str
    first_start: datetime
    duration_seconds: float
    timezone: str  # IANA name
    repeat: Repeat = Repeat.NEVER
    last_day: date | None = None  # of repeating, local; None: for ever
    providers: tuple[str, ...] = ()  # with `targets` empty too: everything
    targets: tuple[str, ...] = ()
    note: str = ""
    announcer: Announcer = Announcer.FILE
    announced_at: datetime | None = None  # None for those of the file
    changed_at: datetime | None = None  # when the operator ended or shortened it; None: never


@dataclass(frozen=True, slots=True)
class Pause:
    """A target that the operator's page switched off; the file's own `enabled: false` is not kept here."""

    target: str
    paused_at: datetime
    until: datetime | None = None  # None: until somebody ends it
    note: str = ""


def is_match(pattern: str, target_id: str) -> bool:
    """An id, a model's part of one, or a pattern of either with * and ?; case does not count."""
    wanted, known = pattern.casefold(), target_id.casefold()
    model = known.split("/", 2)[-1]
    return wanted in (known, model) or fnmatchcase(known, wanted) or fnmatchcase(model, wanted)
