"""Service level objectives: what they allow to fail, how much of that is left, and whether it is going too fast.

Pure, over tallies. Error budgets and burn rates are those of Google's Site Reliability Workbook (2018), chapter 5; its
paging rules are left out, for at a probe a minute one failure in an hour would be a page.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from probes.domain.rollup import Tally
from probes.domain.target import Objectives
from probes.stats.histogram import value_of

TTFT_SHARE: Final = 0.95  # of the answers must begin in time: that is what a p95 says

BURN_LONG: Final = timedelta(days=3)  # of UTC days, the running one included
BURN_SHORT: Final = timedelta(hours=6)  # likewise of hours: what is over makes no ticket
BURN_RATE: Final = 1.0  # in both windows; the Workbook's ticket of 3 days and 6 hours
LEAST_FAILURES: Final = 3  # in both windows
CHANCE: Final = 1e-4  # that a target which just keeps its objective shows so many failures in the long window


class Indicator(StrEnum):
    """What an objective is about."""

    AVAILABILITY = "availability"
    TTFT_P95 = "ttft_p95"


@dataclass(frozen=True, slots=True)
class Objective:
    """`share` of what is counted must be good, as a fraction below 1."""

    indicator: Indicator
    share: float
    limit_seconds: float | None = None  # within which an answer must begin; None for availability


@dataclass(frozen=True, slots=True)
class Counted:
    """What an objective judges: `bad` of `n`."""

    n: int
    bad: int


@dataclass(frozen=True, slots=True)
class Budget:
    """The error budget of one window. `left` is a fraction of `allowed`: 1 untouched, 0 spent, negative overspent.

    None while fewer than `needed` were counted: as long as less than one may fail, nothing can be told.
    """

    n: int
    bad: int
    allowed: float  # of n; no whole number
    left: float | None
    needed: int


class Burning(StrEnum):
    STEADY = "steady"
    BURNING = "burning"  # worth a ticket, never a page
    UNKNOWN = "unknown"  # too little was counted in one of the windows


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast the budget is being spent: at rate 1 it lasts just as long as its window, at 2 half as long.

    A rate is None where nothing was counted.
    """

    state: Burning
    short_rate: float | None
    long_rate: float | None


def objectives_of(given: Objectives) -> tuple[Objective, ...]:
    """Those that are set."""
    found = []
    if given.availability is not None:
        found.append(Objective(Indicator.AVAILABILITY, given.availability))
    if given.ttft_p95_seconds is not None:
        found.append(Objective(Indicator.TTFT_P95, TTFT_SHARE, given.ttft_p95_seconds))
    return tuple(found)


def counted(tally: Tally, objective: Objective) -> Counted:
    """Availability judges as stats.availability does; TTFT judges complete answers, its limit within 1 %."""
    if objective.limit_seconds is None:
        return Counted(tally.ok + tally.faulty, tally.faulty)
    limit = objective.limit_seconds
    late = sum(n for bucket, n in tally.ttft.items() if value_of(bucket) > limit)
    return Counted(sum(tally.ttft.values()), late)


def budget(found: Counted, share: float) -> Budget:
    """allowed = n * (1 - share); left = 1 - bad / allowed."""
    allowed = found.n * (1 - share)
    needed = math.ceil(1 / (1 - share) - 1e-6)  # 1 / (1 - 0.9) is 10.000000000000002
    left = 1 - found.bad / allowed if found.n >= needed else None
    return Budget(found.n, found.bad, allowed, left, needed)


def burn_rate(found: Counted, share: float) -> float | None:
    """The share that failed over the share that may; None when nothing was counted."""
    return found.bad / found.n / (1 - share) if found.n else None


def burn(short: Counted, long: Counted, share: float) -> Burn:
    """Burning when both windows burn at BURN_RATE or faster and neither chance nor two unlucky probes explain it."""
    rates = burn_rate(short, share), burn_rate(long, share)
    if short.n < LEAST_FAILURES or rates[0] is None or rates[1] is None:
        return Burn(Burning.UNKNOWN, *rates)
    is_burning = (
        min(rates[0], rates[1]) >= BURN_RATE
        and min(short.bad, long.bad) >= LEAST_FAILURES
        and chance_of(long, share) <= CHANCE
    )
    return Burn(Burning.BURNING if is_burning else Burning.STEADY, *rates)


def chance_of(found: Counted, share: float) -> float:
    """At most how likely so many failures are where each probe fails with chance 1 - share; 1 for no more than usual.

    Chernoff's bound of the binomial tail (Hoeffding 1963, theorem 1): exp(-n * KL(bad / n || 1 - share)).
    """
    allowed = 1 - share
    observed = found.bad / found.n if found.n else 0.0
    if observed <= allowed:
        return 1.0
    gain = observed * math.log(observed / allowed)
    if observed < 1:
        gain += (1 - observed) * math.log((1 - observed) / share)
    return math.exp(-found.n * gain)
