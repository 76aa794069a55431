"""Hours and days of each target, kept up to date from the store's rollups by reading only what changed.

Memory is the price that shapes this: 200 targets x 90 days of histograms would be hundreds of megabytes. So closed
days keep only their counts, and their histograms live on as one sum per window.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from probes.domain.outcome import Fault
from probes.domain.rollup import Period, Rollup, RollupKey, Tally
from probes.stats.slo import BURN_LONG
from probes.stats.tally import merge
from probes.store.base import Store, StoreError
from probes.web.windows import Window

DAYS: Final = Window.QUARTER.buckets
HOURS: Final = Window.DAY.buckets
OVERLAP: Final = timedelta(seconds=5)  # a write may become visible late
SKEW: Final = timedelta(seconds=120)  # that clocks of agents may differ from each other's and from ours
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
WIDE_EVERY: Final = timedelta(seconds=60)  # a reading that trusts no clock is too dear to be made each time
CHUNK: Final = 10  # targets read at a time on the first load, so that histograms of 90 days do not pile up
RECENT_DAYS: Final = BURN_LONG // Period.DAY.length
DAY_WINDOWS: Final = (Window.WEEK, Window.MONTH, Window.QUARTER)


@dataclass(frozen=True, slots=True)
class Count:
    """What a strip shows of one hour or day."""

    n: int = 0  # slots, run or not
    ok: int = 0
    faulty: int = 0  # against availability
    not_run: int = 0

    @classmethod
    def of(cls, tally: Tally) -> "Count":
        not_run = sum(n for outcome, n in tally.outcomes.items() if outcome.fault is Fault.NOT_RUN)
        return cls(tally.n, tally.ok, tally.faulty, not_run)

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.n + other.n, self.ok + other.ok, self.faulty + other.faulty, self.not_run + other.not_run
        )

    @property
    def availability(self) -> float | None:
        judged = self.ok + self.faulty
        return self.ok / judged if judged else None


NOTHING: Final = Count()


@dataclass(frozen=True, slots=True)
class Closed:
    """Sums over the days before today."""

    windows: Mapping[Window, Tally] = field(default_factory=dict)  # of DAY_WINDOWS
    month: Tally = field(default_factory=Tally)  # since month_start
    recent: Tally = field(default_factory=Tally)  # with today RECENT_DAYS


class TargetHistory:
    """One target's last 24 hours and 90 days. Never changes; a change makes a new one with a higher `revision`."""

    __slots__ = ("_closed", "_tallies", "days", "hours", "month", "recent_days", "revision", "today")

    def __init__(
        self,
        revision: int,
        hours: tuple[Tally, ...],
        days: tuple[Count, ...],
        today: Tally,
        closed: Closed,
    ) -> None:
        self.revision: Final = revision
        self.hours: Final = (
            hours  # oldest first, the running hour last; empty tallies where nothing was counted
        )
        self.days: Final = days  # oldest first, the running UTC day last
        self.today: Final = today
        self.month: Final = merge((closed.month, today))  # since month_start: what counters count
        self.recent_days: Final = merge((closed.recent, today))  # the last RECENT_DAYS, today included
        self._closed: Final = closed.windows
        self._tallies: dict[Window, Tally] = {}

    def tally(self, window: Window) -> Tally:
        """Everything counted in the window; the same object each time."""
        if window not in self._tallies:
            self._tallies[window] = self._merge(window)
        return self._tallies[window]

    def _merge(self, window: Window) -> Tally:
        if window.period is Period.HOUR:
            return merge(self.hours[-window.buckets :])
        return merge((self._closed.get(window, Tally()), self.today))


EMPTY_HISTORY: Final = TargetHistory(0, (Tally(),) * HOURS, (NOTHING,) * DAYS, Tally(), Closed())


@dataclass(slots=True)
class _Shelf:
    """What is kept of one target. Rollups are per location; sums over locations are made when something changed."""

    hours: dict[tuple[datetime, str], Tally] = field(default_factory=dict)
    today: dict[str, Tally] = field(default_factory=dict)
    days: dict[datetime, Count] = field(default_factory=dict)  # closed days only
    closed: Closed = field(default_factory=Closed)


class Histories:
    """Keeps every planned target's history current. Not thread-safe: the caller holds a lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shelves: dict[str, _Shelf] = {}
        self._views: dict[str, TargetHistory] = {}
        self._late: dict[RollupKey, datetime] = {}  # closed days as they were read last
        self._newest_update: datetime | None = None
        self._read_at = self._wide_at = LONG_AGO
        self._hour: datetime | None = None
        self._day: datetime | None = None
        self._revision = 0

    def update(self, now: datetime, targets: Sequence[str]) -> Mapping[str, TargetHistory]:
        """Read what changed and return the histories of `targets`.

        Raises StoreError; the next call then reads everything afresh, for it cannot know what it has missed.
        """
        try:
            changed = self._read(now, targets)
        except StoreError:
            self._day = None
            raise
        for target in changed:
            self._revision += 1
            self._views[target] = _view(self._shelves[target], self._revision, now)
        return {target: self._views[target] for target in targets}

    def _read(self, now: datetime, targets: Sequence[str]) -> set[str]:
        """Targets whose history looks different now."""
        hour, day = Period.HOUR.start_of(now), Period.DAY.start_of(now)
        if day != self._day:
            self._forget(now)
        changed = self._read_changes(now) if self._shelves else set()
        changed |= self._load([target for target in targets if target not in self._shelves], now)
        if hour != self._hour:
            changed = set(self._shelves)
        self._hour, self._day = hour, day
        return changed

    def _forget(self, now: datetime) -> None:
        """A new UTC day moves every window, so everything is read afresh; once a day that is cheap enough."""
        self._shelves.clear()
        self._views.clear()
        self._late.clear()
        self._newest_update = None
        self._read_at = self._wide_at = now

    def _read_changes(self, now: datetime) -> set[str]:
        day, oldest = Period.DAY.start_of(now), Window.QUARTER.start(now)
        since = self._changed_since(now, oldest)
        hours = self._store.rollups_changed(Period.HOUR, Window.DAY.start(now), since)
        days = self._store.rollups_changed(Period.DAY, oldest, since)
        known = self._shelves.keys()
        changed = {r.key.target for r in hours if r.key.target in known and self._put_hour(r)}
        changed |= {r.key.target for r in days if r.key.target in known and self._put_today(r, day)}
        late = [r for r in days if r.key.start < day and r.key.target in known]
        changed |= self._reload_late(late, day)
        self._note_updates((*hours, *days))
        return changed

    def _changed_since(self, now: datetime, oldest: datetime) -> datetime:
        """What was written since the last reading bears a later time than this, or is found within WIDE_EVERY."""
        newest, read_at = self._newest_update, self._read_at
        self._read_at = now
        if newest is None:
            return oldest
        if now - self._wide_at >= WIDE_EVERY:
            self._wide_at = now
            return newest - SKEW
        return max(newest - OVERLAP, read_at - SKEW)

    def _put_hour(self, rollup: Rollup) -> bool:
        """Whether it tells anything new; the overlap brings much that is known."""
        hours = self._shelves[rollup.key.target].hours
        place = (rollup.key.start, rollup.key.location)
        is_new = hours.get(place) != rollup.tally
        hours[place] = rollup.tally
        return is_new

    def _put_today(self, rollup: Rollup, day: datetime) -> bool:
        today = self._shelves[rollup.key.target].today
        if rollup.key.start != day or today.get(rollup.key.location) == rollup.tally:
            return False
        today[rollup.key.location] = rollup.tally
        return True

    def _reload_late(self, rollups: Iterable[Rollup], day: datetime) -> set[str]:
        """Read the closed days of those targets again whose past was written to, by a replayed spool for example."""
        late = {r.key: r.updated_at for r in rollups if self._late.get(r.key) != r.updated_at}
        targets = {key.target for key in late}
        self._load_days(sorted(targets), day)
        return targets

    def _load(self, targets: Sequence[str], now: datetime) -> set[str]:
        """Read whole histories of targets not known before."""
        day, end = Period.DAY.start_of(now), now + Period.DAY.length
        for chunk in _chunks(targets):
            hours = self._store.rollups(Period.HOUR, Window.DAY.start(now), end, chunk)
            today = self._store.rollups(Period.DAY, day, end, chunk)
            for target in chunk:
                self._shelves[target] = _Shelf()
            for rollup in hours:
                self._put_hour(rollup)
            for rollup in today:
                self._put_today(rollup, day)
            self._note_updates((*hours, *today))
            self._load_days(chunk, day)
        return set(targets)

    def _load_days(self, targets: Sequence[str], day: datetime) -> None:
        for chunk in _chunks(targets):
            by_target: dict[str, list[Rollup]] = {target: [] for target in chunk}
            rollups = self._store.rollups(Period.DAY, Window.QUARTER.start(day), day, chunk)
            for rollup in rollups:
                by_target[rollup.key.target].append(rollup)
            for target, members in by_target.items():
                _shelve_days(self._shelves[target], members, day)
            self._note_updates(rollups)
            self._late.update((rollup.key, rollup.updated_at) for rollup in rollups)

    def _note_updates(self, rollups: Iterable[Rollup]) -> None:
        seen = [rollup.updated_at for rollup in rollups]
        if self._newest_update is not None:
            seen.append(self._newest_update)
        self._newest_update = max(seen, default=None)


def month_start(now: datetime) -> datetime:
    """Start of the UTC month."""
    return Period.DAY.start_of(now).replace(day=1)


def _chunks(targets: Sequence[str]) -> Iterator[Sequence[str]]:
    return (targets[at : at + CHUNK] for at in range(0, len(targets), CHUNK))


def _shelve_days(shelf: _Shelf, rollups: Sequence[Rollup], day: datetime) -> None:
    shelf.days = {}
    for rollup in rollups:
        start = rollup.key.start
        shelf.days[start] = shelf.days.get(start, NOTHING) + Count.of(rollup.tally)

    def since(first: datetime) -> Tally:
        return merge(rollup.tally for rollup in rollups if rollup.key.start >= first)

    shelf.closed = Closed(
        windows={window: since(window.start(day)) for window in DAY_WINDOWS},
        month=since(month_start(day)),
        recent=since(day - (RECENT_DAYS - 1) * Period.DAY.length),
    )


def _view(shelf: _Shelf, revision: int, now: datetime) -> TargetHistory:
    oldest_hour, oldest_day = Window.DAY.start(now), Window.QUARTER.start(now)
    shelf.hours = {place: tally for place, tally in shelf.hours.items() if place[0] >= oldest_hour}
    by_hour: dict[datetime, list[Tally]] = {}
    for (start, _), tally in shelf.hours.items():
        by_hour.setdefault(start, []).append(tally)
    today = merge(shelf.today.values())
    closed = tuple(shelf.days.get(oldest_day + n * Period.DAY.length, NOTHING) for n in range(DAYS - 1))
    return TargetHistory(
        revision=revision,
        hours=tuple(merge(by_hour.get(oldest_hour + n * Period.HOUR.length, ())) for n in range(HOURS)),
        days=(*closed, Count.of(today)),
        today=today,
        closed=shelf.closed,
    )
