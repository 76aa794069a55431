"""Kernel stamps on the monotonic clock, and what happens when a clock is set meanwhile."""

import itertools
import select
import socket
import struct
import sys
import time

import pytest

from probes.domain.result import Stamps
from probes.prober.stamps import (
    ANCILLARY_BYTES,
    Journal,
    ReadStamp,
    Step,
    ask_for_kernel_stamps,
    departed_ns,
    forget_told_aside,
    kernel_arrival_ns,
    stamped_sending,
)

SO_TIMESTAMPNS = 35


def stamped(wall_ns: int) -> list[tuple[int, int, bytes]]:
    return [(socket.SOL_SOCKET, SO_TIMESTAMPNS, struct.pack("@ll", *divmod(wall_ns, 1_000_000_000)))]


def test_a_stamp_of_a_moment_ago_is_converted() -> None:
    now_ns = time.monotonic_ns()
    arrived_ns = kernel_arrival_ns(stamped(time.time_ns() - 5_000_000), time.monotonic_ns, 0)
    assert arrived_ns is not None
    assert arrived_ns == pytest.approx(now_ns - 5_000_000, abs=2_000_000)


def test_no_stamp_is_no_arrival() -> None:
    assert kernel_arrival_ns([], time.monotonic_ns, 0) is None
    assert kernel_arrival_ns([(socket.SOL_SOCKET, 1, b"")], time.monotonic_ns, 0) is None
    assert kernel_arrival_ns([(socket.SOL_SOCKET, SO_TIMESTAMPNS, b"")], time.monotonic_ns, 0) is None


@pytest.mark.parametrize("jump_seconds", [-3600, -1, 1, 3600])
def test_a_stamp_from_before_a_clock_was_set_is_not_believed(jump_seconds: int) -> None:
    """The wall clock moved between stamp and reading: the stamp lies far before the last read or in the future."""
    last_read_ns = time.monotonic_ns() - 1_000_000
    jumped = stamped(time.time_ns() + jump_seconds * 1_000_000_000)
    assert kernel_arrival_ns(jumped, time.monotonic_ns, last_read_ns) is None


def test_the_conversions_own_jitter_does_not_turn_time_back() -> None:
    last_read_ns = time.monotonic_ns()
    arrived_ns = kernel_arrival_ns(stamped(time.time_ns() - 200_000), time.monotonic_ns, last_read_ns)
    assert arrived_ns is not None
    assert arrived_ns >= last_read_ns


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux stamps in the kernel")
def test_the_kernel_tells_when_a_request_left_however_late_we_ask() -> None:
    left, right = socket.socket(), socket.create_server(("127.0.0.1", 0))
    with left, right:
        left.connect(right.getsockname())
        left.setblocking(False)
        before_ns = time.monotonic_ns()
        with stamped_sending(left):
            left.send(b"x")
            after_ns = time.monotonic_ns()
            while time.monotonic_ns() < after_ns + 20_000_000:
                pass
            left_ns = departed_ns(left, time.monotonic_ns, before_ns)
            again_ns = departed_ns(left, time.monotonic_ns, before_ns)
        assert left_ns is not None
        assert before_ns <= left_ns <= after_ns + 1_000_000
        assert again_ns is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux stamps in the kernel")
def test_a_stamp_that_nobody_took_wakes_a_reader_until_it_is_forgotten() -> None:
    left, right = socket.socket(), socket.create_server(("127.0.0.1", 0))
    with left, right:
        left.connect(right.getsockname())
        left.setblocking(False)
        with stamped_sending(left):
            left.send(b"x")
        poll = select.poll()
        poll.register(left, select.POLLIN)
        assert poll.poll(0)
        forget_told_aside(left)
        assert not poll.poll(0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux stamps in the kernel")
def test_the_kernel_stamps_when_it_received_not_when_we_read() -> None:
    left, right = socket.socket(), socket.create_server(("127.0.0.1", 0))
    with left, right:
        left.connect(right.getsockname())
        receiver, _address = right.accept()
        with receiver:
            assert ask_for_kernel_stamps(receiver)
            receiver.settimeout(10)
            stamps = []
            for _ in range(
                3
            ):  # the first stamps of a process may be missing: the kernel switches them on late
                sent_ns = time.monotonic_ns()
                left.sendall(b"x")
                delivered_ns = time.monotonic_ns()
                busy_until_ns = delivered_ns + 20_000_000
                while time.monotonic_ns() < busy_until_ns:
                    pass
                _data, ancillary, _flags, _from = receiver.recvmsg(10, ANCILLARY_BYTES)
                stamps.append((sent_ns, kernel_arrival_ns(ancillary, time.monotonic_ns, 0), busy_until_ns))
    sent_ns, arrived_ns, read_ns = stamps[-1]
    assert arrived_ns is not None
    assert sent_ns - 1_000_000 <= arrived_ns < read_ns - 10_000_000


def test_a_journal_keeps_the_phases_apart() -> None:
    ticks = itertools.count(0, 10)
    steps: list[Step] = []
    journal = Journal(now_ns=lambda: next(ticks), on_step=steps.append)
    journal.enter(Step.CONNECT)
    journal.connected(began_ns=0)  # connected at 0
    began_ns = journal.tls_begins()  # at 10: a proxy's CONNECT took 10
    journal.tls_done(began_ns)  # at 20
    assert (journal.connect_ns, journal.tls_ns) == (10, 10)
    assert steps == [Step.CONNECT, Step.REQUEST, Step.TLS, Step.REQUEST]
    journal.read(ReadStamp(1, 0, 0, Stamps.USER), 5)
    assert (journal.reads, journal.received_bytes) == (1, 5)
