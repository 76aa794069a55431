"""Which of two is ahead, from rounds in which both were measured; true whenever one stops looking. Pure.

A sign test that may be read after every round: people stop a live race when they like what they see, and a test made
for a fixed number of rounds would then be wrong far more often than it says. Under "no difference" each round is a
fair coin. The likelihood of what was seen, averaged over all unfair coins, against that of the fair one is a fair bet:
it reaches m with probability 1/m at most, ever (Ville 1939; Robbins 1970 on mixtures; Ramdas et al. 2023 on e-values).
It asks nothing of the distributions and never looks at how far apart two values lie, only at which is smaller.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from probes.stats.samples import ONE_IN, Interval, between_ranks


@dataclass(frozen=True, slots=True)
class Comparison:
    """One against another over `n` common rounds; `difference` is second minus first, of their medians by rounds.

    `interval` None: too few rounds. It holds at every look and for all comparisons of the race together.
    """

    n: int
    first_ahead: int
    second_ahead: int
    evidence: float  # odds against "no difference"; clear from `needed` on
    needed: float
    difference: float | None
    interval: Interval | None

    def swapped(self) -> "Comparison":
        """The same seen from the other side."""
        interval = self.interval
        return replace(
            self,
            first_ahead=self.second_ahead,
            second_ahead=self.first_ahead,
            difference=None if self.difference is None else -self.difference,
            interval=None if interval is None else Interval(-interval.high, -interval.low),
        )

    @property
    def is_first_clear(self) -> bool:
        """The first one's values are smaller: no chance finding, at 95 % for the whole race."""
        return self.evidence >= self.needed and self.first_ahead > self.second_ahead

    @property
    def is_second_clear(self) -> bool:
        return self.evidence >= self.needed and self.second_ahead > self.first_ahead


def compare(pairs: Sequence[tuple[float, float]], comparisons: int = 1) -> Comparison:
    """Whose values are smaller. `comparisons`: how many are made in all; each must be that much clearer (Bonferroni).

    Equal values speak for neither.
    """
    differences = sorted(second - first for first, second in pairs)
    ahead = sum(1 for difference in differences if difference > 0)
    behind = sum(1 for difference in differences if difference < 0)
    needed = float(ONE_IN * comparisons)
    return Comparison(
        n=len(differences),
        first_ahead=ahead,
        second_ahead=behind,
        evidence=evidence(ahead, behind),
        needed=needed,
        difference=statistics.median(differences) if differences else None,  # halfway: no side is favoured
        interval=between_ranks(differences, _undecided_rank(len(differences), needed)),
    )


def evidence(heads: int, tails: int) -> float:
    """Odds of the average unfair coin against the fair one: 2**n * heads! * tails! / (n + 1)!."""
    n = heads + tails
    log = n * math.log(2) + math.lgamma(heads + 1) + math.lgamma(tails + 1) - math.lgamma(n + 2)
    return math.exp(min(log, _LARGEST_LOG))


_LARGEST_LOG = 700.0  # beyond, a float is infinite


def rounds_needed(comparisons: int = 1) -> int:
    """The fewest rounds that can decide: if one is ahead in all of them."""
    n = 1
    while evidence(n, 0) < ONE_IN * comparisons:
        n += 1
    return n


@cache
def _undecided_rank(n: int, needed: float) -> int:
    """The fewest heads of n that still leave the coin possibly fair; 0 when even none does."""
    rank = 0
    while rank < n - rank and evidence(rank, n - rank) >= needed:
        rank += 1
    return rank
