"""The record of one probe. Field names are the JSON, the database and the export names; seconds everywhere.

None means "not observed", never zero. What each field measures is told on /methodology and in the README.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from probes.domain.outcome import Fault, Outcome
from probes.domain.target import Target, Thresholds

ID_NAMESPACE: Final = UUID("6f6d2c6e-2b62-5e0e-9a0c-0d5f7f3c1a10")
MAX_ERROR_LENGTH: Final = 300


class Trigger(StrEnum):
    """Why a probe ran. Only scheduled ones count in statistics: people press Refresh when things look bad."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"
    CONFIRM = "confirm"
    MAINTENANCE = "maintenance"  # inside an announced window, whoever asked for it


class Category(StrEnum):
    """Responsiveness by total response time; unknown beyond the last threshold or on any failure."""

    SMOOTH = "smooth"
    AVAILABLE = "available"
    CONGESTION = "congestion"
    LAGGING = "lagging"
    UNKNOWN = "unknown"


class Phase(StrEnum):
    """How far an attempt came."""

    CONNECT = "connect"
    HEADERS = "headers"
    FIRST = "first"
    STREAM = "stream"
    END = "end"


class TokensSource(StrEnum):
    USAGE = "usage"
    CHUNKS = "chunks"


class Stamps(StrEnum):
    """Where arrival times come from."""

    KERNEL = "kernel"
    USER = "user"


class Quality(StrEnum):
    """exact; bounded: segments coalesced, so TTFT is an upper bound; degraded: our own host was late."""

    EXACT = "exact"
    BOUNDED = "bounded"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True)
class Slot:
    """One due time of one target; `request_id` names the manual or confirming request it belongs to."""

    target_id: str
    due_at: datetime
    trigger: Trigger = Trigger.SCHEDULED
    request_id: str | None = None

    def result_id(self, location: str) -> str:
        """uuid5 of what makes the slot unique, so that writing twice is writing once."""
        what = self.request_id or self.due_at.astimezone(UTC).isoformat(timespec="milliseconds")
        return str(uuid5(ID_NAMESPACE, "\n".join((self.target_id, location, self.trigger.value, what))))


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One normalised limit as the server told it; `reset_seconds` from receipt."""

    kind: str  # "requests", "tokens", "input_tokens", "output_tokens"
    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    id: str
    target: str
    provider: str
    client: str
    model: str
    protocol: str
    location: str
    agent: str
    sdk_version: str | None = None

    due_at: datetime
    started_at: datetime
    lag_seconds: float = 0.0
    trigger: Trigger = Trigger.SCHEDULED
    in_flight: int | None = None

    outcome: Outcome
    fault: Fault
    phase: Phase | None = None
    category: Category

    dns_seconds: float | None = None
    connect_seconds: float | None = None
    tls_seconds: float | None = None
    overhead_seconds: float | None = None
    connection_reused: bool | None = None
    first_byte_seconds: float | None = None
    first_event_seconds: float | None = None
    ttft_seconds: float | None = None
    ttft_kind: str | None = None
    ttft_visible_seconds: float | None = None
    req_ttft_seconds: float | None = None
    response_seconds: float | None = None
    generation_seconds: float | None = None

    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    tokens_source: TokensSource | None = None
    tpot_seconds: float | None = None
    throughput: float | None = None
    chunks: int | None = None
    gap_p50_seconds: float | None = None
    gap_p95_seconds: float | None = None
    gap_max_seconds: float | None = None

    finish_reason: str | None = None
    served_model: str | None = None
    fingerprint: str | None = None
    service_tier: str | None = None
    request_id: str | None = None
    http_status: int | None = None
    content_type: str | None = None
    answer_ok: bool | None = None
    rate_limits: tuple[RateLimit, ...] = ()
    retry_after_seconds: float | None = None

    prompt_version: str | None = None
    max_tokens: int | None = None
    spec_version: str | None = None
    config_version: str | None = None
    cost: float | None = None
    stamps: Stamps | None = None
    first_read_events: int | None = None
    rx_lag_seconds: float | None = None
    quality: Quality | None = None
    error: str | None = None


RESULT_FIELDS: Final[tuple[str, ...]] = tuple(f.name for f in fields(ProbeResult))


def categorize(response_seconds: float | None, outcome: Outcome, thresholds: Thresholds) -> Category:
    """The responsiveness category; unknown for anything but an ok probe with a measured end."""
    if outcome is not Outcome.OK or response_seconds is None:
        return Category.UNKNOWN
    if response_seconds < thresholds.smooth_seconds:
        return Category.SMOOTH
    if response_seconds <= thresholds.available_seconds:
        return Category.AVAILABLE
    if response_seconds <= thresholds.congestion_seconds:
        return Category.CONGESTION
    if response_seconds <= thresholds.lagging_seconds:
        return Category.LAGGING
    return Category.UNKNOWN


@dataclass(frozen=True, slots=True)
class Observer:
    """Who measures: written into each record."""

    location: str
    agent: str


def unmeasured_result(
    target: Target,
    slot: Slot,
    outcome: Outcome,
    *,
    observer: Observer,
    now: datetime,
    error: str | None = None,
) -> ProbeResult:
    """The record of a slot that came to no measurement: missed, skipped or our own bug."""
    return ProbeResult(
        id=slot.result_id(observer.location),
        target=target.id,
        provider=target.provider,
        client=target.client,
        model=target.model,
        protocol=target.protocol.value,
        location=observer.location,
        agent=observer.agent,
        due_at=slot.due_at,
        started_at=now,
        lag_seconds=(now - slot.due_at).total_seconds(),
        trigger=slot.trigger,
        outcome=outcome,
        fault=outcome.fault,
        category=Category.UNKNOWN,
        spec_version=target.spec_version,
        error=error[:MAX_ERROR_LENGTH] if error else None,
    )
