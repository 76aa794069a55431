"""The outbox of alerts as Prometheus metrics."""

from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric

from probes.web.deliveries import Progress
from probes.web.snapshot import Snapshot

LABELS: Final = ("channel", "progress")


def alert_metrics(snapshot: Snapshot) -> Metric:
    deliveries = GaugeMetricFamily(
        "firsttoken_alert_deliveries",
        "Alerts planned within 24 hours; retrying: refused and tried again, failed: given up, dropped: on purpose.",
        labels=LABELS,
    )
    for channel in snapshot.channels:
        for progress in Progress:
            deliveries.add_metric((channel.channel, progress.value), channel.count(progress))
    return deliveries
