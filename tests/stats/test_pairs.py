import random
from fractions import Fraction
from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.stats.pairs import compare, evidence, rounds_needed

RACES = 2_000
ROUNDS = 60
PAIRS = st.lists(st.tuples(st.floats(0.001, 10.0), st.floats(0.001, 10.0)), max_size=60)


def test_a_clean_sweep_decides_after_eight_rounds_and_not_before() -> None:
    assert not compare([(0.2, 0.4)] * 7).is_first_clear
    assert compare([(0.2, 0.4)] * 8).is_first_clear
    assert compare([(0.4, 0.2)] * 8).is_second_clear
    assert rounds_needed() == 8


def test_equal_values_speak_for_neither() -> None:
    found = compare([(0.3, 0.3)] * 50)
    assert (found.first_ahead, found.second_ahead) == (0, 0)
    assert not found.is_first_clear
    assert not found.is_second_clear


def test_more_comparisons_ask_for_more_rounds() -> None:
    needed = [rounds_needed(comparisons) for comparisons in (1, 3, 10, 45)]
    assert needed == sorted(set(needed))
    assert not compare([(0.2, 0.4)] * 8, comparisons=3).is_first_clear
    assert compare([(0.2, 0.4)] * rounds_needed(3), comparisons=3).is_first_clear


@given(st.integers(0, 60), st.integers(0, 60))
def test_evidence_is_the_closed_form(heads: int, tails: int) -> None:
    n = heads + tails
    exact = Fraction(2**n * factorial(heads) * factorial(tails), factorial(n + 1))
    assert evidence(heads, tails) == pytest.approx(float(exact), rel=1e-9)


@given(st.integers(0, 40), st.integers(0, 40))
def test_evidence_is_a_fair_bet(heads: int, tails: int) -> None:
    after = (evidence(heads + 1, tails) + evidence(heads, tails + 1)) / 2
    assert after == pytest.approx(evidence(heads, tails), rel=1e-9)


def test_evidence_stays_a_number_in_endless_races() -> None:
    assert evidence(5_000, 0) > evidence(500, 0)


def test_looking_after_every_round_finds_a_difference_where_none_is_at_most_once_in_twenty() -> None:
    chance = random.Random(11)
    wrong = 0
    for _ in range(RACES):
        heads = tails = 0
        for _round in range(ROUNDS):
            if chance.lognormvariate(0, 1) < chance.lognormvariate(0, 1):
                heads += 1
            else:
                tails += 1
            if evidence(heads, tails) >= 20:
                wrong += 1
                break
    assert wrong / RACES <= 0.05


def test_a_true_difference_is_mostly_found_within_twenty_rounds() -> None:
    chance = random.Random(12)
    found = 0
    for _ in range(RACES):
        pairs = [(chance.gauss(0.40, 0.08), chance.gauss(0.60, 0.08)) for _ in range(20)]
        found += compare(pairs, comparisons=3).is_first_clear
    assert found / RACES > 0.9


def test_the_interval_of_the_difference_covers_the_truth_at_every_look() -> None:
    chance = random.Random(13)
    missed = 0
    for _ in range(RACES // 4):
        pairs: list[tuple[float, float]] = []
        for _round in range(ROUNDS):
            pairs.append((chance.gauss(0.4, 0.1), chance.gauss(0.6, 0.1)))
            interval = compare(pairs).interval
            if interval is not None and not interval.low <= 0.2 <= interval.high:
                missed += 1
                break
    assert missed / (RACES // 4) <= 0.05


@given(PAIRS)
def test_what_is_clear_has_its_whole_interval_on_that_side(pairs: list[tuple[float, float]]) -> None:
    found = compare(pairs)
    assert not (found.is_first_clear and found.is_second_clear)
    if found.first_ahead + found.second_ahead < found.n:
        return  # ties are no evidence, so the interval is the wider of the two
    if found.interval is not None:
        assert found.is_first_clear == (found.interval.low > 0)
        assert found.is_second_clear == (found.interval.high < 0)


@given(PAIRS)
def test_swapping_the_two_swaps_the_verdict(pairs: list[tuple[float, float]]) -> None:
    there, back = compare(pairs), compare([(second, first) for first, second in pairs])
    assert (there.is_first_clear, there.is_second_clear) == (back.is_second_clear, back.is_first_clear)
    assert there.evidence == pytest.approx(back.evidence)


@given(PAIRS)
def test_the_order_of_the_rounds_does_not_matter(pairs: list[tuple[float, float]]) -> None:
    assert compare(pairs) == compare(pairs[::-1])


def test_no_rounds_say_nothing() -> None:
    found = compare([])
    assert (found.n, found.difference, found.interval) == (0, None, None)
    assert not found.is_first_clear
