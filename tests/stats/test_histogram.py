"""Log-bucket histograms: every value within 1 %, merging exact, quantiles by nearest rank."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.stats.histogram import (
    LARGEST,
    RELATIVE_ERROR,
    SMALLEST,
    bucket_of,
    histogram_of,
    merge,
    quantile,
    value_of,
)

values = st.floats(min_value=SMALLEST, max_value=LARGEST)
TOLERANCE = RELATIVE_ERROR * (1 + 1e-9)


@given(values)
def test_a_buckets_value_is_within_one_percent_of_its_members(value: float) -> None:
    assert abs(value_of(bucket_of(value)) - value) <= TOLERANCE * value


@given(values, values)
def test_buckets_keep_the_order_of_values(a: float, b: float) -> None:
    assert (bucket_of(a) <= bucket_of(b)) or a > b


@pytest.mark.parametrize("value", [0.0, -1.0, SMALLEST / 2])
def test_values_below_the_smallest_share_its_bucket(value: float) -> None:
    assert bucket_of(value) == bucket_of(SMALLEST)


def test_values_beyond_the_largest_share_its_bucket() -> None:
    assert bucket_of(math.inf) == bucket_of(LARGEST)


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        bucket_of(math.nan)


@given(st.lists(st.lists(values, max_size=20), max_size=6))
def test_merging_parts_gives_the_histogram_of_the_whole(parts: list[list[float]]) -> None:
    whole = [value for part in parts for value in part]

    assert merge(histogram_of(part) for part in parts) == histogram_of(whole)


def test_merging_changes_none_of_its_parts() -> None:
    parts = [{1: 2}, {1: 3, 4: 1}]

    assert merge(parts) == {1: 5, 4: 1}
    assert parts == [{1: 2}, {1: 3, 4: 1}]


@given(st.lists(values, min_size=1, max_size=200), st.floats(min_value=0, max_value=1))
def test_a_quantile_is_within_one_percent_of_the_true_one(sample: list[float], q: float) -> None:
    true = sorted(sample)[max(1, math.ceil(q * len(sample) - 1e-9)) - 1]

    found = quantile(histogram_of(sample), q)

    assert found is not None
    assert abs(found - true) <= TOLERANCE * true


def test_the_quantile_of_nothing_is_unknown() -> None:
    assert quantile({}, 0.5) is None
    assert quantile({3: 0}, 0.5) is None


def test_the_p99_of_two_values_is_the_larger() -> None:
    found = quantile(histogram_of([1.0, 2.0]), 0.99)

    assert found == pytest.approx(2.0, rel=RELATIVE_ERROR)


@pytest.mark.parametrize("q", [-0.1, 1.1])
def test_a_quantile_outside_of_its_range_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        quantile({1: 1}, q)


def test_nine_decades_need_about_a_thousand_buckets() -> None:
    assert 1000 < bucket_of(1000.0) - bucket_of(1e-6) < 1100
