"""One client connection: reads requests, plays each one's script at its due times, and notes the truth of it."""

import asyncio
import logging
import math
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from probes.simulator.http1 import Request, RequestError, RequestParser, response_head
from probes.simulator.script import Ending, FrameKind, Script, Write
from probes.simulator.truth import Outcome, SentWrite, Truth, TruthLog

_NS = 1_000_000_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request with its place: which connection, the how manieth on it, and when (monotonic ns)."""

    request: Request
    connection_number: int
    request_on_connection: int
    connected_ns: int
    received_ns: int


Answerer = Callable[[Arrival], tuple[Script, Truth | None]]
"""Decides what a request gets; no Truth means that it is not recorded (the simulator's own pages)."""


class Connection(asyncio.Protocol):
    """Serves one connection; requests that arrive early wait for their turn."""

    def __init__(self, number: int, answer: Answerer, log: TruthLog, established: set["Connection"]) -> None:
        """Stands in `established` from the end of its handshake to its loss; a failed handshake never gets there."""
        self._number = number
        self._answer = answer
        self._truth_log = log
        self._established = established
        self._parser = RequestParser()
        self._requests_total = 0
        self._connected_ns = 0
        self._task: asyncio.Task[None] | None = None
        self._open_record: Truth | None = None
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends small segments at once, so that a token is not held back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._established.add(self)
        self._connected_ns = time.monotonic_ns()
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Takes bytes and starts the answer when a request is whole."""
        received_ns = time.monotonic_ns()
        self._parser.feed(data)
        if self._task is None:
            self._start_next(received_ns)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the answer that nobody will read."""
        self._can_write.set()
        self._finish(Outcome.CLIENT_LEFT)
        if self._task is not None:
            self._task.cancel()
        self._lost.set()
        self._established.discard(self)

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._can_write.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._can_write.set()

    async def stop(self) -> None:
        """Ends the connection at once, and returns when nothing runs on it any more."""
        self._finish(Outcome.SERVER_STOPPED)
        self._transport.abort()
        await self._lost.wait()
        if self._task is not None:
            await asyncio.wait([self._task])

    def _start_next(self, received_ns: int) -> None:
        try:
            request = self._parser.next_request()
        except RequestError as error:
            self._refuse(error)
            return
        if request is not None:
            self._requests_total += 1
            arrival = Arrival(request, self._number, self._requests_total, self._connected_ns, received_ns)
            self._task = asyncio.get_running_loop().create_task(self._serve(arrival))
        elif self._parser.awaits_body:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, error: RequestError) -> None:
        body = f"{error}\n".encode()
        headers = {"content-type": "text/plain", "content-length": str(len(body)), "connection": "close"}
        self._transport.write(response_head(error.status, "Refused", headers) + body)
        self._transport.close()

    async def _serve(self, arrival: Arrival) -> None:
        try:
            script, record = self._answer(arrival)
            self._open_record = record
            await self._play(script, arrival.received_ns, record)
        except Exception:  # noqa: BLE001 - the job boundary: a bug here must not pass for a simulated failure
            _log.exception("simulator failed on %s %s", arrival.request.method, arrival.request.path)
            self._transport.abort()
            return
        self._task = None
        if arrival.request.wants_close:
            self._transport.close()
        if not self._transport.is_closing():
            self._start_next(time.monotonic_ns())

    async def _play(self, script: Script, start_ns: int, record: Truth | None) -> None:
        for write in script.writes:
            due_ns = await self._until(start_ns, write.due_seconds)
            await self._can_write.wait()
            self._write(write, due_ns, record)
        await self._until(start_ns, script.ending_seconds)
        self._end(script.ending)

    async def _until(self, start_ns: int, due_seconds: float) -> int | None:
        """Sleeps until the absolute due time; for ever when it is infinite. None for a due time that is past."""
        if math.isinf(due_seconds):
            await asyncio.get_running_loop().create_future()
        due_ns = start_ns + int(due_seconds * _NS)
        if (wait_ns := due_ns - time.monotonic_ns()) > 0:
            await asyncio.sleep(wait_ns / _NS)
        return due_ns

    def _write(self, write: Write, due_ns: int | None, record: Truth | None) -> None:
        before_ns = time.monotonic_ns()
        self._transport.write(write.data)
        after_ns = time.monotonic_ns()
        if record is None or write.kinds == (FrameKind.PART,):
            return
        is_queued = self._transport.get_write_buffer_size() > 0
        sent = SentWrite(due_ns, before_ns, after_ns, len(write.data), write.kinds, write.text, is_queued)
        record.writes.append(sent)

    def _end(self, ending: Ending) -> None:
        match ending:
            case Ending.KEEP:
                self._finish(Outcome.COMPLETE)
            case Ending.FIN:
                self._finish(Outcome.FIN)
                self._close_abruptly()
            case Ending.RESET:
                self._finish(Outcome.RESET)
                linger_zero = struct.pack("ii", 1, 0)
                self._transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger_zero
                )
                self._transport.abort()

    def _close_abruptly(self) -> None:
        """A FIN after all bytes; under TLS without close_notify, as a dying server does."""
        is_tls = isinstance(self._transport.get_extra_info("ssl_object"), ssl.SSLObject)
        if is_tls:
            self._transport.abort()
        else:
            self._transport.close()

    def _finish(self, outcome: Outcome) -> None:
        if self._open_record is not None:
            self._truth_log.finish(self._open_record, outcome, time.monotonic_ns())
            self._open_record = None
