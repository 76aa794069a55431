"""Rate limit and retry headers in one form: seconds from receipt, whatever the server wrote. Pure."""

import email.utils
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from probes.domain.result import RateLimit

_KINDS: Final = ("requests", "tokens", "input_tokens", "output_tokens")
_MAX_SECONDS: Final = 366 * 86_400.0  # a wait beyond a year is no wait but a mistake
_MAX_WRITTEN: Final = 40
_EPOCH_SECONDS: Final = 1e9  # numbers this large are points in time, not waits
_EPOCH_MILLISECONDS: Final = 1e12
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|us|µs|[dhms]))+")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|[dhms])")
_UNIT_SECONDS: Final = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}


def wait_seconds(written: str, now: datetime) -> float | None:
    """Seconds from `now` to what a header names: a number, `6m0s`, an RFC 3339 or HTTP date, or a Unix time."""
    written = written.strip()
    seconds = _number(written)
    if seconds is not None:
        if seconds >= _EPOCH_MILLISECONDS:
            seconds = seconds / 1000 - now.timestamp()
        elif seconds >= _EPOCH_SECONDS:
            seconds -= now.timestamp()
    elif _DURATION.fullmatch(written.lower()):
        seconds = sum(float(n) * _UNIT_SECONDS[unit] for n, unit in _PART.findall(written.lower()))
    elif (moment := _moment(written)) is not None:
        seconds = (moment - now).total_seconds()
    if seconds is None or seconds > _MAX_SECONDS:
        return None
    return max(0.0, seconds)


def _number(written: str) -> float | None:
    try:
        value = float(written)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _moment(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(written)
        except (ValueError, IndexError, OverflowError):
            return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the server asks us to wait; None when it does not say, or not in any known form."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return wait_seconds(str(milliseconds / 1000), now)
    return wait_seconds(headers.get("retry-after", ""), now)


def retry_delay_seconds(written: str | None, now: datetime) -> float | None:
    """The wait that an error body names; None when it names none. At most 40 characters are a wait."""
    return wait_seconds(written, now) if written and len(written) <= _MAX_WRITTEN else None


def rate_limits(headers: Mapping[str, str], now: datetime) -> tuple[RateLimit, ...]:
    """Every limit that the headers tell anything about. `headers` must be case-insensitive."""
    found = (_rate_limit(kind, headers, now) for kind in _KINDS)
    return tuple(limit for limit in found if limit is not None)


def _rate_limit(kind: str, headers: Mapping[str, str], now: datetime) -> RateLimit | None:
    limit, remaining = (_count(_first(headers, _names(kind, what))) for what in ("limit", "remaining"))
    if limit is None and remaining is None:  # a reset alone limits nothing
        return None
    reset = _first(headers, _names(kind, "reset"))
    return RateLimit(kind, limit, remaining, wait_seconds(reset, now) if reset else None)


def _names(kind: str, what: str) -> Iterator[str]:
    """OpenAI's and Anthropic's names; the bare ones of OpenRouter and the IETF draft mean requests."""
    dashed = kind.replace("_", "-")
    yield f"x-ratelimit-{what}-{dashed}"
    yield f"anthropic-ratelimit-{dashed}-{what}"
    if kind == "requests":
        yield f"x-ratelimit-{what}"
        yield f"ratelimit-{what}"


def _first(headers: Mapping[str, str], names: Iterator[str]) -> str | None:
    return next((value for name in names if (value := headers.get(name))), None)


def _count(written: str | None) -> int | None:
    value = _number(written) if written else None
    return int(value) if value is not None and 0 <= value < 1e15 else None
