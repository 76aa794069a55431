"""Which spans of time a maintenance rule means, and which of them hold a target now. Pure.

A rule's start is wall-clock time. One that summer time skips begins as much later as the clock jumps; one that comes
twice means the first (as RFC 5545 reads local times). A duration is real time, whatever the clock does meanwhile.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from probes.domain.upkeep import Maintenance, Pause, Repeat, is_match

_MARGIN = timedelta(days=2)  # a local day may lie that far from the UTC day of its name


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One window: start <= t < end, in UTC."""

    rule: Maintenance
    start: datetime
    end: datetime

    def covers(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What keeps targets from being judged at one moment."""

    windows: tuple[Occurrence, ...] = ()
    pauses: Mapping[str, Pause] = field(default_factory=dict)

    def window(self, target_id: str) -> Occurrence | None:
        """The one that ends last, where several hold the target."""
        found = [window for window in self.windows if concerns(window.rule, target_id)]
        return max(found, key=lambda window: window.end, default=None)

    def pause(self, target_id: str) -> Pause | None:
        return self.pauses.get(target_id)


def upkeep_at(rules: Iterable[Maintenance], pauses: Iterable[Pause], at: datetime) -> Upkeep:
    return Upkeep(
        tuple(window for rule in rules for window in occurrences(rule, at, at) if window.covers(at)),
        {pause.target: pause for pause in pauses if is_paused(pause, at)},
    )


def is_paused(pause: Pause, at: datetime) -> bool:
    return pause.paused_at <= at and (pause.until is None or at < pause.until)


def concerns(rule: Maintenance, target_id: str) -> bool:
    """Whether the rule holds the target; one that names neither provider nor target holds all."""
    if not (rule.providers or rule.targets):
        return True
    provider = target_id.split("/", 1)[0].casefold()
    return any(name.casefold() == provider for name in rule.providers) or any(
        is_match(pattern, target_id) for pattern in rule.targets
    )


def occurrences(rule: Maintenance, since: datetime, until: datetime) -> Iterator[Occurrence]:
    """The windows that touch the span from `since` to `until`, both ends included; earliest first."""
    zone, duration = ZoneInfo(rule.timezone), timedelta(seconds=rule.duration_seconds)
    for day in _days(rule, (since - duration - _MARGIN).date()):
        if _exceeds(day, until):
            return
        start = datetime.combine(day, rule.first_start.time(), zone).astimezone(UTC)
        if start <= until and start + duration >= since:
            yield Occurrence(rule, start, start + duration)


def upcoming(rules: Iterable[Maintenance], now: datetime, horizon: timedelta) -> list[Occurrence]:
    """Windows that run now or begin within the horizon, by start."""
    found = [w for rule in rules for w in occurrences(rule, now, now + horizon) if w.end > now]
    return sorted(found, key=_by_start)


def finished(rules: Iterable[Maintenance], now: datetime, back: timedelta) -> list[Occurrence]:
    """Windows that ended within that time, latest first."""
    found = [w for rule in rules for w in occurrences(rule, now - back, now) if w.end <= now]
    return sorted(found, key=_by_start, reverse=True)


def next_occurrence(rule: Maintenance, now: datetime) -> Occurrence | None:
    """The one that runs now, else the next to begin; None when the rule has run out."""
    for day in _days(rule, (now - timedelta(seconds=rule.duration_seconds) - _MARGIN).date()):
        start = datetime.combine(day, rule.first_start.time(), ZoneInfo(rule.timezone)).astimezone(UTC)
        window = Occurrence(rule, start, start + timedelta(seconds=rule.duration_seconds))
        if window.end > now:
            return window
    return None


def _days(rule: Maintenance, earliest: date) -> Iterator[date]:
    """Local days on which the rule begins a window, from about `earliest` on; for ever where nothing ends them."""
    first, last = rule.first_start.date(), rule.last_day or date.max
    match rule.repeat:
        case Repeat.NEVER:
            days = iter((first,))
        case Repeat.DAILY:
            days = _every(1, first, earliest)
        case Repeat.WEEKLY:
            days = _every(7, first, earliest)
        case Repeat.MONTHLY:
            days = _monthly(first, earliest)
    for day in days:
        if day > last and rule.repeat is not Repeat.NEVER:
            return
        yield day


def _every(step: int, first: date, earliest: date) -> Iterator[date]:
    passed = max(0, (earliest - first).days // step)
    number = first.toordinal() + passed * step
    while number <= date.max.toordinal():
        yield date.fromordinal(number)
        number += step


def _monthly(first: date, earliest: date) -> Iterator[date]:
    months = max(first.year * 12 + first.month, earliest.year * 12 + earliest.month) - 1
    while months // 12 <= date.max.year:
        year, month = divmod(months, 12)
        months += 1
        if (day := _day_of(year, month + 1, first.day)) is not None:
            yield day


def _day_of(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:  # no such day in that month
        return None


def _exceeds(day: date, until: datetime) -> bool:
    """Whether every moment of that local day comes after `until`, wherever it is."""
    return day == date.max or datetime.combine(day, time(), UTC) - _MARGIN > until


def _by_start(window: Occurrence) -> tuple[datetime, str]:
    return window.start, window.rule.id
