"""What one reply of the simulator looks like, as data: opening, timing, content, wire form, failure and fault.

How a scenario is written in a model name is parameters.py's matter, what scenarios have names catalogue.py's.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum


class Reply(StrEnum):
    """What comes back on the connection at all."""

    STREAM = "stream"
    ERROR = "error"
    JSON_ERROR_200 = "json-error-200"
    HTML_200 = "html-200"
    JSON_ANSWER = "json-answer"
    EMPTY_BODY = "empty-body"
    NOTHING = "nothing"
    CLOSE = "close"
    RESET = "reset"
    NOT_HTTP = "not-http"


class FaultKind(StrEnum):
    """How a stream that began well goes wrong."""

    NONE = "none"
    STALL = "stall"
    RESET = "reset"
    FIN = "fin"
    CLEAN_END = "clean-end"
    NO_TERMINAL = "no-terminal"
    NO_FINISH = "no-finish"
    ERROR_EVENT = "error-event"
    INVALID_JSON = "invalid-json"
    INVALID_UTF8 = "invalid-utf8"


class Text(StrEnum):
    """The words of the answer."""

    COUNT = "count"
    WRONG = "wrong"
    HTML = "html"
    ANSI = "ansi"
    NUL = "nul"
    SURROGATE = "surrogate"
    LONG_WORD = "long-word"
    HOSTILE = "hostile"


class Finish(StrEnum):
    """Why the answer ended, named apart from any vendor's word for it."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content-filter"
    TOOL = "tool"
    REFUSAL = "refusal"


class Speech(StrEnum):
    """The form in which the model says its words after any reasoning."""

    TEXT = "text"
    TOOL = "tool"
    REFUSAL = "refusal"
    SILENT = "silent"


class Preamble(StrEnum):
    """The frames before the first generated one: their own, merged into it (role with text), or none."""

    FRAME = "frame"
    MERGED = "merged"
    NONE = "none"


class UsageMode(StrEnum):
    """Where a stream reports its token counts."""

    LAST = "last"
    MISSING = "missing"
    EARLY = "early"
    REPEATED = "repeated"
    ZERO = "zero"
    ON_CHOICES = "on-choices"
    THEN_NULL = "then-null"


class KeepAlive(StrEnum):
    """What is sent through a silence so that a read timeout never fires."""

    COMMENT = "comment"
    PING = "ping"
    EMPTY_DELTA = "empty-delta"


class Eol(StrEnum):
    """Line ends of the event stream; the specification of server-sent events allows all three."""

    LF = "lf"
    CRLF = "crlf"
    CR = "cr"


class Segments(StrEnum):
    """How the bytes of generated events are cut into writes."""

    WHOLE = "whole"
    BYTES = "bytes"
    SPLIT = "split"
    SPLIT_CHUNKS = "split-chunks"


class Problem(StrEnum):
    """What an error body says went wrong; failure.py holds each vendor's words for it."""

    SERVER_ERROR = "server-error"
    TIMEOUT = "timeout"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate-limited"
    QUOTA = "quota"
    SPEND_LIMIT = "spend-limit"
    CREDIT = "credit"
    BILLING = "billing"
    AUTH = "auth"
    AUTH_ECHO = "auth-echo"
    PERMISSION = "permission"
    MODEL_NOT_FOUND = "model-not-found"
    BAD_REQUEST = "bad-request"
    CONTENT_FILTER = "content-filter"
    HOSTILE = "hostile"


class Body(StrEnum):
    """The shape of an error body: the protocol's own vendor's, or another that gateways are seen to send."""

    VENDOR = "vendor"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    GOOGLE = "google"
    OPENROUTER = "openrouter"
    DETAIL = "detail"
    STRING = "string"
    TEXT = "text"
    HTML = "html"
    EMPTY = "empty"


class RetryFormat(StrEnum):
    """How a Retry-After is written."""

    SECONDS = "seconds"
    RFC3339 = "rfc3339"
    DURATION = "duration"
    HTTP_DATE = "http-date"
    MILLISECONDS = "milliseconds"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds after the request's last byte; `jitter` is the sigma of a log-normal factor on TTFT and gaps."""

    ttft_seconds: float = 0.05
    gap_seconds: float = 0.01
    jitter: float = 0.0
    header_delay_seconds: float = 0.0
    duration_seconds: float | None = None
    tail_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Content:
    """What the model says. `tokens` None means: it never ends by itself, the request's limit ends it."""

    tokens: int | None = None
    text: Text = Text.COUNT
    separator: str = " "
    speech: Speech = Speech.TEXT
    reasoning: int = 0
    reasoning_field: str = "reasoning_content"
    hidden_reasoning: int = 0
    cached: int = 0
    finish: Finish | None = None
    usage: UsageMode = UsageMode.LAST
    preamble: Preamble = Preamble.FRAME
    served_model: str | None = None
    fingerprint: str = "fp_simulated"
    huge_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Wire:
    """The form of the same events in bytes and segments."""

    eol: Eol = Eol.LF
    coalesce: int = 1
    comments: bool = False
    segments: Segments = Segments.WHOLE
    part_gap_seconds: float = 0.002
    space: bool = True
    multiline: bool = False
    bom: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """An error answer. `retry_after_seconds` None sends no such header."""

    status: int = 500
    problem: Problem = Problem.SERVER_ERROR
    body: Body = Body.VENDOR
    retry_after_seconds: float | None = None
    retry_after_format: RetryFormat = RetryFormat.SECONDS
    rate_limits: bool = True
    reset_format: RetryFormat | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong after `after` generated frames. A stall of `inf` seconds ends when the client leaves."""

    fault: FaultKind = FaultKind.NONE
    after: int = 3
    stall_seconds: float = math.inf
    keepalive_seconds: float | None = None
    keepalive_kind: KeepAlive = KeepAlive.PING


@dataclass(frozen=True, slots=True)
class Opening:
    """What comes back at all, and which requests get a 400: those with a named field (comma list) or too low a limit.

    `id` does nothing: it lets a caller have request numbers of its own for a scenario that counts requests.
    """

    reply: Reply = Reply.STREAM
    refuses: str = ""
    minimum_tokens: int = 0
    id: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One complete reply."""

    name: str
    opening: Opening = field(default_factory=Opening)
    timing: Timing = field(default_factory=Timing)
    content: Content = field(default_factory=Content)
    wire: Wire = field(default_factory=Wire)
    failure: Failure = field(default_factory=Failure)
    fault: Fault = field(default_factory=Fault)
