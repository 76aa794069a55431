"""Sockets of our own under the SDKs' HTTP stack: each phase, write and read is stamped where it happens.

Implements httpcore2's public network backend interface; nothing here knows HTTP or any provider.
"""

import asyncio
import collections
import contextlib
import select
import socket
import ssl
import typing
from collections.abc import Iterable

import httpcore2

from probes.domain.result import Stamps
from probes.prober.connect import connect_fastest, look_up
from probes.prober.receiver import Receiver
from probes.prober.stamps import (
    ANCILLARY_BYTES,
    Journal,
    NowNs,
    ReadStamp,
    Step,
    believed_ns,
    departed_ns,
    forget_told_aside,
    kernel_arrival_ns,
    stamped_sending,
)
from probes.prober.tls import TlsStream

READ_BYTES: typing.Final = 16 * 1024
BUFFERED_BYTES: typing.Final = 256 * 1024  # beyond it the socket is left alone until the reader caught up
MAX_RESPONSE_BYTES: typing.Final = 8 * 1024 * 1024
PROMPT_SENDING_NS: typing.Final = 100_000  # what a hand-over takes that nothing interrupted, and more

SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)  # as httpcore2 declares it


class ResponseTooLargeError(httpcore2.ReadError):
    """The server sent more than any probe's answer can hold."""


class Line:
    """Where the streams of one connection find the journal of the attempt that uses it now."""

    __slots__ = ("journal",)

    def __init__(self, journal: Journal) -> None:
        self.journal = journal


class SocketStream(httpcore2.AsyncNetworkStream):
    """A connected socket that is read the moment it is readable, each read kept apart with its stamp.

    Here while the connection is set up; by the receiver's process, where there is one, once a request is on its way.
    """

    def __init__(self, sock: socket.socket, line: Line, receiver: Receiver | None = None) -> None:
        self._sock = sock
        self._line = line
        self._receiver = receiver
        self._adopted: int | None = None  # its number with the receiver
        self._loop = asyncio.get_running_loop()
        self._received: collections.deque[tuple[bytes, ReadStamp]] = collections.deque()
        self._buffered = 0
        self._error: Exception | None = None
        self._is_at_end = False
        self._is_watched = False
        self._is_beneath_tls = False
        self._waiter: asyncio.Future[None] | None = None
        self._watch()

    # Reading.

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next read's bytes, never two reads joined; empty at the end. Deadlines are the attempt's matter."""
        del timeout
        while not self._received:
            if isinstance(self._error, OSError):
                raise httpcore2.ReadError(str(self._error)) from self._error
            if self._error is not None:
                raise self._error
            if self._is_at_end or self._sock.fileno() < 0:
                return b""  # asked again after the end
            await self._readable()
        chunk, stamp = self._received.popleft()
        size = min(len(chunk), max_bytes)
        if not self._is_beneath_tls:
            size = self._line.journal.heard(chunk[:size])
        if size < len(chunk):
            self._received.appendleft((chunk[size:], stamp))
            chunk = chunk[:size]
        self._take(chunk, stamp)
        return chunk

    def _take(self, chunk: bytes, stamp: ReadStamp) -> None:
        journal = self._line.journal
        journal.read(stamp, len(chunk))
        if journal.received_bytes > MAX_RESPONSE_BYTES:
            raise ResponseTooLargeError(f"more than {MAX_RESPONSE_BYTES} bytes received")
        self._buffered -= len(chunk)
        if not self._is_watched and self._adopted is None and self._buffered < BUFFERED_BYTES:
            self._watch()

    async def _readable(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _watch(self) -> None:
        if not self._is_at_end and self._error is None:
            self._loop.add_reader(self._sock.fileno(), self._on_readable)
            self._is_watched = True

    def _unwatch(self) -> None:
        if self._is_watched:
            self._loop.remove_reader(self._sock.fileno())
            self._is_watched = False

    def _on_readable(self) -> None:
        """Read at once, whoever waits: the sooner a segment is taken, the fewer lie together under one stamp."""
        try:
            chunk, ancillary, _flags, _address = self._sock.recvmsg(READ_BYTES, ANCILLARY_BYTES)
        except (BlockingIOError, InterruptedError):
            forget_told_aside(self._sock)
            return
        except OSError as error:
            self._error = error
        else:
            self._received.append((chunk, self._stamp(ancillary)))
            self._buffered += len(chunk)
            self._is_at_end = not chunk
        if self._is_at_end or self._error is not None or self._buffered >= BUFFERED_BYTES:
            self._unwatch()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _stamp(self, ancillary: list[tuple[int, int, bytes]]) -> ReadStamp:
        now_ns: NowNs = self._line.journal.now_ns
        read_ns = now_ns()
        return self._read_stamp(kernel_arrival_ns(ancillary, now_ns, self._floor_ns()), read_ns)

    def _floor_ns(self) -> int:
        """What came before the newest read for certain."""
        journal = self._line.journal
        before = self._received[-1][1] if self._received else journal.last_read
        return before.arrived_ns if before is not None else journal.sent_ns or 0

    def _read_stamp(self, arrived_ns: int | None, read_ns: int) -> ReadStamp:
        number = self._line.journal.reads + len(self._received) + 1
        if arrived_ns is None:
            return ReadStamp(number, read_ns, read_ns, Stamps.USER)
        return ReadStamp(number, min(arrived_ns, read_ns), read_ns, Stamps.KERNEL)

    # By the receiver.

    def _hand_over(self) -> None:
        if self._receiver is None or not self._is_watched or self._received:
            return
        self._unwatch()
        self._adopted = self._receiver.adopt(self._sock, self)
        if self._adopted is None:
            self._receiver = None
            self._watch()

    def received(self, chunk: bytes, wall_ns: int | None, read_ns: int, offset_ns: int) -> None:
        if self._buffered > MAX_RESPONSE_BYTES:  # of a server that sends on and on while nobody asks
            self._received.clear()
            self._buffered = 0
            self._error = self._error or ResponseTooLargeError(
                f"more than {MAX_RESPONSE_BYTES} bytes received"
            )
            return
        arrived_ns = None if wall_ns is None else believed_ns(wall_ns - offset_ns, self._floor_ns(), read_ns)
        self._received.append((chunk, self._read_stamp(arrived_ns, read_ns)))
        self._buffered += len(chunk)
        self._wake()

    def ended(self, error: Exception | None) -> None:
        self._error = error
        self._is_at_end = error is None
        if error is None:  # as a read of ours would: what waits for bytes gets the end
            now_ns = self._line.journal.now_ns()
            self._received.append((b"", self._read_stamp(None, now_ns)))
        self._wake()

    # Writing.

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all; the journal's `sent_ns` becomes the instant before the last byte went to the kernel.

        Where we were switched out in the middle of that, the kernel's own stamp of the departure takes its place.
        """
        del timeout
        rest, journal = memoryview(buffer), self._line.journal
        if journal.step is Step.REQUEST and self._adopted is None:
            self._hand_over()
        while rest:
            sent_ns = journal.sent_ns = journal.now_ns()
            try:
                with stamped_sending(self._sock):
                    sent = self._sock.send(rest)
                    journal.sending_ns = journal.now_ns() - sent_ns
                    left_ns = departed_ns(self._sock, journal.now_ns, sent_ns)
            except (BlockingIOError, InterruptedError):
                sent, left_ns = 0, None
            except OSError as error:
                raise httpcore2.WriteError(str(error)) from error
            if left_ns is not None and journal.sending_ns > PROMPT_SENDING_NS:
                journal.sent_ns, journal.sending_ns = left_ns, 0
            rest = rest[sent:]
            if not sent:
                await self._writable()

    async def _writable(self) -> None:
        room = asyncio.Event()
        self._loop.add_writer(self._sock.fileno(), room.set)
        try:
            await room.wait()
        finally:
            self._loop.remove_writer(self._sock.fileno())

    # The rest of the interface.

    async def aclose(self) -> None:
        if self._sock.fileno() < 0:
            return
        self._unwatch()
        if self._receiver is not None and self._adopted is not None:
            self._receiver.release(self._adopted)
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        del timeout
        self._is_beneath_tls = True
        return await TlsStream.handshake(self, ssl_context, server_hostname, lambda: self._line.journal)

    def get_extra_info(self, info: str) -> typing.Any:
        if info == "is_readable":  # asked of an idle connection: anything to read there means that it ended
            return self._is_over()
        return {"socket": self._sock}.get(info)

    def _is_over(self) -> bool:
        if self._received or self._is_at_end or self._error is not None or self._sock.fileno() < 0:
            return True
        forget_told_aside(self._sock)
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(0))


class NetworkBackend(httpcore2.AsyncNetworkBackend):
    """Opens stamped connections for one line."""

    def __init__(self, line: Line, receiver: Receiver | None = None) -> None:
        """`receiver` None: the event loop reads."""
        self._line = line
        self._receiver = receiver

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connected stream. Raises httpcore2.ConnectError from the system's own error."""
        del timeout, local_address, socket_options
        journal = self._line.journal
        try:
            journal.enter(Step.LOOKUP)
            addresses, took_ns = await look_up(host, port, journal.now_ns)
            if took_ns is not None:
                journal.looked_up(took_ns)
            journal.enter(Step.CONNECT)
            began_ns = journal.now_ns()
            sock = await connect_fastest(addresses)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        journal.connected(began_ns)
        return SocketStream(sock, self._line, self._receiver)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
