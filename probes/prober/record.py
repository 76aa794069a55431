"""From the facts of an attempt to the record that is kept: every field as the methodology defines it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from probes.domain.outcome import Outcome
from probes.domain.result import (
    Observer,
    Phase,
    ProbeResult,
    Quality,
    Slot,
    categorize,
    unmeasured_result,
)
from probes.domain.target import Target
from probes.log import Redactor
from probes.prober.exchange import Attempt
from probes.prober.foreign_text import error_line, name_line
from probes.prober.judgement import Answer, answer_of, check_answer, judge
from probes.prober.prompts import Prompt
from probes.prober.rate_limits import rate_limits, retry_after_seconds, retry_delay_seconds
from probes.prober.stamps import NANOSECONDS
from probes.prober.timing import StreamTiming, quality, seconds_between, time_stream, tpot_seconds
from probes.prober.tokens import cost, count_tokens

_REQUEST_ID_HEADERS: Final = (
    "x-request-id",
    "request-id",
    "apim-request-id",
    "x-ms-request-id",
    "x-amzn-requestid",
)


@dataclass(frozen=True, slots=True)
class Probing:
    """What was asked, by whom, and why."""

    target: Target
    slot: Slot
    prompt: Prompt
    observer: Observer
    in_flight: int
    sdk_version: str
    config_version: str | None
    is_stopwatch_off: bool = False  # by the newest self-check


def record(attempt: Attempt, probing: Probing, redact: Redactor) -> ProbeResult:
    """The record of an attempt that ran, however it ended."""
    answer = answer_of(attempt.arrivals)
    timing = time_stream(attempt.arrivals, attempt.journal.sent_ns)
    result = _judged(attempt, probing, answer, redact)
    result = _with_phases(result, attempt, timing)
    result = _with_stream(result, timing)
    result = _with_tokens(result, answer, timing, probing.target)
    if probing.is_stopwatch_off and result.quality is not None:  # not even a bound is sure then
        result = replace(result, quality=Quality.DEGRADED)
    return _with_statements(result, attempt, answer, redact)


def _judged(attempt: Attempt, probing: Probing, answer: Answer, redact: Redactor) -> ProbeResult:
    """Who asked what, and how it ended."""
    target = probing.target
    answer_ok = check_answer(answer, probing.prompt)
    failure = attempt.failure or judge(answer, answer_ok, any_event=bool(attempt.arrivals))
    outcome = failure.outcome if failure is not None else Outcome.OK
    response_seconds = seconds_between(attempt.started_ns, attempt.ended_ns)
    is_whole = attempt.failure is None and answer.is_complete
    return replace(
        unmeasured_result(target, probing.slot, outcome, observer=probing.observer, now=attempt.started_at),
        sdk_version=probing.sdk_version,
        in_flight=probing.in_flight,
        phase=Phase.END if is_whole else attempt.phase,
        category=categorize(response_seconds, outcome, target.thresholds),
        response_seconds=response_seconds,
        answer_ok=answer_ok,
        prompt_version=probing.prompt.version,
        max_tokens=target.options.max_tokens,
        config_version=probing.config_version,
        error=error_line(failure.text, redact) if failure is not None else None,
    )


def _with_phases(result: ProbeResult, attempt: Attempt, timing: StreamTiming) -> ProbeResult:
    """What came before the first event, each phase apart."""
    journal, head = attempt.journal, attempt.head
    phases_ns = (journal.lookup_ns, journal.connect_ns, journal.tls_ns)
    before_ns = sum(phase for phase in phases_ns if phase is not None)
    before_request = seconds_between(attempt.started_ns, journal.sent_ns)
    overhead = None if before_request is None else max(0.0, before_request - before_ns / NANOSECONDS)
    headers_ns = head.stamp.arrived_ns if head is not None and head.stamp is not None else None
    ttft = timing.ttft_seconds
    return replace(
        result,
        dns_seconds=_seconds(journal.lookup_ns),
        connect_seconds=_seconds(journal.connect_ns),
        tls_seconds=_seconds(journal.tls_ns),
        overhead_seconds=overhead,
        connection_reused=_was_reused(attempt),
        first_byte_seconds=seconds_between(journal.sent_ns, headers_ns),
        req_ttft_seconds=None if ttft is None else before_ns / NANOSECONDS + ttft,
        quality=quality(timing, overhead, journal.sending_ns / NANOSECONDS),
    )


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / NANOSECONDS


def _was_reused(attempt: Attempt) -> bool | None:
    """None when there never was a connection."""
    if attempt.journal.connect_ns is not None:
        return False
    return True if attempt.was_reused else None


def _with_stream(result: ProbeResult, timing: StreamTiming) -> ProbeResult:
    return replace(
        result,
        first_event_seconds=timing.first_event_seconds,
        ttft_seconds=timing.ttft_seconds,
        ttft_kind=timing.ttft_kind,
        ttft_visible_seconds=timing.ttft_visible_seconds,
        generation_seconds=timing.generation_seconds,
        chunks=timing.chunks if timing.first_event_seconds is not None else None,
        gap_p50_seconds=timing.gap_p50_seconds,
        gap_p95_seconds=timing.gap_p95_seconds,
        gap_max_seconds=timing.gap_max_seconds,
        stamps=timing.stamps,
        first_read_events=timing.first_read_events,
        rx_lag_seconds=timing.rx_lag_seconds,
    )


def _with_tokens(result: ProbeResult, answer: Answer, timing: StreamTiming, target: Target) -> ProbeResult:
    tokens = count_tokens(answer, timing.chunks)
    tpot = tpot_seconds(timing, tokens.streamed)
    return replace(
        result,
        output_tokens=tokens.output,
        reasoning_tokens=tokens.reasoning,
        input_tokens=tokens.input,
        cached_tokens=tokens.cached,
        tokens_source=tokens.source,
        tpot_seconds=tpot,
        throughput=None if tpot is None else 1 / tpot,
        cost=cost(tokens, target.prices),
    )


def _with_statements(result: ProbeResult, attempt: Attempt, answer: Answer, redact: Redactor) -> ProbeResult:
    """What the server says of itself, fit to be kept."""
    head = attempt.head
    headers: Mapping[str, str] = head.headers if head is not None else {}
    received_ns = head.stamp.arrived_ns if head is not None and head.stamp is not None else attempt.started_ns
    received_at = attempt.started_at + timedelta(seconds=(received_ns - attempt.started_ns) / NANOSECONDS)
    return replace(
        result,
        finish_reason=name_line(answer.finish_reason, redact),
        served_model=name_line(answer.served_model, redact),
        fingerprint=name_line(answer.fingerprint, redact),
        service_tier=name_line(answer.service_tier, redact),
        request_id=name_line(_request_id(headers, answer), redact),
        http_status=head.status if head is not None else None,
        content_type=name_line(headers.get("content-type"), redact),
        rate_limits=rate_limits(headers, received_at),
        retry_after_seconds=_retry_after_seconds(attempt, headers, received_at),
    )


def _retry_after_seconds(attempt: Attempt, headers: Mapping[str, str], received_at: datetime) -> float | None:
    """By the headers, else by the error's body."""
    told = retry_after_seconds(headers, received_at)
    if told is None and attempt.failure is not None:
        told = retry_delay_seconds(attempt.failure.retry_delay, received_at)
    return told


def _request_id(headers: Mapping[str, str], answer: Answer) -> str | None:
    """The id that a provider's support asks for: from the headers, or of the answer."""
    return next((value for name in _REQUEST_ID_HEADERS if (value := headers.get(name))), answer.response_id)
