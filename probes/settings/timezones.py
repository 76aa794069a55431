"""Time zones by their IANA names, and wall-clock times without one as people write them."""

from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

_NO_ZONES = frozenset({"localtime", "Factory"})  # entries of the database that name no place


@cache
def zone_names() -> tuple[str, ...]:
    """Every known name in the order of the alphabet; reading them takes a moment, the first time."""
    return tuple(sorted(available_timezones() - _NO_ZONES))


def wall_clock(text: str) -> datetime | None:
    """ "2026-12-01 02:00", with or without a T, to the minute; None for anything else, times with a zone included."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    is_whole = at.tzinfo is None and len(text.strip()) >= len("2026-12-01 02:00") and _is_usual(at.date())
    return at.replace(second=0, microsecond=0) if is_whole else None


def calendar_day(text: str) -> date | None:
    """ "2026-12-31"; None for anything else."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if _is_usual(day) else None


def is_skipped(at: datetime, timezone: str) -> bool:
    """Whether summer time skips this wall-clock time, so that no clock there ever shows it."""
    there = at.replace(tzinfo=ZoneInfo(timezone))
    return there.astimezone(UTC).astimezone(ZoneInfo(timezone)).replace(tzinfo=None) != at


def _is_usual(day: date) -> bool:
    """So that adding a zone's offset or a duration can never leave the calendar."""
    return 2000 <= day.year < 2200
