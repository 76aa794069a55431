"""What we say about a target now: a judgement over several results, apart from any single one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from probes.domain.result import Category, ProbeResult


class State(StrEnum):
    OPERATIONAL = "operational"
    DEGRADED = "degraded"
    DOWN = "down"
    ATTENTION = "attention"  # our key, quota, request or model name: the operator must act, the provider is not accused
    MAINTENANCE = "maintenance"
    PAUSED = "paused"
    NOT_CONFIGURED = "not_configured"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as a message key with its figures, so that the page can say it in any language."""

    key: str  # "consecutive_failures", "stale", ... : verdicts.rules lists them all
    params: tuple[tuple[str, str | int | float], ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    state: State
    reason: Reason
    since: datetime | None  # first result of the unbroken run that supports this state; None when never seen
    judged_at: datetime


@dataclass(frozen=True, slots=True)
class TargetStatistics:
    """One document a target: its newest result, state, counters. What the board reads."""

    target: str
    verdict: Verdict | None = None
    newest: ProbeResult | None = None  # newest result that ran, of any trigger
    newest_ok: ProbeResult | None = None
    category: Category | None = None
    category_since: datetime | None = None
    total: int = 0  # results of any trigger that ever ran
    total_ok: int = 0
    first_seen_at: datetime | None = None
    updated_at: datetime | None = None
