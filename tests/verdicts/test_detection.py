"""The bars of `python -m tests.bench.detection`, on a few of its episodes."""

from random import Random

import pytest

from tests.bench.detection.__main__ import INTERVALS, noise_alarms, scores
from tests.bench.detection.latency import DAY
from tests.bench.detection.restless import play_restless, restless_alarms
from tests.bench.detection.score import Comparison, Score
from tests.bench.detection.truth import NEVER, SCENARIOS, Alarm, Episode, Scenario

EPISODES, FEW_EPISODES = 15, 4  # each of the few learns five weeks of answer times first
every_interval = pytest.mark.parametrize("interval", INTERVALS)


def named(*names: str) -> list[Scenario]:
    return [scenario for scenario in SCENARIOS if scenario.name in names]


@every_interval
@pytest.mark.parametrize(
    "scenario",
    named("outage, 3 slots", "outage, 12 slots", "flapping, 4 of 8 slots", "outage, store away"),
    ids=lambda scenario: scenario.name,
)
def test_an_outage_of_three_slots_or_more_is_always_found_and_sooner_than_three_in_a_row(
    interval: float, scenario: Scenario
) -> None:
    ours, three_in_a_row, *_ = scores(scenario, interval, 1, EPISODES)
    assert ours.found == ours.episodes
    assert ours.false == 0
    assert sum(ours.waits) <= sum(three_in_a_row.waits)
    assert ours.is_as_good_as(three_in_a_row)


@every_interval
@pytest.mark.parametrize(
    "scenario", [s for s in SCENARIOS if not s.is_outage], ids=lambda scenario: scenario.name
)
def test_what_is_not_the_providers_fault_accuses_nobody(interval: float, scenario: Scenario) -> None:
    ours, *_ = scores(scenario, interval, 1, EPISODES)
    assert ours.false == 0


@every_interval
def test_independent_noise_of_half_a_percent_is_no_alarm(interval: float) -> None:
    (ours, *_), extra_probes = noise_alarms(interval, 0.005, days=150.0, seed=1)
    assert ours == 0, "five months"
    assert 0 < extra_probes < 0.01


@every_interval
@pytest.mark.parametrize(
    "scenario",
    named("first token x 3, 36 slots", "first token x 6, 12 slots", "tokens/s halved, 36 slots"),
    ids=lambda scenario: scenario.name,
)
def test_answers_that_take_several_times_the_usual_are_found_by_ours_alone(
    interval: float, scenario: Scenario
) -> None:
    ours, *others = scores(scenario, interval, 1, FEW_EPISODES)
    assert ours.found == ours.episodes
    assert ours.false == 0
    assert ours.wait(0.5) < 8
    assert [rule.found for rule in others] == [0, 0, 0]


def test_a_drift_of_three_percent_a_day_is_found_before_answers_take_twice_as_long() -> None:
    (scenario,) = named("slow drift, 3 % a day")
    episode = Episode.draw(scenario, 600.0, Random(1))
    alarm, *_ = play_restless(1, episode, Random(1), learn_every=DAY)
    assert DAY < alarm.begin - episode.start < 23.5 * DAY, "1.03 to the power of 23.5 is 2"


def test_restless_answer_times_are_no_alarm() -> None:
    assert restless_alarms(600.0, 0.005, months=1, rivals=(), learn_every=2 * DAY) == [0]


# How rules are compared.


def outage_score(*waits: float) -> Score:
    score = Score(is_outage=True)
    episode = Episode(Scenario("an outage", 10), 1.0, 0.0, 10.0)
    for wait in waits:
        score.add(episode, [] if wait == NEVER else [Alarm(wait, 20.0)])
    return score


def test_a_rule_that_finds_only_what_is_quickly_found_is_no_quicker_for_it() -> None:
    all_found, few_found = outage_score(1, 5, 6), outage_score(1, NEVER, NEVER)
    assert (all_found.wait(0.5), few_found.wait(0.5)) == (5, NEVER)
    assert all_found.is_as_good_as(few_found)
    assert not few_found.is_as_good_as(all_found)


def test_rules_beyond_the_budget_of_false_alarms_are_compared_apart() -> None:
    row = (outage_score(3, 3), outage_score(4, 4), outage_score(0, 0))
    rates = (0.0, 0.01, 20.0)
    table = Comparison(("ours", "calm", "jumpy"), {"outage": row}, {"noise": rates}, rates)
    within, among_within, among_all = table.summary()
    assert within.endswith(": ours, calm.")
    assert among_within.endswith("2 of 2 rows")
    assert among_all.endswith("1 of 2 rows; not: outage")
