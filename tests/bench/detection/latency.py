"""How long answers take: rhythms of day and week, a wander from day to day, log-normal noise, a heavy tail."""

import math
import random
from datetime import timedelta

from probes.domain.outcome import Outcome
from probes.domain.rollup import Period, Rollup, RollupKey, Tally
from probes.stats.histogram import histogram_of
from tests.bench.detection.truth import EPOCH, Slower, Timing

HOUR, DAY = 3600.0, 86400.0
NOISE, TAIL_SHARE, TAIL_ALPHA = 0.25, 0.03, 1.5  # log-normal sigma; of the probes, Pareto from 1.5 times on
RHYTHM, WEEKEND = 0.3, -0.15  # of the logarithm: 1.8 times between 2 o'clock and 14 o'clock
WANDER, KEPT = 0.08, 0.8  # day-to-day sigma of the logarithm, correlation with the day before
TTFT_SECONDS, TOKENS_PER_SECOND, TOKENS = 0.8, 60.0, 64


class Habit:
    """One target; seconds from EPOCH, negative before."""

    def __init__(self, draw: random.Random, days: int) -> None:
        self._phase = draw.uniform(0.0, 7 * DAY)
        self._first_day = -40
        self._wander = [draw.gauss(0.0, WANDER)]
        for _ in range(days + 45):
            fresh = draw.gauss(0.0, WANDER * math.sqrt(1 - KEPT**2))
            self._wander.append(KEPT * self._wander[-1] + fresh)

    def load(self, at: float) -> float:
        """Of the logarithm."""
        turn = (at + self._phase) % (7 * DAY)
        weekend = WEEKEND if turn > 5 * DAY else 0.0
        day, part = divmod(at / DAY - self._first_day, 1.0)
        wander = self._wander[int(day)] * (1 - part) + self._wander[int(day) + 1] * part
        return RHYTHM * math.sin(turn * 2 * math.pi / DAY) + weekend + wander

    def timing(self, at: float, draw: random.Random, slower: Slower) -> Timing:
        load = self.load(at)
        tail = 1.5 * draw.paretovariate(TAIL_ALPHA) if draw.random() < TAIL_SHARE else 1.0
        ttft = TTFT_SECONDS * math.exp(load + draw.gauss(0.0, NOISE)) * min(tail, 40.0) * slower.ttft
        rate = TOKENS_PER_SECOND * math.exp(-0.5 * load + draw.gauss(0.0, NOISE / 2)) / slower.token
        return Timing(ttft, ttft + (TOKENS - 1) / rate, rate)


class Hours:
    """Collects the hourly rollups that a store would have."""

    def __init__(self) -> None:
        self.rollups: list[Rollup] = []
        self._hour: int | None = None
        self._timings: list[Timing] = []

    def add(self, at: float, timing: Timing) -> None:
        hour = math.floor(at / HOUR)
        if hour != self._hour:
            self._close()
            self._hour = hour
        self._timings.append(timing)

    def until(self, at: float) -> list[Rollup]:
        """Of the hours that ended before, newest 36 days."""
        if self._hour is not None and (self._hour + 1) * HOUR <= at:
            self._close()
        del self.rollups[: -36 * 24]
        return self.rollups

    def copy(self) -> "Hours":
        """With what is closed."""
        other = Hours()
        other.rollups = list(self.rollups)
        return other

    def _close(self) -> None:
        if self._hour is None or not self._timings:
            return
        start = EPOCH + timedelta(hours=self._hour)
        tally = Tally(
            outcomes={Outcome.OK: len(self._timings)},
            ttft=histogram_of(timing.ttft for timing in self._timings),
            response=histogram_of(timing.response for timing in self._timings),
            throughput=histogram_of(timing.throughput for timing in self._timings),
        )
        self.rollups.append(Rollup(RollupKey("0", "here", Period.HOUR, start), tally, start))
        self._timings = []
