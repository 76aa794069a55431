"""Counting results into tallies, and summing tallies. Pure; which buckets are stored is the store's business."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import TypeVar

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import ProbeResult, Trigger
from probes.domain.rollup import Period, RollupKey, Tally
from probes.stats.histogram import histogram_of
from probes.stats.histogram import merge as merge_buckets

_Key = TypeVar("_Key")


def tally_of(results: Iterable[ProbeResult]) -> Tally:
    """Count scheduled results. Slots that did not run appear under their outcome and nowhere else."""
    counted = [result for result in results if result.trigger is Trigger.SCHEDULED]
    ran = [result for result in counted if result.fault is not Fault.NOT_RUN]
    ok = [result for result in ran if result.outcome is Outcome.OK]
    costs = [result.cost for result in ran if result.cost is not None]
    return Tally(
        outcomes=dict(Counter(result.outcome for result in counted)),
        categories=dict(Counter(result.category for result in ran)),
        ttft=histogram_of(r.ttft_seconds for r in ok if r.ttft_seconds is not None),
        response=histogram_of(r.response_seconds for r in ok if r.response_seconds is not None),
        throughput=histogram_of(r.throughput for r in ok if r.throughput is not None),
        output_tokens=sum(r.output_tokens for r in ran if r.output_tokens is not None),
        input_tokens=sum(r.input_tokens for r in ran if r.input_tokens is not None),
        cost=sum(costs),
        priced=len(costs),
    )


def merge(tallies: Iterable[Tally]) -> Tally:
    """The tally of everything that any of them counted; an empty Tally for none."""
    every = tuple(tallies)
    if len(every) == 1:
        return every[0]
    return Tally(
        outcomes=_summed(tally.outcomes for tally in every),
        categories=_summed(tally.categories for tally in every),
        ttft=merge_buckets(tally.ttft for tally in every),
        response=merge_buckets(tally.response for tally in every),
        throughput=merge_buckets(tally.throughput for tally in every),
        output_tokens=sum(tally.output_tokens for tally in every),
        input_tokens=sum(tally.input_tokens for tally in every),
        cost=sum(tally.cost for tally in every),
        priced=sum(tally.priced for tally in every),
    )


def add(a: Tally, b: Tally) -> Tally:
    return merge((a, b))


def tallies_of(results: Iterable[ProbeResult]) -> dict[RollupKey, Tally]:
    """What a batch adds to the hour and the day buckets of its targets; manual and confirming probes add nothing."""
    hours: defaultdict[RollupKey, list[ProbeResult]] = defaultdict(list)
    for result in results:
        if result.trigger is Trigger.SCHEDULED:
            hours[_key(result, Period.HOUR)].append(result)
    tallies = {key: tally_of(members) for key, members in hours.items()}
    days: defaultdict[RollupKey, list[Tally]] = defaultdict(list)
    for key, tally in tallies.items():
        start = Period.DAY.start_of(key.start)
        days[RollupKey(key.target, key.location, Period.DAY, start)].append(tally)
    return tallies | {key: merge(members) for key, members in days.items()}


def _key(result: ProbeResult, period: Period) -> RollupKey:
    start = period.start_of(result.due_at.astimezone(UTC))
    return RollupKey(result.target, result.location, period, start)


def _summed(counts: Iterable[Mapping[_Key, int]]) -> dict[_Key, int]:
    total: dict[_Key, int] = {}
    for count in counts:
        for key, n in count.items():
            total[key] = total.get(key, 0) + n
    return total
