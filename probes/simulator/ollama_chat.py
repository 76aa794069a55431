"""Ollama's chat, the server's side: the JSON lines of a stream, the whole document, errors."""

import datetime
import json
import random
from collections.abc import Iterator, Mapping

from probes.simulator.answer import Answer, Piece, TokenCounts, whole_tool_call
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
from probes.simulator.failure import wording
from probes.simulator.scenario import Body, Finish, KeepAlive, Preamble, Problem, RetryFormat, UsageMode
from probes.simulator.script import Event, Frame, FrameKind, Framing

_NANOSECONDS = 1_000_000_000


class OllamaChat:
    """POST .../api/chat. It knows no filter, no refusal and no cached tokens: such answers simply stop."""

    name = "ollama_chat"
    framing = Framing.JSON_LINES
    error_shape = Body.STRING
    reset_format = RetryFormat.SECONDS
    request_id_header = "x-simulator-request"  # the vendor names no request

    def call(self, body: JsonObject, path: str) -> Call:
        """The request's meaning; it streams unless told not to, and the limit stands in `options`."""
        require_messages(body)
        given = body.get("options")
        options = given if isinstance(given, dict) else {}
        return Call(
            model=required_model(body),
            body=body | options,
            limit=positive_int(options, "num_predict"),
            input_tokens=words_of(body["messages"]) + 3,
            is_stream=body.get("stream") is not False,
            wants_usage=True,
        )

    def reply_id(self, rng: random.Random) -> str:
        """For the header only."""
        return f"{rng.getrandbits(96):024x}"

    def frames(self, answer: Answer, envelope: Envelope, head_seconds: float) -> list[Frame]:
        """One line a token, then the one that is done."""
        mode = envelope.content.usage
        frames = []
        if envelope.content.preamble is Preamble.FRAME:
            counts = _counts(answer.counts, envelope) if mode is UsageMode.EARLY else {}
            frames.append(
                Frame(FrameKind.PREAMBLE, _event(_line(envelope, {"content": ""}) | counts), head_seconds)
            )
        frames += _token_frames(answer, envelope)
        last = _done(answer, envelope, {"content": ""})
        return [*frames, Frame(FrameKind.FINISH, _event(last), answer.finish_seconds)]

    def document(self, answer: Answer, envelope: Envelope) -> JsonObject:
        """A whole answer: the last line with everything in it."""
        message: JsonObject = {"content": answer.text(FrameKind.TEXT) + answer.text(FrameKind.REFUSAL)}
        if thinking := answer.text(FrameKind.REASONING):
            message["thinking"] = thinking
        for piece in whole_tool_call(answer.pieces):
            if piece.kind is FrameKind.TOOL:
                message |= _tool_call(piece.text)
        return _done(answer, envelope, message)

    def keep_alive(self, kind: KeepAlive, envelope: Envelope) -> Event:
        """A blank line; an empty delta is a line without content."""
        if kind is KeepAlive.EMPTY_DELTA:
            return _event(_line(envelope, {"content": ""}))
        return Event("", is_comment=True)

    def error_event(self, problem: Problem, envelope: Envelope) -> Event:
        """A line with the error's text alone."""
        return _event({"error": wording(problem).message})

    def rate_limits(self, limits: RateLimits) -> Mapping[str, str]:
        """The vendor sends none."""
        return {}


def _event(document: JsonObject) -> Event:
    return Event(to_json(document))


def _line(envelope: Envelope, message: JsonObject) -> JsonObject:
    created = datetime.datetime.fromtimestamp(envelope.created_unix, datetime.UTC)
    return {
        "model": envelope.served_model,
        "created_at": created.isoformat().replace("+00:00", "Z"),
        "message": {"role": "assistant"} | message,
        "done": False,
    }


def _done(answer: Answer, envelope: Envelope, message: JsonObject) -> JsonObject:
    total = round(answer.finish_seconds * _NANOSECONDS)
    line = _line(envelope, message) | {
        "done": True,
        "done_reason": "length" if answer.finish is Finish.LENGTH else "stop",
        "total_duration": total,
        "load_duration": 0,
    }
    is_early = envelope.content.usage is UsageMode.EARLY
    return line if is_early else line | _counts(answer.counts, envelope)


def _counts(counts: TokenCounts, envelope: Envelope) -> JsonObject:
    if envelope.content.usage is UsageMode.MISSING:
        return {}
    scale = 0 if envelope.content.usage is UsageMode.ZERO else 1
    return {"prompt_eval_count": scale * counts.input_tokens, "eval_count": scale * counts.output_tokens}


def _tool_call(arguments: str) -> JsonObject:
    return {"tool_calls": [{"function": {"name": "count", "arguments": json.loads(arguments)}}]}


def _message(piece: Piece) -> JsonObject:
    if piece.kind is FrameKind.REASONING:
        return {"content": "", "thinking": piece.text}
    if piece.kind is FrameKind.TOOL:
        return {"content": ""} | _tool_call(piece.text)
    return {"content": piece.text}


def _token_frames(answer: Answer, envelope: Envelope) -> Iterator[Frame]:
    is_repeated = envelope.content.usage is UsageMode.REPEATED
    for number, piece in enumerate(whole_tool_call(answer.pieces), start=1):
        line = _line(envelope, _message(piece))
        if is_repeated:
            line |= {"prompt_eval_count": answer.counts.input_tokens, "eval_count": number}
        yield Frame(piece.kind, _event(line), piece.due_seconds, piece.text)
