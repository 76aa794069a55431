"""What a rule's alarms are worth, and how rules compare.

A fault that was missed counts in the times to detect as never: a rule that finds only what is found quickly is no
quicker for it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.detection.truth import NEVER, Alarm, Episode

LATE_SLOTS = 2.0  # an alarm this long after the end still belongs to its fault
BUDGET = 0.05  # false alarms a target-month at 0.5 % noise that a rule may cost; more, and nobody reads them
SAME = 0.02  # intervals: times that differ by less are equal


@dataclass
class Score:
    """Of one rule in one scenario."""

    is_outage: bool
    episodes: int = 0
    found: int = 0
    waits: list[float] = field(
        default_factory=list
    )  # intervals from each fault's start; NEVER for a missed one
    false: int = 0

    def add(self, episode: Episode, alarms: Sequence[Alarm]) -> None:
        self.episodes += 1
        last = episode.end + LATE_SLOTS * episode.interval
        true = [a for a in alarms if self.is_outage and a.begin <= last and a.end >= episode.start]
        self.false += len(alarms) - len(true)
        self.found += bool(true)
        self.waits.append(max(0.0, true[0].begin - episode.start) / episode.interval if true else NEVER)

    @property
    def recall(self) -> float:
        return self.found / self.episodes

    @property
    def precision(self) -> float | None:
        alarms = self.found + self.false
        return self.found / alarms if alarms else None

    def wait(self, share: float) -> float:
        """The time within which that share of all faults was found."""
        return sorted(self.waits)[max(0, math.ceil(share * self.episodes) - 1)]

    def is_as_good_as(self, other: "Score") -> bool:
        if not self.is_outage:
            return self.false <= other.false
        is_as_sure = self.recall >= other.recall and (self.precision or 1.0) >= (other.precision or 0.0)
        return is_as_sure and all(self.wait(share) <= other.wait(share) + SAME for share in (0.5, 0.95))

    def __str__(self) -> str:
        if not self.is_outage:
            return f"{self.false} false"
        precision = f"{self.precision:.2f}" if self.precision is not None else "–"
        return f"{self.recall:.3f} / {precision} / {_told(self.wait(0.5))} / {_told(self.wait(0.95))}"


@dataclass
class Comparison:
    """One table: every row has one entry per rule, ours first."""

    rules: Sequence[str]
    rows: dict[str, Sequence[Score]] = field(default_factory=dict)
    rates: dict[str, Sequence[float]] = field(default_factory=dict)  # false alarms a target-month
    at_half_a_percent: Sequence[float] = ()  # the rates that the budget is about

    def summary(self) -> list[str]:
        within = [n for n, rate in enumerate(self.at_half_a_percent) if rate <= BUDGET]
        names = ", ".join(self.rules[n] for n in within)
        return [
            f"Within {BUDGET} false alarms a target-month at 0.5 % noise: {names}.",
            f"Best or equal among those: {self._told(within)}",
            f"Best or equal among all: {self._told(range(len(self.rules)))}",
        ]

    def behind(self, rules: Sequence[int]) -> list[str]:
        """The rows in which one of these rules is better than ours."""
        rows = [
            name
            for name, scores in self.rows.items()
            if not all(scores[0].is_as_good_as(scores[n]) for n in rules)
        ]
        return rows + [name for name, rates in self.rates.items() if any(rates[n] < rates[0] for n in rules)]

    def _told(self, rules: Sequence[int]) -> str:
        behind, total = self.behind(rules), len(self.rows) + len(self.rates)
        return f"{total - len(behind)} of {total} rows" + (f"; not: {', '.join(behind)}" if behind else "")


def _told(wait: float) -> str:
    return "never" if wait == NEVER else f"{wait:.2f}"
