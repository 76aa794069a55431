"""Objectives as Prometheus gauges. What is unknown is left out, never told as 0, full or spent."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric

from probes.stats.slo import Burning
from probes.web.queries.slo import slo_of
from probes.web.snapshot import Snapshot

LABELS: Final = ("provider", "target", "objective")


def slo_gauges(snapshot: Snapshot) -> Iterator[Metric]:
    """Only of targets that have an objective."""
    objective = GaugeMetricFamily(
        "llm_slo_objective_ratio", "Fraction that must be good.", labels=LABELS, unit="ratio"
    )
    left = GaugeMetricFamily(
        "llm_slo_budget_left_ratio",
        "Fraction of the error budget that is left; negative when overspent.",
        labels=(*LABELS, "window"),
        unit="ratio",
    )
    rate = GaugeMetricFamily(
        "llm_slo_burn_rate",
        "At 1 the error budget lasts just as long as its window.",
        labels=(*LABELS, "window"),
    )
    burning = GaugeMetricFamily(
        "llm_slo_burning",
        "1 while the budget is spent too fast over 3 days and over 6 hours, by more than chance explains.",
        labels=LABELS,
    )
    for target in snapshot.targets:
        for view in slo_of(snapshot, target):
            names = (target.provider, target.id, view.indicator.value)
            objective.add_metric(names, view.objective)
            for budget in view.budgets:
                if budget.left is not None:
                    left.add_metric((*names, budget.window.value), budget.left)
            for window, told in (("6h", view.burn_rate_6h), ("3d", view.burn_rate_3d)):
                if told is not None:
                    rate.add_metric((*names, window), told)
            if view.burning is not Burning.UNKNOWN:
                burning.add_metric(names, float(view.is_burning))
    yield from (objective, left, rate, burning)
