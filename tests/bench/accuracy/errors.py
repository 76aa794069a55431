"""The bench's arithmetic: what was measured against what was sent, to errors and their percentiles. Pure.

The truth is an interval: a token left between the moments before and after the server's write. An error is the
distance from that interval, 0 inside of it; it is never longer than the write took.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.bench.accuracy.schedule import Schedule

NANOSECONDS = 1e9


@dataclass(frozen=True, slots=True)
class Sent:
    """One answer as the truth server sent it; CLOCK_MONOTONIC nanoseconds."""

    id: str
    request_id: str
    request_ns: int
    tokens_ns: tuple[int, ...]  # before each write
    sent_ns: tuple[int, ...]  # after it
    end_ns: int
    end_sent_ns: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One stream as a way of timing reports it; None where it reports nothing of the kind."""

    id: str
    """The answer's id, or that of the request, whichever the way tells."""
    ttft_seconds: float | None
    gaps_seconds: Sequence[float] | None = None
    tpot_seconds: float | None = None
    total_seconds: float | None = None
    quality: str | None = None
    lag_seconds: float | None = None  # how long bytes waited for their reader
    failure: str | None = None  # why the stream came to no good end


@dataclass(slots=True)
class Errors:
    """Signed errors in seconds; a gap's error stands for itself, not for its stream."""

    ttft: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    tpot: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Spread:
    """Of absolute errors, in seconds; None of nothing."""

    median: float | None
    p95: float | None


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def spread(errors: Iterable[float]) -> Spread:
    sizes = [abs(error) for error in errors]
    return Spread(percentile(sizes, 0.5), percentile(sizes, 0.95))


def beyond(seconds: float, earliest_ns: int, latest_ns: int) -> float:
    """How far a measured duration lies outside of the possible ones; negative when it is too short."""
    low, high = earliest_ns / NANOSECONDS, latest_ns / NANOSECONDS
    return min(seconds - low, 0.0) or max(seconds - high, 0.0)


def errors_of(measured: Measured, sent: Sent) -> Errors:
    """What one stream's figures miss the truth by; empty where the way does not tell, or nothing was sent."""
    errors, tokens, after = Errors(), sent.tokens_ns, sent.sent_ns
    if not tokens:
        return errors
    if measured.ttft_seconds is not None:
        errors.ttft.append(
            beyond(measured.ttft_seconds, tokens[0] - sent.request_ns, after[0] - sent.request_ns)
        )
    if measured.gaps_seconds is not None and len(measured.gaps_seconds) == len(tokens) - 1:
        errors.gaps.extend(
            beyond(gap, tokens[k + 1] - after[k], after[k + 1] - tokens[k])
            for k, gap in enumerate(measured.gaps_seconds)
        )
    if measured.tpot_seconds is not None and (steps := len(tokens) - 1):
        shortest, longest = (tokens[-1] - after[0]) // steps, (after[-1] - tokens[0]) // steps
        errors.tpot.append(beyond(measured.tpot_seconds, shortest, longest))
    if measured.total_seconds is not None and sent.end_ns:
        errors.total.append(
            beyond(measured.total_seconds, sent.end_ns - sent.request_ns, sent.end_sent_ns - sent.request_ns)
        )
    return errors


def joined(errors: Iterable[Errors]) -> Errors:
    """One for all streams."""
    every = list(errors)
    return Errors(
        ttft=[error for one in every for error in one.ttft],
        gaps=[error for one in every for error in one.gaps],
        tpot=[error for one in every for error in one.tpot],
        total=[error for one in every for error in one.total],
    )


def paired(measured: Iterable[Measured], sent: Iterable[Sent]) -> list[tuple[Measured, Sent]]:
    """Each measured stream with its truth; those without one are left out, which the counts then show."""
    known: dict[str, Sent] = {}
    for one in sent:
        known[one.id] = one
        if one.request_id:
            known[one.request_id] = one
    return [(one, known[one.id]) for one in measured if one.id in known]


def lateness(sent: Iterable[Sent], schedule: Schedule) -> list[float]:
    """How late the server itself was with each token, in seconds: errors are not counted from there, but it shows."""
    return [
        (token_ns - one.request_ns) / NANOSECONDS - schedule.due_seconds(number)
        for one in sent
        for number, token_ns in enumerate(one.tokens_ns)
    ]


def uncertainty(sent: Iterable[Sent]) -> list[float]:
    """How long each write took, in seconds: the truth is known no better."""
    return [
        (after - before) / NANOSECONDS
        for one in sent
        for before, after in zip(one.tokens_ns, one.sent_ns, strict=True)
    ]


def in_flight(sent: Sequence[Sent]) -> int:
    """The most answers that were open at one moment: from the request's receipt to the answer's end."""
    steps = sorted(
        itertools.chain(
            ((one.request_ns, 1) for one in sent if one.end_ns),
            ((one.end_ns, -1) for one in sent if one.end_ns),
        )
    )
    return max(itertools.accumulate(step for _, step in steps), default=0)
