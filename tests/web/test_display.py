"""Numbers as a reader sees them."""

from datetime import UTC, datetime

import pytest

from probes.web.display import FILTERS, count, duration, iso, money, percent, seconds, tokens_per_second, utc

MOMENT = datetime(2026, 11, 21, 9, 5, 7, 250_000, tzinfo=UTC)


@pytest.mark.parametrize("name", sorted(set(FILTERS) - {"iso"}))
def test_what_was_not_observed_is_a_dash_and_never_zero(name: str) -> None:
    assert FILTERS[name](None) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00042, "0.4\xa0ms"),
        (0.0412, "41\xa0ms"),
        (0.0994, "99\xa0ms"),
        (0.0996, "0.10\xa0s"),
        (0.8432, "0.84\xa0s"),
        (9.994, "9.99\xa0s"),
        (9.996, "10.0\xa0s"),
        (12.34, "12.3\xa0s"),
        (99.96, "1\xa0min 40\xa0s"),
        (184, "3\xa0min 4\xa0s"),
    ],
)
def test_seconds_have_three_digits_that_mean_something(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "100\xa0%"),
        (0.99999, "99.99\xa0%"),
        (0.9731, "97.31\xa0%"),
        (0.00001, "0.01\xa0%"),
        (0.0, "0\xa0%"),
    ],
)
def test_a_share_is_rounded_neither_to_all_nor_to_nothing(value: float, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (8.5, "8.5\xa0s"),
        (5.0, "5\xa0s"),
        (59.4, "59.4\xa0s"),
        (60, "1\xa0min"),
        (184, "3\xa0min 4\xa0s"),
        (7260, "2\xa0h 1\xa0min"),
        (86400, "1\xa0d"),
        (190000, "2\xa0d 4\xa0h"),
    ],
)
def test_a_duration_takes_two_units_at_most(value: float, text: str) -> None:
    assert duration(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.15, "1.1"), (7.25, "7.2"), (9.96, "10"), (53.2, "53"), (1204.0, "1204")]
)
def test_throughput_is_as_exact_as_it_is_small(value: float, text: str) -> None:
    assert tokens_per_second(value) == text


def test_large_counts_are_grouped_by_narrow_spaces() -> None:
    assert count(1234567) == "1\u202f234\u202f567"
    assert count(0) == "0"


@pytest.mark.parametrize(
    ("value", "text"), [(0.000164, "0.000164"), (0.0, "0.00"), (12.5, "12.50"), (0.0221, "0.0221")]
)
def test_small_money_keeps_its_digits(value: float, text: str) -> None:
    assert money(value) == text


def test_moments_are_utc_and_say_so() -> None:
    assert iso(MOMENT) == "2026-11-21T09:05:07Z"
    assert iso(None) == ""
    assert utc(MOMENT) == "2026-11-21 09:05:07 UTC"
    assert utc(MOMENT, "clock") == "09:05:07 UTC"
    assert utc(MOMENT, "date") == "2026-11-21"
