"""Our rules at work as the recorder and the agent put them to work: judge, confirm, watch the network."""

import heapq
import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

from probes.agent.recorder import JUDGED_RESULTS
from probes.domain.outcome import Outcome
from probes.domain.result import Category, ProbeResult, Trigger
from probes.domain.state import State, Verdict
from probes.domain.target import Readiness
from probes.settings.model import AgentSettings
from probes.stats.baseline import Metric
from probes.verdicts.confirming import to_confirm
from probes.verdicts.deviation import Known, is_slow
from probes.verdicts.network import SILENT_OUTCOMES, Network, observed, sighting_of
from probes.verdicts.rules import ReasonKey, Subject, judge
from tests.bench.detection.truth import EPOCH, Alarm, Meets, Times, Timing

DELAY = AgentSettings().confirm_after_seconds


@dataclass(order=True, slots=True)
class Event:
    at: float  # when its result is known
    number: int
    target: int = field(compare=False)
    sent_at: float = field(compare=False)
    outcome: Outcome = field(compare=False)
    trigger: Trigger = field(compare=False)
    timing: Timing | None = field(compare=False)


@cache
def at(second: float) -> datetime:
    return EPOCH + timedelta(seconds=second)


def result_of(event: Event) -> ProbeResult:
    moment = at(event.sent_at)
    is_ok = event.outcome is Outcome.OK
    return ProbeResult(
        id=str(event.number),
        target=str(event.target),
        provider=f"provider-{event.target}",
        client="main",
        model="model",
        protocol="openai_chat",
        location="here",
        agent="here@bench",
        due_at=moment,
        started_at=moment,
        trigger=event.trigger,
        outcome=event.outcome,
        fault=event.outcome.fault,
        category=Category.SMOOTH if is_ok else Category.UNKNOWN,
        ttft_seconds=event.timing.ttft if event.timing else None,
        response_seconds=event.timing.response if event.timing else 1.0 if is_ok else None,
        throughput=event.timing.throughput if event.timing else None,
    )


def accuses(verdict: Verdict) -> bool:
    """The board shows a problem of the provider's; needs the operator and throttled are told apart from that."""
    return verdict.state is State.DOWN or (
        verdict.state is State.DEGRADED and verdict.reason.key != ReasonKey.THROTTLED
    )


class Ours:
    """All targets of one agent."""

    def __init__(
        self, interval: float, targets: int, meets: Meets, draw: random.Random, times: Times | None = None
    ) -> None:
        self._subject = Subject(Readiness.READY, "", interval)
        self._times = times
        self._meets = meets
        self._draw = draw
        self._queue: list[Event] = []
        self._recent: list[list[ProbeResult]] = [[] for _ in range(targets)]
        self._verdicts: list[Verdict | None] = [None] * targets
        self._network = Network()
        self._number = 0
        self._alarmed: dict[int, Alarm] = {}  # by target, while it lasts
        self.alarms: list[Alarm] = []
        self.extra_probes = 0

    def probe(self, target: int, at_second: float, arrives: float | None, trigger: Trigger) -> None:
        if arrives is not None:
            self._number += 1
            outcome = self._meets(at_second, self._draw)
            is_timed = trigger is Trigger.SCHEDULED and outcome is Outcome.OK
            timing = self._times(at_second) if self._times is not None and is_timed else None
            event = Event(arrives, self._number, target, at_second, outcome, trigger, timing)
            heapq.heappush(self._queue, event)

    def learn(self, known: Known) -> None:
        self._subject = replace(self._subject, usual=known)

    def advance(self, until: float) -> None:
        while self._queue and self._queue[0].at <= until:
            event = heapq.heappop(self._queue)
            self._take(event, result_of(event))

    def _take(self, event: Event, result: ProbeResult) -> None:
        recent = self._recent[event.target]
        recent.insert(0, result)
        del recent[JUDGED_RESULTS:]
        seen = sighting_of(result)
        was = self._network.losses
        self._network = observed(self._network, [seen] if seen is not None else [])
        if self._network.losses != was:
            for target in range(len(self._recent)):
                self._judge(target, event.at)
        elif not self._is_calm(event.target, result):
            self._judge(event.target, event.at)
        self._confirm(event, result)

    def _is_calm(self, target: int, result: ProbeResult) -> bool:
        """A good answer of an operational target changes nothing; leaving it out makes the bench ten times faster."""
        verdict = self._verdicts[target]
        is_good = verdict is not None and verdict.state is State.OPERATIONAL and result.outcome is Outcome.OK
        return is_good and not self._is_slow(result)

    def _is_slow(self, result: ProbeResult) -> bool:
        known = self._subject.usual
        if known is None:
            return False
        return bool(known.drifts) or any(is_slow(known, result, metric) for metric in Metric)

    def _judge(self, target: int, now: float) -> None:
        recent, previous = self._recent[target], self._verdicts[target]
        if not recent:
            return
        verdict = judge(self._subject, recent, at(now), previous, self._network.losses)
        if accuses(verdict) and target not in self._alarmed:
            self._alarmed[target] = Alarm(now)
            self.alarms.append(self._alarmed[target])
        elif not accuses(verdict) and target in self._alarmed:
            self._alarmed.pop(target).end = now
        self._verdicts[target] = verdict

    def _confirm(self, event: Event, result: ProbeResult) -> None:
        verdict = self._verdicts[event.target]
        if DELAY is None or verdict is None or result.outcome is Outcome.OK:
            return
        if to_confirm(self._recent[event.target], verdict, at(event.at)) is not result:
            return
        asked = [event.target]
        needs_witness = event.trigger is not Trigger.CONFIRM and self._network.is_in_doubt
        if needs_witness and result.outcome in SILENT_OUTCOMES and len(self._recent) > 1:
            asked.append((event.target + 1) % len(self._recent))
        for target in asked:
            self.extra_probes += 1
            when = event.at + DELAY
            self.probe(target, when, when + 1.0, Trigger.CONFIRM)
