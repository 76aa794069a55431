"""What was found of one target since the command began: sorted values, counts, cost. Pure."""

import bisect
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Quality

KEPT_ERRORS: Final = 3


class Metric(StrEnum):
    """What a comparison is decided by."""

    TTFT = "ttft"
    VISIBLE = "visible"
    RESPONSE = "response"
    THROUGHPUT = "throughput"

    @property
    def is_more_better(self) -> bool:
        return self is Metric.THROUGHPUT

    def of(self, result: ProbeResult) -> float | None:
        """The record's figure; None of a probe that was not ok, whose times mean something else."""
        if result.outcome is not Outcome.OK:
            return None
        match self:
            case Metric.TTFT:
                return result.ttft_seconds
            case Metric.VISIBLE:
                return result.ttft_visible_seconds
            case Metric.RESPONSE:
                return result.response_seconds
            case Metric.THROUGHPUT:
                return result.throughput
        assert_never(self)


@dataclass(frozen=True, slots=True)
class Failure:
    at: datetime
    outcome: Outcome
    error: str | None


@dataclass(slots=True)
class Figures:
    """Values ascend. Times are those of ok probes; tokens and cost are of all, for all are paid."""

    values: dict[Metric, list[float]] = field(default_factory=lambda: {metric: [] for metric in Metric})
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failures: deque[Failure] = field(default_factory=lambda: deque(maxlen=KEPT_ERRORS))
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    priced: int = 0  # probes whose cost is known
    inexact: int = 0  # ok probes whose TTFT is an upper bound, or was taken on a late host

    def add(self, result: ProbeResult) -> None:
        self.outcomes[result.outcome] += 1
        for metric, values in self.values.items():
            if (value := metric.of(result)) is not None:
                bisect.insort(values, value)
        if result.outcome is not Outcome.OK:
            self.failures.append(Failure(result.started_at, result.outcome, result.error))
        elif result.quality is not Quality.EXACT:
            self.inexact += 1
        self.input_tokens += result.input_tokens or 0
        self.output_tokens += result.output_tokens or 0
        if result.cost is not None:
            self.cost += result.cost
            self.priced += 1

    @property
    def n(self) -> int:
        return sum(self.outcomes.values())

    @property
    def ok(self) -> int:
        return self.outcomes[Outcome.OK]
