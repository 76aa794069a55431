"""Reads the prober's sockets in a process that does nothing else, so that no read ever waits for a busy interpreter.

The kernel joins segments that nobody fetches and keeps the last one's stamp only. The prober's own process is busy
with SDKs and parsing; this one sleeps until a socket is readable. It is run as a file and imports only what it needs.

In, on standard input (a socket): a stream's number and its descriptor. Out, on the same: a frame for each read.
"""

import ctypes
import errno
import gc
import os
import resource
import select
import signal
import socket
import struct
import sys
import time

SO_TIMESTAMPNS = 35  # asm-generic/socket.h
TIMESPEC = struct.Struct("@ll")
ANCILLARY_BYTES = socket.CMSG_SPACE(TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0
NUMBER = struct.Struct("=I")
ALL = 0  # no stream's number: asks for all that has arrived until now, and comes back behind it
# Stream, size (0: its end, negative: an error's number), kernel's stamp on the wall clock (0: none), time of the read
# on the monotonic clock, distance of the two clocks at that time; nanoseconds.
FRAME = struct.Struct("=Iiqqq")
READ_BYTES = 16 * 1024
ERROR_BYTES = 512
LONGEST_WORK_MICROSECONDS = 200_000  # without a wait; far beyond a full line of frames
# The stamps are taken: frames may wait for one another, because each waking of the prober costs. The more streams,
# the more that saves.
GATHERING_NS = 2_000_000
GATHERING_NS_A_STREAM = 300_000
LONGEST_GATHERING_NS = 50_000_000
# Among many streams a waking for each segment costs more than the reading; a nap this short joins no two of a stream.
FEW_STREAMS = 20
NAP_SECONDS_A_STREAM = 0.000_01
LONGEST_NAP_SECONDS = 0.001
WAITING_BYTES = 8 * 1024 * 1024  # for a prober that takes nothing; beyond it nothing more is read
LONGEST_TURN_MICROSECONDS = 100_000  # without a pause; then it is scheduled as everybody is
SLICE_NS = 100_000  # the shortest that the kernel takes
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}  # the system call's number
SCHEDULING = struct.Struct("=IIQiIQQQ")  # struct sched_attr; its "runtime" is the slice
CALM_SAMPLE_NS = 20_000  # two clocks read further apart than this were torn by a context switch


def wall_minus_monotonic_ns() -> int:
    for _ in range(3):
        before_ns = time.monotonic_ns()
        wall_ns = time.time_ns()
        after_ns = time.monotonic_ns()
        if after_ns - before_ns < CALM_SAMPLE_NS:
            break
    return wall_ns - (before_ns + after_ns) // 2


def stamp_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(payload) >= TIMESPEC.size:
            seconds, nanoseconds = TIMESPEC.unpack_from(payload)
            return int(seconds * 1_000_000_000 + nanoseconds)
    return 0


class Receiver:
    def __init__(self, line: socket.socket) -> None:
        line.setblocking(False)
        self.line = line
        self.line_number = line.fileno()
        self.poll = select.epoll()
        self.poll.register(self.line_number, select.EPOLLIN)
        self.streams: dict[int, tuple[int, socket.socket]] = {}  # by descriptor
        self.waiting = bytearray()  # frames that the prober has not taken yet
        self.is_blocked = False  # until the prober takes some
        self.due_ns = 0  # when they are sent
        self.is_over = False

    def serve(self) -> None:
        """Until the prober closes its end."""
        while not self.is_over:
            ready = self.poll.poll(self.nap_seconds())
            offset_ns = wall_minus_monotonic_ns()
            for descriptor, event in ready:
                if descriptor != self.line_number:
                    self.read(descriptor, offset_ns)
                else:
                    self.talk(event)
            if self.waiting and not self.is_blocked and time.monotonic_ns() >= self.due_ns:
                self.send()
            while len(self.waiting) > WAITING_BYTES and not self.is_over:
                self.wait_for_room()
            if len(self.streams) > FEW_STREAMS:
                time.sleep(min(NAP_SECONDS_A_STREAM * len(self.streams), LONGEST_NAP_SECONDS))

    def nap_seconds(self) -> float | None:
        """Until frames are due; None: for as long as nothing comes."""
        if not self.waiting or self.is_blocked:
            return None
        return max(0, self.due_ns - time.monotonic_ns()) / 1e9

    def wait_for_room(self) -> None:
        """Sleeps, for what is readable meanwhile would wake us for nothing."""
        told, free, _ = select.select([self.line], [self.line], [])
        if told:
            self.adopt()
        if free:
            self.send()

    def talk(self, event: int) -> None:
        if event & select.EPOLLOUT:
            self.send()
        if event & ~select.EPOLLOUT:
            self.adopt()

    def adopt(self) -> None:
        try:
            told, descriptors, _flags, _address = socket.recv_fds(self.line, NUMBER.size, 1)
        except BlockingIOError:
            return
        except OSError:  # the prober was killed
            told = b""
        if not told:
            self.is_over = True
            return
        number = NUMBER.unpack(told)[0]
        if number == ALL:
            self.tell_all()
            return
        if not descriptors:  # this process may open no more
            self.waiting += FRAME.pack(number, -errno.EMFILE, 0, time.monotonic_ns(), 0)
            return
        sock = socket.socket(fileno=descriptors[0])
        self.streams[descriptors[0]] = (number, sock)
        self.poll.register(descriptors[0], select.EPOLLIN)

    def tell_all(self) -> None:
        """What is readable is read, and everything sent at once."""
        offset_ns = wall_minus_monotonic_ns()
        for descriptor, _event in self.poll.poll(0):
            if descriptor != self.line_number:
                self.read(descriptor, offset_ns)
        self.waiting += FRAME.pack(ALL, 0, 0, time.monotonic_ns(), 0)
        self.due_ns = 0

    def read(self, descriptor: int, offset_ns: int) -> None:
        number, sock = self.streams[descriptor]
        chunk, size, wall_ns = b"", 0, 0
        try:
            chunk, ancillary, _flags, _address = sock.recvmsg(READ_BYTES, ANCILLARY_BYTES)
            size = len(chunk)
            wall_ns = stamp_ns(ancillary)
        except (BlockingIOError, InterruptedError):
            self.forget_told_aside(sock)
            return
        except OSError as error:
            size = -(error.errno or 1)
        if not self.waiting:
            gathering_ns = GATHERING_NS + GATHERING_NS_A_STREAM * len(self.streams)
            self.due_ns = time.monotonic_ns() + min(gathering_ns, LONGEST_GATHERING_NS)
        self.waiting += FRAME.pack(number, size, wall_ns, time.monotonic_ns(), offset_ns)
        self.waiting += chunk
        if size <= 0:
            self.poll.unregister(descriptor)
            del self.streams[descriptor]
            sock.close()

    def forget_told_aside(self, sock: socket.socket) -> None:
        """A stamp of sending that came late, left in the error queue, would wake us for ever."""
        try:
            sock.recvmsg(0, ERROR_BYTES, socket.MSG_ERRQUEUE)
        except OSError:
            return

    def send(self) -> None:
        try:
            sent = self.line.send(self.waiting)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.is_over = True
            return
        del self.waiting[:sent]
        if self.is_blocked != bool(self.waiting):
            self.is_blocked = not self.is_blocked
            wanted = select.EPOLLIN | (select.EPOLLOUT if self.is_blocked else 0)
            self.poll.modify(self.line_number, wanted)


def go_first() -> None:
    """Ask the kernel to run this process as soon as a socket is readable: it works for microseconds at a time.

    Before all others where we may, until it once works for longer than that could ever take; else, from Linux 6.12
    on and open to everybody, before those with longer slices.
    """
    try:
        signal.signal(signal.SIGXCPU, lambda *_: os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0)))
        _soft, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
        resource.setrlimit(resource.RLIMIT_RTTIME, (LONGEST_WORK_MICROSECONDS, hard))
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except (AttributeError, OSError):
        call = SCHED_SETATTR.get(os.uname().machine)
        if call is not None:
            attributes = SCHEDULING.pack(SCHEDULING.size, 0, 0, 0, 0, SLICE_NS, 0, 0)
            ctypes.CDLL(None).syscall(call, 0, attributes, 0)


def step_back(_signal: int, _frame: object) -> None:
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def main() -> None:
    gc.disable()  # nothing here makes cycles
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C reaches a whole group; the prober still drains then
    go_first()
    Receiver(socket.socket(fileno=sys.stdin.fileno())).serve()


if __name__ == "__main__":
    main()
