"""What is left of our rate limits, as the newest record of each target tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from probes.domain.result import ProbeResult, RateLimit
from probes.verdicts.rules import Freshness
from probes.web.snapshot import Snapshot

T = TypeVar("T", int, float)

LOW_SHARE: Final = 0.1  # below this share a limit is about to be reached


@dataclass(frozen=True, slots=True)
class LimitLeft:
    """One limit; `share` is remaining / limit, None where either is not told."""

    kind: str  # "requests", "tokens", "input_tokens", "output_tokens"
    limit: int | None
    remaining: int | None
    share: float | None
    reset_seconds: float | None  # after the record's end

    @property
    def is_low(self) -> bool:
        return self.share is not None and self.share < LOW_SHARE

    @classmethod
    def of(cls, told: RateLimit) -> "LimitLeft":
        is_known = told.remaining is not None and told.limit is not None and told.limit > 0
        share = min(1.0, told.remaining / told.limit) if is_known else None  # type: ignore[operator]
        return cls(told.kind, told.limit, told.remaining, share, told.reset_seconds)


def limits_left(newest: ProbeResult | None) -> tuple[LimitLeft, ...]:
    """Empty when the server told nothing, which is no sign of plenty."""
    return tuple(LimitLeft.of(told) for told in newest.rate_limits) if newest is not None else ()


@dataclass(frozen=True, slots=True)
class ProviderLimit:
    """The tightest among a provider's models; a fraction may be of another model than the count."""

    provider: str
    kind: str
    remaining: int | None
    share: float | None


def provider_limits(snapshot: Snapshot) -> tuple[ProviderLimit, ...]:
    """Of records that can still speak for the present, ordered by provider and kind."""
    told: dict[tuple[str, str], list[LimitLeft]] = {}
    for target in snapshot.targets:
        if snapshot.freshness(target) is Freshness.EXPIRED:
            continue
        for limit in limits_left(snapshot.statistics_of(target.id).newest):
            told.setdefault((target.provider, limit.kind), []).append(limit)
    return tuple(
        ProviderLimit(
            provider,
            kind,
            _least(limit.remaining for limit in limits),
            _least(limit.share for limit in limits),
        )
        for (provider, kind), limits in sorted(told.items())
    )


def _least(values: Iterable[T | None]) -> T | None:
    return min((value for value in values if value is not None), default=None)
