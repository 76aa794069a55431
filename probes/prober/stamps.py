"""When bytes left and came, and from which clock that is known. Everything measured starts here.

Linux can stamp each segment as the kernel receives it, before our process gets a turn; elsewhere, and where the
kernel gives no stamp, the time after the read stands in and says so.
"""

import contextlib
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from probes.domain.result import Stamps
from probes.prober.head import HeadGate

NANOSECONDS: Final = 1_000_000_000
_SO_TIMESTAMPNS: Final = 35  # asm-generic/socket.h; the socket module does not name it
_SO_TIMESTAMPING: Final = 37  # likewise
_STAMP_SENDING: Final = 1 << 1 | 1 << 4 | 1 << 11  # linux/net_tstamp.h: TX_SOFTWARE, SOFTWARE, OPT_TSONLY
_MSG_ERRQUEUE: Final = getattr(socket, "MSG_ERRQUEUE", 0)
_ERROR_BYTES: Final = 512
_TIMESPEC: Final = struct.Struct("@ll")
ANCILLARY_BYTES: Final = socket.CMSG_SPACE(_TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0
_CALM_SAMPLE_NS: Final = 20_000  # two clocks read further apart than this were torn by a context switch
_JITTER_NS: Final = 1_000_000  # of converting between the clocks; what is off by more is a clock that was set

_HTTP: Final = b"HTTP/"

NowNs = Callable[[], int]


class Step(IntEnum):
    """What the connection is busy with; each has its own deadline and its own reading of an error."""

    IDLE = 0
    LOOKUP = 1
    CONNECT = 2
    TLS = 3
    REQUEST = 4


@dataclass(frozen=True, slots=True)
class ReadStamp:
    """One read from the socket: its number on this connection, when its last byte came, when we had it."""

    number: int
    arrived_ns: int
    read_ns: int
    source: Stamps


@dataclass(slots=True)
class Journal:
    """What happened on the wire in one attempt; written by the network layer, read by everyone else."""

    now_ns: NowNs = time.monotonic_ns
    on_step: Callable[[Step], None] = lambda _step: None
    step: Step = Step.IDLE
    lookup_ns: int | None = None  # None: no name to look up, or a connection from before
    connect_ns: int | None = None  # with the proxy's CONNECT exchange, where there is one
    tls_ns: int | None = None
    sent_ns: int | None = None  # t0: the instant before the last byte of the request went to the kernel
    sending_ns: int = (
        0  # how long that hand-over took, 0 where the kernel told when: t0 may lie so much later
    )
    last_read: ReadStamp | None = None
    reads: int = 0
    received_bytes: int = 0
    saw_end: bool = False  # the server closed its side
    answer_start: bytes = b""  # first bytes of the answer, decrypted
    gate: HeadGate | None = None  # until the head is through
    _connected_ns: int = field(default=0, repr=False)

    def enter(self, step: Step) -> None:
        self.step = step
        self.on_step(step)

    def looked_up(self, took_ns: int) -> None:
        self.lookup_ns = (self.lookup_ns or 0) + took_ns

    def connected(self, began_ns: int) -> None:
        self._connected_ns = self.now_ns()
        self.connect_ns = self._connected_ns - began_ns
        self.enter(Step.REQUEST)

    def tls_begins(self) -> int:
        """The handshake's start; what passed since TCP was up belongs to the proxy's CONNECT."""
        now_ns = self.now_ns()
        if self.connect_ns is not None:
            self.connect_ns += now_ns - self._connected_ns
        self.enter(Step.TLS)
        return now_ns

    def tls_done(self, began_ns: int) -> None:
        self._connected_ns = self.now_ns()
        self.tls_ns = (self.tls_ns or 0) + self._connected_ns - began_ns
        self.enter(Step.REQUEST)

    def read(self, stamp: ReadStamp, size: int) -> None:
        self.reads += 1
        self.received_bytes += size
        self.last_read = stamp

    def heard(self, plaintext: bytes) -> int:
        """What the HTTP layer is to be given, empty at the end; how many of these bytes it may have now."""
        self.saw_end = not plaintext
        if len(self.answer_start) < len(_HTTP):
            self.answer_start += plaintext[: len(_HTTP)]
        return len(plaintext) if self.gate is None else self.gate.split(plaintext)

    @property
    def is_http(self) -> bool:
        """False once the answer began with something that no HTTP answer begins with."""
        start = self.answer_start[: len(_HTTP)]
        return _HTTP.startswith(start)


def ask_for_kernel_stamps(sock: socket.socket) -> bool:
    """Whether the kernel will stamp what this socket receives."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


def kernel_arrival_ns(
    ancillary: Iterable[tuple[int, int, bytes]], now_ns: NowNs, not_before_ns: int
) -> int | None:
    """The kernel's stamp on the monotonic clock; None when there is none or the wall clock was set meanwhile.

    `not_before_ns` is what came before it for certain: a stamp earlier than that shows a wall clock that jumped.
    """
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(payload) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(payload)
            offset_ns, sampled_ns = _wall_minus_monotonic_ns(now_ns)
            return believed_ns(seconds * NANOSECONDS + nanoseconds - offset_ns, not_before_ns, sampled_ns)
    return None


@contextlib.contextmanager
def stamped_sending(sock: socket.socket) -> Iterator[None]:
    """What is sent inside is stamped by the kernel as it leaves; `departed_ns` reads that stamp, inside too."""
    _stamp_sending(sock, _STAMP_SENDING)
    try:
        yield
    finally:
        _stamp_sending(sock, 0)  # or what is received would carry two stamps


def departed_ns(sock: socket.socket, now_ns: NowNs, not_before_ns: int) -> int | None:
    """When the newest bytes that were sent left for the device, on the monotonic clock; None: not yet, or untold."""
    stamp_ns = None
    for level, kind, payload in _told_aside(sock):
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPING and len(payload) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(payload)
            stamp_ns = seconds * NANOSECONDS + nanoseconds
    if stamp_ns is None:
        return None
    offset_ns, sampled_ns = _wall_minus_monotonic_ns(now_ns)
    return believed_ns(stamp_ns - offset_ns, not_before_ns, sampled_ns)


def forget_told_aside(sock: socket.socket) -> None:
    """A stamp that came late, left where it is, would make the socket look readable for ever."""
    for _ in _told_aside(sock):
        pass


def _told_aside(sock: socket.socket) -> Iterator[tuple[int, int, bytes]]:
    """Everything in the socket's error queue, which is where the stamps of sending come."""
    while _MSG_ERRQUEUE:
        try:
            _nothing, ancillary, _flags, _address = sock.recvmsg(0, _ERROR_BYTES, _MSG_ERRQUEUE)
        except OSError:
            return
        yield from ancillary


def _stamp_sending(sock: socket.socket, flags: int) -> None:
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, flags)


def believed_ns(arrived_ns: int, not_before_ns: int, not_after_ns: int) -> int | None:
    """A converted stamp, brought between what came before and after it; None where it lies too far outside."""
    if not not_before_ns - _JITTER_NS <= arrived_ns <= not_after_ns + _JITTER_NS:
        return None
    return min(max(arrived_ns, not_before_ns), not_after_ns)


def _wall_minus_monotonic_ns(now_ns: NowNs) -> tuple[int, int]:
    """The clocks' distance and the monotonic time it was taken, from a sample that nothing interrupted."""
    for _ in range(3):
        before_ns = now_ns()
        wall_ns = time.time_ns()
        after_ns = now_ns()
        if after_ns - before_ns < _CALM_SAMPLE_NS:
            break
    return wall_ns - (before_ns + after_ns) // 2, after_ns
