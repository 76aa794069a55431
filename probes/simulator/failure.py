"""Error answers as vendors and gateways are seen to write them: words, body shapes, retry and limit headers."""

import datetime
import email.utils
import http
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from probes.simulator.dialect import Dialect, JsonObject, RateLimits, to_json
from probes.simulator.scenario import Body, Failure, Problem, RetryFormat


@dataclass(frozen=True, slots=True)
class Wording:
    """One problem in both vendors' error types, with a message."""

    openai_type: str
    openai_code: str | None
    anthropic_type: str
    message: str
    param: str | None = None


_HOSTILE_MESSAGE = (
    "<script>alert('simulated')</script> \x1b[31mred\x1b[0m \x00 {{7*7}} \u202e "
    "<img src=x onerror=alert(1)> " + "long " * 20_000
)

_WORDING: dict[Problem, Wording] = {
    Problem.SERVER_ERROR: Wording("server_error", None, "api_error", "Simulated internal error."),
    Problem.TIMEOUT: Wording("timeout", "request_timeout", "timeout_error", "Simulated upstream timeout."),
    Problem.OVERLOADED: Wording(
        "server_error",
        "overloaded_error",
        "overloaded_error",
        "Overloaded: the simulated engine is at capacity.",
    ),
    Problem.RATE_LIMITED: Wording(
        "requests", "rate_limit_exceeded", "rate_limit_error", "Rate limit reached for requests per minute."
    ),
    Problem.QUOTA: Wording(
        "insufficient_quota",
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota; check plan and billing.",
    ),
    Problem.SPEND_LIMIT: Wording(
        "billing_error",
        "billing_hard_limit_reached",
        "rate_limit_error",
        "This organization has reached its monthly spend limit.",
    ),
    Problem.CREDIT: Wording(
        "invalid_request_error",
        "billing_hard_limit_reached",
        "invalid_request_error",
        "Your credit balance is too low; add credits under billing.",
    ),
    Problem.BILLING: Wording(
        "insufficient_credits",
        "payment_required",
        "billing_error",
        "Insufficient credits; add more to continue.",
    ),
    Problem.AUTH: Wording(
        "invalid_request_error", "invalid_api_key", "authentication_error", "Incorrect API key provided."
    ),
    Problem.AUTH_ECHO: Wording(
        "invalid_request_error",
        "invalid_api_key",
        "authentication_error",
        "Incorrect API key provided: {api_key}",
    ),
    Problem.PERMISSION: Wording(
        "request_forbidden", "permission_denied", "permission_error", "This key may not use this resource."
    ),
    Problem.MODEL_NOT_FOUND: Wording(
        "invalid_request_error",
        "model_not_found",
        "not_found_error",
        "The model does not exist or you have no access to it.",
        "model",
    ),
    Problem.BAD_REQUEST: Wording(
        "invalid_request_error", None, "invalid_request_error", "The request could not be understood."
    ),
    Problem.CONTENT_FILTER: Wording(
        "invalid_request_error",
        "content_filter",
        "invalid_request_error",
        "Output blocked by content filtering policy.",
        "prompt",
    ),
    Problem.HOSTILE: Wording("<b>server_error</b>", "<i>code</i>", "<b>api_error</b>", _HOSTILE_MESSAGE),
}

_GOOGLE_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_REASONS = {499: "Client Closed Request", 520: "Unknown Error", 524: "A Timeout Occurred", 529: "Overloaded"}


def reason(status: int) -> str:
    """The reason phrase, also for the statuses that only proxies and LLM vendors use."""
    if status in _REASONS:
        return _REASONS[status]
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def wording(problem: Problem, api_key: str | None = None) -> Wording:
    """The problem's words; only AUTH_ECHO says the key."""
    found = _WORDING[problem]
    if problem is not Problem.AUTH_ECHO:
        return found
    message = found.message.format(api_key=api_key or "none")
    return Wording(found.openai_type, found.openai_code, found.anthropic_type, message)


def openai_error(words: Wording) -> JsonObject:
    """An OpenAI error document."""
    return {
        "error": {
            "message": words.message,
            "type": words.openai_type,
            "param": words.param,
            "code": words.openai_code,
        }
    }


def anthropic_error(words: Wording, request_id: str) -> JsonObject:
    """An Anthropic error document."""
    return {
        "type": "error",
        "error": {"type": words.anthropic_type, "message": words.message},
        "request_id": request_id,
    }


def google_error(words: Wording, status: int) -> JsonObject:
    """An error document as Google's APIs word it; without `alt=sse` it comes in a list."""
    error: JsonObject = {
        "code": status,
        "message": words.message,
        "status": _GOOGLE_STATUSES.get(status, "UNKNOWN"),
    }
    if words.openai_code == "invalid_api_key":
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        error["details"] = [{"@type": kind, "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]
    return {"error": error}


def error_body(body: Body, words: Wording, status: int, vendor: Body) -> tuple[str, bytes]:
    """Content type and bytes of an error in the wanted shape; VENDOR means the protocol's own, `vendor`."""
    shape = vendor if body is Body.VENDOR else body
    if shape is Body.TEXT:
        return "text/plain; charset=utf-8", words.message.encode()
    if shape is Body.HTML:
        return "text/html; charset=utf-8", html_page(status).encode()
    if shape is Body.EMPTY:
        return "text/plain", b""
    return "application/json", to_json(_document(shape, words, status)).encode()


def _document(shape: Body, words: Wording, status: int) -> object:
    match shape:
        case Body.OPENAI:
            return openai_error(words)
        case Body.ANTHROPIC:
            return anthropic_error(words, "req_simulated")
        case Body.GEMINI:
            return [google_error(words, status)]
        case Body.GOOGLE:
            return google_error(words, status)
        case Body.OPENROUTER:
            return {
                "error": {
                    "code": status,
                    "message": words.message,
                    "metadata": {"provider_name": "Simulated"},
                }
            }
        case Body.DETAIL:
            return {"detail": reason(status)}
        case Body.STRING:
            return {"error": words.message}
        case Body.VENDOR | Body.TEXT | Body.HTML | Body.EMPTY:
            raise AssertionError(f"{shape} is no JSON document")
        case _:
            assert_never(shape)


def html_page(status: int) -> str:
    """The kind of page a proxy in front of an API sends."""
    title = f"{status} {reason(status)}"
    return (
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body><center><h1>{title}</h1></center>"
        "<hr><center>simulated-proxy</center></body></html>"
    )


def written_wait(seconds: float, form: RetryFormat, now: datetime.datetime) -> str:
    """A wait as the given format writes it: `20`, `6m0s`, an RFC 3339 or HTTP date, or milliseconds."""
    match form:
        case RetryFormat.SECONDS:
            return f"{seconds:g}"
        case RetryFormat.MILLISECONDS:
            return f"{seconds * 1000:.0f}"
        case RetryFormat.DURATION:
            return written_duration(seconds)
        case RetryFormat.RFC3339:
            due = now + datetime.timedelta(seconds=seconds)
            return due.isoformat(timespec="seconds").replace("+00:00", "Z")
        case RetryFormat.HTTP_DATE:
            return email.utils.format_datetime(now + datetime.timedelta(seconds=seconds), usegmt=True)
        case _:
            assert_never(form)


def written_duration(seconds: float) -> str:
    """As Go prints durations: `6m0s`, `1h0m0s`, `1.5s`, `20ms`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    if hours:
        return f"{hours}h{minutes}m{rest:g}s"
    return f"{minutes}m{rest:g}s" if minutes else f"{rest:g}s"


def retry_headers(failure: Failure, now: datetime.datetime) -> Mapping[str, str]:
    """Retry-After in the failure's format, or nothing; milliseconds travel under OpenAI's own header name."""
    if failure.retry_after_seconds is None:
        return {}
    is_milliseconds = failure.retry_after_format is RetryFormat.MILLISECONDS
    name = "retry-after-ms" if is_milliseconds else "retry-after"
    return {name: written_wait(failure.retry_after_seconds, failure.retry_after_format, now)}


def rate_limit_headers(
    failure: Failure, dialect: Dialect, number: int, now: datetime.datetime
) -> Mapping[str, str]:
    """The vendor's rate limit headers; the remaining requests fall with each request and are 0 on a 429."""
    if not failure.rate_limits:
        return {}
    form = failure.reset_format or dialect.reset_format
    is_spent = failure.problem is Problem.RATE_LIMITED
    limits = RateLimits(
        requests=500,
        requests_remaining=0 if is_spent else 499 - number % 500,
        requests_reset=written_wait(360.0 if is_spent else 0.12, form, now),
        tokens=30_000,
        tokens_remaining=29_900,
        tokens_reset=written_wait(6.0, form, now),
    )
    return dialect.rate_limits(limits)
