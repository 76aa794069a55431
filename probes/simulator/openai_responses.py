"""OpenAI's Responses API, the server's side: the named events of a stream, the whole document, headers."""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence

from probes.simulator.answer import Answer, Piece, TokenCounts
from probes.simulator.dialect import (
    Call,
    CallError,
    Envelope,
    JsonObject,
    RateLimits,
    positive_int,
    required_model,
    to_json,
    words_of,
)
from probes.simulator.failure import wording
from probes.simulator.openai_chat import OpenAIChat
from probes.simulator.scenario import Body, Finish, KeepAlive, Preamble, Problem, RetryFormat, UsageMode
from probes.simulator.script import Event, Frame, FrameKind, Framing

_USAGE_EACH = 8
"""Tokens between two reports when usage is repeated."""
_INCOMPLETE = {Finish.LENGTH: "max_output_tokens", Finish.CONTENT_FILTER: "content_filter"}
_SUMMARY_FIELD = "reasoning_content"
"""What a scenario names the reasoning's field by default; here it is a summary then, else the reasoning itself."""


class OpenAIResponses:
    """POST .../responses."""

    name = "openai_responses"
    framing = Framing.EVENT_STREAM
    error_shape = Body.OPENAI
    reset_format = RetryFormat.DURATION
    request_id_header = "x-request-id"

    def call(self, body: JsonObject, path: str) -> Call:
        """The request's meaning; usage comes unasked."""
        if not isinstance(body.get("input"), str | list) or not body["input"]:
            raise CallError("input: field required")
        return Call(
            model=required_model(body),
            body=body,
            limit=positive_int(body, "max_output_tokens"),
            input_tokens=words_of(body["input"]) + words_of(body.get("instructions")) + 3,
            is_stream=body.get("stream") is True,
            wants_usage=True,
        )

    def reply_id(self, rng: random.Random) -> str:
        """An identifier in the vendor's style."""
        return f"resp_{rng.getrandbits(192):048x}"

    def frames(self, answer: Answer, envelope: Envelope, head_seconds: float) -> list[Frame]:
        """response.created, items of deltas (reasoning before the message), response.completed or .incomplete.

        An item opens with the event before its first token, so that no frame shares the first token's instant.
        """
        unnumbered = [
            *_preamble(answer, envelope, head_seconds),
            *_items(answer, envelope),
            *_ending(answer, envelope),
        ]
        return [
            Frame(kind, _event(document | {"sequence_number": number}), due, text)
            for number, (kind, document, due, text) in enumerate(unnumbered)
        ]

    def document(self, answer: Answer, envelope: Envelope) -> JsonObject:
        """A whole response."""
        return _ended(answer, envelope, _usage(answer.counts, envelope))

    def keep_alive(self, kind: KeepAlive, envelope: Envelope) -> Event:
        """A comment; this protocol has no ping, so a ping is a comment too."""
        if kind is KeepAlive.EMPTY_DELTA:
            return _event(_Item(FrameKind.TEXT, 0, envelope).delta("") | {"sequence_number": 0})
        return Event("keep-alive", is_comment=True)

    def error_event(self, problem: Problem, envelope: Envelope) -> Event:
        """The event `error`, flat as documented or nested as OpenAI sends it; a rate limit fails the response."""
        words = wording(problem)
        inner: JsonObject = {"code": words.openai_code, "message": words.message, "param": words.param}
        if problem is Problem.RATE_LIMITED:
            error = {"code": words.openai_code, "message": words.message}
            response = _response(envelope, "failed") | {"error": error}
            return _event({"type": "response.failed", "sequence_number": 0, "response": response})
        if problem is Problem.SERVER_ERROR:
            return _event({"type": "error", "sequence_number": 0, **inner})
        return _event({"type": "error", "sequence_number": 0, "error": {"type": words.openai_type, **inner}})

    def rate_limits(self, limits: RateLimits) -> Mapping[str, str]:
        """The x-ratelimit-* headers, the vendor's same for all its protocols."""
        return OpenAIChat().rate_limits(limits)


_Unnumbered = tuple[FrameKind, JsonObject, float, str]


def _event(document: JsonObject) -> Event:
    return Event(to_json(document), name=str(document["type"]))


def _response(envelope: Envelope, status: str, output: Sequence[JsonObject] = ()) -> JsonObject:
    return {
        "id": envelope.reply_id,
        "object": "response",
        "created_at": envelope.created_unix,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": envelope.call.limit,
        "model": envelope.served_model,
        "output": list(output),
        "parallel_tool_calls": True,
        "service_tier": "default",
        "store": False,
        "tool_choice": "auto",
        "tools": [],
        "usage": None,
    }


def _ended(answer: Answer, envelope: Envelope, usage: JsonObject | None) -> JsonObject:
    """The response at its end, which a limit or a filter may have cut short."""
    items = [_Item(kind, index, envelope) for index, kind in enumerate(_kinds(answer))]
    reason = _INCOMPLETE.get(answer.finish)
    output = [item.whole(answer) for item in items]
    response = _response(envelope, "incomplete" if reason else "completed", output) | {"usage": usage}
    return response | {"incomplete_details": {"reason": reason} if reason else None}


def _kinds(answer: Answer) -> list[FrameKind]:
    """Of the items; a silent answer is a message without text."""
    kinds = [kind for kind, _ in itertools.groupby(answer.pieces, key=lambda piece: piece.kind)]
    return kinds or [FrameKind.TEXT]


def _usage(counts: TokenCounts, envelope: Envelope) -> JsonObject | None:
    if envelope.content.usage is UsageMode.MISSING:
        return None
    scale = 0 if envelope.content.usage is UsageMode.ZERO else 1
    return {
        "input_tokens": scale * counts.input_tokens,
        "input_tokens_details": {"cached_tokens": scale * counts.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": scale * counts.output_tokens,
        "output_tokens_details": {"reasoning_tokens": scale * counts.reasoning_tokens},
        "total_tokens": scale * (counts.input_tokens + counts.output_tokens),
    }


class _Item:
    """One output item: reasoning, a message with one part (text or refusal), or a function call."""

    def __init__(self, kind: FrameKind, index: int, envelope: Envelope) -> None:
        self._kind = kind
        self._index = index
        self._is_summary = envelope.content.reasoning_field == _SUMMARY_FIELD
        prefix = {FrameKind.REASONING: "rs", FrameKind.TOOL: "fc"}.get(kind, "msg")
        self._id = f"{prefix}_{envelope.reply_id[-24:]}{index}"

    def opening(self) -> Iterator[JsonObject]:
        """The events before the first delta."""
        yield {"type": "response.output_item.added", "output_index": self._index, "item": self._item("")}
        if self._kind is FrameKind.REASONING and self._is_summary:
            yield self._placed("response.reasoning_summary_part.added") | {"part": self._part("")}
        elif self._kind is not FrameKind.TOOL:
            yield self._placed("response.content_part.added") | {"part": self._part("")}

    def delta(self, text: str) -> JsonObject:
        """One token."""
        return self._placed(f"{self._text_event}.delta") | self._spoken({"delta": text})

    def closing(self, text: str, status: str) -> Iterator[JsonObject]:
        """The events after the last delta, which repeat all that was said."""
        name = {FrameKind.TOOL: "arguments", FrameKind.REFUSAL: "refusal"}.get(self._kind, "text")
        yield self._placed(f"{self._text_event}.done") | self._spoken({name: text})
        if self._kind is FrameKind.REASONING and self._is_summary:
            yield self._placed("response.reasoning_summary_part.done") | {"part": self._part(text)}
        elif self._kind is not FrameKind.TOOL:
            yield self._placed("response.content_part.done") | {"part": self._part(text)}
        item = self._item(text) | ({} if self._kind is FrameKind.REASONING else {"status": status})
        yield {"type": "response.output_item.done", "output_index": self._index, "item": item}

    def whole(self, answer: Answer) -> JsonObject:
        """The item with all that the answer says of its kind."""
        return self._item(answer.text(self._kind))

    @property
    def _text_event(self) -> str:
        match self._kind:
            case FrameKind.REASONING:
                return f"response.reasoning_{'summary_' if self._is_summary else ''}text"
            case FrameKind.REFUSAL:
                return "response.refusal"
            case FrameKind.TOOL:
                return "response.function_call_arguments"
            case _:
                return "response.output_text"

    def _placed(self, kind: str) -> JsonObject:
        placed: JsonObject = {"type": kind, "item_id": self._id, "output_index": self._index}
        if self._kind is FrameKind.TOOL:
            return placed
        is_summary = self._kind is FrameKind.REASONING and self._is_summary
        return placed | {"summary_index" if is_summary else "content_index": 0}

    def _spoken(self, said: JsonObject) -> JsonObject:
        """Of plain text the likelihoods belong to the event, here always none."""
        return said | ({"logprobs": []} if self._text_event == "response.output_text" else {})

    def _part(self, text: str) -> JsonObject:
        match self._kind:
            case FrameKind.REASONING:
                return {"type": "summary_text" if self._is_summary else "reasoning_text", "text": text}
            case FrameKind.REFUSAL:
                return {"type": "refusal", "refusal": text}
            case _:
                return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}

    def _item(self, text: str) -> JsonObject:
        parts = [self._part(text)] if text else []
        match self._kind:
            case FrameKind.REASONING if self._is_summary:
                return {"id": self._id, "type": "reasoning", "summary": parts}
            case FrameKind.REASONING:
                return {"id": self._id, "type": "reasoning", "summary": [], "content": parts}
            case FrameKind.TOOL:
                call: JsonObject = {"id": self._id, "type": "function_call", "status": "in_progress"}
                return call | {"call_id": "call_simulated", "name": "count", "arguments": text}
            case _:
                message: JsonObject = {"id": self._id, "type": "message", "status": "in_progress"}
                return message | {"role": "assistant", "content": parts}


def _preamble(answer: Answer, envelope: Envelope, due_seconds: float) -> Iterator[_Unnumbered]:
    if envelope.content.preamble is Preamble.NONE:
        return
    is_early = envelope.content.usage is UsageMode.EARLY
    response = _response(envelope, "in_progress")
    response |= {"usage": _usage(answer.counts, envelope) if is_early else None}
    for kind in ("response.created", "response.in_progress"):
        yield FrameKind.PREAMBLE, {"type": kind, "response": response}, due_seconds, ""
    for document in _Item(_kinds(answer)[0], 0, envelope).opening():
        yield FrameKind.BLOCK, document, due_seconds, ""


def _items(answer: Answer, envelope: Envelope) -> Iterator[_Unnumbered]:
    index = 0
    last: Piece | None = None
    for number, piece in enumerate(answer.pieces, start=1):
        if last is not None and last.kind is not piece.kind:
            yield from _closed(_Item(last.kind, index, envelope), answer, last, FrameKind.BLOCK)
            index += 1
            for document in _Item(piece.kind, index, envelope).opening():
                yield FrameKind.BLOCK, document, last.due_seconds, ""
        delta = _Item(piece.kind, index, envelope).delta(piece.text)
        yield piece.kind, delta, piece.due_seconds, piece.text
        if envelope.content.usage is UsageMode.REPEATED and number % _USAGE_EACH == 0:
            yield _usage_so_far(answer.counts, number, envelope, piece.due_seconds)
        last = piece


def _closed(item: _Item, answer: Answer, last: Piece, kind: FrameKind) -> Iterator[_Unnumbered]:
    for document in item.closing(answer.text(last.kind), "completed"):
        yield kind, document, last.due_seconds, ""


def _usage_so_far(
    counts: TokenCounts, output_tokens: int, envelope: Envelope, due_seconds: float
) -> _Unnumbered:
    so_far = TokenCounts(counts.input_tokens, output_tokens, 0, counts.cached_tokens)
    response = _response(envelope, "in_progress") | {"usage": _usage(so_far, envelope)}
    return FrameKind.USAGE, {"type": "response.in_progress", "response": response}, due_seconds, ""


def _ending(answer: Answer, envelope: Envelope) -> Iterator[_Unnumbered]:
    """The last item's end, which tells whether it is whole, then the response's."""
    due, mode, kinds = answer.finish_seconds, envelope.content.usage, _kinds(answer)
    status = "incomplete" if answer.finish in _INCOMPLETE else "completed"
    for document in _Item(kinds[-1], len(kinds) - 1, envelope).closing(answer.text(kinds[-1]), status):
        yield FrameKind.FINISH, document, due, ""
    usage = _usage(answer.counts, envelope)
    if mode is UsageMode.THEN_NULL:
        running = _response(envelope, "in_progress") | {"usage": usage}
        yield FrameKind.USAGE, {"type": "response.in_progress", "response": running}, due, ""
    is_silent = mode in (UsageMode.THEN_NULL, UsageMode.EARLY)
    response = _ended(answer, envelope, None if is_silent else usage)
    yield FrameKind.TERMINAL, {"type": f"response.{status}", "response": response}, due, ""
