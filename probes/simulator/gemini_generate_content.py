"""Gemini's generateContent, the server's side: the chunks of a stream, the whole document, errors."""

import json
import random
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from probes.simulator.answer import Answer, Piece, TokenCounts, whole_tool_call
from probes.simulator.dialect import (
    Call,
    CallError,
    Envelope,
    JsonObject,
    RateLimits,
    positive_int,
    to_json,
    words_of,
)
from probes.simulator.failure import google_error, wording
from probes.simulator.scenario import Body, Finish, KeepAlive, Preamble, Problem, RetryFormat, UsageMode
from probes.simulator.script import Event, Frame, FrameKind, Framing

_FINISH = {
    Finish.STOP: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.CONTENT_FILTER: "SAFETY",
    Finish.TOOL: "STOP",
    Finish.REFUSAL: "SAFETY",
}
_CODES = {
    Problem.OVERLOADED: 503,
    Problem.TIMEOUT: 504,
    Problem.RATE_LIMITED: 429,
    Problem.QUOTA: 429,
    Problem.SPEND_LIMIT: 429,
}
_OPERATION = re.compile(r"/models/([^/:]+):(stream)?[gG]enerateContent$")


class GeminiGenerateContent:
    """POST .../models/{model}:streamGenerateContent, as asked with `alt=sse`, and :generateContent."""

    name = "gemini_generate_content"
    framing = Framing.EVENT_STREAM
    error_shape = Body.GOOGLE
    reset_format = RetryFormat.SECONDS
    request_id_header = "x-simulator-request"  # the vendor names the response in its body alone

    def call(self, body: JsonObject, path: str) -> Call:
        """The request's meaning; model and kind of answer stand in the path, the limit in generationConfig."""
        operation = _OPERATION.search(path)
        if operation is None:
            raise CallError("the path names no model")
        contents = body.get("contents")
        if not isinstance(contents, list) or not contents:
            raise CallError("* GenerateContentRequest.contents: contents is not specified")
        config = body.get("generationConfig")
        settings = config if isinstance(config, dict) else {}
        return Call(
            model=unquote(operation[1]),
            body=body | settings,
            limit=positive_int(settings, "maxOutputTokens"),
            input_tokens=words_of([content.get("parts") for content in contents if isinstance(content, dict)])
            + 3,
            is_stream=operation[2] is not None,
            wants_usage=True,
        )

    def reply_id(self, rng: random.Random) -> str:
        """An identifier in the vendor's style."""
        return f"{rng.getrandbits(88):022x}"

    def frames(self, answer: Answer, envelope: Envelope, head_seconds: float) -> list[Frame]:
        """One chunk a token, then one with the finish reason; nothing follows but the body's end."""
        if not answer.pieces and answer.finish is Finish.CONTENT_FILTER:
            return [Frame(FrameKind.FINISH, _event(_blocked(answer, envelope)), answer.finish_seconds)]
        return [
            *_preamble(answer, envelope, head_seconds),
            *_token_frames(answer, envelope),
            *_ending(answer, envelope),
        ]

    def document(self, answer: Answer, envelope: Envelope) -> JsonObject:
        """A whole answer."""
        parts = [
            _part(kind, text) for kind in (FrameKind.REASONING, FrameKind.TEXT) if (text := answer.text(kind))
        ]
        if refused := answer.text(FrameKind.REFUSAL):
            parts.append(_part(FrameKind.TEXT, refused))
        calls = [piece for piece in whole_tool_call(answer.pieces) if piece.kind is FrameKind.TOOL]
        parts += [_of(call) for call in calls]
        return _chunk(envelope, parts, finish=_FINISH[answer.finish], counts=answer.counts)

    def keep_alive(self, kind: KeepAlive, envelope: Envelope) -> Event:
        """A comment; this protocol has no ping, so a ping is a comment too."""
        if kind is KeepAlive.EMPTY_DELTA:
            return _event(_chunk(envelope, [_part(FrameKind.TEXT, "")]))
        return Event("keep-alive", is_comment=True)

    def error_event(self, problem: Problem, envelope: Envelope) -> Event:
        """An error document as unnamed data."""
        return _event(google_error(wording(problem), _CODES.get(problem, 500)))

    def rate_limits(self, limits: RateLimits) -> Mapping[str, str]:
        """The vendor sends none."""
        return {}


def _event(document: JsonObject) -> Event:
    return Event(to_json(document))


def _part(kind: FrameKind, text: str) -> JsonObject:
    if kind is FrameKind.REASONING:
        return {"text": text, "thought": True}
    if kind is FrameKind.TOOL:
        return {"functionCall": {"name": "count", "args": json.loads(text)}}
    return {"text": text}


def _chunk(
    envelope: Envelope, parts: list[JsonObject], finish: str | None = None, counts: TokenCounts | None = None
) -> JsonObject:
    candidate: JsonObject = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    chunk: JsonObject = {"candidates": [candidate]}
    if counts is not None and envelope.content.usage is not UsageMode.MISSING:
        chunk["usageMetadata"] = _usage(counts, envelope)
    return chunk | {"modelVersion": envelope.served_model, "responseId": envelope.reply_id}


def _usage(counts: TokenCounts, envelope: Envelope) -> JsonObject:
    """Thoughts are counted beside what candidates say; a count of nothing is left out."""
    scale = 0 if envelope.content.usage is UsageMode.ZERO else 1
    usage: JsonObject = {
        "promptTokenCount": scale * counts.input_tokens,
        "candidatesTokenCount": scale * (counts.output_tokens - counts.reasoning_tokens),
        "totalTokenCount": scale * (counts.input_tokens + counts.output_tokens),
    }
    if counts.reasoning_tokens:
        usage["thoughtsTokenCount"] = scale * counts.reasoning_tokens
    if counts.cached_tokens:
        usage["cachedContentTokenCount"] = scale * counts.cached_tokens
    return usage


def _blocked(answer: Answer, envelope: Envelope) -> JsonObject:
    """What comes instead of candidates when the prompt itself is refused."""
    blocked = _chunk(envelope, [], counts=answer.counts)
    del blocked["candidates"]
    return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}} | blocked


def _preamble(answer: Answer, envelope: Envelope, due_seconds: float) -> Iterator[Frame]:
    """The vendor sends no role frame; gateways in front of it do, as empty text."""
    is_early = envelope.content.usage is UsageMode.EARLY
    if envelope.content.preamble is Preamble.FRAME:
        first = _chunk(envelope, [_part(FrameKind.TEXT, "")], counts=answer.counts if is_early else None)
        yield Frame(FrameKind.PREAMBLE, _event(first), due_seconds)


def _token_frames(answer: Answer, envelope: Envelope) -> Iterator[Frame]:
    is_repeated = envelope.content.usage is UsageMode.REPEATED
    for number, piece in enumerate(whole_tool_call(answer.pieces), start=1):
        counts = _counts_so_far(answer.counts, number) if is_repeated else None
        yield Frame(
            piece.kind, _event(_chunk(envelope, [_of(piece)], counts=counts)), piece.due_seconds, piece.text
        )


def _of(piece: Piece) -> JsonObject:
    return _part(piece.kind, piece.text)


def _counts_so_far(counts: TokenCounts, output_tokens: int) -> TokenCounts:
    reasoning = min(counts.reasoning_tokens, output_tokens)
    return TokenCounts(counts.input_tokens, output_tokens, reasoning, counts.cached_tokens)


def _ending(answer: Answer, envelope: Envelope) -> Iterator[Frame]:
    is_early = envelope.content.usage is UsageMode.EARLY
    finish = _chunk(
        envelope,
        [_part(FrameKind.TEXT, "")],
        finish=_FINISH[answer.finish],
        counts=None if is_early else answer.counts,
    )
    yield Frame(FrameKind.FINISH, _event(finish), answer.finish_seconds)
    if envelope.content.usage is UsageMode.THEN_NULL:
        again = _chunk(envelope, []) | {"usageMetadata": None}
        yield Frame(FrameKind.USAGE, _event(again), answer.finish_seconds)
