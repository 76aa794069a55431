"""The prober's side of the process that reads its sockets; receiver_process.py says why there is one.

What it reads comes here in frames, however late: each carries the stamps of its read.
"""

import asyncio
import collections
import itertools
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from probes.prober import receiver_process
from probes.prober.receiver_process import ALL, FRAME, NUMBER

logger = logging.getLogger(__name__)

_TAKE_BYTES: Final = 256 * 1024
_MAX_STARTS: Final = 5  # a process that keeps dying is left alone; then the event loop reads, as elsewhere
_EXIT_SECONDS: Final = 1.0


class ReceiverLostError(Exception):
    """The process that read the socket is gone: our fault, not the server's."""


class Sink(Protocol):
    """A connected stream, as told by the process that reads it."""

    def received(self, chunk: bytes, wall_ns: int | None, read_ns: int, offset_ns: int) -> None:
        """One read: the kernel's stamp on the wall clock, the time of the read, wall minus monotonic clock then."""

    def ended(self, error: Exception | None) -> None:
        """Nothing more will come; None: the server closed its side."""


class Receiver:
    """Belongs to one event loop; the process starts with the first socket."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._sinks: dict[int, Sink] = {}
        self._numbers = itertools.count(1)
        self._starts = 0
        self._received = bytearray()
        self._wanting_all: collections.deque[Callable[[], None]] = collections.deque()

    @property
    def process_id(self) -> int | None:
        """None while there is none."""
        return self._process.pid if self._process is not None else None

    def adopt(self, sock: socket.socket, sink: Sink) -> int | None:
        """From now on the process reads this socket, and nobody else may; None: it cannot, read it yourself."""
        if self._line is None and not self._start():
            return None
        assert self._line is not None
        number = next(self._numbers)
        try:
            socket.send_fds(self._line, [NUMBER.pack(number)], [sock.fileno()])
        except OSError:
            return None
        self._sinks[number] = sink
        return number

    def catch_up(self, done: Callable[[], None]) -> None:
        """Call `done` once everything that arrived until now was handed to its sink; at once where nothing can."""
        try:
            if self._line is None or self._line.send(NUMBER.pack(ALL)) < NUMBER.size:
                done()
                return
        except OSError:
            done()
            return
        self._wanting_all.append(done)

    def release(self, number: int) -> None:
        """The sink hears no more. The socket has to be shut down: the process holds it open until its end."""
        self._sinks.pop(number, None)

    def _start(self) -> bool:
        if not sys.platform.startswith("linux") or self._starts >= _MAX_STARTS:
            return False
        self._starts += 1
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-S", str(Path(receiver_process.__file__))]
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and file
                command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL
            )
        except OSError:
            logger.exception("the process that reads sockets did not start")
            ours.close()
            return False
        finally:
            theirs.close()
        ours.setblocking(False)
        self._line = ours
        asyncio.get_running_loop().add_reader(ours.fileno(), self._on_readable)
        return True

    def _on_readable(self) -> None:
        assert self._line is not None
        try:
            taken = self._line.recv(_TAKE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            taken = b""
        if taken:
            self._received += taken
            self._deliver()
        else:
            self._mourn()

    def _deliver(self) -> None:
        received, position = self._received, 0
        while len(received) - position >= FRAME.size:
            number, size, wall_ns, read_ns, offset_ns = FRAME.unpack_from(received, position)
            end = position + FRAME.size + max(0, size)
            if end > len(received):
                break
            sink = self._sinks.get(number)
            if number == ALL:
                self._wanting_all.popleft()()
            elif sink is not None and size > 0:
                chunk = bytes(received[position + FRAME.size : end])
                sink.received(chunk, wall_ns or None, read_ns, offset_ns)
            elif sink is not None:
                sink.ended(OSError(-size, os.strerror(-size)) if size else None)
            position = end
        del received[:position]

    def _mourn(self) -> None:
        logger.error("our bug: the process that reads sockets ended; %d streams are lost", len(self._sinks))
        sinks, self._sinks = self._sinks, {}
        wanting, self._wanting_all = self._wanting_all, collections.deque()
        self.close()
        for sink in sinks.values():
            sink.ended(ReceiverLostError("the process that reads our sockets ended"))
        for done in wanting:
            done()

    def close(self) -> None:
        """End the process. Streams that are still open hear nothing more."""
        line, process = self._line, self._process
        self._line = self._process = None
        self._received.clear()
        self._wanting_all.clear()
        if line is not None:
            asyncio.get_running_loop().remove_reader(line.fileno())
            line.close()
        if process is not None:
            try:
                process.wait(_EXIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
