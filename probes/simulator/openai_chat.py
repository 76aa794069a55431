"""OpenAI chat completions, the server's side: chunks of a stream, the whole document, headers."""

import random
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from probes.simulator.answer import Answer, Piece, TokenCounts
from probes.simulator.dialect import (
    Call,
    Envelope,
    JsonObject,
    RateLimits,
    positive_int,
    require_messages,
    required_model,
    to_json,
    words_of,
)
from probes.simulator.failure import openai_error, wording
from probes.simulator.scenario import Body, Finish, KeepAlive, Preamble, Problem, RetryFormat, UsageMode
from probes.simulator.script import Event, Frame, FrameKind, Framing

_FINISH = {
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.CONTENT_FILTER: "content_filter",
    Finish.TOOL: "tool_calls",
    Finish.REFUSAL: "stop",
}
_DEPLOYMENT = re.compile(r"/deployments/([^/]+)/")


class OpenAIChat:
    """POST .../chat/completions, also under Azure's /openai/deployments/{deployment}/ path."""

    name = "openai_chat"
    framing = Framing.EVENT_STREAM
    error_shape = Body.OPENAI
    reset_format = RetryFormat.DURATION
    request_id_header = "x-request-id"

    def call(self, body: JsonObject, path: str) -> Call:
        """The request's meaning; `max_completion_tokens` wins over `max_tokens`."""
        deployment = _DEPLOYMENT.search(path)
        require_messages(body)
        limit = positive_int(body, "max_completion_tokens") or positive_int(body, "max_tokens")
        options = body.get("stream_options")
        return Call(
            model=required_model(body, unquote(deployment[1]) if deployment else None),
            body=body,
            limit=limit,
            input_tokens=words_of(body["messages"]) + 3,
            is_stream=body.get("stream") is True,
            wants_usage=isinstance(options, dict) and options.get("include_usage") is True,
            is_azure=deployment is not None,
        )

    def reply_id(self, rng: random.Random) -> str:
        """An identifier in the vendor's style."""
        return f"chatcmpl-{rng.getrandbits(96):024x}"

    def frames(self, answer: Answer, envelope: Envelope, head_seconds: float) -> list[Frame]:
        """Role chunk, one chunk a token, finish, usage when asked for, `[DONE]`."""
        return [
            *_preamble(answer, envelope, head_seconds),
            *_token_frames(answer, envelope),
            *_ending(answer, envelope),
        ]

    def document(self, answer: Answer, envelope: Envelope) -> JsonObject:
        """A whole chat.completion."""
        arguments = answer.text(FrameKind.TOOL)
        message: JsonObject = {
            "role": "assistant",
            "content": answer.text(FrameKind.TEXT) or None,
            "refusal": answer.text(FrameKind.REFUSAL) or None,
        }
        if arguments:
            function = {"name": "count", "arguments": arguments}
            message["tool_calls"] = [{"id": "call_simulated", "type": "function", "function": function}]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _FINISH[answer.finish]}
        base = _base(envelope) | {"object": "chat.completion", "choices": [choice]}
        return (
            base
            if envelope.content.usage is UsageMode.MISSING
            else base | {"usage": _usage(answer.counts, envelope)}
        )

    def keep_alive(self, kind: KeepAlive, envelope: Envelope) -> Event:
        """A comment; this protocol has no ping, so a ping is a comment too."""
        if kind is KeepAlive.EMPTY_DELTA:
            return _event(_chunk(envelope, {"content": ""}))
        return Event("keep-alive", is_comment=True)

    def error_event(self, problem: Problem, envelope: Envelope) -> Event:
        """An error document as unnamed data."""
        return _event(openai_error(wording(problem)))

    def rate_limits(self, limits: RateLimits) -> Mapping[str, str]:
        """The x-ratelimit-* headers."""
        return {
            "x-ratelimit-limit-requests": str(limits.requests),
            "x-ratelimit-remaining-requests": str(limits.requests_remaining),
            "x-ratelimit-reset-requests": limits.requests_reset,
            "x-ratelimit-limit-tokens": str(limits.tokens),
            "x-ratelimit-remaining-tokens": str(limits.tokens_remaining),
            "x-ratelimit-reset-tokens": limits.tokens_reset,
        }


def _event(document: JsonObject) -> Event:
    return Event(to_json(document))


def _base(envelope: Envelope) -> JsonObject:
    return {
        "id": envelope.reply_id,
        "object": "chat.completion.chunk",
        "created": envelope.created_unix,
        "model": envelope.served_model,
        "service_tier": "default",
        "system_fingerprint": envelope.content.fingerprint,
    }


def _chunk(envelope: Envelope, delta: JsonObject, finish: str | None = None) -> JsonObject:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    chunk = _base(envelope) | {"choices": [choice]}
    if envelope.call.wants_usage and envelope.content.usage is not UsageMode.MISSING:
        chunk["usage"] = None
    return chunk


def _usage(counts: TokenCounts, envelope: Envelope) -> JsonObject:
    scale = 0 if envelope.content.usage is UsageMode.ZERO else 1
    return {
        "prompt_tokens": scale * counts.input_tokens,
        "completion_tokens": scale * counts.output_tokens,
        "total_tokens": scale * (counts.input_tokens + counts.output_tokens),
        "prompt_tokens_details": {"cached_tokens": scale * counts.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": scale * counts.reasoning_tokens, "audio_tokens": 0},
    }


def _preamble(answer: Answer, envelope: Envelope, due_seconds: float) -> Iterator[Frame]:
    if envelope.call.is_azure:
        filters = {"hate": {"filtered": False, "severity": "safe"}}
        first: JsonObject = {
            "id": "",
            "object": "",
            "created": 0,
            "model": "",
            "choices": [],
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": filters}],
        }
        yield Frame(FrameKind.PREAMBLE, _event(first), due_seconds)
    if envelope.content.preamble is Preamble.FRAME:
        role = _chunk(envelope, {"role": "assistant", "content": "", "refusal": None})
        yield Frame(FrameKind.PREAMBLE, _event(role), due_seconds)
    if envelope.content.usage is UsageMode.EARLY and envelope.call.wants_usage:
        yield _usage_frame(answer.counts, envelope, due_seconds)


def _delta(piece: Piece, envelope: Envelope, *, is_first_of_kind: bool) -> JsonObject:
    match piece.kind:
        case FrameKind.REASONING:
            return {envelope.content.reasoning_field: piece.text}
        case FrameKind.REFUSAL:
            return {"refusal": piece.text}
        case FrameKind.TOOL:
            call: JsonObject = {"index": 0, "function": {"arguments": piece.text}}
            if is_first_of_kind:
                function = {"name": "count", "arguments": piece.text}
                call = {"index": 0, "id": "call_simulated", "type": "function", "function": function}
            return {"tool_calls": [call]}
        case _:
            return {"content": piece.text}


def _token_frames(answer: Answer, envelope: Envelope) -> Iterator[Frame]:
    mode = envelope.content.usage
    seen: set[FrameKind] = set()
    for index, piece in enumerate(answer.pieces, start=1):
        delta = _delta(piece, envelope, is_first_of_kind=piece.kind not in seen)
        seen.add(piece.kind)
        if index == 1 and envelope.content.preamble is Preamble.MERGED:
            delta = {"role": "assistant"} | delta
        chunk = _chunk(envelope, delta)
        if mode is UsageMode.REPEATED and envelope.call.wants_usage:
            chunk["usage"] = _usage(_counts_so_far(answer.counts, index), envelope)
        yield Frame(piece.kind, _event(chunk), piece.due_seconds, piece.text)


def _counts_so_far(counts: TokenCounts, output_tokens: int) -> TokenCounts:
    return TokenCounts(
        input_tokens=counts.input_tokens,
        output_tokens=output_tokens,
        reasoning_tokens=min(counts.reasoning_tokens, output_tokens),
        cached_tokens=counts.cached_tokens,
    )


def _usage_frame(counts: TokenCounts, envelope: Envelope, due_seconds: float) -> Frame:
    chunk = _base(envelope) | {"choices": [], "usage": _usage(counts, envelope)}
    return Frame(FrameKind.USAGE, _event(chunk), due_seconds)


def _ending(answer: Answer, envelope: Envelope) -> Iterator[Frame]:
    due, mode = answer.finish_seconds, envelope.content.usage
    finish = _chunk(envelope, {}, _FINISH[answer.finish])
    if mode is UsageMode.ON_CHOICES and envelope.call.wants_usage:
        finish["usage"] = _usage(answer.counts, envelope)
    yield Frame(FrameKind.FINISH, _event(finish), due)
    has_own_chunk = mode in {UsageMode.LAST, UsageMode.REPEATED, UsageMode.ZERO, UsageMode.THEN_NULL}
    if has_own_chunk and envelope.call.wants_usage:
        yield _usage_frame(answer.counts, envelope, due)
    if mode is UsageMode.THEN_NULL and envelope.call.wants_usage:
        yield Frame(FrameKind.USAGE, _event(_base(envelope) | {"choices": [], "usage": None}), due)
    yield Frame(FrameKind.TERMINAL, Event("[DONE]"), due)
