"""Availability: what is in the fraction, and how wide a small sample's interval is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.outcome import Fault, Outcome
from probes.domain.rollup import Tally
from probes.stats.availability import availability, wilson_interval


def test_nothing_counted_is_unknown_and_not_a_hundred_percent() -> None:
    found = availability(Tally())

    assert (found.value, found.n, found.low, found.high) == (None, 0, None, None)


@pytest.mark.parametrize("outcome", Outcome)
def test_only_ok_and_faults_of_provider_and_network_are_in_the_fraction(outcome: Outcome) -> None:
    found = availability(Tally(outcomes={outcome: 4}))

    counted = outcome.fault in (Fault.NONE, Fault.PROVIDER, Fault.NETWORK)
    assert found.n == (4 if counted else 0)
    assert found.value == ((1.0 if outcome is Outcome.OK else 0.0) if counted else None)


def test_availability_is_the_share_of_ok() -> None:
    tally = Tally(
        outcomes={
            Outcome.OK: 97,
            Outcome.STALLED: 2,
            Outcome.DNS_ERROR: 1,
            Outcome.AUTH: 50,
            Outcome.MISSED: 9,
        }
    )

    found = availability(tally)

    assert (found.value, found.n) == (0.97, 100)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Table I of Newcombe (1998), method 3.
        pytest.param(81, 263, 0.2553, 0.3662, id="81 of 263"),
        pytest.param(15, 148, 0.0624, 0.1605, id="15 of 148"),
        pytest.param(0, 20, 0.0000, 0.1611, id="0 of 20"),
        pytest.param(1, 29, 0.0061, 0.1718, id="1 of 29"),
    ],
)
def test_the_interval_is_wilsons(successes: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000), st.data())
def test_the_interval_holds_the_share_and_stays_within_bounds(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))

    low, high = wilson_interval(successes, n)

    assert 0 <= low <= successes / n <= high <= 1
    assert low < high


def test_one_success_does_not_promise_much() -> None:
    found = availability(Tally(outcomes={Outcome.OK: 1}))

    assert found.value == 1.0
    assert found.low is not None
    assert found.low < 0.25
