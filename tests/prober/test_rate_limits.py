"""Waits and limits in one form, whatever the server wrote."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.result import RateLimit
from probes.prober.rate_limits import rate_limits, retry_after_seconds, wait_seconds

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("20", 20.0),
        ("0.5", 0.5),
        (" 7 ", 7.0),
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        ("1d", 86_400.0),
        ("20ms", 0.02),
        ("2m59.56s", 179.56),
        ("1M30S", 90.0),
        ("2026-11-21T12:00:20Z", 20.0),
        ("2026-11-21T13:00:20+01:00", 20.0),
        ("2026-11-21T12:00:20", 20.0),
        ("Sat, 21 Nov 2026 12:00:20 GMT", 20.0),
        ("1795262420", 20.0),
        ("1795262420000", 20.0),
        ("2026-11-21T11:00:00Z", 0.0),
        ("-5", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e30", None),
        ("9999-12-31T00:00:00Z", None),
        ("5 minutes", None),
    ],
)
def test_a_wait_is_read_in_any_form(written: str, seconds: float | None) -> None:
    found = wait_seconds(written, NOW)
    assert found == (None if seconds is None else pytest.approx(seconds, abs=1e-3))


@given(st.text(max_size=40))
def test_no_header_whatever_raises(written: str) -> None:
    found = wait_seconds(written, NOW)
    assert found is None or found >= 0


def test_milliseconds_have_a_header_of_their_own_and_win() -> None:
    assert retry_after_seconds({"retry-after-ms": "1500", "retry-after": "60"}, NOW) == 1.5
    assert retry_after_seconds({"retry-after": "60"}, NOW) == 60.0
    assert retry_after_seconds({"retry-after-ms": "soon"}, NOW) is None
    assert retry_after_seconds({}, NOW) is None


def test_openai_limits() -> None:
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-remaining-tokens": "29900",
    }
    assert rate_limits(headers, NOW) == (
        RateLimit("requests", 500, 499, pytest.approx(0.12)),  # type: ignore[arg-type]
        RateLimit("tokens", None, 29900, None),
    )


def test_anthropic_limits() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-11-21T12:01:00Z",
        "anthropic-ratelimit-input-tokens-limit": "1000",
        "anthropic-ratelimit-output-tokens-limit": "100",
    }
    assert rate_limits(headers, NOW) == (
        RateLimit("requests", 50, 0, 60.0),
        RateLimit("input_tokens", 1000, None, None),
        RateLimit("output_tokens", 100, None, None),
    )


def test_bare_names_mean_requests() -> None:
    headers = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "9", "x-ratelimit-reset": "1795262420000"}
    assert rate_limits(headers, NOW) == (RateLimit("requests", 10, 9, 20.0),)


def test_nonsense_is_no_limit() -> None:
    assert rate_limits({"x-ratelimit-limit-requests": "many"}, NOW) == ()
    assert rate_limits({"x-ratelimit-reset-requests": "1s"}, NOW) == ()
