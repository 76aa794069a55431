"""Verdicts from rounds, without any network: chance is seeded."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult
from probes.terminal.figures import Metric
from probes.terminal.plans import Round
from probes.terminal.race import margin, short_names, standings, verdict
from tests.examples import a_result, a_target

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
A, B, C = "acme/main/a", "acme/main/b", "acme/main/c"
NAMES = {A: "a", B: "b", C: "c"}


def answer(target: str, ttft: float | None, **changes: object) -> ProbeResult:
    if ttft is None:
        return a_result(Outcome.SERVER_ERROR, target=target)
    return a_result(target=target, ttft_seconds=ttft, **changes)


def rounds_of(**values: list[float | None]) -> list[Round]:
    """`a=[0.1, ...]`: the TTFT of acme/main/a in each round; None is a failure."""
    columns = {f"acme/main/{name}": column for name, column in values.items()}
    count = len(next(iter(columns.values())))
    return [{key: answer(key, column[at]) for key, column in columns.items()} for at in range(count)]


def around(middle: float, count: int, seed: int, spread: float = 0.02) -> list[float | None]:
    chance = random.Random(seed)
    return [chance.gauss(middle, spread) for _ in range(count)]


def said(rounds: list[Round], by: Metric = Metric.TTFT) -> str:
    ids = list(rounds[0])
    return verdict(standings(ids, rounds, by), NAMES)


def test_the_faster_of_two_answers_first() -> None:
    rounds = rounds_of(a=around(0.6, 12, 1), b=around(0.4, 12, 2))
    assert said(rounds).startswith("b answers first: 0.390 s [0.383-0.408]")
    assert "against a's 0.6" in said(rounds)
    more = margin(standings([A, B], rounds, Metric.TTFT), NAMES)
    assert more is not None
    assert more.startswith("b was ahead of a in 12 of 12 rounds, in the median one by 0.191 s [0.179-0.229].")


def test_two_equal_ones_cannot_be_told_apart() -> None:
    rounds = rounds_of(a=around(0.4, 40, 3), b=around(0.4, 40, 4))
    assert "cannot be told apart: 0." in said(rounds)
    assert said(rounds).endswith("with n = 40.")
    assert margin(standings([A, B], rounds, Metric.TTFT), NAMES) is None


def test_a_third_that_lies_between_is_not_judged() -> None:
    rounds = rounds_of(a=around(0.4, 12, 5), b=around(0.61, 12, 6), c=around(0.41, 12, 7, spread=0.05))
    sentence = said(rounds)
    assert "cannot be told from" in sentence
    assert "answers before b" in sentence


def test_what_follows_the_first_is_compared_too() -> None:
    rounds = rounds_of(a=around(0.2, 14, 8), b=around(0.6, 14, 9), c=around(0.6, 14, 10))
    sentence = said(rounds)
    assert sentence.startswith("a answers first: 0.2")
    assert "cannot be told from" in sentence


def test_seven_rounds_are_too_few_for_two_and_nine_for_three() -> None:
    two = rounds_of(a=around(0.2, 7, 11), b=around(0.6, 7, 12))
    three = rounds_of(a=around(0.2, 9, 11), b=around(0.6, 9, 12), c=around(0.9, 9, 13))
    assert said(two).startswith("Too early to tell")
    assert said(two).endswith("with n = 7; 8 rounds are the fewest that can decide.")
    assert said(three).endswith("with n = 9; 10 rounds are the fewest that can decide.")


def test_a_failed_probe_takes_its_round_from_the_pair_and_lends_it_no_time() -> None:
    a, b = around(0.2, 12, 14), around(0.6, 12, 15)
    a[0] = a[1] = None
    found = standings([A, B], rounds_of(a=a, b=b), Metric.TTFT)
    assert found.pairs[0].comparison.n == 10
    assert len(found.values[A]) == 10
    assert found.pairs[0].winner == A


def test_one_that_never_answers_is_named_and_not_ranked() -> None:
    rounds = rounds_of(a=around(0.2, 9, 16), b=[None] * 9)
    assert said(rounds).startswith("Only a answered: 0.")
    assert said(rounds).endswith("; b gave no usable answer.")


def test_nobody_answering_has_no_winner() -> None:
    assert said(rounds_of(a=[None] * 9, b=[None] * 9)) == "None of them gave a usable answer."


def test_of_throughput_more_is_better() -> None:
    rounds = [
        {A: answer(A, 0.2, throughput=50.0 + i), B: answer(B, 0.2, throughput=90.0 + i)} for i in range(10)
    ]
    assert said(rounds, Metric.THROUGHPUT).startswith("b writes fastest: 94.0 tokens/s")
    assert standings([A, B], rounds, Metric.THROUGHPUT).order == (B, A)


def test_the_order_of_naming_changes_nothing() -> None:
    rounds = rounds_of(a=around(0.3, 20, 17), b=around(0.35, 20, 18), c=around(0.5, 20, 19))
    there, back = standings([A, B, C], rounds, Metric.TTFT), standings([C, B, A], rounds, Metric.TTFT)
    assert there.order == back.order
    assert verdict(there, NAMES) == verdict(back, NAMES)
    assert margin(there, NAMES) == margin(back, NAMES)


def test_equal_targets_are_told_apart_in_few_races_however_often_one_looks() -> None:
    chance = random.Random(20)
    wrong = 0
    for _ in range(300):
        rounds: list[Round] = []
        for _round in range(20):
            rounds.append({key: answer(key, chance.lognormvariate(-1, 0.4)) for key in (A, B, C)})
            if any(pair.winner for pair in standings([A, B, C], rounds, Metric.TTFT).pairs):
                wrong += 1
                break
    assert wrong / 300 <= 0.05


@given(
    st.lists(st.tuples(st.floats(0.01, 2), st.floats(0.01, 2), st.floats(0.01, 2)), min_size=1, max_size=25)
)
def test_every_verdict_is_one_sentence_about_everybody(values: list[tuple[float, float, float]]) -> None:
    rounds: list[Round] = [{A: answer(A, a), B: answer(B, b), C: answer(C, c)} for a, b, c in values]
    sentence = said(rounds)
    assert sentence.endswith(".")
    assert all(name in sentence for name in NAMES.values())


@pytest.mark.parametrize("model", ["x", "y"])
def test_names_are_short_where_that_is_clear(model: str) -> None:
    first, second = a_target("x"), a_target(model, id="acme/other/m")
    names = short_names([first, second])
    assert list(names.values()) == (["x", "y"] if model == "y" else ["acme/main/x", "acme/other/m"])
