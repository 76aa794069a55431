"""What the server truly received and sent, on the monotonic clock, for tests and benches to compare with."""

import json
import re
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from probes.simulator.dialect import JsonObject
from probes.simulator.http1 import Request
from probes.simulator.script import FrameKind

_NS = 1e9
_SECRET_HEADERS = frozenset(
    {"authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization", "cookie"}
)
_QUERY_KEY = re.compile(r"([?&](?:api[-_]?key|key)=)[^&]*", re.IGNORECASE)
_SHORTEST_KEY = 8
_REDACTED = "[redacted]"


class Outcome(StrEnum):
    """How a request ended on the server's side."""

    OPEN = "open"
    COMPLETE = "complete"
    FIN = "fin"
    RESET = "reset"
    CLIENT_LEFT = "client-left"
    SERVER_STOPPED = "server-stopped"


@dataclass(frozen=True, slots=True)
class SentWrite:
    """One write: monotonic nanoseconds right before and after it, and when it was due.

    `is_queued` says that the kernel did not take it all at once (a slow reader): then `after_ns` is no send time.
    """

    due_ns: int | None
    before_ns: int
    after_ns: int
    bytes_total: int
    kinds: tuple[FrameKind, ...]
    text: str
    is_queued: bool

    @property
    def generated_total(self) -> int:
        """Generated frames that this write completed."""
        return sum(kind.is_generated for kind in self.kinds)


@dataclass(slots=True)
class Truth:
    """One request and everything sent in answer. Times are time.monotonic_ns(), shared by all local processes."""

    number: int
    connection_number: int
    request_on_connection: int
    method: str
    target: str
    headers: Mapping[str, str]
    body: JsonObject | None
    connected_ns: int
    received_ns: int
    protocol: str | None = None
    model: str | None = None
    model_request_number: int | None = None
    scenario: str | None = None
    writes: list[SentWrite] = field(default_factory=list)
    outcome: Outcome = Outcome.OPEN
    ended_ns: int | None = None

    @property
    def generated(self) -> list[SentWrite]:
        """The writes that completed generated frames."""
        return [write for write in self.writes if write.generated_total]

    @property
    def text(self) -> str:
        """All text that was generated, of any kind."""
        return "".join(write.text for write in self.writes)

    @property
    def ttft_seconds(self) -> float | None:
        """Request's last byte read -> first generated frame written; None when none was."""
        return (self.generated[0].before_ns - self.received_ns) / _NS if self.generated else None

    @property
    def visible_ttft_seconds(self) -> float | None:
        """As `ttft_seconds`, for the first frame of visible text."""
        visible = (write for write in self.writes if FrameKind.TEXT in write.kinds)
        first = next(visible, None)
        return None if first is None else (first.before_ns - self.received_ns) / _NS

    @property
    def response_seconds(self) -> float | None:
        """Request's last byte read -> end of the answer; None while it runs."""
        return None if self.ended_ns is None else (self.ended_ns - self.received_ns) / _NS

    @property
    def worst_lateness_seconds(self) -> float | None:
        """The largest time between a write's due time and the write; None without writes."""
        lags = [write.before_ns - write.due_ns for write in self.writes if write.due_ns is not None]
        return max(lags) / _NS if lags else None

    def document(self) -> JsonObject:
        """The record as JSON, every text and header value as received apart from keys."""
        return {
            "number": self.number,
            "connection_number": self.connection_number,
            "request_on_connection": self.request_on_connection,
            "method": self.method,
            "target": self.target,
            "headers": dict(self.headers),
            "body": self.body,
            "protocol": self.protocol,
            "model": self.model,
            "model_request_number": self.model_request_number,
            "scenario": self.scenario,
            "connected_ns": self.connected_ns,
            "received_ns": self.received_ns,
            "ended_ns": self.ended_ns,
            "outcome": self.outcome,
            "ttft_seconds": self.ttft_seconds,
            "visible_ttft_seconds": self.visible_ttft_seconds,
            "response_seconds": self.response_seconds,
            "generated_total": sum(write.generated_total for write in self.writes),
            "writes": [_write_document(write) for write in self.writes],
        }


def _write_document(write: SentWrite) -> JsonObject:
    return {
        "due_ns": write.due_ns,
        "before_ns": write.before_ns,
        "after_ns": write.after_ns,
        "bytes_total": write.bytes_total,
        "kinds": list(write.kinds),
        "is_queued": write.is_queued,
    }


class TruthLog:
    """The last requests, safe to read from another thread than the server's."""

    def __init__(self, limit: int) -> None:
        self._records: deque[Truth] = deque(maxlen=limit)
        self._changed = threading.Condition()
        self._requests_total = 0
        self._finished_total = 0

    @property
    def requests_total(self) -> int:
        """Requests received since start, also those no longer kept."""
        return self._requests_total

    def records(self, model: str | None = None) -> list[Truth]:
        """The kept records, oldest first; with a model only its."""
        with self._changed:
            return [record for record in self._records if model is None or record.model == model]

    def wait_finished(self, total: int, timeout_seconds: float) -> bool:
        """Waits until so many requests have ended since start; False when the time ran out before."""
        with self._changed:
            return self._changed.wait_for(lambda: self._finished_total >= total, timeout_seconds)

    def wait_received(self, total: int, timeout_seconds: float) -> bool:
        """Waits until so many requests came in since start; False when the time ran out before."""
        with self._changed:
            return self._changed.wait_for(lambda: self._requests_total >= total, timeout_seconds)

    def add(self, record: Truth) -> None:
        """Keeps a request that came in."""
        with self._changed:
            self._records.append(record)
            self._requests_total += 1
            self._changed.notify_all()

    def finish(self, record: Truth, outcome: Outcome, ended_ns: int) -> None:
        """Notes how a request ended; the first word counts."""
        with self._changed:
            if record.outcome is not Outcome.OPEN:
                return
            record.outcome, record.ended_ns = outcome, ended_ns
            self._finished_total += 1
            self._changed.notify_all()


def api_key_of(request: Request) -> str | None:
    """The key the request carries, by whichever header."""
    bearer = request.headers.get("authorization", "")
    if bearer.lower().startswith("bearer "):
        return bearer[7:].strip()
    names = ("x-api-key", "api-key", "x-goog-api-key")
    return next((key for name in names if (key := request.headers.get(name))), None)


def redacted_headers(request: Request) -> dict[str, str]:
    """All headers; the values that carry credentials are replaced, a scheme such as Bearer stays."""
    return {name: _redacted_value(name, value) for name, value in request.headers.items()}


def _redacted_value(name: str, value: str) -> str:
    if name not in _SECRET_HEADERS:
        return value
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {_REDACTED}" if space else _REDACTED


def redacted_target(request: Request) -> str:
    """The target without a key in its query."""
    return _QUERY_KEY.sub(rf"\1{_REDACTED}", request.target)


def redacted_body(body: JsonObject, api_key: str | None) -> JsonObject:
    """The body without the key, should a client have put it there; a key too short to be one stays."""
    if api_key is None or len(api_key) < _SHORTEST_KEY:
        return body
    found: JsonObject = json.loads(json.dumps(body).replace(json.dumps(api_key)[1:-1], _REDACTED))
    return found
