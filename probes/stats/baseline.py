"""The usual behaviour of a target: medians and spreads, learnt from its hourly histograms. Pure.

For a metric x (seconds, or tokens a second) over the ok probes of one cell of hours:

    usual  = median(x) = exp(median(log x))
    spread = max(SPREAD_FLOOR, MAD_TO_SIGMA * median(|log x - log usual|))

The median absolute deviation (MAD) stands up to half of the values being outliers (Hampel, JASA 69, 1974, 383-393);
times 1.4826 it estimates the standard deviation of a normal distribution. Latencies are near log-normal, hence logs.
Cells go from fine to coarse, see Scope: the first one that saw enough speaks. All hours are UTC.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from probes.domain.rollup import Buckets, Period, Rollup, Tally
from probes.stats.histogram import GAMMA, bucket_of, merge, quantile

LEARNT_SPAN: Final = timedelta(days=28)
MIN_DAYS: Final = 14  # different days with an hour to learn from; nothing is usual before
MAD_TO_SIGMA: Final = 1.4826
SPREAD_FLOOR: Final = 0.1  # histograms are cut at 2 %, and a model steadier than 10 % is not held to it

_LOG_GAMMA: Final = math.log(GAMMA)


class Metric(StrEnum):
    TTFT = "ttft"
    RESPONSE = "response"
    THROUGHPUT = "throughput"

    @property
    def is_rate(self) -> bool:
        """Tokens a second, where less is worse."""
        return self is Metric.THROUGHPUT

    def buckets(self, tally: Tally) -> Buckets:
        match self:
            case Metric.TTFT:
                return tally.ttft
            case Metric.RESPONSE:
                return tally.response
            case Metric.THROUGHPUT:
                return tally.throughput

    def slowness(self, value: float, usual: float) -> float:
        """How many times as slow as usual; 1 is usual, 0.5 twice as fast."""
        return usual / value if self.is_rate else value / usual


class Scope(StrEnum):
    """Which hours share a cell, finest first."""

    HOUR_OF_WEEK = "hour_of_week"
    HOUR_OF_DAY = "hour_of_day"
    ALL_HOURS = "all_hours"

    def cell(self, moment: datetime) -> int:
        match self:
            case Scope.HOUR_OF_WEEK:
                return moment.weekday() * 24 + moment.hour
            case Scope.HOUR_OF_DAY:
                return moment.hour
            case Scope.ALL_HOURS:
                return 0


MIN_N: Final[Mapping[Scope, int]] = {Scope.HOUR_OF_WEEK: 20, Scope.HOUR_OF_DAY: 20, Scope.ALL_HOURS: 50}
MIN_HOURS: Final[Mapping[Scope, int]] = {  # different ones, so that one odd day is not the usual
    Scope.HOUR_OF_WEEK: 3,
    Scope.HOUR_OF_DAY: 10,
    Scope.ALL_HOURS: 50,
}


@dataclass(frozen=True, slots=True)
class Span:
    """A time of trouble; `end` None: it lasts."""

    start: datetime
    end: datetime | None = None

    def overlaps_hour(self, start: datetime) -> bool:
        ends_after = self.end is None or self.end >= start
        return ends_after and self.start < start + Period.HOUR.length


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """Which hours may teach: of the present series of ours, and none with an incident in it."""

    since: datetime | None = None  # newest change of our own settings or prompt
    incidents: tuple[Span, ...] = ()

    def is_of_series(self, hour: datetime) -> bool:
        return self.since is None or hour >= self.since

    def may_teach(self, hour: datetime) -> bool:
        return self.is_of_series(hour) and not any(span.overlaps_hour(hour) for span in self.incidents)

    def may_tell(self, hour: datetime) -> bool:
        """Hours of an incident that lasts tell what it is like; those of one that is over say nothing of now."""
        ended = (span for span in self.incidents if span.end is not None)
        return self.is_of_series(hour) and not any(span.overlaps_hour(hour) for span in ended)


@dataclass(frozen=True, slots=True)
class Usual:
    """What one metric usually is; `spread` is a robust standard deviation of its logarithm."""

    value: float  # seconds, or tokens a second
    spread: float
    n: int  # probes
    scope: Scope


@dataclass(frozen=True, slots=True)
class Baseline:
    """The usual behaviour over all hours of a week; cells that saw too little are not in it."""

    cells: Mapping[tuple[Metric, Scope, int], Usual]
    since: datetime  # start of the first hour that taught
    days: int  # different ones that taught

    def usual(self, metric: Metric, moment: datetime) -> Usual | None:
        """At that moment (UTC); None where too little is known."""
        found = (self.cells.get((metric, scope, scope.cell(moment))) for scope in Scope)
        return next((usual for usual in found if usual is not None), None)

    def overall(self, metric: Metric) -> Usual | None:
        return self.cells.get((metric, Scope.ALL_HOURS, 0))


def learnt(hours: Iterable[Rollup], undisturbed: Undisturbed, now: datetime) -> Baseline | None:
    """From hourly rollups, any location as one; the running hour does not teach. None before MIN_DAYS days."""
    until = Period.HOUR.start_of(now)
    teaching = [
        hour
        for hour in hours
        if now - LEARNT_SPAN <= hour.key.start < until and undisturbed.may_teach(hour.key.start)
    ]
    taught = [hour for hour in teaching if hour.tally.ok]
    days = {hour.key.start.date() for hour in taught}
    if len(days) < MIN_DAYS:
        return None
    cells = {key: usual for metric in Metric for key, usual in _cells(taught, metric)}
    return Baseline(cells, min(hour.key.start for hour in taught), len(days))


def usual_of(buckets: Buckets, scope: Scope) -> Usual | None:
    """Median and spread of a histogram; None when it is empty."""
    value = quantile(buckets, 0.5)
    if value is None:
        return None
    middle = bucket_of(value)
    distances: defaultdict[int, int] = defaultdict(int)
    for bucket, n in buckets.items():
        distances[abs(bucket - middle)] += n
    spread = MAD_TO_SIGMA * _median_key(distances) * _LOG_GAMMA
    return Usual(value, max(spread, SPREAD_FLOOR), sum(buckets.values()), scope)


def _cells(hours: Sequence[Rollup], metric: Metric) -> Iterator[tuple[tuple[Metric, Scope, int], Usual]]:
    for scope in Scope:
        members: defaultdict[int, list[Buckets]] = defaultdict(list)
        for hour in hours:
            if buckets := metric.buckets(hour.tally):
                members[scope.cell(hour.key.start)].append(buckets)
        for cell, histograms in members.items():
            usual = usual_of(merge(histograms), scope)
            is_enough = len(histograms) >= MIN_HOURS[scope]
            if usual is not None and is_enough and usual.n >= MIN_N[scope]:
                yield (metric, scope, cell), usual


def _median_key(counts: Mapping[int, int]) -> int:
    rank = (sum(counts.values()) + 1) // 2
    for key in sorted(counts):
        rank -= counts[key]
        if rank <= 0:
            return key
    return 0
