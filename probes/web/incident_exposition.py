"""Public incidents and announced maintenance as Prometheus metrics.

Faults of ours are the operator's business and not told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from probes.domain.incident import Affected, Ending, Severity, UpdateKind
from probes.verdicts.maintenance import concerns
from probes.web.history import month_start
from probes.web.snapshot import Snapshot

SEVERITIES: Final = (Severity.DEGRADED, Severity.DOWN)
MEANS_OVER: Final = timedelta(days=30)


def incident_metrics(snapshot: Snapshot) -> Iterator[Metric]:
    """Costs O(incidents of 90 days)."""
    providers = list(dict.fromkeys(target.provider for target in snapshot.targets))
    yield _open(snapshot, providers)
    yield _opened(snapshot, providers)
    yield from _means(snapshot, providers)
    yield _maintenance(snapshot, providers)


def _maintenance(snapshot: Snapshot, providers: Iterable[str]) -> Metric:
    lasting = GaugeMetricFamily(
        "llm_maintenance_active", "Announced windows that hold any of its models now.", labels=("provider",)
    )
    for provider in providers:
        own = [target.id for target in snapshot.targets if target.provider == provider]
        held = sum(any(concerns(window.rule, target) for target in own) for window in snapshot.upkeep.windows)
        lasting.add_metric((provider,), held)
    return lasting


def _open(snapshot: Snapshot, providers: Iterable[str]) -> Metric:
    lasting = GaugeMetricFamily(
        "llm_incidents_open", "Incidents that last, by how bad they are now.", labels=("provider", "severity")
    )
    found = [(incident.provider, incident.severity) for incident in snapshot.incidents.open]
    for provider in providers:
        for severity in SEVERITIES:
            lasting.add_metric((provider, severity.value), found.count((provider, severity)))
    return lasting


def _opened(snapshot: Snapshot, providers: Iterable[str]) -> Metric:
    """By the entries of timelines, for these stay when one incident takes up another."""
    opened = CounterMetricFamily(
        "llm_incidents_opened", "Incidents opened since the start of the UTC month.", labels=("provider",)
    )
    since = month_start(snapshot.now)
    found = [
        incident.provider
        for incident in snapshot.incidents.incidents
        for update in incident.updates
        if update.kind is UpdateKind.OPENED and update.at >= since
    ]
    for provider in providers:
        opened.add_metric((provider,), found.count(provider))
    return opened


def _means(snapshot: Snapshot, providers: Iterable[str]) -> Iterator[Metric]:
    """Gauges, because a relapse or a merger takes back what was counted; left out where there is nothing to mean."""
    of_model = "mean over the models' parts in incidents of 30 days."
    detection = GaugeMetricFamily(
        "llm_incident_detection_mean_seconds",
        f"First failing slot to the verdict, {of_model}",
        labels=("provider",),
        unit="seconds",
    )
    recovery = GaugeMetricFamily(
        "llm_incident_recovery_mean_seconds",
        f"First failing slot to the first good one, {of_model}",
        labels=("provider",),
        unit="seconds",
    )
    parts = _parts(snapshot, snapshot.now - MEANS_OVER)
    for provider in providers:
        own = parts.get(provider, ())
        for family, values in ((detection, _detections(own)), (recovery, _recoveries(own))):
            if values:
                family.add_metric((provider,), sum(values) / len(values))
    yield detection
    yield recovery


def _parts(snapshot: Snapshot, since: datetime) -> Mapping[str, Sequence[Affected]]:
    found: dict[str, list[Affected]] = {}
    for incident in snapshot.incidents.incidents:
        found.setdefault(incident.provider, []).extend(p for p in incident.affected if p.detected_at >= since)
    return found


def _detections(parts: Iterable[Affected]) -> list[float]:
    return [(part.detected_at - part.started_at).total_seconds() for part in parts]


def _recoveries(parts: Iterable[Affected]) -> list[float]:
    """Not of those whose end nobody saw."""
    return [
        (part.ended_at - part.started_at).total_seconds()
        for part in parts
        if part.ended_at is not None and part.ending is Ending.RECOVERED
    ]
