"""What a target usually does, as its page and the API show it: now, and as a band behind the chart of first tokens."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from probes.domain.rollup import Period
from probes.stats.baseline import Baseline, Metric, Scope
from probes.verdicts.deviation import slow_from


@dataclass(frozen=True, slots=True)
class UsualFigure:
    """Median of the probes in like hours; beyond the limit a probe is slow."""

    value: float  # seconds, or tokens a second
    limit: float
    n: int  # probes
    scope: Scope  # which hours are like this one


@dataclass(frozen=True, slots=True)
class UsualView:
    """At the present hour; None for what too few probes tell."""

    ttft_seconds: UsualFigure | None
    response_seconds: UsualFigure | None
    throughput: UsualFigure | None
    since: datetime  # first hour that taught
    days: int  # different ones that taught


@dataclass(frozen=True, slots=True)
class Band:
    """Where a first token is usual."""

    low_seconds: float
    high_seconds: float


def usual_view(baseline: Baseline | None, now: datetime) -> UsualView | None:
    if baseline is None:
        return None
    return UsualView(
        ttft_seconds=_figure(baseline, Metric.TTFT, now),
        response_seconds=_figure(baseline, Metric.RESPONSE, now),
        throughput=_figure(baseline, Metric.THROUGHPUT, now),
        since=baseline.since,
        days=baseline.days,
    )


def usual_band(baseline: Baseline | None, start: datetime, step: timedelta) -> Band | None:
    """The geometric mean over the hours of a step; None where one of them is not known."""
    if baseline is None:
        return None
    hours = [start + n * Period.HOUR.length for n in range(max(1, step // Period.HOUR.length))]
    usual = [found for hour in hours if (found := baseline.usual(Metric.TTFT, hour)) is not None]
    if len(usual) < len(hours):
        return None
    lows = [one.value / slow_from(one) for one in usual]
    return Band(_geometric_mean(lows), _geometric_mean([one.value * slow_from(one) for one in usual]))


def _figure(baseline: Baseline, metric: Metric, now: datetime) -> UsualFigure | None:
    usual = baseline.usual(metric, now)
    if usual is None:
        return None
    limit = usual.value / slow_from(usual) if metric.is_rate else usual.value * slow_from(usual)
    return UsualFigure(usual.value, limit, usual.n, usual.scope)


def _geometric_mean(values: list[float]) -> float:
    return math.exp(sum(math.log(value) for value in values) / len(values))
