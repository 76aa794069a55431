"""Slower than usual: several probes in a row that are far from what the same hour of the week usually brings. Pure.

A probe is slow at max(SLOWER_FACTOR, exp(SLOWER_SIGMAS * spread)) times the usual or more: the factor keeps a
few milliseconds of a steady model from counting, the spread keeps a restless one from alarming.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Quality, Trigger
from probes.domain.rollup import Rollup
from probes.stats.baseline import Baseline, Metric, Undisturbed, Usual, learnt
from probes.verdicts.drift import Drift, drifts_of
from probes.verdicts.evidence import WINDOW

SLOWER_FACTOR: Final = 1.5
SLOWER_SIGMAS: Final = 3.0  # robust standard deviations of the logarithm
SLOWER_AFTER: Final = 5  # slow ones in a row
USUAL_AGAIN_AFTER: Final = 3  # in a row that are not


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a target's usual behaviour; both empty where too little was seen."""

    baselines: Mapping[str, Baseline]  # by location
    drifts: tuple[Drift, ...] = ()  # worst first


@dataclass(frozen=True, slots=True)
class Deviation:
    metric: Metric
    value: float  # median of the slow ones
    usual: float  # of the same hours
    n: int  # slow ones among the newest `of`
    of: int
    since: datetime  # due time of the first of them


@dataclass(frozen=True, slots=True)
class _Told:
    due_at: datetime
    value: float
    usual: float
    is_slow: bool


def known_from(hours: Iterable[Rollup], undisturbed: Undisturbed, now: datetime) -> Known:
    """Each location has its own usual: the way to the provider is part of what is measured."""
    places: defaultdict[str, list[Rollup]] = defaultdict(list)
    for hour in hours:
        places[hour.key.location].append(hour)
    baselines = {place: learnt(members, undisturbed, now) for place, members in places.items()}
    drifts = [drift for members in places.values() for drift in drifts_of(members, undisturbed, now)]
    drifts.sort(key=lambda drift: -drift.metric.slowness(drift.value, drift.usual))
    return Known({place: found for place, found in baselines.items() if found is not None}, tuple(drifts))


def slow_from(usual: Usual) -> float:
    """How many times the usual makes a probe slow."""
    return max(SLOWER_FACTOR, math.exp(SLOWER_SIGMAS * usual.spread))


def deviation_of(known: Known, ran: Sequence[ProbeResult], was: str | None = None) -> Deviation | None:
    """Over `ran`, newest first; `was` is the metric that deviated before, which is harder to leave than to enter."""
    answered = [result for result in ran if _is_comparable(result)][:WINDOW]
    found = {metric: _deviation(known, answered, metric, is_open=metric == was) for metric in Metric}
    if was in found and found[Metric(was)] is not None:
        return found[Metric(was)]
    every = [deviation for deviation in found.values() if deviation is not None]
    return max(every, key=lambda d: d.metric.slowness(d.value, d.usual), default=None)


def drift_in(known: Known, was: str | None = None) -> Drift | None:
    """The worst one; the one that was there before stays until it is small."""
    stays = next((drift for drift in known.drifts if drift.metric == was), None)
    return stays or next((drift for drift in known.drifts if drift.is_certain), None)


def _is_comparable(result: ProbeResult) -> bool:
    """The usual is learnt from scheduled answers; what our own host delayed accuses nobody."""
    is_ours = result.quality is Quality.DEGRADED
    return result.outcome is Outcome.OK and result.trigger is Trigger.SCHEDULED and not is_ours


def _deviation(
    known: Known, answered: Sequence[ProbeResult], metric: Metric, *, is_open: bool
) -> Deviation | None:
    told = [one for one in (_told(known, result, metric) for result in reversed(answered)) if one is not None]
    slow: list[_Told] = []  # since USUAL_AGAIN_AFTER in a row were not
    slow_in_a_row = usual_in_a_row = 0
    for one in told:
        slow_in_a_row = slow_in_a_row + 1 if one.is_slow else 0
        usual_in_a_row = 0 if one.is_slow else usual_in_a_row + 1
        if one.is_slow:
            slow.append(one)
        if slow_in_a_row >= SLOWER_AFTER:
            is_open = True
        elif usual_in_a_row >= USUAL_AGAIN_AFTER:
            is_open = False
            slow.clear()
    if not is_open or not slow:
        return None
    value, usual = median(one.value for one in slow), median(one.usual for one in slow)
    return Deviation(metric, value, usual, len(slow), len(told), slow[0].due_at)


def is_slow(known: Known, result: ProbeResult, metric: Metric) -> bool:
    """This one result, far beyond the usual of its hour."""
    told = _told(known, result, metric)
    return told is not None and told.is_slow


def _told(known: Known, result: ProbeResult, metric: Metric) -> _Told | None:
    baseline = known.baselines.get(result.location)
    value = measured(result, metric)
    usual = baseline.usual(metric, result.due_at) if baseline is not None else None
    if usual is None or not value:
        return None
    is_slow = metric.slowness(value, usual.value) >= slow_from(usual)
    return _Told(result.due_at, value, usual.value, is_slow)


def measured(result: ProbeResult, metric: Metric) -> float | None:
    match metric:
        case Metric.TTFT:
            return result.ttft_seconds
        case Metric.RESPONSE:
            return result.response_seconds
        case Metric.THROUGHPUT:
            return result.throughput
