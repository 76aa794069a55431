"""What really happens to a target: its faults, and what a probe at any moment meets."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from probes.domain.outcome import Outcome

LEAD_SLOTS = 20  # good ones before each fault
TAIL_SLOTS = 20
BACKGROUND = 0.001  # independent failures in every scenario

NEVER = float("inf")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Alarm:
    """Seconds; NEVER: it has not ended."""

    begin: float
    end: float = NEVER


Meets = Callable[[float, random.Random], Outcome]


@dataclass(frozen=True, slots=True)
class Timing:
    """Of one answer; seconds, seconds, tokens a second."""

    ttft: float
    response: float
    throughput: float


Times = Callable[[float], Timing]  # of an answer that was asked for at that second


@dataclass(frozen=True, slots=True)
class Slower:
    """What a fault multiplies answer times with; `per_day` grows from its start on."""

    ttft: float = 1.0
    token: float = 1.0  # seconds per token
    per_day: float = 1.0  # of both

    @property
    def is_slow(self) -> bool:
        return self != Slower()


@dataclass(frozen=True, slots=True)
class Scenario:
    """`slots` long; `share` of the probes in it meet `outcome`."""

    name: str
    slots: float
    outcome: Outcome = Outcome.SERVER_ERROR
    share: float = 1.0
    is_outage: bool = True  # False: whoever accuses the provider is wrong
    targets: int = 1  # of as many providers, all struck
    period_slots: float = 0.0  # > 0: on for half of it, off for the other half
    seconds: float | None = None  # instead of slots
    is_silent: bool = False  # no probe runs
    slower: Slower = Slower()  # without failures, then
    is_delayed: bool = False  # results arrive when the store is back, a slot after the end


@dataclass(frozen=True, slots=True)
class Episode:
    """One fault on a time line of its own; seconds from 0."""

    scenario: Scenario
    interval: float
    start: float
    end: float
    noise: float = BACKGROUND

    @classmethod
    def draw(cls, scenario: Scenario, interval: float, draw: random.Random) -> "Episode":
        start = (LEAD_SLOTS + draw.random()) * interval
        length = scenario.seconds if scenario.seconds is not None else scenario.slots * interval
        noise = 0.0 if scenario.slower.is_slow else BACKGROUND  # so that nobody is right by chance
        return cls(scenario, interval, start, start + length, noise)

    @property
    def slots(self) -> int:
        return int(self.end / self.interval) + TAIL_SLOTS

    def meets(self, at: float, draw: random.Random) -> Outcome:
        """What a probe sent at that second ends with; the first one of each target shows that it works."""
        if at < self.interval:
            return Outcome.OK
        if not self.scenario.slower.is_slow and self._is_struck(at) and draw.random() < self.scenario.share:
            return self.scenario.outcome
        return Outcome.SERVER_ERROR if draw.random() < self.noise else Outcome.OK

    def slower(self, at: float) -> Slower:
        """How much longer an answer takes at that second."""
        fault = self.scenario.slower
        if not self.start <= at < self.end:
            return Slower()
        grown = fault.per_day ** ((at - self.start) / 86400.0)
        return Slower(fault.ttft * grown, fault.token * grown)

    def arrives(self, at: float) -> float | None:
        """When its result is known; None when nothing was asked."""
        if self.start <= at < self.end:
            if self.scenario.is_silent:
                return None
            if self.scenario.is_delayed:
                return self.end + self.interval
        return at + 1.0

    def _is_struck(self, at: float) -> bool:
        period = self.scenario.period_slots * self.interval
        is_on = period <= 0 or (at - self.start) % period < period / 2
        return self.start <= at < self.end and is_on


@dataclass(frozen=True, slots=True)
class Noise:
    """Nothing but independent failures, of any probe."""

    interval: float
    share: float

    def slower(self, _at: float) -> Slower:
        return Slower()

    def arrives(self, at: float) -> float:
        return at + 1.0

    def meets(self, _at: float, draw: random.Random) -> Outcome:
        return Outcome.SERVER_ERROR if draw.random() < self.share else Outcome.OK


SCENARIOS = (
    Scenario("outage, 1 slot", 1),
    Scenario("outage, 3 slots", 3),
    Scenario("outage, 12 slots", 12),
    Scenario("outage, 72 slots", 72),
    Scenario("brown-out 50 %, 36 slots", 36, share=0.5),
    Scenario("brown-out 20 %, 36 slots", 36, share=0.2),
    Scenario("brown-out 20 %, 180 slots", 180, share=0.2),
    Scenario("flapping, 4 of 8 slots", 48, period_slots=8),
    Scenario("outage, store away", 6, is_delayed=True),
    Scenario("first token x 1.5, 72 slots", 72, slower=Slower(ttft=1.5)),
    Scenario("first token x 3, 36 slots", 36, slower=Slower(ttft=3.0)),
    Scenario("first token x 6, 12 slots", 12, slower=Slower(ttft=6.0)),
    Scenario("tokens/s halved, 36 slots", 36, slower=Slower(token=2.0)),
    Scenario("slow drift, 3 % a day", 0, seconds=25 * 86400.0, slower=Slower(per_day=1.03)),
    Scenario("blip, 5 s", 0, seconds=5.0, is_outage=False),
    Scenario("own network lost", 6, Outcome.CONNECT_TIMEOUT, is_outage=False, targets=6),
    Scenario("key revoked", 12, Outcome.AUTH, is_outage=False),
    Scenario("quota spent", 12, Outcome.QUOTA_EXHAUSTED, is_outage=False),
    Scenario("throttled", 12, Outcome.RATE_LIMITED, is_outage=False),
    Scenario("agent dead", 12, is_outage=False, is_silent=True),
)
