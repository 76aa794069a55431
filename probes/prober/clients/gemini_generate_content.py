"""Gemini's own API: one streamed REST request, and what each event of the stream means.

Not by google-genai: it hands out parsed chunks only, never the raw response that is to be stamped, and asks again
by itself. (It rides on httpx2 since 3.x; looked at in 3.4.0.)
"""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from probes.domain.target import Target
from probes.prober.clients.plain_request import post
from probes.prober.clients.reading import JsonObject, count, error_in, mapping, object_in, sequence, text
from probes.prober.events import Generated, Piece, StreamEvent, UpstreamError, Usage
from probes.prober.sse import ServerEvent

if TYPE_CHECKING:
    import httpx2

_COLLECTIONS: Final = ("models/", "tunedModels/", "publishers/")  # a model may be given with the one it is in


@contextlib.asynccontextmanager
async def open_stream(
    target: Target, prompt: str, http: "httpx2.AsyncClient"
) -> "AsyncIterator[httpx2.Response]":
    """Send the request and give the response, its body unread."""
    headers = {"x-goog-api-key": target.api_key.reveal()} if target.api_key else {}
    body = {"contents": [{"role": "user", "parts": [{"text": prompt}]}], **request_fields(target)}
    async with post(target, http, _path(target.model), headers=headers, body=body) as response:
        yield response


def _path(model: str) -> str:
    name = model if model.startswith(_COLLECTIONS) else f"models/{model}"
    return f"/{quote(name, safe='/')}:streamGenerateContent?alt=sse"


def request_fields(target: Target) -> dict[str, object]:
    """What the request says beside its contents; the operator's generationConfig joins ours."""
    options, extra = target.options, dict(target.options.extra_body)
    config = {
        key: value for key, value in mapping(extra.pop("generationConfig", None)).items() if value is not None
    }
    config["maxOutputTokens"] = options.max_tokens
    if options.temperature is not None:
        config["temperature"] = options.temperature
    return {"generationConfig": config, **extra}


def interpret(event: ServerEvent) -> StreamEvent:
    """What one event says. Raises BadPayloadError.

    No event of the API is the end: some servers send a finish reason with every chunk and some send the
    usage after it. The body's end is the end; a finish reason says that the answer is whole.
    """
    if event.data.strip() == b"[DONE]":  # a gateway's habit
        return StreamEvent(is_end=True)
    document = object_in(event)
    if document.get("error"):
        return StreamEvent(error=error_in(document))
    blocked = text(mapping(document.get("promptFeedback")).get("blockReason"))
    candidates = sequence(document.get("candidates"))
    candidate = mapping(candidates[0]) if candidates else {}
    reason = text(candidate.get("finishReason"))
    return StreamEvent(
        pieces=tuple(_pieces(mapping(candidate.get("content")))),
        usage=_usage(mapping(document.get("usageMetadata"))),
        finish_reason=reason or blocked,
        is_complete=reason is not None,
        error=UpstreamError(code="content_filter", message=f"prompt blocked: {blocked}") if blocked else None,
        served_model=text(document.get("modelVersion")),
        response_id=text(document.get("responseId")),
    )


def _pieces(content: JsonObject) -> Iterator[Piece]:
    """Signatures of thoughts and results of tools are no output of the model."""
    for part in map(mapping, sequence(content.get("parts"))):
        if said := text(part.get("text")):
            yield Piece(Generated.REASONING if part.get("thought") is True else Generated.TEXT, said)
        if call := mapping(part.get("functionCall")):
            yield Piece(Generated.TOOL, json.dumps(call))
        if code := text(mapping(part.get("executableCode")).get("code")):
            yield Piece(Generated.TOOL, code)


def _usage(usage: JsonObject) -> Usage | None:
    """Candidates and thoughts are counted apart, and so are the prompts of tools."""
    if not usage:
        return None
    thoughts = count(usage.get("thoughtsTokenCount"))
    return Usage(
        input_tokens=_sum(count(usage.get("promptTokenCount")), count(usage.get("toolUsePromptTokenCount"))),
        output_tokens=_sum(count(usage.get("candidatesTokenCount")), thoughts),
        reasoning_tokens=thoughts,
        cached_tokens=count(usage.get("cachedContentTokenCount")),
    )


def _sum(*counts: int | None) -> int | None:
    """None where no count is known at all."""
    known = [number for number in counts if number is not None]
    return sum(known) if known else None
