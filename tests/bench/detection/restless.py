"""Targets whose answer times vary: faults that make them slow, and months in which nothing is wrong."""

import random
from collections.abc import Sequence
from datetime import timedelta
from functools import cache

from probes.domain.result import Trigger
from probes.stats.baseline import Span, Undisturbed
from probes.verdicts.deviation import SLOWER_AFTER, Known, known_from
from tests.bench.detection.latency import DAY, Habit, Hours
from tests.bench.detection.ours import Ours
from tests.bench.detection.rivals import Rival, Watching
from tests.bench.detection.truth import EPOCH, NEVER, Alarm, Episode, Noise, Slower, Timing

LEARNT_DAYS = 35
LEARN_EVERY = DAY / 4  # the agent learns anew each hour; this is what the bench has time for
HABITS = 10  # learnt once, used by many episodes
LONGEST_DAYS = 65


_Learnt = tuple[Habit, Hours, Known]


def learnt_habit(number: int, interval: float) -> _Learnt:
    """A target, and what it did before EPOCH."""
    draw = random.Random(f"habit {number} {interval}")
    habit, hours = Habit(draw, LONGEST_DAYS), Hours()
    for slot in range(-round(LEARNT_DAYS * DAY / interval), 0):
        hours.add(slot * interval, habit.timing(slot * interval, draw, Slower()))
    return habit, hours, known_from(hours.until(0.0), Undisturbed(), EPOCH)


one_of_few = cache(learnt_habit)


class Watched:
    """Ours at work on one target, learning as it goes."""

    def __init__(
        self, learnt: _Learnt, episode: Episode | Noise, draw: random.Random, learn_every: float
    ) -> None:
        self._habit, hours, known = learnt
        self._hours = hours.copy()
        self._episode = episode
        self._draw = draw
        self._next = self._every = learn_every
        self.ours = Ours(episode.interval, 1, episode.meets, draw, self._timing)
        self.ours.learn(known)

    def probe(self, at: float) -> None:
        self.ours.advance(at)
        if at >= self._next:
            self._next += self._every
            now = EPOCH + timedelta(seconds=at)
            self.ours.learn(known_from(self._hours.until(at), self._undisturbed(), now))
        self.ours.probe(0, at, self._episode.arrives(at), Trigger.SCHEDULED)

    def _timing(self, at: float) -> Timing:
        timing = self._habit.timing(at, self._draw, self._episode.slower(at))
        self._hours.add(at, timing)
        return timing

    def _undisturbed(self) -> Undisturbed:
        early = SLOWER_AFTER * self._episode.interval  # an incident begins with its first slot
        return Undisturbed(None, tuple(_span(alarm, early) for alarm in self.ours.alarms))


def play_restless(
    number: int, episode: Episode, draw: random.Random, learn_every: float = LEARN_EVERY
) -> list[Alarm]:
    watched = Watched(one_of_few(number % HABITS, episode.interval), episode, draw, learn_every)
    for slot in range(episode.slots):
        watched.probe(slot * episode.interval)
    watched.ours.advance(NEVER)
    return watched.ours.alarms


def restless_alarms(
    interval: float, share: float, months: int, rivals: Sequence[Rival], learn_every: float = LEARN_EVERY
) -> list[float]:
    """False alarms per target-month of 30 days, ours first; nothing happens but noise."""
    counts = [0] * (1 + len(rivals))
    for number in range(months):
        draw = random.Random(f"restless {number} {interval} {share}")
        noise = Noise(interval, share)
        watched = Watched(learnt_habit(HABITS + number, interval), noise, draw, learn_every)
        watching = [Watching(rule, noise.meets, draw) for rule in rivals]
        for slot in range(round(30 * DAY / interval)):
            watched.probe(slot * interval)
            for rival in watching:
                rival.probe(slot * interval, slot * interval + 1.0)
        watched.ours.advance(NEVER)
        for at, alarms in enumerate((watched.ours.alarms, *(rival.alarms for rival in watching))):
            counts[at] += len(alarms)
    return [count / months for count in counts]


def _span(alarm: Alarm, early: float) -> Span:
    start = EPOCH + timedelta(seconds=alarm.begin - early)
    return Span(start, None if alarm.end == NEVER else EPOCH + timedelta(seconds=alarm.end))
