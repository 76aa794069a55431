"""Invents the demo's past: results that the simulated providers would have given, seeded and marked as such.

Only the demo uses this. The scenarios are the simulator's own, so that past and present of a model look alike.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from probes.domain.event import EventKind, TargetEvent
from probes.domain.outcome import Outcome
from probes.domain.result import Phase, ProbeResult, Quality, Slot, Stamps, TokensSource, categorize
from probes.domain.target import Target
from probes.simulator.answer import mean_gap_seconds
from probes.simulator.behaviour import Behaviour, Moment, chosen
from probes.simulator.scenario import FaultKind, Problem, Reply, Scenario, Text
from probes.simulator.scenario_file import load_scenario_file
from probes.simulator.troubles import TROUBLES, Trouble, troubled
from probes.store.base import EventQuery, ResultQuery, Store

AGENT: Final = "simulated history"
DENSE_DAYS: Final = 2
DENSE_STEP: Final = timedelta(minutes=10)
SPARSE_STEP: Final = timedelta(hours=1)
FRESH_SPAN: Final = timedelta(minutes=20)  # so near to now the past is as dense as the demo's own probing,
FRESH_STEP: Final = timedelta(
    seconds=30
)  # for a board that starts must not say that it has heard nothing for minutes
MAX_OFFSET_SECONDS: Final = 20.0
DAILY_SWING: Final = 0.25  # TTFT is that much longer at the busiest hour, as with real providers
PROMPT_TOKENS: Final = 46
MOVED_AGO: Final = timedelta(
    days=3, hours=5
)  # when the first target's alias moved, to show what a timeline is for

_ERROR_OUTCOMES: Final[dict[Problem, Outcome]] = {
    Problem.TIMEOUT: Outcome.SERVER_TIMEOUT,
    Problem.OVERLOADED: Outcome.OVERLOADED,
    Problem.RATE_LIMITED: Outcome.RATE_LIMITED,
    Problem.QUOTA: Outcome.QUOTA_EXHAUSTED,
    Problem.SPEND_LIMIT: Outcome.QUOTA_EXHAUSTED,
    Problem.CREDIT: Outcome.QUOTA_EXHAUSTED,
    Problem.BILLING: Outcome.QUOTA_EXHAUSTED,
    Problem.AUTH: Outcome.AUTH,
    Problem.AUTH_ECHO: Outcome.AUTH,
    Problem.PERMISSION: Outcome.PERMISSION,
    Problem.MODEL_NOT_FOUND: Outcome.MODEL_NOT_FOUND,
    Problem.BAD_REQUEST: Outcome.BAD_REQUEST,
}

_FAULT_OUTCOMES: Final[dict[FaultKind, Outcome]] = {
    FaultKind.STALL: Outcome.STALLED,
    FaultKind.RESET: Outcome.CONNECTION_RESET,
    FaultKind.FIN: Outcome.CONNECTION_RESET,
    FaultKind.CLEAN_END: Outcome.TRUNCATED_STREAM,
    FaultKind.NO_FINISH: Outcome.TRUNCATED_STREAM,
    FaultKind.ERROR_EVENT: Outcome.STREAM_ERROR,
    FaultKind.INVALID_JSON: Outcome.BAD_PAYLOAD,
    FaultKind.INVALID_UTF8: Outcome.BAD_PAYLOAD,
}


@dataclass(frozen=True, slots=True)
class Past:
    """What to invent: `behaviours` by model name, results for these targets in [since, until)."""

    targets: Sequence[Target]
    behaviours: dict[str, Behaviour]
    seed: int
    location: str = "local"
    moved_at: datetime | None = None  # when the first target's alias moved; None: it never did
    troubles: tuple[Trouble, ...] = ()
    made_at: datetime | None = None  # the now that it is the past of

    def served_model(self, target: Target, at: datetime) -> str:
        is_before = self.moved_at is not None and target is self.targets[0] and at < self.moved_at
        return f"{target.model}-preview" if is_before else target.model

    def trouble_of(self, model: str, at: datetime) -> Behaviour | None:
        return troubled(self.troubles, model, at, self.made_at) if self.made_at is not None else None


def write_history(store: Store, past: Past, days: int, now: datetime) -> Iterator[int]:
    """Fill what the last `days` lack, newest first, so that the pages fill at once; yields results written per span."""
    past = replace(past, moved_at=_moved_at(store, past, now), made_at=now)
    for since, until in _lacking(store, now - timedelta(days=days), now):
        for start, end in _spans_backwards(since, until, now):
            results = list(_results(past, start, end, now))
            written = store.add_results(results)
            store.add_events(_moves(past, results))
            yield written


def _moved_at(store: Store, past: Past, now: datetime) -> datetime | None:
    """Where an earlier start has put it, or a few days back."""
    if not past.targets:
        return None
    mover = past.targets[0].id
    known = store.events(EventQuery(targets=[mover], kinds=[EventKind.SERVED_MODEL_CHANGED], limit=1)).events
    return known[0].at if known else now - MOVED_AGO


def _moves(past: Past, results: Sequence[ProbeResult]) -> list[TargetEvent]:
    """The event of the move, when it falls into these results: written backwards, they show it to no store."""
    if past.moved_at is None:
        return []
    mover, moved_at = past.targets[0], past.moved_at
    telling = [r for r in results if r.target == mover.id and r.served_model is not None]
    first_after = next((r for r in telling if r.due_at >= moved_at), None)
    if first_after is None or telling[0] is first_after:
        return []
    models = (past.served_model(mover, telling[0].due_at), past.served_model(mover, first_after.due_at))
    evidence = (first_after.started_at, first_after.id)
    return [TargetEvent.of(mover.id, EventKind.SERVED_MODEL_CHANGED, models, evidence)]


def load_past(scenarios: Path, targets: Sequence[Target], seed: int, location: str) -> Past:
    """Raises ScenarioError."""
    probed = [target for target in targets if target.is_probed]
    return Past(probed, dict(load_scenario_file(scenarios)), seed, location, troubles=TROUBLES)


def _lacking(store: Store, since: datetime, now: datetime) -> list[tuple[datetime, datetime]]:
    newest = store.results(ResultQuery(since=since, until=now, limit=1)).results
    oldest = store.results(ResultQuery(since=since, until=now, limit=1, oldest_first=True)).results
    if not newest or not oldest or newest[0].due_at - oldest[0].due_at < timedelta(hours=1):
        return [(since, now)]
    return [(newest[0].due_at + DENSE_STEP, now), (since, oldest[0].due_at)]


def _spans_backwards(since: datetime, until: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The fresh minutes, then days."""
    end = until
    while end > since:
        start = max(since, now - FRESH_SPAN if end > now - FRESH_SPAN else end - timedelta(days=1))
        yield start, end
        end = start


def _results(past: Past, start: datetime, end: datetime, now: datetime) -> Iterator[ProbeResult]:
    step = _step(now - start)
    last = min(end, now - timedelta(seconds=MAX_OFFSET_SECONDS))  # nothing of the past lies ahead
    for target in past.targets:
        behaviour = past.behaviours.get(target.model)
        if behaviour is None:
            continue
        number = math.ceil(start.timestamp() / step.total_seconds())
        while (due := datetime.fromtimestamp(number * step.total_seconds(), UTC)) < last:
            yield _result(past, target, behaviour, due, number)
            number += 1


def _step(age: timedelta) -> timedelta:
    if age <= FRESH_SPAN:
        return FRESH_STEP
    return DENSE_STEP if age <= timedelta(days=DENSE_DAYS) else SPARSE_STEP


def _result(past: Past, target: Target, behaviour: Behaviour, due: datetime, number: int) -> ProbeResult:
    rng = random.Random(f"{past.seed}/{target.id}/{number}")  # noqa: S311  # a seeded past, not a secret
    offset = timedelta(seconds=rng.uniform(0, MAX_OFFSET_SECONDS))
    behaviour = past.trouble_of(target.model, due + offset) or behaviour
    scenario = chosen(behaviour, Moment(number, 1, (due + offset).timestamp()), rng)
    outcome = _outcome(scenario)
    slot = Slot(target.id, due + offset)
    timings = _timings(scenario, target, due, rng) if outcome is Outcome.OK else _Timings()
    return ProbeResult(
        id=slot.result_id(past.location),
        target=target.id,
        provider=target.provider,
        client=target.client,
        model=target.model,
        protocol=target.protocol.value,
        location=past.location,
        agent=AGENT,
        due_at=slot.due_at,
        started_at=slot.due_at,
        outcome=outcome,
        fault=outcome.fault,
        phase=Phase.END if outcome is Outcome.OK else Phase.HEADERS,
        category=categorize(timings.response_seconds, outcome, target.thresholds),
        connect_seconds=timings.connect_seconds,
        ttft_seconds=timings.ttft_seconds,
        ttft_kind=timings.ttft_kind,
        ttft_visible_seconds=timings.ttft_visible_seconds,
        response_seconds=timings.response_seconds,
        generation_seconds=timings.generation_seconds,
        output_tokens=timings.tokens,
        input_tokens=PROMPT_TOKENS if timings.tokens else None,
        tokens_source=TokensSource.USAGE if timings.tokens else None,
        throughput=timings.throughput,
        tpot_seconds=1 / timings.throughput if timings.throughput else None,
        chunks=timings.tokens,
        finish_reason="length" if outcome is Outcome.OK else None,
        served_model=past.served_model(target, slot.due_at) if outcome is Outcome.OK else None,
        answer_ok=True if outcome is Outcome.OK else None,
        http_status=_status(scenario),
        stamps=Stamps.USER if outcome is Outcome.OK else None,
        quality=Quality.EXACT if outcome is Outcome.OK else None,
        spec_version=target.spec_version,
        max_tokens=target.options.max_tokens,
        cost=_cost(target, timings.tokens),
        error=None if outcome is Outcome.OK else f"simulated: {scenario.name}",
    )


@dataclass(frozen=True, slots=True)
class _Timings:
    """Seconds, and tokens per second."""

    connect_seconds: float | None = None
    ttft_seconds: float | None = None
    ttft_kind: str | None = None
    ttft_visible_seconds: float | None = None
    response_seconds: float | None = None
    generation_seconds: float | None = None
    tokens: int | None = None
    throughput: float | None = None


def _timings(scenario: Scenario, target: Target, due: datetime, rng: random.Random) -> _Timings:
    timing = scenario.timing
    swing = 1 + DAILY_SWING * math.sin((due.hour + due.minute / 60 - 9) / 24 * 2 * math.pi)
    noise = rng.lognormvariate(0, max(timing.jitter, 0.08))
    tokens = min(scenario.content.tokens or target.options.max_tokens, target.options.max_tokens)
    ttft = timing.ttft_seconds * swing * noise
    gap = mean_gap_seconds(timing, tokens) * swing * rng.lognormvariate(0, max(timing.jitter / 2, 0.03))
    generation = gap * (tokens - 1)
    connect = rng.uniform(0.0002, 0.0008)
    thought = min(scenario.content.reasoning, tokens)
    return _Timings(
        connect_seconds=connect,
        ttft_seconds=ttft,
        ttft_kind="reasoning" if thought else "text",
        ttft_visible_seconds=ttft + gap * thought,
        response_seconds=connect + ttft + generation,
        generation_seconds=generation,
        tokens=tokens,
        throughput=1 / gap if tokens > 1 and gap > 0 else None,
    )


def _outcome(scenario: Scenario) -> Outcome:
    if scenario.opening.reply is Reply.ERROR:
        return _ERROR_OUTCOMES.get(scenario.failure.problem, Outcome.SERVER_ERROR)
    if scenario.opening.reply is not Reply.STREAM:
        return Outcome.NOT_SSE
    if scenario.content.text is Text.WRONG:
        return Outcome.WRONG_ANSWER
    return _FAULT_OUTCOMES.get(scenario.fault.fault, Outcome.OK)


def _status(scenario: Scenario) -> int:
    return scenario.failure.status if scenario.opening.reply is Reply.ERROR else 200


def _cost(target: Target, tokens: int | None) -> float | None:
    prices = target.prices
    if tokens is None or prices.input_per_million is None or prices.output_per_million is None:
        return None
    return (PROMPT_TOKENS * prices.input_per_million + tokens * prices.output_per_million) / 1e6
