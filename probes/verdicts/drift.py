"""Slow drift: what no single probe shows, because each is only a little slower than weeks ago. Pure.

Cumulative sum of residuals (E. S. Page, Continuous Inspection Schemes, Biometrika 41, 1954, 100-115), one-sided:

    r = log(median of an hour) - log(usual hourly median at this hour of the day)
    S = max(0, S + min(r / s, CLIP) - k),    k = max(SLACK, log(DRIFT_FACTOR) / (2 s))

with s the robust standard deviation of r in the reference weeks, so that k is half of the smallest shift that matters.
Hours of one day are not independent, which the sum takes them for. Drifted is therefore S > DECISION together with a
newest day whose median of r is at least log(DRIFT_FACTOR) and DAY_SIGMAS robust standard deviations of such days.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Final

from probes.domain.rollup import Period, Rollup
from probes.stats.baseline import MAD_TO_SIGMA, MIN_DAYS, Metric, Undisturbed
from probes.stats.histogram import quantile

REFERENCE_SPAN: Final = timedelta(days=28)
RECENT_SPAN: Final = timedelta(days=7)  # that the sum runs over; the reference lies before it
NEWEST_SPAN: Final = timedelta(days=1)  # whose median must be slow too
NEWEST_HOURS: Final = 8  # of them at least with answers
LASTING_HOURS: Final = 3  # the newest of them, which must not be as usual again
DRIFT_FACTOR: Final = 1.4  # times as slow as the reference
DAY_SIGMAS: Final = 4.0  # of the reference's days, each by its median
DRIFT_OVER_FACTOR: Final = 1.15  # once drifted, until it is below this
SLACK: Final = 0.5
DECISION: Final = 12.0  # once in many years of independent hours
CLIP: Final = 3.0  # one wild hour must not decide
SPREAD_FLOOR: Final = 0.05
REFERENCE_HOURS: Final = 10  # of one hour of the day, to compare with


@dataclass(frozen=True, slots=True)
class Drift:
    """`is_certain` is needed to enter, it alone to stay."""

    metric: Metric
    value: float  # median of the newest day's hourly medians
    usual: float  # of the same hours in the reference
    since: datetime  # the hour in which the sum left zero
    is_certain: bool


_Hours = Mapping[datetime, float]  # start -> log of an hour's median, of slowness: higher is slower


def drifts_of(hours: Iterable[Rollup], undisturbed: Undisturbed, now: datetime) -> tuple[Drift, ...]:
    """Of one location's hourly rollups of REFERENCE_SPAN + RECENT_SPAN; worst first."""
    border, until = now - RECENT_SPAN, Period.HOUR.start_of(now)
    told = [hour for hour in hours if border - REFERENCE_SPAN <= hour.key.start < until and hour.tally.ok]
    reference = [h for h in told if h.key.start < border and undisturbed.may_teach(h.key.start)]
    recent = [h for h in told if h.key.start >= border and undisturbed.may_tell(h.key.start)]
    if len({hour.key.start.date() for hour in reference}) < MIN_DAYS:
        return ()
    found = [
        _drift(metric, _medians(reference, metric), _medians(recent, metric), until) for metric in Metric
    ]
    return tuple(
        sorted((drift for drift in found if drift), key=lambda d: -d.metric.slowness(d.value, d.usual))
    )


def _medians(hours: Sequence[Rollup], metric: Metric) -> _Hours:
    sign = -1.0 if metric.is_rate else 1.0
    values = ((hour.key.start, quantile(metric.buckets(hour.tally), 0.5)) for hour in hours)
    return {start: sign * math.log(value) for start, value in values if value is not None}


def _drift(metric: Metric, reference: _Hours, recent: _Hours, until: datetime) -> Drift | None:
    usual = _by_hour_of_day(reference)
    before, residuals = _residuals(reference, usual), _residuals(recent, usual)
    newest = [(at, residual) for at, residual in residuals if at >= until - NEWEST_SPAN]
    if not before or len(newest) < NEWEST_HOURS:
        return None
    shift = median(residual for _, residual in newest)
    if shift < math.log(DRIFT_OVER_FACTOR):
        return None
    total, since = _page_sum(residuals, _spread([residual for _, residual in before]))
    needed = max(math.log(DRIFT_FACTOR), DAY_SIGMAS * _spread(_by_day(before)))
    lasts = median(residual for _, residual in newest[-LASTING_HOURS:]) >= math.log(DRIFT_OVER_FACTOR)
    is_certain = total > DECISION and shift >= needed and lasts
    began = since if since is not None else newest[0][0]
    level = median(usual[at.hour] for at, _ in newest)
    sign = -1.0 if metric.is_rate else 1.0
    return Drift(metric, math.exp(sign * (level + shift)), math.exp(sign * level), began, is_certain)


def _by_hour_of_day(hours: _Hours) -> dict[int, float]:
    members: defaultdict[int, list[float]] = defaultdict(list)
    for at, value in hours.items():
        members[at.hour].append(value)
    return {hour: median(values) for hour, values in members.items() if len(values) >= REFERENCE_HOURS}


def _residuals(hours: _Hours, usual: Mapping[int, float]) -> list[tuple[datetime, float]]:
    return [(at, hours[at] - usual[at.hour]) for at in sorted(hours) if at.hour in usual]


def _by_day(residuals: Sequence[tuple[datetime, float]]) -> list[float]:
    days: defaultdict[date, list[float]] = defaultdict(list)
    for at, residual in residuals:
        days[at.date()].append(residual)
    return [median(members) for members in days.values()]


def _spread(residuals: Sequence[float]) -> float:
    return max(SPREAD_FLOOR, MAD_TO_SIGMA * median(abs(residual) for residual in residuals))


def _page_sum(residuals: Sequence[tuple[datetime, float]], spread: float) -> tuple[float, datetime | None]:
    """The sum now, and the hour in which it left zero for the last time."""
    slack = max(SLACK, math.log(DRIFT_FACTOR) / (2 * spread))
    total, since = 0.0, None
    for at, residual in residuals:
        total = max(0.0, total + min(residual / spread, CLIP) - slack)
        if total == 0.0:
            since = None
        elif since is None:
            since = at
    return total, since
