"""The snapshot as Prometheus metrics. Labels are configured names and enumerated words, never what a server wrote.

Counters and histograms count scheduled probes since the start of the UTC month (`firsttoken_counting_since_...`).
They are sums of stored rollups, so a restart does not change them and every web process says the same; they begin
again with each month, which rate() and increase() take for the reset that it is. Daily rollups must be kept for
32 days or longer, as they are unless `retention.daily_days` says less.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from probes.domain.outcome import Fault, Outcome
from probes.domain.plan import AgentStatus
from probes.domain.rollup import Buckets, Tally
from probes.domain.state import State
from probes.stats.histogram import value_of
from probes.stats.tally import merge
from probes.web.alert_exposition import alert_metrics
from probes.web.history import TargetHistory, month_start
from probes.web.incident_exposition import incident_metrics
from probes.web.memo import Memo
from probes.web.queries.rate_limits import provider_limits
from probes.web.slo_exposition import slo_gauges
from probes.web.snapshot import Snapshot

SECONDS_LIMITS: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8.5, 15, 35, 50, 100)
TOKENS_LIMITS: Final = (1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)
ERROR_TYPES: Final = tuple(o for o in Outcome if o is not Outcome.OK and o.fault is not Fault.NOT_RUN)
PER_TARGET: Final = ("provider", "target")
_SINCE: Final = "since the start of the UTC month, of scheduled probes"
_WITHIN: Final = "Limits hold within 1 %."

Cumulative = list[tuple[str, float]]  # (le, how many at or below)


@dataclass(frozen=True, slots=True)
class Distribution:
    """A histogram as Prometheus tells it; `total` is the sum of the values, within 1 %."""

    buckets: Cumulative
    total: float

    @classmethod
    def of(cls, buckets: Buckets, limits: Sequence[float]) -> "Distribution":
        values = sorted((value_of(bucket), n) for bucket, n in buckets.items())
        told, below, at = [], 0, 0
        for limit in limits:
            while at < len(values) and values[at][0] <= limit:
                below += values[at][1]
                at += 1
            told.append((f"{float(limit)!r}", float(below)))
        everything = float(sum(n for _, n in values))
        return cls([*told, ("+Inf", everything)], sum(value * n for value, n in values))


@dataclass(frozen=True, slots=True)
class TargetMetrics:
    """What one target has counted; made again only when its history changes."""

    ttft: Distribution
    duration: Distribution
    throughput: Distribution
    faults: Mapping[Fault, int]
    missed: int

    @classmethod
    def of(cls, tally: Tally) -> "TargetMetrics":
        faults = dict.fromkeys(Fault, 0)
        for outcome, n in tally.outcomes.items():
            faults[outcome.fault] += n
        return cls(
            ttft=Distribution.of(tally.ttft, SECONDS_LIMITS),
            duration=Distribution.of(tally.response, SECONDS_LIMITS),
            throughput=Distribution.of(tally.throughput, TOKENS_LIMITS),
            faults=faults,
            missed=tally.outcomes.get(Outcome.MISSED, 0),
        )


class SnapshotCollector(Collector):
    """Reads nothing but the snapshot; costs O(targets). What the store cannot say now is left out, not repeated."""

    def __init__(self, snapshot: Snapshot, memo: Memo, version: str) -> None:
        self._snapshot = snapshot
        self._memo = memo
        self._version = version

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("firsttoken_build", "The running program.", {"version": self._version})
        is_up = self._snapshot.as_of is not None and self._snapshot.store_error is None
        yield GaugeMetricFamily(
            "firsttoken_store_up", "1 while the store answers; else only these two are told.", float(is_up)
        )
        if is_up:
            yield from self._agents()
            yield from self._targets()
            yield from incident_metrics(self._snapshot)
            yield from slo_gauges(self._snapshot)
            yield alert_metrics(self._snapshot)
            yield from self._counts()
            yield from self._providers()

    def _agents(self) -> Iterator[Metric]:
        agents = GaugeMetricFamily(
            "firsttoken_agents",
            "Living agents; 0 for one not heard of for 30 s.",
            labels=("location", "role"),
        )
        locations = sorted({agent.location for agent in self._snapshot.agents})
        alive = {
            place: [a for a in self._snapshot.alive_agents if a.location == place] for place in locations
        }
        for place, members in alive.items():
            active = sum(agent.is_active for agent in members)
            agents.add_metric((place, "active"), active)
            agents.add_metric((place, "standby"), len(members) - active)
        yield agents
        active_ones = {place: [a for a in members if a.is_active] for place, members in alive.items()}
        yield from _agent_gauges({place: members for place, members in active_ones.items() if members})

    def _targets(self) -> Iterator[Metric]:
        snapshot = self._snapshot
        states = GaugeMetricFamily(
            "llm_target_state",
            "1 for the state that the target is in now, 0 for the others.",
            labels=(*PER_TARGET, "state"),
        )
        seen = GaugeMetricFamily(
            "llm_target_last_probe_timestamp_seconds",
            "Start of the newest probe, of any trigger.",
            labels=PER_TARGET,
            unit="seconds",
        )
        for target in snapshot.targets:
            names, now_in = (target.provider, target.id), snapshot.verdict(target).state
            for state in State:
                states.add_metric((*names, state.value), float(state is now_in))
            newest = snapshot.statistics_of(target.id).newest
            if newest is not None:
                seen.add_metric(names, newest.started_at.timestamp())
        yield states
        yield seen

    def _counts(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "firsttoken_counting_since_timestamp_seconds",
            "What counters and histograms count since.",
            month_start(self._snapshot.now).timestamp(),
            unit="seconds",
        )
        results = CounterMetricFamily(
            "llm_probe_results",
            f"Slots by whose fault they ended with, {_SINCE}.",
            labels=(*PER_TARGET, "fault"),
        )
        missed = CounterMetricFamily(
            "llm_probe_slots_missed", f"Slots that could not run in time, {_SINCE}.", labels=PER_TARGET
        )
        ttft = _seconds(
            "llm_probe_ttft_seconds", "First generated token after the request was sent", PER_TARGET
        )
        duration = _seconds(
            "llm_probe_duration_seconds", "End of the answer after the attempt's start", PER_TARGET
        )
        throughput = HistogramMetricFamily(
            "llm_probe_throughput_tokens_per_second",
            f"After the first token; ok probes {_SINCE}. {_WITHIN}",
            labels=PER_TARGET,
            unit="tokens_per_second",
        )
        for names, counted in self._counted():
            for fault, n in counted.faults.items():
                results.add_metric((*names, fault.value), n)
            missed.add_metric(names, counted.missed)
            ttft.add_metric(names, counted.ttft.buckets, counted.ttft.total)
            duration.add_metric(names, counted.duration.buckets, counted.duration.total)
            throughput.add_metric(names, counted.throughput.buckets, counted.throughput.total)
        yield from (results, missed, ttft, duration, throughput)

    def _counted(self) -> Iterator[tuple[tuple[str, str], TargetMetrics]]:
        for target_id, history in _histories(self._snapshot):
            counted = self._memo.get(
                ("metrics", target_id),
                history.revision,
                lambda h=history: TargetMetrics.of(h.month),  # type: ignore[misc]
            )
            yield (_provider(target_id), target_id), counted

    def _providers(self) -> Iterator[Metric]:
        errors = CounterMetricFamily(
            "llm_provider_errors",
            f"Probes by error class, whose fault ever, {_SINCE}.",
            labels=("provider", "error_type"),
        )
        latency = _seconds(
            "llm_provider_latency_seconds", "End of the answer after the attempt's start", ("provider",)
        )
        for provider, histories in _by_provider(self._snapshot).items():
            outcomes, answered = self._memo.get(
                ("provider metrics", provider),
                tuple(history.revision for history in histories),
                lambda h=histories: _provider_counts(h),  # type: ignore[misc]
            )
            for outcome in ERROR_TYPES:
                errors.add_metric((provider, outcome.value), outcomes.get(outcome, 0))
            latency.add_metric((provider,), answered.buckets, answered.total)
        yield errors
        yield latency
        yield from _limit_gauges(self._snapshot)


def _agent_gauges(active: Mapping[str, Sequence[AgentStatus]]) -> Iterator[Metric]:
    """Figures of living active agents; those that one does not know are left out."""
    lag = GaugeMetricFamily(
        "firsttoken_scheduler_lag_seconds",
        "How late the newest probe started.",
        labels=("location",),
        unit="seconds",
    )
    in_flight = GaugeMetricFamily("firsttoken_probes_in_flight", "Probes running now.", labels=("location",))
    spooled = GaugeMetricFamily(
        "firsttoken_results_spooled", "Results that wait for the store.", labels=("location",)
    )
    own_error = GaugeMetricFamily(
        "firsttoken_self_check_ttft_error_seconds",
        "Our TTFT of a known stream minus the true one.",
        labels=("location",),
        unit="seconds",
    )
    for place, members in active.items():
        lags = [agent.lag_seconds for agent in members if agent.lag_seconds is not None]
        found = (agent.self_check_ttft_error_seconds for agent in members)
        own = [error for error in found if error is not None]
        if lags:
            lag.add_metric((place,), max(lags))
        if own:
            own_error.add_metric((place,), max(own, key=abs))
        in_flight.add_metric((place,), sum(agent.in_flight for agent in members))
        spooled.add_metric((place,), sum(agent.spooled for agent in members))
    yield from (lag, in_flight, spooled, own_error)


def _limit_gauges(snapshot: Snapshot) -> Iterator[Metric]:
    names = ("provider", "limit_type")
    remaining = GaugeMetricFamily(
        "llm_provider_rate_limit_remaining",
        "Least that the newest record of any model says is left.",
        labels=names,
    )
    share = GaugeMetricFamily(
        "llm_provider_rate_limit_remaining_ratio",
        "Likewise, as a fraction of the limit.",
        labels=names,
        unit="ratio",
    )
    for limit in provider_limits(snapshot):
        if limit.remaining is not None:
            remaining.add_metric((limit.provider, limit.kind), limit.remaining)
        if limit.share is not None:
            share.add_metric((limit.provider, limit.kind), limit.share)
    yield remaining
    yield share


def _seconds(name: str, what: str, labels: Sequence[str]) -> HistogramMetricFamily:
    return HistogramMetricFamily(
        name, f"{what}; ok probes {_SINCE}. {_WITHIN}", labels=labels, unit="seconds"
    )


def _histories(snapshot: Snapshot) -> Iterator[tuple[str, TargetHistory]]:
    yield from ((target.id, snapshot.history(target.id)) for target in snapshot.targets)
    yield from snapshot.removed.items()


def _by_provider(snapshot: Snapshot) -> dict[str, list[TargetHistory]]:
    found: dict[str, list[TargetHistory]] = {}
    for target_id, history in _histories(snapshot):
        found.setdefault(_provider(target_id), []).append(history)
    return found


def _provider_counts(histories: Iterable[TargetHistory]) -> tuple[Mapping[Outcome, int], Distribution]:
    tally = merge(history.month for history in histories)
    return tally.outcomes, Distribution.of(tally.response, SECONDS_LIMITS)


def _provider(target_id: str) -> str:
    return target_id.split("/", 1)[0]
