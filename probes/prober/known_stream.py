"""A server on loopback whose one answer is timed by itself: what our own measurement is held against.

It runs on a thread with a blocking socket of its own, not on the probes' loop: there its sends would wait in the very
queue whose lateness they are to show, and both would agree on the wrong time. What is true comes from the stamps
around each send and from the kernel's stamp of the request, never from the schedule: a stub that oversleeps tells so.
On loopback the kernel hands a segment over inside send(), so the arrival lies between the two stamps.
"""

import contextlib
import itertools
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from probes.domain.target import Protocol
from probes.prober.stamps import ANCILLARY_BYTES, NANOSECONDS, NowNs, ask_for_kernel_stamps, kernel_arrival_ns

FIRST_TOKEN_SECONDS: Final = 0.05
GAP_SECONDS: Final = 0.005
TOKENS: Final = 41
_PATIENCE_SECONDS: Final = (
    10.0  # of one wait on a socket; a client that never asks must not keep a thread for ever
)
_WORDS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_READ_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Send:
    """One generated event: the monotonic clock right before and right after the call that sent it."""

    before_ns: int
    after_ns: int


@dataclass(slots=True)
class Truth:
    """What happened at the server's side."""

    request_ns: int | None = None  # when the request's last byte came
    sends: list[Send] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        return self.request_ns is not None and len(self.sends) == TOKENS

    @property
    def ttft_seconds(self) -> float | None:
        if self.request_ns is None or not self.sends:
            return None
        return (self.sends[0].before_ns - self.request_ns) / NANOSECONDS

    @property
    def gaps_seconds(self) -> list[float]:
        times = [send.before_ns for send in self.sends]
        return [(b - a) / NANOSECONDS for a, b in itertools.pairwise(times)]

    @property
    def doubt_seconds(self) -> float:
        """How much later than told the first token may have left: we were perhaps switched out in between."""
        first = self.sends[0]
        return (first.after_ns - first.before_ns) / NANOSECONDS


@dataclass(frozen=True, slots=True)
class Speech:
    """How a protocol words one piece of text, and its end."""

    piece: Callable[[str], bytes]
    ending: bytes
    media_type: str = "text/event-stream"


def _sse(*documents: Mapping[str, object]) -> bytes:
    return b"".join(b"data: " + json.dumps(document).encode() + b"\n\n" for document in documents)


def _line(document: Mapping[str, object]) -> bytes:
    return json.dumps(document).encode() + b"\n"


def _chat(delta: Mapping[str, object], finish: str | None = None) -> bytes:
    return _sse({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


_CHAT: Final = Speech(lambda text: _chat({"content": text}), _chat({}, "stop") + b"data: [DONE]\n\n")
SPEECHES: Final[Mapping[Protocol, Speech]] = {
    Protocol.OPENAI_CHAT: _CHAT,
    Protocol.AZURE_OPENAI_CHAT: _CHAT,
    Protocol.OPENAI_RESPONSES: Speech(
        lambda text: _sse({"type": "response.output_text.delta", "delta": text}),
        _sse({"type": "response.completed", "response": {"status": "completed"}}),
    ),
    Protocol.ANTHROPIC_MESSAGES: Speech(
        lambda text: _sse(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        ),
        _sse({"type": "message_stop"}),
    ),
    Protocol.GEMINI_GENERATE_CONTENT: Speech(
        lambda text: _sse({"candidates": [{"content": {"parts": [{"text": text}]}}]}),
        _sse({"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}]}),
    ),
    Protocol.OLLAMA_CHAT: Speech(
        lambda text: _line({"message": {"content": text}, "done": False}),
        _line({"message": {"content": ""}, "done": True, "done_reason": "stop"}),
        "application/x-ndjson",
    ),
}


class KnownStream:
    """Serves one answer between `start` and `stop`; `truth` is complete once a client has read it to its end."""

    def __init__(self, speech: Speech, now_ns: NowNs = time.monotonic_ns) -> None:
        self._speech = speech
        self._now_ns = now_ns
        self._truth = Truth()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_PATIENCE_SECONDS)
        self._thread = threading.Thread(target=self._serve, name="known-stream", daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def truth(self) -> Truth:
        return self._truth

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Blocks until the thread has ended: at once, or after what is left to send to a client that still reads."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_PATIENCE_SECONDS)

    # On the thread.

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            sock, _address = self._listener.accept()
            with sock:
                sock.settimeout(_PATIENCE_SECONDS)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ask_for_kernel_stamps(sock)
                self._truth.request_ns = self._read_request(sock)
                self._answer(sock, self._truth.request_ns)

    def _read_request(self, sock: socket.socket) -> int:
        """When its last byte came. Raises ConnectionError for half a request."""
        received, floor_ns = b"", self._now_ns()
        while True:
            part, ancillary, _flags, _address = sock.recvmsg(_READ_BYTES, ANCILLARY_BYTES)
            read_ns = self._now_ns()
            if not part:
                raise ConnectionError("the request ended early")
            received += part
            if _is_whole(received):
                return kernel_arrival_ns(ancillary, self._now_ns, floor_ns) or read_ns

    def _answer(self, sock: socket.socket, request_ns: int) -> None:
        head = "HTTP/1.1 200 OK\r\ncontent-type: {}\r\nconnection: close\r\n\r\n"
        sock.sendall(head.format(self._speech.media_type).encode())
        pieces = _pieces(self._speech)
        for number, piece in enumerate(pieces):
            due_ns = request_ns + round((FIRST_TOKEN_SECONDS + number * GAP_SECONDS) * NANOSECONDS)
            time.sleep(max(0, due_ns - self._now_ns()) / NANOSECONDS)
            before_ns = self._now_ns()
            sock.send(piece)  # some 100 bytes into an empty buffer: never in part
            self._truth.sends.append(Send(before_ns, self._now_ns()))
        time.sleep(GAP_SECONDS)
        sock.sendall(self._speech.ending)


def _is_whole(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(separator) and len(body) >= (int(length[1]) if length else 0)


def _pieces(speech: Speech) -> Sequence[bytes]:
    return [speech.piece(_WORDS[number % len(_WORDS)] + " ") for number in range(TOKENS)]
