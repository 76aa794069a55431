"""One probe as phases one after another, from the attempt's start to the end of the stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from probes.domain.result import ProbeResult

SMALLEST_SPAN_SECONDS: Final = 5e-4  # a rest below half a millisecond is rounding, not a phase


class Stage(StrEnum):
    NAME = "name"
    CONNECT = "connect"
    TLS = "tls"
    OVERHEAD = "overhead"
    HEADERS = "headers"
    FIRST_TOKEN = "first_token"
    GENERATION = "generation"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class StageSpan:
    stage: Stage
    start_seconds: float  # since the attempt's start
    seconds: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    spans: tuple[StageSpan, ...]
    total_seconds: float  # of the axis; > 0

    def percent(self, seconds: float) -> float:
        """Of the axis, 0 to 100."""
        return round(100 * seconds / self.total_seconds, 3)


def waterfall(result: ProbeResult) -> Waterfall | None:
    """The observed stages in order; None where nothing was measured. A stage never reached is absent, not zero."""
    spans = tuple(_spans(result))
    end = max((span.start_seconds + span.seconds for span in spans), default=0.0)
    rest = (result.response_seconds or 0.0) - end
    if rest > SMALLEST_SPAN_SECONDS:
        spans += (StageSpan(Stage.REST, end, rest),)
        end += rest
    return Waterfall(spans, end) if end > 0 else None


def _spans(result: ProbeResult) -> Iterator[StageSpan]:
    """Before the request was sent each stage has its own length; after it, all times count from the sending."""
    sent = 0.0
    for stage, seconds in (
        (Stage.NAME, result.dns_seconds),
        (Stage.CONNECT, result.connect_seconds),
        (Stage.TLS, result.tls_seconds),
        (Stage.OVERHEAD, result.overhead_seconds),
    ):
        if seconds is not None and seconds > 0:
            yield StageSpan(stage, sent, seconds)
            sent += seconds
    reached = 0.0
    for stage, moment in (
        (Stage.HEADERS, result.first_byte_seconds),
        (Stage.FIRST_TOKEN, result.ttft_seconds),
        (Stage.GENERATION, _generation_end(result)),
    ):
        if moment is not None and moment > reached:
            yield StageSpan(stage, sent + reached, moment - reached)
            reached = moment


def _generation_end(result: ProbeResult) -> float | None:
    if result.ttft_seconds is None or result.generation_seconds is None:
        return None
    return result.ttft_seconds + result.generation_seconds
