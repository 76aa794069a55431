"""What can be said of an attempt while it runs: sampled by a viewer, in its own time and thread.

The attempt is written by the prober's loop alone; here its parts are only read, each at once. Figures that are kept
come from the record, never from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from probes.prober.events import Arrival
from probes.prober.exchange import Attempt
from probes.prober.stamps import NANOSECONDS, Journal, Step

_SHOWN_ARRIVALS: Final = (
    600  # the text of more than these fills no screen; long streams need not be read again
)


class Stage(StrEnum):
    """The waterfall's rows, in their order; each ends when what it is named after has happened."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    SENT = "sent"
    FIRST_BYTE = "first byte"
    FIRST_TOKEN = "first token"
    VISIBLE = "visible"
    END = "end"


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds since the attempt's start; `is_open`: still going on, so that its end is now."""

    stage: Stage
    start_seconds: float
    end_seconds: float
    is_open: bool = False

    @property
    def seconds(self) -> float:
        return self.end_seconds - self.start_seconds


@dataclass(frozen=True, slots=True)
class Progress:
    """`spans` holds the stages that were reached; `text` is as sent, unredacted and untrusted."""

    elapsed_seconds: float
    spans: tuple[Span, ...]
    chunks: int
    text: str
    is_reasoning: bool  # the text is not the answer yet


def progress_of(attempt: Attempt, now_ns: int | None) -> Progress:
    """How far it has come; `now_ns` None for an attempt that is over, which then ends with the last thing seen."""
    arrivals = tuple(attempt.arrivals)
    known = list(_known(attempt, arrivals))
    last_ns = known[-1][1] if known else attempt.started_ns
    generated = [arrival for arrival in arrivals if arrival.event.pieces]
    pieces = [piece for arrival in generated[-_SHOWN_ARRIVALS:] for piece in arrival.event.pieces]
    answer = "".join(piece.text for piece in pieces if piece.kind.is_visible)
    return Progress(
        elapsed_seconds=((now_ns or last_ns) - attempt.started_ns) / NANOSECONDS,
        spans=tuple(_spans(attempt, known, now_ns)),
        chunks=len(generated),
        text=answer or "".join(piece.text for piece in pieces),
        is_reasoning=bool(pieces) and not answer,
    )


def _known(attempt: Attempt, arrivals: tuple[Arrival, ...]) -> Iterator[tuple[Stage, int]]:
    """Each stage that was reached, with the moment; name, TCP and TLS were timed by their length alone."""
    journal, head = attempt.journal, attempt.head
    moment_ns = attempt.started_ns
    for stage, took_ns in _before_request(journal):
        if took_ns is not None:
            moment_ns += took_ns
            yield stage, moment_ns
    if journal.sent_ns is None:
        return
    yield Stage.SENT, journal.sent_ns
    if head is not None and head.stamp is not None:
        yield Stage.FIRST_BYTE, head.stamp.arrived_ns
    first = next((arrival for arrival in arrivals if arrival.event.pieces), None)
    if first is not None:
        yield Stage.FIRST_TOKEN, first.stamp.arrived_ns
    visible = next((arrival for arrival in arrivals if _is_visible(arrival)), None)
    if visible is not None:
        yield Stage.VISIBLE, visible.stamp.arrived_ns
    if attempt.ended_ns is not None:
        yield Stage.END, attempt.ended_ns


def _before_request(journal: Journal) -> tuple[tuple[Stage, int | None], ...]:
    return (
        (Stage.DNS, journal.lookup_ns),
        (Stage.CONNECT, journal.connect_ns),
        (Stage.TLS, journal.tls_ns),
    )


def _is_visible(arrival: Arrival) -> bool:
    return any(piece.kind.is_visible for piece in arrival.event.pieces)


def _spans(attempt: Attempt, known: list[tuple[Stage, int]], now_ns: int | None) -> Iterator[Span]:
    """One after another; a stage whose moment lies before its predecessor's (a stamp of one read) has no length."""
    reached = 0.0
    for stage, moment_ns in known:
        moment = max(reached, (moment_ns - attempt.started_ns) / NANOSECONDS)
        yield Span(stage, reached, moment)
        reached = moment
    if now_ns is not None and attempt.ended_ns is None:
        now = max(reached, (now_ns - attempt.started_ns) / NANOSECONDS)
        yield Span(_awaited(attempt, known[-1][0] if known else None), reached, now, is_open=True)


def _awaited(attempt: Attempt, last: Stage | None) -> Stage:
    """What is being waited for."""
    if attempt.journal.sent_ns is None:
        step = attempt.journal.step
        return {Step.LOOKUP: Stage.DNS, Step.CONNECT: Stage.CONNECT, Step.TLS: Stage.TLS}.get(
            step, Stage.SENT
        )
    stages = list(Stage)
    return stages[min(stages.index(last) + 1, len(stages) - 1)] if last is not None else Stage.FIRST_BYTE
