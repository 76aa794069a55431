"""Anthropic messages: the request through the official SDK, and what each event of the stream means."""

import contextlib
import functools
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from probes.domain.target import Target
from probes.prober.clients.environment import unwanted_headers
from probes.prober.clients.reading import JsonObject, count, error_in, mapping, object_in, text
from probes.prober.events import Generated, Piece, StreamEvent, Usage
from probes.prober.sse import ServerEvent

if TYPE_CHECKING:
    import httpx2

PUBLIC_URL: Final = "https://api.anthropic.com"
NO_KEY: Final = "unset"
API_VERSION: Final = "2023-06-01"  # the SDK's own newer date is refused by older gateways


@functools.cache
def sdk_version() -> str:
    return f"anthropic {version('anthropic')}"


def request_fields(target: Target) -> dict[str, object]:
    """What the request says beside model, messages, max_tokens and stream."""
    fields: dict[str, object] = {}
    if target.options.temperature is not None:
        fields["temperature"] = target.options.temperature  # left the SDK's signature, not the API
    return {**fields, **target.options.extra_body}


@contextlib.asynccontextmanager
async def open_stream(
    target: Target, prompt: str, http: "httpx2.AsyncClient"
) -> "AsyncIterator[httpx2.Response]":
    """Send the request and give the response, its body unread. Raises what the SDK raises."""
    from anthropic import AsyncAnthropic

    key = target.api_key.reveal() if target.api_key else None
    client = AsyncAnthropic(
        api_key=key or NO_KEY,
        base_url=target.base_url or PUBLIC_URL,
        max_retries=0,  # two silent retries would turn an outage into a slow success
        timeout=None,
        default_headers=_headers(target, key),
        http_client=http,
        open_telemetry=False,
    )
    async with client.messages.with_streaming_response.create(
        model=target.model,
        max_tokens=target.options.max_tokens,
        messages=[{"role": "user", "content": prompt}],
        stream=True,
        extra_body=request_fields(target),
        extra_headers=_left_out(target),  # type: ignore[arg-type]  # the wrapper passes Omit on
    ) as response:
        yield response.http_response


def _headers(target: Target, key: str | None) -> dict[str, str]:
    """The SDK authenticates by `Authorization: Bearer`; older gateways look for `x-api-key` only."""
    headers = {"anthropic-version": API_VERSION}
    if key is not None:
        headers["x-api-key"] = key
    theirs = {name.lower() for name in target.headers}
    return {name: value for name, value in headers.items() if name not in theirs} | dict(target.headers)


def _left_out(target: Target) -> Mapping[str, object]:
    from anthropic import Omit

    ours = {"authorization", "x-api-key", "anthropic-version", *(name.lower() for name in target.headers)}
    unwanted = unwanted_headers(os.environ, "ANTHROPIC_CUSTOM_HEADERS")
    left_out = {name: Omit() for name in unwanted if name.lower() not in ours}
    if target.api_key is None and "authorization" not in {name.lower() for name in target.headers}:
        left_out["Authorization"] = Omit()
    return left_out


def interpret(event: ServerEvent) -> StreamEvent:
    """What one event says. Raises BadPayloadError."""
    document = object_in(event)
    reading = _READINGS.get(text(document.get("type")) or event.name)
    if reading is None:  # the API may add event types at any time; pings and block ends say nothing either
        return StreamEvent(error=error_in(document)) if "error" in document else StreamEvent()
    return reading(document)


def _message_start(document: JsonObject) -> StreamEvent:
    message = mapping(document.get("message"))
    usage = mapping(message.get("usage"))
    said = _usage(usage)
    return StreamEvent(
        usage=replace(said, output_tokens=None) if said else None,  # here it is a placeholder
        served_model=text(message.get("model")),
        service_tier=text(usage.get("service_tier")),
        response_id=text(message.get("id")),
    )


def _block_start(document: JsonObject) -> StreamEvent:
    return StreamEvent(pieces=tuple(_pieces(mapping(document.get("content_block")))))


def _block_delta(document: JsonObject) -> StreamEvent:
    return StreamEvent(pieces=tuple(_pieces(mapping(document.get("delta")))))


def _pieces(block: JsonObject) -> Iterator[Piece]:
    """Signatures and citations are no output of the model."""
    if said := text(block.get("text")):
        yield Piece(Generated.TEXT, said)
    if thought := text(block.get("thinking")):
        yield Piece(Generated.REASONING, thought)
    if block.get("type") == "redacted_thinking" and (hidden := text(block.get("data"))):
        yield Piece(Generated.REASONING, hidden)
    if arguments := text(block.get("partial_json")):
        yield Piece(Generated.TOOL, arguments)


def _message_delta(document: JsonObject) -> StreamEvent:
    return StreamEvent(
        usage=_usage(mapping(document.get("usage"))),
        finish_reason=text(mapping(document.get("delta")).get("stop_reason")),
    )


def _message_stop(_document: JsonObject) -> StreamEvent:
    return StreamEvent(is_end=True, is_complete=True)


def _error(document: JsonObject) -> StreamEvent:
    return StreamEvent(error=error_in(document) or error_in({"error": document}))


_READINGS: Final[Mapping[str, Callable[[JsonObject], StreamEvent]]] = {
    "message_start": _message_start,
    "content_block_start": _block_start,
    "content_block_delta": _block_delta,
    "message_delta": _message_delta,
    "message_stop": _message_stop,
    "error": _error,
}


def _usage(usage: JsonObject) -> Usage | None:
    if not usage:
        return None
    return Usage(
        input_tokens=count(usage.get("input_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        reasoning_tokens=count(mapping(usage.get("output_tokens_details")).get("thinking_tokens")),
        cached_tokens=count(usage.get("cache_read_input_tokens")),
        cache_written_tokens=count(usage.get("cache_creation_input_tokens")),
        is_cache_apart=True,
    )
