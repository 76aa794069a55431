"""Counted summaries of results per target and time bucket; mergeable, so any window is a sum.

Only scheduled probes are counted. Histograms are sparse logarithmic buckets; their maths lives in stats.histogram.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from probes.domain.outcome import Outcome
from probes.domain.result import Category

Buckets = Mapping[int, int]  # bucket index -> count


class Period(StrEnum):
    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        return timedelta(hours=1) if self is Period.HOUR else timedelta(days=1)

    def start_of(self, moment: datetime) -> datetime:
        """The bucket's start; buckets are cut in UTC."""
        start = moment.replace(minute=0, second=0, microsecond=0)
        return start if self is Period.HOUR else start.replace(hour=0)


@dataclass(frozen=True, slots=True)
class RollupKey:
    target: str
    location: str
    period: Period
    start: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted; the sum of two tallies is the tally of both."""

    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    categories: Mapping[Category, int] = field(default_factory=dict)
    ttft: Buckets = field(default_factory=dict)  # ok probes only, like the next two
    response: Buckets = field(default_factory=dict)
    throughput: Buckets = field(default_factory=dict)
    output_tokens: int = 0
    input_tokens: int = 0
    cost: float = 0.0
    priced: int = 0  # probes whose cost is known; cost means nothing where it is 0

    @property
    def n(self) -> int:
        """Slots counted, run or not."""
        return sum(self.outcomes.values())

    @property
    def ok(self) -> int:
        return self.outcomes.get(Outcome.OK, 0)

    @property
    def faulty(self) -> int:
        """Probes that count against availability."""
        return sum(n for outcome, n in self.outcomes.items() if outcome.counts_against_availability)


@dataclass(frozen=True, slots=True)
class Rollup:
    key: RollupKey
    tally: Tally
    updated_at: datetime
