"""What the operator does to windows and pauses: announced, ended now, withdrawn. The past stays as it was.

Pure but for the two functions that write. A rule that the operator ends is split, never edited backwards, so that
the list of past windows keeps telling what readers were told then.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import uuid5
from zoneinfo import ZoneInfo

from probes.domain.result import ID_NAMESPACE
from probes.domain.upkeep import Maintenance, Repeat
from probes.store.base import Store
from probes.verdicts.maintenance import Occurrence, next_occurrence, occurrences


@dataclass(frozen=True, slots=True)
class Change:
    """What to write in place of a rule; `is_gone`: nothing is left under its own id."""

    rules: tuple[Maintenance, ...] = ()
    is_gone: bool = False


def apply(store: Store, rule: Maintenance, change: Change) -> None:
    """The new rules first: a crash between shows a window twice at worst, and loses none."""
    for one in change.rules:
        store.put_maintenance(one)
    if change.is_gone:
        store.delete_maintenance(rule.id)


def running(rule: Maintenance, now: datetime) -> Occurrence | None:
    return next((window for window in occurrences(rule, now, now) if window.covers(now)), None)


def ended(rule: Maintenance, now: datetime) -> Change | None:
    """The running window ends now, later ones stay as announced; None where none runs."""
    window = running(rule, now)
    if window is None:
        return None
    later = _later(rule, window, now)
    kept = (*_past(rule, window, now), *((later,) if later is not None else ()))
    return Change(kept, is_gone=all(one.id != rule.id for one in kept))


def withdrawn(rule: Maintenance, now: datetime) -> Change:
    """Nothing of it from now on."""
    window = running(rule, now)
    if window is not None:
        kept = tuple(_past(rule, window, now))
        return Change(kept, is_gone=all(one.id != rule.id for one in kept))
    coming = next_occurrence(rule, now)
    if rule.repeat is Repeat.NEVER or coming is None or _day(coming) <= rule.first_start.date():
        return Change(is_gone=True)
    return Change((replace(rule, last_day=_day(coming) - timedelta(days=1), changed_at=now),))


def _past(rule: Maintenance, window: Occurrence, now: datetime) -> Iterator[Maintenance]:
    """What has been of it until now: the windows before this one, and this one as long as it was."""
    length = (now - window.start).total_seconds()
    if rule.repeat is Repeat.NEVER:
        if length > 0:
            yield replace(rule, duration_seconds=length, changed_at=now)
        return
    day = _day(window)
    if day > rule.first_start.date():
        id_ = _part_id(rule, "before", window)
        yield replace(rule, id=id_, last_day=day - timedelta(days=1), changed_at=now)
    if length > 0:
        once = replace(rule, repeat=Repeat.NEVER, last_day=None, changed_at=now)
        start = datetime.combine(day, rule.first_start.time())
        id_ = _part_id(rule, "until now", window)
        yield replace(once, id=id_, first_start=start, duration_seconds=length)


def _later(rule: Maintenance, window: Occurrence, now: datetime) -> Maintenance | None:
    """The same rule from the next window on, under its own id, which calendars know."""
    if rule.repeat is Repeat.NEVER:
        return None
    coming = next_occurrence(rule, window.end)
    if coming is None:
        return None
    start = datetime.combine(_day(coming), rule.first_start.time())
    return replace(rule, first_start=start, changed_at=now)


def _day(window: Occurrence) -> date:
    """The local day that it begins on."""
    return window.start.astimezone(ZoneInfo(window.rule.timezone)).date()


def _part_id(rule: Maintenance, part: str, window: Occurrence) -> str:
    return str(uuid5(ID_NAMESPACE, "\n".join((rule.id, part, window.start.isoformat()))))
