"""OpenAI chat completions: the request through the official SDK, and what each chunk of the stream means."""

import contextlib
import functools
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from probes.domain.target import Target
from probes.prober.clients.environment import unwanted_headers
from probes.prober.clients.reading import JsonObject, count, error_in, mapping, object_in, sequence, text
from probes.prober.events import Generated, Piece, StreamEvent, Usage
from probes.prober.sse import ServerEvent

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

PUBLIC_URL: Final = "https://api.openai.com/v1"
NO_KEY: Final = "unset"  # the SDK insists on a key; the header is left out again where there is none
_DONE: Final = b"[DONE]"


@functools.cache
def sdk_version() -> str:
    return f"openai {version('openai')}"


def request_fields(target: Target) -> dict[str, object]:
    """What the request says beside model, messages and stream."""
    options = target.options
    fields: dict[str, object] = {options.token_parameter.value: options.max_tokens}
    if options.include_usage:
        fields["stream_options"] = {"include_usage": True}
    if options.temperature is not None:
        fields["temperature"] = options.temperature
    return {**fields, **options.extra_body}


@contextlib.asynccontextmanager
async def open_stream(
    target: Target, prompt: str, http: "httpx2.AsyncClient"
) -> "AsyncIterator[httpx2.Response]":
    """Send the request and give the response, its body unread. Raises what the SDK raises."""
    async with stream_of(client_of(target, http), target, prompt, key_header="Authorization") as response:
        yield response


def client_of(target: Target, http: "httpx2.AsyncClient") -> "AsyncOpenAI":
    """The SDK's client for this account, over our connection."""
    from openai import AsyncOpenAI

    key = target.api_key.reveal() if target.api_key else NO_KEY
    return AsyncOpenAI(
        api_key=key,
        base_url=target.base_url or PUBLIC_URL,
        max_retries=0,  # two silent retries would turn an outage into a slow success
        timeout=None,  # a read timeout never fires while keep-alives come; the attempt owns its deadlines
        default_headers={"Authorization": f"Bearer {key}", **target.headers},
        http_client=http,
    )


@contextlib.asynccontextmanager
async def stream_of(
    client: "AsyncOpenAI", target: Target, prompt: str, *, key_header: str
) -> "AsyncIterator[httpx2.Response]":
    """The response of one streamed chat completion through any client of the SDK."""
    async with client.chat.completions.with_streaming_response.create(
        model=target.model,
        messages=[{"role": "user", "content": prompt}],
        stream=True,
        extra_body=request_fields(target),
        extra_headers=left_out(target, key_header),  # type: ignore[arg-type]  # the wrapper passes Omit on
    ) as response:
        yield response.http_response


def left_out(target: Target, key_header: str) -> Mapping[str, object]:
    """Headers that the SDK would take from the environment, or make up without a key."""
    from openai import Omit

    unwanted = {
        "OpenAI-Organization",
        "OpenAI-Project",
        *unwanted_headers(os.environ, "OPENAI_CUSTOM_HEADERS"),
    }
    ours = {name.lower() for name in target.headers}
    if target.api_key is not None:
        ours.add(key_header.lower())
    else:
        unwanted.add(key_header)
    return {name: Omit() for name in unwanted if name.lower() not in ours}


def interpret(event: ServerEvent) -> StreamEvent:
    """What one chunk says. Raises BadPayloadError."""
    if event.data.strip() == _DONE:
        return StreamEvent(is_end=True)
    chunk = object_in(event)
    if chunk.get("error") or event.name == "error":
        return StreamEvent(error=error_in(chunk) or error_in({"error": chunk}))
    choice = _first_choice(chunk)
    reason = text(choice.get("finish_reason"))
    return StreamEvent(
        pieces=tuple(_pieces(mapping(choice.get("delta")))),
        usage=_usage(chunk),
        finish_reason=reason,
        is_complete=reason is not None,
        served_model=text(chunk.get("model")),
        fingerprint=text(chunk.get("system_fingerprint")),
        service_tier=text(chunk.get("service_tier")),
        response_id=text(chunk.get("id")),
    )


def _first_choice(chunk: JsonObject) -> JsonObject:
    choices = sequence(chunk.get("choices"))
    return mapping(choices[0]) if choices else {}


def _pieces(delta: JsonObject) -> Iterator[Piece]:
    """Reasoning first: where one delta has both, it was thought before it was said."""
    if len(delta) == 1 and (
        only := text(delta.get("content"))
    ):  # nearly every chunk, so it is not to cost much
        yield Piece(Generated.TEXT, only)
        return
    if thought := _reasoning(delta):
        yield Piece(Generated.REASONING, thought)
    content = delta.get("content")
    if said := text(content):
        yield Piece(Generated.TEXT, said)
    for part in sequence(content):  # Mistral's reasoning models send a list of typed parts
        yield from _part(mapping(part))
    if refused := text(delta.get("refusal")):
        yield Piece(Generated.REFUSAL, refused)
    calls = [mapping(mapping(call).get("function")) for call in sequence(delta.get("tool_calls"))]
    for call in (*calls, mapping(delta.get("function_call"))):
        if arguments := text(call.get("arguments")):
            yield Piece(Generated.TOOL, arguments)


def _reasoning(delta: JsonObject) -> str | None:
    """DeepSeek, vLLM and most others say `reasoning_content`, OpenRouter and Groq `reasoning`."""
    plain = text(delta.get("reasoning_content")) or text(delta.get("reasoning"))
    if plain:
        return plain
    details = (mapping(detail) for detail in sequence(delta.get("reasoning_details")))
    return (
        "".join(text(detail.get("text")) or text(detail.get("summary")) or "" for detail in details) or None
    )


def _part(part: JsonObject) -> Iterator[Piece]:
    if said := text(part.get("text")):
        yield Piece(Generated.TEXT, said)
    for thought in sequence(part.get("thinking")):
        if words := text(mapping(thought).get("text")):
            yield Piece(Generated.REASONING, words)


def _usage(chunk: JsonObject) -> Usage | None:
    """On a chunk of its own, on one with choices (LiteLLM), or under Groq's `x_groq`."""
    usage = mapping(chunk.get("usage")) or mapping(mapping(chunk.get("x_groq")).get("usage"))
    if not usage:
        return None
    inputs = mapping(usage.get("prompt_tokens_details"))
    outputs = mapping(usage.get("completion_tokens_details"))
    return Usage(
        input_tokens=count(usage.get("prompt_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        reasoning_tokens=count(outputs.get("reasoning_tokens")),
        cached_tokens=_first_count(inputs.get("cached_tokens"), usage.get("prompt_cache_hit_tokens")),
    )


def _first_count(*values: object) -> int | None:
    return next((found for value in values if (found := count(value)) is not None), None)
