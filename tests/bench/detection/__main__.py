"""`python -m tests.bench.detection [--days N] [--months N] [--seed N]`: recall, precision, delay, false alarms.

Prints a table per interval: our rules, and beside them the rules of rivals.RIVALS; and in which rows ours are best or
equal, among the rules that keep within the budget of false alarms and among all. So many target-days are simulated for
each interval and share of noise, and so many target-months with answer times that vary; faults take some thousand more.
"""

import argparse
import math
import random
import time
from collections.abc import Iterable, Sequence

from probes.domain.outcome import Outcome
from probes.domain.result import Trigger
from tests.bench.detection.ours import Ours
from tests.bench.detection.restless import play_restless, restless_alarms
from tests.bench.detection.rivals import RIVALS, Rival, Watching
from tests.bench.detection.score import Comparison, Score
from tests.bench.detection.truth import SCENARIOS, Alarm, Episode, Noise, Scenario

INTERVALS = (600.0, 60.0)
NOISES = (0.001, 0.005, 0.02)
BUDGET_NOISE = 0.005
EPISODES, FEW_EPISODES = 200, 5
LONG_SLOTS = 20_000  # of one scenario
MONTH_DAYS = 30.0
BEFORE_SLOTS, AFTER_SLOTS = 10, 15  # of a noise failure: what a rule can still remember of it


def play_ours(episode: Episode, draw: random.Random) -> tuple[list[Alarm], int]:
    count = episode.scenario.targets
    ours = Ours(episode.interval, count, episode.meets, draw)
    for slot in range(episode.slots):
        for target in range(count):
            at = (slot + target / count) * episode.interval
            ours.advance(at)
            ours.probe(target, at, episode.arrives(at), Trigger.SCHEDULED)
    ours.advance(float("inf"))
    return ours.alarms, ours.extra_probes


def play_rival(rule: Rival, episode: Episode, draw: random.Random) -> list[Alarm]:
    alarms: list[Alarm] = []
    for target in range(episode.scenario.targets):
        watching = Watching(rule, episode.meets, draw)
        for slot in range(episode.slots):
            at = (slot + target / episode.scenario.targets) * episode.interval
            watching.probe(at, episode.arrives(at))
        alarms += watching.alarms
    return alarms


def scores(scenario: Scenario, interval: float, seed: int, episodes: int = EPISODES) -> list[Score]:
    """Ours first, then the rivals; all meet the same faults."""
    result = [Score(scenario.is_outage) for _ in range(1 + len(RIVALS))]
    for number in range(episodes):
        draw = random.Random(f"{seed} {scenario.name} {interval} {number}")
        episode = Episode.draw(scenario, interval, draw)
        is_slow = scenario.slower.is_slow
        found = play_restless(number, episode, draw) if is_slow else play_ours(episode, draw)[0]
        result[0].add(episode, found)
        for score, rule in zip(result[1:], RIVALS, strict=True):
            score.add(episode, play_rival(rule, episode, draw))
    return result


def looked_at(slots: int, share: float, draw: random.Random) -> Iterable[tuple[int, bool]]:
    """Failing slots and their surroundings; between them every rule sees good answers only."""
    reached, slot = 0, -1
    while True:
        slot += 1 + int(draw.expovariate(-math.log1p(-share)))  # geometric
        start = max(reached, slot - BEFORE_SLOTS)
        if reached:
            yield from ((n, False) for n in range(reached, min(start, reached + AFTER_SLOTS, slots)))
        if slot >= slots:
            return
        yield from ((n, False) for n in range(max(start, reached), slot))
        yield slot, True
        reached = slot + 1


def noise_alarms(interval: float, share: float, days: float, seed: int) -> tuple[list[float], float]:
    """False alarms per target-month, ours first; and the share of probes that our confirming adds."""
    slots = round(days * 86400 / interval)
    draw = random.Random(f"{seed} noise {interval} {share}")
    noise = _Planned(Noise(interval, share))
    ours = Ours(interval, 1, noise.meets, draw)
    rivals = [Watching(rule, noise.meets, draw) for rule in RIVALS]
    for slot, fails in looked_at(slots, share, draw):
        at = slot * interval
        ours.advance(at)
        noise.plan(at, fails=fails)
        ours.probe(0, at, at + 1.0, Trigger.SCHEDULED)
        for rival in rivals:
            rival.probe(at, at + 1.0)
    ours.advance(float("inf"))
    months = days / MONTH_DAYS
    alarms = [ours.alarms, *(rival.alarms for rival in rivals)]
    return [len(found) / months for found in alarms], ours.extra_probes / slots


class _Planned:
    """Noise whose scheduled failures are drawn beforehand; every other probe draws its own."""

    def __init__(self, noise: Noise) -> None:
        self._noise = noise
        self._at = -1.0
        self._fails = False

    def plan(self, at: float, *, fails: bool) -> None:
        self._at, self._fails = at, fails

    def meets(self, at: float, draw: random.Random) -> Outcome:
        if at == self._at:
            return Outcome.SERVER_ERROR if self._fails else Outcome.OK
        return self._noise.meets(at, draw)


def episodes_of(scenario: Scenario, interval: float) -> int:
    """As many as there is time for."""
    seconds = scenario.seconds if scenario.seconds is not None else scenario.slots * interval
    return min(EPISODES, max(FEW_EPISODES, round(LONG_SLOTS * interval / max(seconds, interval))))


def compare(interval: float, options: argparse.Namespace) -> Comparison:
    """Prints each row as soon as it is known."""
    names = ["ours", *(rule.name for rule in RIVALS)]
    table = Comparison(names)
    print(
        f"\nOne probe every {interval / 60:g} min: recall / precision / median / p95 time to detect in intervals"
    )
    print("| | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for scenario in SCENARIOS:
        episodes = episodes_of(scenario, interval)
        row = table.rows[scenario.name] = scores(scenario, interval, options.seed, episodes)
        of = "" if episodes == EPISODES else f" ({episodes} episodes)"
        print(f"| {scenario.name}{of} | " + " | ".join(map(str, row)) + " |", flush=True)
    for share in NOISES:
        rates, extra = noise_alarms(interval, share, options.days, options.seed)
        _print_rates(table, f"false alarms a target-month at {share:.1%} noise", rates)
        print(f"(our confirming adds {extra:.2%} probes)", flush=True)
        if share == BUDGET_NOISE:
            table.at_half_a_percent = rates
    rates = restless_alarms(interval, BUDGET_NOISE, options.months, RIVALS)
    _print_rates(table, f"the same at {BUDGET_NOISE:.1%} and restless answer times", rates)
    return table


def _print_rates(table: Comparison, name: str, rates: Sequence[float]) -> None:
    table.rates[name] = rates
    print(f"| {name} | " + " | ".join(f"{rate:.3f}" for rate in rates) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=1000.0)
    parser.add_argument("--months", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    for interval in INTERVALS:
        print("\n".join(["", *compare(interval, options).summary()]), flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
