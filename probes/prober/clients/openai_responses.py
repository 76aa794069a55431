"""OpenAI's Responses API: the request through the official SDK, and what each event of the stream means."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from probes.domain.target import Target
from probes.prober.clients.openai_chat import client_of, left_out
from probes.prober.clients.reading import JsonObject, count, error_in, mapping, object_in, text
from probes.prober.events import Generated, Piece, StreamEvent, UpstreamError, Usage
from probes.prober.sse import ServerEvent

if TYPE_CHECKING:
    import httpx2

_DONE: Final = b"[DONE]"  # no part of the protocol; gateways in front of chat servers send it all the same


def request_fields(target: Target) -> dict[str, object]:
    """What the request says beside model, input and stream."""
    options = target.options
    fields: dict[str, object] = {
        "max_output_tokens": options.max_tokens,  # settings allow none below 16, which the API refuses
        "store": False,  # else OpenAI keeps every probe for a month
    }
    if options.temperature is not None:
        fields["temperature"] = options.temperature
    return {**fields, **options.extra_body}


@contextlib.asynccontextmanager
async def open_stream(
    target: Target, prompt: str, http: "httpx2.AsyncClient"
) -> "AsyncIterator[httpx2.Response]":
    """Send the request and give the response, its body unread. Raises what the SDK raises."""
    async with client_of(target, http).responses.with_streaming_response.create(
        model=target.model,
        input=prompt,
        stream=True,
        extra_body=request_fields(target),
        extra_headers=left_out(target, "Authorization"),  # type: ignore[arg-type]  # the wrapper passes Omit on
    ) as response:
        yield response.http_response


def interpret(event: ServerEvent) -> StreamEvent:
    """What one event says. Raises BadPayloadError."""
    if event.data.strip() == _DONE:
        return StreamEvent(is_end=True)
    document = object_in(event)
    kind = text(document.get("type")) or event.name
    if kind in _DELTAS:
        said = text(document.get("delta"))
        return StreamEvent(pieces=(Piece(_DELTAS[kind], said),) if said else ())
    reading = _READINGS.get(kind)
    if reading is None:  # items, parts and texts that begin or are done repeat what the deltas say
        return _error(document) if document.get("error") else StreamEvent()
    return reading(document)


_DELTAS: Final[Mapping[str, Generated]] = {
    "response.output_text.delta": Generated.TEXT,
    "response.refusal.delta": Generated.REFUSAL,
    "response.reasoning_summary_text.delta": Generated.REASONING,
    "response.reasoning_text.delta": Generated.REASONING,
    "response.reasoning.delta": Generated.REASONING,  # OpenRouter's word
    "response.function_call_arguments.delta": Generated.TOOL,
    "response.custom_tool_call_input.delta": Generated.TOOL,
    "response.mcp_call_arguments.delta": Generated.TOOL,
    "response.code_interpreter_call_code.delta": Generated.TOOL,
}


def _running(document: JsonObject) -> StreamEvent:
    response = mapping(document.get("response"))
    return StreamEvent(
        usage=_usage(mapping(response.get("usage"))),
        served_model=text(response.get("model")),
        service_tier=text(response.get("service_tier")),
        response_id=text(response.get("id")),
    )


def _completed(document: JsonObject) -> StreamEvent:
    return _ended(document, "completed")


def _incomplete(document: JsonObject) -> StreamEvent:
    """The normal end of a capped probe; the reason tells whether it was the cap."""
    details = mapping(mapping(document.get("response")).get("incomplete_details"))
    return _ended(document, text(details.get("reason")) or "incomplete")


def _ended(document: JsonObject, reason: str) -> StreamEvent:
    return replace(_running(document), finish_reason=reason, is_end=True, is_complete=True)


def _failed(document: JsonObject) -> StreamEvent:
    error = error_in(mapping(document.get("response"))) or error_in(document)
    return replace(
        _running(document), is_end=True, error=error or UpstreamError(message="the response failed")
    )


def _error(document: JsonObject) -> StreamEvent:
    """Documented with code and message beside the type; OpenAI itself nests them under `error`."""
    nested = error_in(document) if document.get("error") else None
    beside = {name: document.get(name) for name in ("code", "message")}
    return StreamEvent(error=nested or error_in({"error": beside}))


_READINGS: Final[Mapping[str, Callable[[JsonObject], StreamEvent]]] = {
    "response.created": _running,
    "response.queued": _running,
    "response.in_progress": _running,
    "response.completed": _completed,
    "response.incomplete": _incomplete,
    "response.failed": _failed,
    "error": _error,
}


def _usage(usage: JsonObject) -> Usage | None:
    if not usage:
        return None
    inputs = mapping(usage.get("input_tokens_details"))
    return Usage(
        input_tokens=count(usage.get("input_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        reasoning_tokens=count(mapping(usage.get("output_tokens_details")).get("reasoning_tokens")),
        cached_tokens=count(inputs.get("cached_tokens")),
        cache_written_tokens=count(inputs.get("cache_write_tokens")),
    )
