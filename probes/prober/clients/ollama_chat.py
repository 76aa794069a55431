"""Ollama's own API: one streamed request, and what each line of the stream means.

Not by the ollama package: it rides on httpx, which cannot carry our httpx2 transport.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from probes.domain.target import Target
from probes.prober.clients.plain_request import post
from probes.prober.clients.reading import JsonObject, count, error_in, mapping, object_in, sequence, text
from probes.prober.events import Generated, Piece, StreamEvent, Usage
from probes.prober.sse import ServerEvent

if TYPE_CHECKING:
    import httpx2


@contextlib.asynccontextmanager
async def open_stream(
    target: Target, prompt: str, http: "httpx2.AsyncClient"
) -> "AsyncIterator[httpx2.Response]":
    """Send the request and give the response, its body unread."""
    headers = {"Authorization": f"Bearer {target.api_key.reveal()}"} if target.api_key else {}
    messages = [{"role": "user", "content": prompt}]
    body = {"model": target.model, "messages": messages, "stream": True, **request_fields(target)}
    async with post(target, http, "/api/chat", headers=headers, body=body) as response:
        yield response


def request_fields(target: Target) -> dict[str, object]:
    """What the request says beside model, messages and stream; the operator's options join ours."""
    extra = dict(target.options.extra_body)
    options = {key: value for key, value in mapping(extra.pop("options", None)).items() if value is not None}
    options["num_predict"] = target.options.max_tokens
    if target.options.temperature is not None:
        options["temperature"] = target.options.temperature
    return {"options": options, **extra}


def interpret(event: ServerEvent) -> StreamEvent:
    """What one line says. Raises BadPayloadError."""
    document = object_in(event)
    if document.get("error"):
        return StreamEvent(error=error_in(document))
    is_done = document.get("done") is True
    return StreamEvent(
        pieces=tuple(_pieces(mapping(document.get("message")))),
        usage=_usage(document),
        finish_reason=text(document.get("done_reason")),
        is_end=is_done,
        is_complete=is_done,
        served_model=text(document.get("remote_model")) or text(document.get("model")),
    )


def _pieces(message: JsonObject) -> Iterator[Piece]:
    """Compatible servers say `reasoning_content` for what Ollama calls `thinking`."""
    if thought := text(message.get("thinking")) or text(message.get("reasoning_content")):
        yield Piece(Generated.REASONING, thought)
    if said := text(message.get("content")):
        yield Piece(Generated.TEXT, said)
    for call in map(mapping, sequence(message.get("tool_calls"))):
        if function := mapping(call.get("function")):
            yield Piece(Generated.TOOL, json.dumps(function))


def _usage(document: JsonObject) -> Usage | None:
    """On the last line, reasoning included and not told apart. A prompt that is cached is not counted at all."""
    prompt, output = count(document.get("prompt_eval_count")), count(document.get("eval_count"))
    return None if prompt is None and output is None else Usage(input_tokens=prompt, output_tokens=output)
