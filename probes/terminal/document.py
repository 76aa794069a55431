"""A comparison for machines: one document, field names as in the record, seconds everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult
from probes.stats.samples import ONE_IN, median_interval, percentile
from probes.terminal.figures import Figures, Metric
from probes.terminal.race import Pair, Standings


@dataclass(frozen=True, slots=True)
class Spread:
    """`low` and `high`: 95 % interval of the median, order statistics; None below six values."""

    n: int
    p50: float | None
    low: float | None
    high: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class ComparedTarget:
    """Times are of ok probes in the rounds that count; tokens and cost of all probes, the warm-up's too."""

    target: str
    n: int
    ok: int
    outcomes: Mapping[Outcome, int]
    ttft_seconds: Spread
    ttft_visible_seconds: Spread
    response_seconds: Spread
    throughput: Spread
    inexact: int
    input_tokens: int
    output_tokens: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """`lead` is how much the first is ahead (seconds, or tokens/s); winner None: cannot be told apart.

    Clear from `evidence` >= `needed` on; both allow for looking after every round and for all pairs together.
    """

    first: str
    second: str
    n: int
    first_ahead: int
    second_ahead: int
    evidence: float
    needed: float
    lead: float | None
    lead_low: float | None
    lead_high: float | None
    winner: str | None


@dataclass(frozen=True, slots=True)
class ComparisonDocument:
    by: Metric
    confidence: float
    asked_rounds: int
    rounds: int
    is_interrupted: bool
    is_decided: bool
    verdict: str
    order: tuple[str, ...]
    targets: tuple[ComparedTarget, ...]
    pairs: tuple[ComparedPair, ...]
    warm_up: tuple[ProbeResult, ...]
    records: tuple[ProbeResult, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """How the race ended."""

    asked_rounds: int
    rounds: int
    is_interrupted: bool
    verdict: str


def comparison_document(
    finish: Finish,
    found: Standings,
    figures: Mapping[str, Figures],
    warm_up: Sequence[ProbeResult],
    records: Sequence[ProbeResult],
) -> ComparisonDocument:
    return ComparisonDocument(
        by=found.by,
        confidence=1 - 1 / ONE_IN,
        asked_rounds=finish.asked_rounds,
        rounds=finish.rounds,
        is_interrupted=finish.is_interrupted,
        is_decided=found.is_decided,
        verdict=finish.verdict,
        order=found.order,
        targets=tuple(_target(key, counted, warm_up) for key, counted in figures.items()),
        pairs=tuple(_pair(pair) for pair in found.pairs),
        warm_up=tuple(warm_up),
        records=tuple(records),
    )


def _target(key: str, counted: Figures, warm_up: Sequence[ProbeResult]) -> ComparedTarget:
    paid = Figures()
    for result in warm_up:
        if result.target == key:
            paid.add(result)
    return ComparedTarget(
        target=key,
        n=counted.n,
        ok=counted.ok,
        outcomes=dict(counted.outcomes),
        ttft_seconds=_spread(counted, Metric.TTFT),
        ttft_visible_seconds=_spread(counted, Metric.VISIBLE),
        response_seconds=_spread(counted, Metric.RESPONSE),
        throughput=_spread(counted, Metric.THROUGHPUT),
        inexact=counted.inexact,
        input_tokens=counted.input_tokens + paid.input_tokens,
        output_tokens=counted.output_tokens + paid.output_tokens,
        cost=counted.cost + paid.cost if counted.priced + paid.priced else None,
    )


def _spread(figures: Figures, metric: Metric) -> Spread:
    values = figures.values[metric]
    interval = median_interval(values)
    return Spread(
        n=len(values),
        p50=percentile(values, 0.5),
        low=interval.low if interval is not None else None,
        high=interval.high if interval is not None else None,
        p95=percentile(values, 0.95),
    )


def _pair(pair: Pair) -> ComparedPair:
    seen = pair.comparison
    return ComparedPair(
        first=pair.first,
        second=pair.second,
        n=seen.n,
        first_ahead=seen.first_ahead,
        second_ahead=seen.second_ahead,
        evidence=seen.evidence,
        needed=seen.needed,
        lead=seen.difference,
        lead_low=seen.interval.low if seen.interval is not None else None,
        lead_high=seen.interval.high if seen.interval is not None else None,
        winner=pair.winner,
    )
