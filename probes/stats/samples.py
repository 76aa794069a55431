"""What a small sample tells: percentiles, and how far its median can be trusted. Pure; no shape is assumed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

ONE_IN: Final = 20  # every interval and verdict here may be wrong once in so many: 95 %


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile of ascending values, always one of them; None of nothing."""
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)] if ordered else None


def median_interval(ordered: Sequence[float]) -> Interval | None:
    """The 95 % interval of the median, between two order statistics; None below six values, which cannot carry it.

    Distribution-free: a value lies below the median with probability 1/2, so how many do is binomial (Thompson 1936;
    David and Nagaraja, Order Statistics, 7.1). For a sample whose size was chosen before it was seen.
    """
    return between_ranks(ordered, _binomial_rank(len(ordered)))


def between_ranks(ordered: Sequence[float], rank: int) -> Interval | None:
    """From the `rank`-th smallest to the `rank`-th largest value; None for rank 0: nothing is known."""
    return Interval(ordered[rank - 1], ordered[-rank]) if rank >= 1 else None


@cache
def _binomial_rank(n: int) -> int:
    """The largest k such that n coins show fewer than k heads in at most 1 of 2 * ONE_IN throws."""
    rank, rare, term = (
        0,
        0,
        1,
    )  # of all 2**n throws, `rare` have fewer than `rank` heads and `term` exactly so many
    while (rare + term) * 2 * ONE_IN <= 2**n:
        rare += term
        term = term * (n - rank) // (rank + 1)
        rank += 1
    return rank
