"""A stub on loopback that answers every protocol once, so that first-use costs fall on nobody's measurement.

It is not the simulator: it knows one short good answer and shares nothing with anything.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Final

from probes.domain.target import Deadlines, Protocol, Secret, Target

_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
_CHAT: Final = (
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "one two three"}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
)
_MESSAGES: Final = (
    {"type": "message_start", "message": {"model": "stub", "usage": {"input_tokens": 1}}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "one two three"}},
    {"type": "message_stop"},
)
_RESPONSES: Final = (
    {"type": "response.output_text.delta", "delta": "one two three"},
    {"type": "response.completed", "response": {"status": "completed"}},
)
_GEMINI: Final = (
    {"candidates": [{"content": {"parts": [{"text": "one two three"}]}, "finishReason": "STOP"}]},
)
_OLLAMA: Final = {"message": {"content": "one two three"}, "done": True}
_ANSWERS: Final = {
    b"/messages ": _MESSAGES,
    b"/responses ": _RESPONSES,
    b":streamGenerateContent": _GEMINI,
}


def rehearsal_target(protocol: Protocol, base_url: str) -> Target:
    """A target behind the stub; its key is no secret."""
    return Target(
        id=f"rehearsal/{protocol.value}",
        provider="rehearsal",
        client="rehearsal",
        model="stub",
        protocol=protocol,
        base_url=base_url,
        api_key=Secret("rehearsal"),
        deadlines=Deadlines(total_seconds=5.0),
    )


@contextlib.asynccontextmanager
async def serve_stub() -> AsyncIterator[str]:
    """The base URL of a running stub."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(_reply(head))
        await writer.drain()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def _reply(request_head: bytes) -> bytes:
    if b"/api/chat " in request_head:
        return _HEAD.replace(b"text/event-stream", b"application/x-ndjson") + json.dumps(_OLLAMA).encode()
    events = next((_ANSWERS[end] for end in _ANSWERS if end in request_head), _CHAT)
    return _HEAD + _stream(events)


def _stream(events: Sequence[object]) -> bytes:
    frames = [json.dumps(event).encode() for event in events]
    return b"".join(b"data: " + frame + b"\n\n" for frame in (*frames, b"[DONE]"))
