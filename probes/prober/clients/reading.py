"""Reading foreign JSON without trusting it: each function gives the wanted type or None."""

import json
from collections.abc import Mapping, Sequence

import pydantic_core

from probes.prober.events import BadPayloadError, UpstreamError
from probes.prober.sse import ServerEvent

JsonObject = Mapping[str, object]
_MAX_MESSAGE = 16_000  # far more than a record keeps; rules and redaction read all of it
_MAX_COUNT = 10**9  # no probe has more tokens; a larger number is nonsense that a database might choke on


def object_in(event: ServerEvent) -> JsonObject:
    """The event's JSON object. Raises BadPayloadError."""
    try:
        document = _parsed(event.data)
    except (ValueError, RecursionError) as error:  # broken JSON, broken UTF-8, a number of 5000 digits
        raise BadPayloadError(f"an event is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadPayloadError(f"an event is a JSON {type(document).__name__} instead of an object")
    return document


def _parsed(text: bytes) -> object:
    """By the quicker parser where it can; it is stricter, with halves of a character that two deltas share."""
    try:
        return pydantic_core.from_json(text)
    except ValueError:
        return json.loads(text)


def mapping(value: object) -> JsonObject:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> Sequence[object]:
    """The value if it is an array, else an empty one."""
    return value if isinstance(value, list) else ()


def text(value: object) -> str | None:
    """The value if it is a non-empty string."""
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """The value if it is a plausible count."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _MAX_COUNT else None


def error_in(document: object) -> UpstreamError | None:
    """The error that a body or event describes, in any of the shapes gateways use; None when it describes none."""
    if isinstance(document, list):  # Gemini wraps its one error in a list
        return error_in(document[0]) if document else None
    body = mapping(document)
    error = body.get("error")
    if isinstance(error, dict):
        code = _reason(error) or error.get("code")
        return UpstreamError(
            code=str(code) if isinstance(code, int) and not isinstance(code, bool) else text(code),
            type=text(error.get("type")) or text(error.get("status")),
            message=_message(error.get("message")),
            retry_delay=_retry_delay(error),
        )
    if text(error) is not None:
        return UpstreamError(message=_message(error))
    if "detail" in body:
        return UpstreamError(message=_message(body["detail"]) or _message(json.dumps(body["detail"])))
    if (message := _message(body.get("message"))) is not None:
        return UpstreamError(code=text(body.get("code")), type=text(body.get("type")), message=message)
    return None


def _reason(error: JsonObject) -> str | None:
    """The most exact word that an error has: Anthropic's error_code, or the reason in Google's list of details."""
    details = error.get("details")
    reasons = (text(mapping(detail).get("reason")) for detail in sequence(details))
    return text(mapping(details).get("error_code")) or next(filter(None, reasons), None)


def _retry_delay(error: JsonObject) -> str | None:
    """google.rpc.RetryInfo among the details: Google sends no Retry-After header."""
    for detail in map(mapping, sequence(error.get("details"))):
        if str(detail.get("@type", "")).endswith("google.rpc.RetryInfo"):
            return text(detail.get("retryDelay"))
    return None


def _message(value: object) -> str | None:
    words = text(value)
    return words[:_MAX_MESSAGE] if words is not None else None
