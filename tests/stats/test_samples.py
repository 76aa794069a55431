import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.stats.samples import Interval, median_interval, percentile

SAMPLES = 3_000
SECONDS = st.lists(st.floats(0.001, 100.0), min_size=1, max_size=80)


@pytest.mark.parametrize(
    ("n", "low", "high"),
    [
        # Ranks of the 95 % interval: David and Nagaraja's method; the same rows stand in many printed tables.
        pytest.param(6, 1, 6, id="6"),
        pytest.param(9, 2, 8, id="9"),
        pytest.param(10, 2, 9, id="10"),
        pytest.param(12, 3, 10, id="12"),
        pytest.param(20, 6, 15, id="20"),
        pytest.param(25, 8, 18, id="25"),
        pytest.param(50, 18, 33, id="50"),
        pytest.param(100, 40, 61, id="100"),
    ],
)
def test_the_median_lies_between_the_tabled_ranks(n: int, low: int, high: int) -> None:
    assert median_interval([float(value) for value in range(1, n + 1)]) == Interval(low, high)


@pytest.mark.parametrize("n", range(6))
def test_fewer_than_six_values_carry_no_interval(n: int) -> None:
    assert median_interval([1.0] * n) is None


@pytest.mark.parametrize("n", [6, 12, 20, 51])
@pytest.mark.parametrize(
    ("draw", "median"),
    [
        pytest.param(lambda chance: chance.gauss(0.4, 0.1), 0.4, id="normal"),
        pytest.param(lambda chance: chance.lognormvariate(0.0, 1.0), 1.0, id="lognormal"),
        pytest.param(lambda chance: chance.paretovariate(1.0), 2.0, id="without a mean"),
        pytest.param(lambda chance: chance.choice((0.1, 0.9)) + chance.gauss(0, 0.01), None, id="two modes"),
    ],
)
def test_the_interval_covers_the_true_median_as_often_as_it_says(
    draw: Callable[[random.Random], float], median: float | None, n: int
) -> None:
    chance = random.Random(f"{n}")
    truth = 0.5 if median is None else median
    covered = 0
    for _ in range(SAMPLES):
        interval = median_interval(sorted(draw(chance) for _ in range(n)))
        assert interval is not None
        covered += interval.low <= truth <= interval.high
    assert covered / SAMPLES >= 0.95 - 0.012, "three standard errors of 3000 samples"


def test_more_values_make_a_narrower_interval() -> None:
    chance = random.Random(3)
    values = [chance.gauss(1.0, 0.2) for _ in range(200)]
    few, many = median_interval(sorted(values[:12])), median_interval(sorted(values))
    assert few is not None
    assert many is not None
    assert many.high - many.low < (few.high - few.low) / 2


@given(SECONDS)
def test_the_interval_holds_the_median_and_its_ends_are_values(values: list[float]) -> None:
    ordered = sorted(values)
    interval, middle = median_interval(ordered), percentile(ordered, 0.5)
    assert middle is not None
    assert (interval is None) == (len(ordered) < 6)
    if interval is not None:
        assert {interval.low, interval.high} <= set(ordered)
        assert interval.low <= middle <= interval.high


@given(SECONDS, st.floats(0.001, 1000.0))
def test_another_unit_scales_the_interval(values: list[float], factor: float) -> None:
    interval = median_interval(sorted(values))
    scaled = median_interval(sorted(value * factor for value in values))
    if interval is not None:
        assert scaled == Interval(interval.low * factor, interval.high * factor)


@given(SECONDS, st.floats(0.0, 1.0))
def test_a_percentile_is_a_value_with_that_share_at_or_below_it(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-6


def test_a_percentile_of_nothing_is_unknown() -> None:
    assert percentile([], 0.5) is None


def test_percentiles_are_by_nearest_rank() -> None:
    values = [float(value) for value in range(1, 101)]
    assert (percentile(values, 0.07), percentile(values, 0.5), percentile(values, 0.95)) == (7.0, 50.0, 95.0)
