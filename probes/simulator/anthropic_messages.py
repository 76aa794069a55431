"""Anthropic messages, the server's side: the named events of a stream, the whole document, headers."""

import random
from collections.abc import Iterator, Mapping

from probes.simulator.answer import Answer, Piece, TokenCounts
from probes.simulator.dialect import (
    Call,
    CallError,
    Envelope,
    JsonObject,
    RateLimits,
    positive_int,
    require_messages,
    required_model,
    to_json,
    words_of,
)
from probes.simulator.failure import anthropic_error, wording
from probes.simulator.scenario import Body, Finish, KeepAlive, Preamble, Problem, RetryFormat, UsageMode
from probes.simulator.script import Event, Frame, FrameKind, Framing

_STOP_REASON = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.CONTENT_FILTER: "refusal",
    Finish.TOOL: "tool_use",
    Finish.REFUSAL: "refusal",
}
_USAGE_EACH = 8
"""Tokens between two reports when usage is repeated."""


class AnthropicMessages:
    """POST .../v1/messages."""

    name = "anthropic_messages"
    framing = Framing.EVENT_STREAM
    error_shape = Body.ANTHROPIC
    reset_format = RetryFormat.RFC3339
    request_id_header = "request-id"

    def call(self, body: JsonObject, path: str) -> Call:
        """The request's meaning; `max_tokens` is required here."""
        require_messages(body)
        limit = positive_int(body, "max_tokens")
        if limit is None:
            raise CallError("max_tokens: field required")
        return Call(
            model=required_model(body),
            body=body,
            limit=limit,
            input_tokens=words_of(body["messages"]) + words_of(body.get("system")) + 3,
            is_stream=body.get("stream") is True,
            wants_usage=True,
        )

    def reply_id(self, rng: random.Random) -> str:
        """An identifier in the vendor's style."""
        return f"msg_{rng.getrandbits(96):024x}"

    def frames(self, answer: Answer, envelope: Envelope, head_seconds: float) -> list[Frame]:
        """message_start, blocks of deltas (thinking before text), message_delta, message_stop.

        A block opens with the event before its first token, so that no frame shares the first token's instant.
        """
        return [
            *_preamble(answer, envelope, head_seconds),
            *_blocks(answer, envelope),
            *_ending(answer, envelope),
        ]

    def document(self, answer: Answer, envelope: Envelope) -> JsonObject:
        """A whole message."""
        message = _message(envelope, _usage(answer.counts, envelope))
        blocks = _content_blocks(answer)
        return message | {"content": blocks, "stop_reason": _STOP_REASON[answer.finish]}

    def keep_alive(self, kind: KeepAlive, envelope: Envelope) -> Event:
        """A ping, or a comment; an empty delta is a text_delta without text."""
        if kind is KeepAlive.COMMENT:
            return Event("keep-alive", is_comment=True)
        if kind is KeepAlive.EMPTY_DELTA:
            return _delta_event(0, {"type": "text_delta", "text": ""})
        return _event({"type": "ping"})

    def error_event(self, problem: Problem, envelope: Envelope) -> Event:
        """The named event `error`."""
        return Event(to_json(anthropic_error(wording(problem), "req_simulated")), name="error")

    def rate_limits(self, limits: RateLimits) -> Mapping[str, str]:
        """The anthropic-ratelimit-* headers."""
        return {
            "anthropic-ratelimit-requests-limit": str(limits.requests),
            "anthropic-ratelimit-requests-remaining": str(limits.requests_remaining),
            "anthropic-ratelimit-requests-reset": limits.requests_reset,
            "anthropic-ratelimit-tokens-limit": str(limits.tokens),
            "anthropic-ratelimit-tokens-remaining": str(limits.tokens_remaining),
            "anthropic-ratelimit-tokens-reset": limits.tokens_reset,
        }


def _event(document: JsonObject) -> Event:
    return Event(to_json(document), name=str(document["type"]))


def _delta_event(index: int, delta: JsonObject) -> Event:
    return _event({"type": "content_block_delta", "index": index, "delta": delta})


def _usage(counts: TokenCounts, envelope: Envelope) -> JsonObject:
    """Input excludes what came from the cache, as the vendor counts."""
    scale = 0 if envelope.content.usage is UsageMode.ZERO else 1
    usage: JsonObject = {
        "input_tokens": scale * (counts.input_tokens - counts.cached_tokens),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": scale * counts.cached_tokens,
        "output_tokens": scale * counts.output_tokens,
    }
    if counts.reasoning_tokens:
        usage["output_tokens_details"] = {"thinking_tokens": scale * counts.reasoning_tokens}
    return usage


def _message(envelope: Envelope, usage: JsonObject) -> JsonObject:
    message: JsonObject = {
        "id": envelope.reply_id,
        "type": "message",
        "role": "assistant",
        "model": envelope.served_model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }
    return message if envelope.content.usage is UsageMode.MISSING else message | {"usage": usage}


def _preamble(answer: Answer, envelope: Envelope, due_seconds: float) -> Iterator[Frame]:
    if envelope.content.preamble is Preamble.NONE:
        return
    is_early = envelope.content.usage is UsageMode.EARLY
    placeholder = TokenCounts(answer.counts.input_tokens, 1, 0, answer.counts.cached_tokens)
    usage = _usage(answer.counts if is_early else placeholder, envelope)
    start = _event({"type": "message_start", "message": _message(envelope, usage)})
    yield Frame(FrameKind.PREAMBLE, start, due_seconds)
    if answer.pieces:
        yield Frame(FrameKind.BLOCK, _block_start(0, answer.pieces[0].kind), due_seconds)
    yield Frame(FrameKind.PREAMBLE, _event({"type": "ping"}), due_seconds)


def _block_start(index: int, kind: FrameKind) -> Event:
    block: JsonObject = {"type": "text", "text": ""}
    if kind is FrameKind.REASONING:
        block = {"type": "thinking", "thinking": "", "signature": ""}
    elif kind is FrameKind.TOOL:
        block = {"type": "tool_use", "id": "toolu_simulated", "name": "count", "input": {}}
    return _event({"type": "content_block_start", "index": index, "content_block": block})


def _delta(piece: Piece) -> JsonObject:
    if piece.kind is FrameKind.REASONING:
        return {"type": "thinking_delta", "thinking": piece.text}
    if piece.kind is FrameKind.TOOL:
        return {"type": "input_json_delta", "partial_json": piece.text}
    return {"type": "text_delta", "text": piece.text}


def _blocks(answer: Answer, envelope: Envelope) -> Iterator[Frame]:
    index = 0
    last: Piece | None = None
    for number, piece in enumerate(answer.pieces, start=1):
        if last is not None and last.kind is not piece.kind:
            yield from _block_stop(index, last)
            index += 1
            yield Frame(FrameKind.BLOCK, _block_start(index, piece.kind), last.due_seconds)
        yield Frame(piece.kind, _delta_event(index, _delta(piece)), piece.due_seconds, piece.text)
        if envelope.content.usage is UsageMode.REPEATED and number % _USAGE_EACH == 0:
            yield _usage_frame(number, piece.due_seconds)
        last = piece
    if last is not None:
        yield from _block_stop(index, last)


def _block_stop(index: int, last: Piece) -> Iterator[Frame]:
    if last.kind is FrameKind.REASONING:
        signature = _delta_event(index, {"type": "signature_delta", "signature": "c2ltdWxhdGVk"})
        yield Frame(FrameKind.BLOCK, signature, last.due_seconds)
    yield Frame(FrameKind.BLOCK, _event({"type": "content_block_stop", "index": index}), last.due_seconds)


def _usage_frame(output_tokens: int, due_seconds: float) -> Frame:
    delta = {"stop_reason": None, "stop_sequence": None}
    document: JsonObject = {
        "type": "message_delta",
        "delta": delta,
        "usage": {"output_tokens": output_tokens},
    }
    return Frame(FrameKind.USAGE, _event(document), due_seconds)


def _ending(answer: Answer, envelope: Envelope) -> Iterator[Frame]:
    delta: JsonObject = {"stop_reason": _STOP_REASON[answer.finish], "stop_sequence": None}
    if answer.finish in {Finish.REFUSAL, Finish.CONTENT_FILTER}:
        delta["stop_details"] = {"type": "refusal", "category": None, "explanation": "Simulated refusal."}
    finish: JsonObject = {"type": "message_delta", "delta": delta}
    if envelope.content.usage not in {UsageMode.MISSING, UsageMode.EARLY}:
        finish["usage"] = _usage(answer.counts, envelope)
    yield Frame(FrameKind.FINISH, _event(finish), answer.finish_seconds)
    if envelope.content.usage is UsageMode.THEN_NULL:
        again: JsonObject = {"type": "message_delta", "delta": delta, "usage": None}
        yield Frame(FrameKind.USAGE, _event(again), answer.finish_seconds)
    yield Frame(FrameKind.TERMINAL, _event({"type": "message_stop"}), answer.finish_seconds)


def _content_blocks(answer: Answer) -> list[JsonObject]:
    blocks: list[JsonObject] = []
    if thinking := answer.text(FrameKind.REASONING):
        blocks.append({"type": "thinking", "thinking": thinking, "signature": "c2ltdWxhdGVk"})
    if text := answer.text(FrameKind.TEXT) + answer.text(FrameKind.REFUSAL):
        blocks.append({"type": "text", "text": text})
    if answer.text(FrameKind.TOOL):
        blocks.append({"type": "tool_use", "id": "toolu_simulated", "name": "count", "input": {}})
    return blocks
