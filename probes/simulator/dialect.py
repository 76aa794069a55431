"""What a wire protocol must be able to say; openai_chat.py and its siblings each say it their way."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from probes.simulator.answer import Answer
from probes.simulator.scenario import Body, Content, KeepAlive, Problem, RetryFormat
from probes.simulator.script import Event, Frame, Framing

JsonObject: TypeAlias = dict[str, object]


def to_json(document: object) -> str:
    """Compact JSON, characters as themselves; escaped only where UTF-8 cannot carry them (lone surrogates)."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(document, separators=(",", ":"))
    return text


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for, as far as an answer depends on it. `api_key` is for auth and never recorded."""

    model: str
    body: JsonObject
    limit: int | None
    input_tokens: int
    is_stream: bool
    wants_usage: bool
    is_azure: bool = False
    api_key: str | None = None


class CallError(ValueError):
    """A request that lacks what the protocol demands: a 400, in words a client can act on."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an answer is written with: the request, the scenario's content settings, and the reply's identity."""

    call: Call
    content: Content
    reply_id: str
    created_unix: int

    @property
    def served_model(self) -> str:
        """The model named in the reply."""
        return self.content.served_model or self.call.model


class Dialect(Protocol):
    """One wire protocol, seen from the server: its name, its vendor's error shape and way to write a reset."""

    name: str
    framing: Framing
    error_shape: Body
    reset_format: RetryFormat
    request_id_header: str

    def call(self, body: JsonObject, path: str) -> Call:
        """The request's meaning; CallError when a required field is missing."""

    def reply_id(self, rng: random.Random) -> str:
        """An identifier in the vendor's style."""

    def frames(self, answer: Answer, envelope: Envelope, head_seconds: float) -> list[Frame]:
        """The whole orderly stream; frames before the first token are due with the response head."""

    def document(self, answer: Answer, envelope: Envelope) -> JsonObject:
        """The answer to a request without `stream`."""

    def keep_alive(self, kind: KeepAlive, envelope: Envelope) -> Event:
        """What fills a silence."""

    def error_event(self, problem: Problem, envelope: Envelope) -> Event:
        """An error inside a stream whose status was 200."""

    def rate_limits(self, limits: "RateLimits") -> Mapping[str, str]:
        """The vendor's header names for the limits."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Limits of requests and tokens; the resets are already written in the wanted format."""

    requests: int
    requests_remaining: int
    requests_reset: str
    tokens: int
    tokens_remaining: int
    tokens_reset: str


def words_of(messages: object) -> int:
    """Words in all message texts: the simulator's token count of a prompt."""
    if isinstance(messages, str):
        return len(messages.split())
    if isinstance(messages, list):
        return sum(words_of(message) for message in messages)
    if isinstance(messages, dict):
        return words_of(messages.get("content", messages.get("text")))
    return 0


def positive_int(body: Mapping[str, object], key: str) -> int | None:
    """The field as a positive number; None when absent or null; CallError otherwise."""
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise CallError(f"{key}: must be an integer of at least 1")
    return value


def required_model(body: Mapping[str, object], fallback: str | None = None) -> str:
    """The `model` field; CallError when it is missing and the path names none."""
    model = body.get("model") or fallback
    if not isinstance(model, str):
        raise CallError("model: field required")
    return model


def require_messages(body: Mapping[str, object]) -> None:
    """CallError unless `messages` is a list with something in it."""
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        raise CallError("messages: field required")
