"""`python -m tests.bench.detection [--days N] [--seed N]`: recall, precision, time to detect, false alarms.

Prints a table per interval: our rules, and beside them the rules of rivals.RIVALS. N target-days are simulated for
each interval and share of noise; the faults take some hundred target-days more.
"""

import argparse
import math
import random
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from probes.domain.outcome import Outcome
from probes.domain.result import Trigger
from tests.bench.detection.ours import Ours
from tests.bench.detection.rivals import RIVALS, Rival, Watching
from tests.bench.detection.truth import SCENARIOS, Alarm, Episode, Noise, Scenario

INTERVALS = (600.0, 60.0)
NOISES = (0.001, 0.005, 0.02)
EPISODES = 200
MONTH_DAYS = 30.0
BEFORE_SLOTS, AFTER_SLOTS = 10, 15  # of a noise failure: what a rule can still remember of it
LATE_SLOTS = 2.0  # an alarm this long after the end still belongs to its fault


@dataclass
class Score:
    episodes: int = 0
    found: int = 0
    waits: list[float] = field(default_factory=list)  # intervals from the fault's start
    false: int = 0

    def add(self, episode: Episode, alarms: Sequence[Alarm]) -> None:
        self.episodes += 1
        late = LATE_SLOTS * episode.interval
        is_outage = episode.scenario.is_outage
        last = episode.end + late
        true = [a for a in alarms if is_outage and a.begin <= last and a.end >= episode.start]
        self.false += len(alarms) - len(true)
        if true:
            self.found += 1
            self.waits.append(max(0.0, true[0].begin - episode.start) / episode.interval)

    @property
    def precision(self) -> float | None:
        alarms = self.found + self.false
        return self.found / alarms if alarms else None


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
    result = [Score() for _ in range(1 + len(RIVALS))]
    for number in range(episodes):
        draw = random.Random(f"{seed} {scenario.name} {interval} {number}")
        episode = Episode.draw(scenario, interval, draw)
        result[0].add(episode, play_ours(episode, draw)[0])
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


def text(score: Score, *, is_outage: bool) -> str:
    if not is_outage:
        return f"{score.false} false"
    waits = sorted(score.waits)
    if not waits:
        return f"{score.found / score.episodes:.3f}"
    p95 = waits[min(len(waits) - 1, int(0.95 * len(waits)))]
    precision = score.precision
    return (
        f"{score.found / score.episodes:.3f} / {precision:.2f} / {statistics.median(waits):.2f} / {p95:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=1000.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    names = ["ours", *(rule.name for rule in RIVALS)]
    began = time.perf_counter()
    for interval in INTERVALS:
        print(
            f"\nOne probe every {interval / 60:g} min: recall / precision / median / p95 time to detect in intervals"
        )
        print("| | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
        for scenario in SCENARIOS:
            row = [text(s, is_outage=scenario.is_outage) for s in scores(scenario, interval, options.seed)]
            print(f"| {scenario.name} | " + " | ".join(row) + " |", flush=True)
        for share in NOISES:
            rates, extra = noise_alarms(interval, share, options.days, options.seed)
            cells = " | ".join(f"{rate:.3f}" for rate in rates)
            print(
                f"| false alarms a target-month at {share:.1%} noise | {cells} | (+{extra:.2%} probes)",
                flush=True,
            )
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
