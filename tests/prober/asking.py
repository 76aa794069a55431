"""What the prober's tests share: a prober on a loop of its own, targets, servers with a fixed answer."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from probes.clock import SystemClock
from probes.domain.result import Observer, ProbeResult, Slot
from probes.domain.target import Deadlines, Protocol, RequestOptions, Secret, Target
from probes.log import Redactor
from probes.prober import Prober

KEY = "sk-test-0123456789abcdef"
OPENAI, AZURE, ANTHROPIC = Protocol.OPENAI_CHAT, Protocol.AZURE_OPENAI_CHAT, Protocol.ANTHROPIC_MESSAGES
RESPONSES = Protocol.OPENAI_RESPONSES
GEMINI, OLLAMA = Protocol.GEMINI_GENERATE_CONTENT, Protocol.OLLAMA_CHAT
PATHS = {OPENAI: "/v1", RESPONSES: "/v1", GEMINI: "/v1beta"}
SHORT = Deadlines(
    connect_seconds=2.0, tls_seconds=2.0, first_token_seconds=3.0, stall_seconds=2.0, total_seconds=10.0
)

T = TypeVar("T")


def slot_of(target: Target) -> Slot:
    return Slot(target.id, datetime.now(UTC))


def a_target(base_url: str, model: str = "ok", protocol: Protocol = OPENAI, **changes: Any) -> Target:
    """A target at `base_url` (without path); options may be given by their own names."""
    options = {name: changes.pop(name) for name in list(changes) if name in RequestOptions.__slots__}
    target = Target(
        id=f"acme/main/{model}",
        provider="acme",
        client="main",
        model=model,
        protocol=protocol,
        base_url=base_url + PATHS.get(protocol, ""),
        api_key=Secret(KEY),
        deadlines=SHORT,
        options=RequestOptions(**{"max_tokens": 16, **options}),
        spec_version="spec-1",
    )
    return replace(target, **changes)


@dataclass
class RunningProber:
    """A prober on an event loop in a thread, as in the agent."""

    prober: Prober
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def probe(self, target: Target) -> ProbeResult:
        return self.run(self.prober.probe(target, slot_of(target), in_flight=1))


@contextlib.contextmanager
def running_prober(**changes: Any) -> Iterator[RunningProber]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    prober = Prober(Observer("here", "here@test"), SystemClock(), Redactor([KEY]), **changes)
    running = RunningProber(prober, loop)
    try:
        yield running
    finally:
        running.run(prober.aclose())
        running.run(loop.shutdown_default_executor())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass
class CannedServer:
    """Answers each connection by a function of the socket; keeps what was asked."""

    answer: Callable[[socket.socket, bytes], None]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def read_request(sock: socket.socket) -> bytes:
    """One request with its body; empty when the client left."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = sock.recv(65536)
        if not part:
            return b""
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields.get(b"content-length", 0)):
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def serving(
    answer: Callable[[socket.socket, bytes], None], tls: ssl.SSLContext | None = None
) -> Iterator[CannedServer]:
    """A server that calls `answer(socket, request)` for each request, on a thread a connection."""
    server = CannedServer(answer)
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]
    threads: list[threading.Thread] = []

    def converse(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            talk(sock)

    def talk(sock: socket.socket) -> None:
        wrapped = contextlib.nullcontext(sock) if tls is None else tls.wrap_socket(sock, server_side=True)
        with wrapped as talking:
            while request := read_request(talking):
                server.requests.append(request)
                server.answer(talking, request)

    def accept() -> None:
        while True:
            try:
                sock, _address = listener.accept()
            except OSError:
                return
            server.connections += 1
            sock.settimeout(20)
            threads.append(threading.Thread(target=converse, args=(sock,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for thread in threads:
            thread.join(20)


def response(
    body: bytes, content_type: str = "text/event-stream", status: str = "200 OK", extra: str = ""
) -> bytes:
    """A whole HTTP response."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


def says(payload: bytes) -> Callable[[socket.socket, bytes], None]:
    """An answer function that sends these bytes."""
    return lambda sock, _request: sock.sendall(payload)


CHAT_STREAM = (
    b'data: {"id":"c1","model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":"one two "}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":"three four"}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":4}}\n\n'
    b"data: [DONE]\n\n"
)
