"""The share of probes that the provider answered, and how far a small sample can be trusted."""

import math
from dataclasses import dataclass
from typing import Final

from probes.domain.rollup import Tally

_Z_95: Final = 1.959963984540054  # two-sided 95 % quantile of the normal distribution


@dataclass(frozen=True, slots=True)
class Availability:
    """`value`, `low` and `high` are fractions 0..1; None when nothing was counted, never 1."""

    value: float | None
    n: int
    low: float | None
    high: float | None


def availability(tally: Tally) -> Availability:
    """ok / (ok + provider and network faults), with the Wilson score interval at 95 %.

    Our own faults, throttling, unusable answers and slots that did not run are in neither part of the fraction.
    """
    n = tally.ok + tally.faulty
    if n == 0:
        return Availability(None, 0, None, None)
    low, high = wilson_interval(tally.ok, n)
    return Availability(tally.ok / n, n, low, high)


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson 1927); never leaves 0..1, unlike the textbook one."""
    share, square = successes / n, _Z_95**2
    centre = (share + square / (2 * n)) / (1 + square / n)
    reach = _Z_95 * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, min(share, centre - reach)), min(1.0, max(share, centre + reach))
