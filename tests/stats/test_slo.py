"""Error budgets and burning: exact where arithmetic says so, silent where chance alone would speak."""

import math
import random
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.outcome import Outcome
from probes.domain.rollup import Tally
from probes.domain.target import Objectives
from probes.stats.histogram import histogram_of
from probes.stats.slo import (
    CHANCE,
    Budget,
    Burning,
    Counted,
    Indicator,
    Objective,
    budget,
    burn,
    burn_rate,
    chance_of,
    counted,
    objectives_of,
)

THREE_NINES = 0.999
DAY = 1440  # probes, at one a minute
MONTH = 30 * DAY


def test_only_objectives_that_are_set_are_judged() -> None:
    assert objectives_of(Objectives()) == ()
    assert objectives_of(Objectives(0.995, 3.0)) == (
        Objective(Indicator.AVAILABILITY, 0.995),
        Objective(Indicator.TTFT_P95, 0.95, 3.0),
    )


def test_availability_counts_what_the_provider_answers_for() -> None:
    outcomes = {
        Outcome.OK: 90,
        Outcome.STALLED: 4,
        Outcome.DNS_ERROR: 1,
        Outcome.AUTH: 50,
        Outcome.RATE_LIMITED: 50,
        Outcome.CONTENT_FILTERED: 50,
        Outcome.MISSED: 50,
    }
    assert counted(Tally(outcomes=outcomes), Objective(Indicator.AVAILABILITY, 0.9)) == Counted(95, 5)


def test_late_answers_are_those_beyond_the_limit() -> None:
    tally = Tally(outcomes={Outcome.OK: 100, Outcome.STALLED: 7}, ttft=histogram_of([0.5] * 93 + [3.2] * 7))
    assert counted(tally, Objective(Indicator.TTFT_P95, 0.95, 3.0)) == Counted(100, 7)
    assert counted(tally, Objective(Indicator.TTFT_P95, 0.95, 3.3)) == Counted(100, 0)


@pytest.mark.parametrize(
    ("n", "bad", "left"),
    [(1000, 0, 1.0), (1000, 2, 0.6), (1000, 5, 0.0), (1000, 10, -1.0), (1000, 1000, -199.0)],
)
def test_what_is_left_is_a_fraction_of_what_may_fail(n: int, bad: int, left: float) -> None:
    found = budget(Counted(n, bad), 0.995)
    assert found.left == pytest.approx(left)
    assert found.allowed == pytest.approx(5)


@pytest.mark.parametrize(
    ("share", "needed"), [(0.9, 10), (0.95, 20), (0.99, 100), (0.995, 200), (0.999, 1000)]
)
def test_a_budget_that_one_failure_would_spend_tells_nothing(share: float, needed: int) -> None:
    assert budget(Counted(needed - 1, 0), share).left is None
    assert budget(Counted(needed - 1, 0), share).needed == needed
    assert budget(Counted(needed, 0), share).left == 1.0
    assert budget(Counted(needed, 1), share).left == pytest.approx(0.0, abs=1e-9)


def test_nothing_counted_is_unknown_and_neither_full_nor_spent() -> None:
    assert budget(Counted(0, 0), 0.995) == Budget(0, 0, 0.0, None, 200)
    assert burn_rate(Counted(0, 0), 0.995) is None
    assert burn(Counted(0, 0), Counted(0, 0), 0.995).state is Burning.UNKNOWN
    assert burn(Counted(0, 0), Counted(4000, 400), 0.995).state is Burning.UNKNOWN


def test_the_rate_is_how_many_times_too_fast() -> None:
    assert burn_rate(Counted(1000, 10), 0.99) == pytest.approx(1.0)
    assert burn_rate(Counted(1000, 144), 0.99) == pytest.approx(14.4)


def test_a_burn_that_is_over_makes_no_ticket() -> None:
    assert burn(Counted(360, 0), Counted(4320, 200), THREE_NINES).state is Burning.STEADY


def test_two_unlucky_probes_make_no_ticket() -> None:
    assert burn(Counted(36, 2), Counted(432, 2), 0.9999).state is Burning.STEADY
    assert burn(Counted(36, 12), Counted(432, 12), 0.9999).state is Burning.BURNING


@given(st.integers(1, 3000), st.floats(0, 1), st.sampled_from([0.9, 0.99, 0.995, 0.999]))
def test_the_bound_is_never_below_the_true_chance(n: int, part: float, share: float) -> None:
    bad = round(part * min(n, 60))
    below = (
        math.exp(
            math.lgamma(n + 1)
            - math.lgamma(k + 1)
            - math.lgamma(n - k + 1)
            + k * math.log(1 - share)
            + (n - k) * math.log(share)
        )
        for k in range(bad)
    )
    assert chance_of(Counted(n, bad), share) >= 1 - sum(below) - 1e-9


@given(st.integers(1, 100_000), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.995, 0.99999]))
def test_any_counts_have_a_verdict(n: int, part: float, share: float) -> None:
    found = Counted(n, round(part * n))
    assert 0 <= chance_of(found, share) <= 1
    assert burn(found, found, share).state in Burning


class Month:
    """One probe a minute for 30 days, seen through the windows as they are counted: whole UTC days and hours."""

    def __init__(self, failures: Sequence[int]) -> None:
        by_minute = Counter(failures)
        self._failed = failures
        self._before = [0, *accumulate(by_minute.get(minute, 0) for minute in range(MONTH))]

    def tickets(self, share: float) -> int:
        """How often it begins to burn, judged after each failure and at each full hour."""
        begun, was_burning = 0, False
        for minute in sorted({*self._failed, *range(0, MONTH, 60)}):
            is_burning = self._state(minute, share) is Burning.BURNING
            begun += is_burning and not was_burning
            was_burning = is_burning
        return begun

    def textbook_pages(self, share: float) -> int:
        """14.4 times over an hour and over 5 minutes, of the same workbook, after each failure and each minute."""
        begun, was_paging = 0, False
        for minute in range(60, MONTH):
            hour, five = self._count(minute - 59, minute), self._count(minute - 4, minute)
            is_paging = all((burn_rate(found, share) or 0) >= 14.4 for found in (hour, five))
            begun += is_paging and not was_paging
            was_paging = is_paging
        return begun

    def _state(self, minute: int, share: float) -> Burning:
        hours = self._count((minute // 60 - 5) * 60, minute)
        days = self._count((minute // DAY - 2) * DAY, minute)
        return burn(hours, days, share).state

    def _count(self, first: int, last: int) -> Counted:
        first = max(first, 0)
        return Counted(last - first + 1, self._before[last + 1] - self._before[first])


def a_month(random_failures: random.Random, chance: float, since: int = 0) -> Month:
    failed, minute = [], since - 1
    while True:
        minute += 1 + int(math.log(1 - random_failures.random()) / math.log(1 - chance))
        if minute >= MONTH:
            return Month(failed)
        failed.append(minute)


def test_a_healthy_model_gets_practically_no_ticket() -> None:
    """It fails one probe in a thousand, just as its objective allows: the hardest that a healthy one can be."""
    dice = random.Random(20261121)
    months = [a_month(dice, 1 - THREE_NINES) for _ in range(200)]
    tickets = sum(month.tickets(THREE_NINES) for month in months) / len(months)
    pages = sum(month.textbook_pages(THREE_NINES) for month in months[:4]) / 4
    print(
        f"\nhealthy 99.9 % model, a probe a minute: {tickets:.4f} tickets a month; textbook pages: {pages:.0f}"
    )
    assert tickets <= 0.01
    assert pages > 30, "the simulation does not show what the guard is for"


@pytest.mark.parametrize("times", [5, 10, 50])
def test_a_real_burn_is_found(times: int) -> None:
    """From the tenth day on it fails so many times as often as it may."""
    dice = random.Random(times)
    months = [a_month(dice, times * (1 - THREE_NINES), since=10 * DAY) for _ in range(20)]
    found = sum(month.tickets(THREE_NINES) >= 1 for month in months)
    print(f"\nburning {times} times too fast: found in {found} of {len(months)} months")
    assert found == len(months)


def test_a_short_outage_is_found_while_it_is_on() -> None:
    outage = Counted(360, 20), Counted(2 * DAY + 100, 20)
    assert chance_of(outage[1], THREE_NINES) <= CHANCE
    assert burn(*outage, THREE_NINES).state is Burning.BURNING
