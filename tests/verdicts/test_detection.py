"""The bars of `python -m tests.bench.detection`, on a few of its episodes."""

import pytest

from tests.bench.detection.__main__ import INTERVALS, noise_alarms, scores
from tests.bench.detection.truth import SCENARIOS, Scenario

EPISODES = 15
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
