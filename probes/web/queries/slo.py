"""Objectives of targets, what is left of their error budgets, and how fast it is spent. From the snapshot alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from probes.domain.plan import PlannedTarget
from probes.domain.rollup import Period
from probes.stats.slo import (
    BURN_SHORT,
    Budget,
    Burn,
    Burning,
    Indicator,
    Objective,
    budget,
    burn,
    counted,
    objectives_of,
)
from probes.stats.tally import merge
from probes.web.history import TargetHistory
from probes.web.snapshot import Snapshot
from probes.web.windows import Window

BUDGET_WINDOWS: Final = (Window.MONTH, Window.QUARTER)
BURN_HOURS: Final = BURN_SHORT // Period.HOUR.length


@dataclass(frozen=True, slots=True)
class WindowBudget:
    """One window's error budget; `left` is a fraction of what may fail, None while fewer than `needed` were judged."""

    window: Window
    since: datetime
    n: int  # judged probes, or complete answers
    bad: int  # failed, or late
    allowed: float
    left: float | None
    needed: int

    @property
    def is_spent(self) -> bool:
        return self.left is not None and self.left <= 0

    @property
    def good(self) -> float | None:
        """The share that was good; None of nothing."""
        return 1 - self.bad / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class SloView:
    """One objective of one target. Rates are in budgets: at 1 a budget lasts just as long as its window."""

    indicator: Indicator
    objective: float  # fraction that must be good
    limit_seconds: float | None  # within which an answer must begin; None for availability
    budgets: tuple[WindowBudget, ...]
    burning: Burning
    burn_rate_6h: float | None
    burn_rate_3d: float | None

    @property
    def is_burning(self) -> bool:
        return self.burning is Burning.BURNING

    @property
    def is_spent(self) -> bool:
        """Of the shorter window."""
        return self.budgets[0].is_spent


@dataclass(frozen=True, slots=True)
class TargetSlo:
    target: str
    provider: str
    name: str
    slo: tuple[SloView, ...]


@dataclass(frozen=True, slots=True)
class SloList:
    """Configured targets that have an objective, in the order of the configuration."""

    as_of: datetime | None
    is_stale: bool  # the store is away, this was at `as_of`
    targets: tuple[TargetSlo, ...]


def slo_of(snapshot: Snapshot, target: PlannedTarget) -> tuple[SloView, ...]:
    """Every objective of a target; empty where none is set."""
    history = snapshot.history(target.id)
    return tuple(_view(history, snapshot.now, objective) for objective in objectives_of(target.objectives))


def slo_list(snapshot: Snapshot) -> SloList:
    targets = tuple(
        TargetSlo(target.id, target.provider, target.name, slo_of(snapshot, target))
        for target in snapshot.targets
        if not target.objectives.is_empty
    )
    return SloList(snapshot.as_of, snapshot.store_error is not None, targets)


def _view(history: TargetHistory, now: datetime, objective: Objective) -> SloView:
    found = _burn(history, objective)
    return SloView(
        indicator=objective.indicator,
        objective=objective.share,
        limit_seconds=objective.limit_seconds,
        budgets=tuple(_budget(history, window, now, objective) for window in BUDGET_WINDOWS),
        burning=found.state,
        burn_rate_6h=found.short_rate,
        burn_rate_3d=found.long_rate,
    )


def _budget(history: TargetHistory, window: Window, now: datetime, objective: Objective) -> WindowBudget:
    found: Budget = budget(counted(history.tally(window), objective), objective.share)
    return WindowBudget(
        window, window.start(now), found.n, found.bad, found.allowed, found.left, found.needed
    )


def _burn(history: TargetHistory, objective: Objective) -> Burn:
    short = counted(merge(history.hours[-BURN_HOURS:]), objective)
    return burn(short, counted(history.recent_days, objective), objective.share)
