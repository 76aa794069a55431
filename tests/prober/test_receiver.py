"""The process that reads sockets: every byte with its stamp, however late the prober is; its end is nobody's outage."""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import Quality
from probes.domain.target import Deadlines
from probes.prober import receiver_process
from probes.prober.receiver import Receiver, ReceiverLostError
from probes.prober.stamps import stamped_sending
from tests.prober.asking import CHAT_STREAM, RunningProber, a_target, response, running_prober, says, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the event loop reads")


@dataclass
class Heard:
    """A sink that keeps what it is told."""

    chunks: list[bytes] = field(default_factory=list)
    stamps: list[tuple[int | None, int]] = field(
        default_factory=list
    )  # kernel's on the monotonic clock, read
    end: list[Exception | None] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def received(self, chunk: bytes, wall_ns: int | None, read_ns: int, offset_ns: int) -> None:
        self.chunks.append(chunk)
        self.stamps.append((None if wall_ns is None else wall_ns - offset_ns, read_ns))
        self.changed.set()

    def ended(self, error: Exception | None) -> None:
        self.end.append(error)
        self.changed.set()

    async def until(self, size: int) -> None:
        async with asyncio.timeout(10):
            while sum(map(len, self.chunks)) < size and not self.end:
                self.changed.clear()
                await self.changed.wait()

    async def until_end(self) -> None:
        async with asyncio.timeout(10):
            while not self.end:
                self.changed.clear()
                await self.changed.wait()


@contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a TCP connection; the first asks for kernel stamps."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _address = listener.accept()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, 35, 1)
        theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ours.setblocking(False)
        yield ours, theirs


def test_what_is_sent_is_heard_with_its_time() -> None:
    async def scenario() -> tuple[Heard, int]:
        receiver, heard = Receiver(), Heard()
        with connected() as (ours, theirs):
            assert receiver.adopt(ours, heard) is not None
            before_ns = time.monotonic_ns()
            theirs.sendall(b"hello")
            await heard.until(5)
        receiver.close()
        return heard, before_ns

    heard, before_ns = asyncio.run(scenario())
    assert b"".join(heard.chunks) == b"hello"
    arrived_ns, read_ns = heard.stamps[0]
    assert read_ns >= before_ns
    if (
        arrived_ns is not None
    ):  # the first stamp of a machine may be missing: the kernel switches them on late
        assert arrived_ns <= read_ns + 1_000_000
        assert before_ns - 1_000_000 <= arrived_ns


def unread_bytes(sock: socket.socket) -> int:
    """What the kernel still holds for whoever reads this socket."""
    return int.from_bytes(fcntl.ioctl(sock, termios.FIONREAD, b"\0" * 4), sys.byteorder)


def test_reads_go_on_while_the_event_loop_is_stopped() -> None:
    """Each segment is fetched before the next one is sent, although the loop does not run at all meanwhile."""

    async def scenario() -> tuple[Heard, int]:
        receiver, heard = Receiver(), Heard()
        with connected() as (ours, theirs):
            receiver.adopt(ours, heard)
            for number in range(5):
                theirs.sendall(b"%d" % number)
                wait_until("the process has read it", lambda: not unread_bytes(ours))
            resumed_ns = time.monotonic_ns()
            await heard.until(5)
        receiver.close()
        return heard, resumed_ns

    heard, resumed_ns = asyncio.run(scenario())
    assert heard.chunks == [b"0", b"1", b"2", b"3", b"4"]
    reads_ns = [read_ns for _arrived_ns, read_ns in heard.stamps]
    assert reads_ns == sorted(reads_ns)
    assert reads_ns[-2] < resumed_ns


def test_streams_are_kept_apart() -> None:
    async def scenario() -> list[bytes]:
        receiver, both = Receiver(), [Heard(), Heard()]
        with connected() as (one, to_one), connected() as (other, to_other):
            receiver.adopt(one, both[0])
            receiver.adopt(other, both[1])
            for _ in range(50):
                to_one.sendall(b"one ")
                to_other.sendall(b"other ")
            for heard, size in zip(both, (200, 300), strict=True):
                await heard.until(size)
        receiver.close()
        return [b"".join(heard.chunks) for heard in both]

    assert asyncio.run(scenario()) == [b"one " * 50, b"other " * 50]


def test_a_server_that_closes_is_an_end_and_one_that_resets_is_an_error() -> None:
    async def scenario() -> list[Exception | None]:
        receiver, closed, reset = Receiver(), Heard(), Heard()
        with connected() as (one, closing), connected() as (other, resetting):
            receiver.adopt(one, closed)
            receiver.adopt(other, reset)
            closing.close()
            resetting.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            resetting.close()
            await closed.until_end()
            await reset.until_end()
        receiver.close()
        return [*closed.end, *reset.end]

    end, error = asyncio.run(scenario())
    assert end is None
    assert isinstance(error, ConnectionResetError)


def test_more_than_the_line_holds_arrives_whole() -> None:
    """The loop takes nothing until all is sent; the process keeps it meanwhile."""
    size = 4 * 1024 * 1024

    async def scenario() -> Heard:
        receiver, heard = Receiver(), Heard()
        with connected() as (ours, theirs):
            receiver.adopt(ours, heard)
            sending = threading.Thread(target=theirs.sendall, args=(b"x" * size,))
            sending.start()
            sending.join(10)
            assert not sending.is_alive()
            await heard.until(size)
        receiver.close()
        return heard

    assert sum(map(len, asyncio.run(scenario()).chunks)) == size


def test_nothing_wakes_it_after_a_prober_that_was_busy_has_taken_everything() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = receiver_process.Receiver(theirs)
        reader.waiting += bytes(4 * 1024 * 1024)
        reader.send()
        assert reader.is_blocked
        while reader.waiting:
            ours.recv(1024 * 1024)
            for _, event in reader.poll.poll(0):
                reader.talk(event)
            if not reader.is_blocked:
                reader.send()
        assert reader.poll.poll(0) == []


def test_the_process_rests_once_all_is_taken() -> None:
    """It had to wait for room; when there is room again it is not to ask for it for ever."""
    size = 4 * 1024 * 1024

    async def scenario() -> None:
        receiver, heard = Receiver(), Heard()
        with connected() as (ours, theirs):
            receiver.adopt(ours, heard)
            sending = threading.Thread(target=theirs.sendall, args=(b"x" * size,))
            sending.start()
            sending.join(10)
            await heard.until(size)
            assert receiver.process_id is not None
            await asyncio.to_thread(wait_until_idle, receiver.process_id)
        receiver.close()

    asyncio.run(scenario())


def test_a_stamp_of_sending_that_came_late_does_not_keep_it_awake() -> None:
    async def scenario() -> None:
        receiver, heard = Receiver(), Heard()
        with connected() as (ours, theirs):
            receiver.adopt(ours, heard)
            with stamped_sending(ours):
                ours.send(b"question")
            theirs.sendall(b"answer")
            await heard.until(len(b"answer"))
            assert receiver.process_id is not None
            await asyncio.to_thread(wait_until_idle, receiver.process_id)
            theirs.sendall(b", and more")
            await heard.until(len(b"answer, and more"))
        receiver.close()

    asyncio.run(scenario())


def wait_until_idle(process_id: int) -> None:
    """Until the processor's time of a process stands still over many looks."""
    looks: list[int] = []

    def is_idle() -> bool:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
        looks.append(int(fields[11]) + int(fields[12]))
        return len(looks) > 20 and looks[-20] == looks[-1]

    wait_until("the process uses no processor time", is_idle)


def test_a_released_stream_hears_nothing_more() -> None:
    async def scenario() -> Heard:
        receiver, released, other = Receiver(), Heard(), Heard()
        with connected() as (one, to_one), connected() as (two, to_two):
            number = receiver.adopt(one, released)
            receiver.adopt(two, other)
            assert number is not None
            receiver.release(number)
            to_one.sendall(b"late")
            to_two.sendall(b"word")
            await other.until(4)
        receiver.close()
        return released

    assert asyncio.run(scenario()).chunks == []


def test_a_process_that_died_is_told_to_its_streams_and_replaced() -> None:
    async def scenario() -> tuple[Heard, Heard]:
        receiver, first, second = Receiver(), Heard(), Heard()
        with connected() as (one, _), connected() as (two, to_two):
            receiver.adopt(one, first)
            assert receiver.process_id is not None
            os.kill(receiver.process_id, signal.SIGKILL)
            await first.until_end()
            receiver.adopt(two, second)
            to_two.sendall(b"again")
            await second.until(5)
        receiver.close()
        return first, second

    first, second = asyncio.run(scenario())
    assert isinstance(first.end[0], ReceiverLostError)
    assert b"".join(second.chunks) == b"again"


def test_the_process_ends_with_its_prober() -> None:
    async def scenario() -> int:
        receiver = Receiver()
        with connected() as (ours, _):
            receiver.adopt(ours, Heard())
            process_id = receiver.process_id
            assert process_id is not None
            receiver.close()
        return process_id

    process_id = asyncio.run(scenario())
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


# Through the prober.


def test_losing_the_process_is_our_fault_and_the_next_probe_is_good() -> None:
    asked, may_end = threading.Event(), threading.Event()

    def hesitate(sock: socket.socket, _request: bytes) -> None:
        asked.set()
        may_end.wait(20)
        sock.sendall(response(CHAT_STREAM))

    with running_prober() as prober, serving(hesitate) as slow, serving(says(response(CHAT_STREAM))) as quick:
        prober.probe(a_target(quick.base_url))  # warms
        lost: list[object] = []
        probing = threading.Thread(
            target=lambda: lost.append(prober.probe(a_target(slow.base_url))), daemon=True
        )
        probing.start()
        assert asked.wait(20)
        kill_receiver(prober)
        probing.join(20)
        may_end.set()
        again = prober.probe(a_target(quick.base_url))
    (result,) = lost
    assert (result.outcome, result.fault) == (Outcome.INTERNAL, Fault.OURS)  # type: ignore[attr-defined]
    assert again.outcome is Outcome.OK


def kill_receiver(prober: RunningProber) -> None:
    process_id = prober.prober.receiver_process_id
    assert process_id is not None
    os.kill(process_id, signal.SIGKILL)


def test_segments_that_lay_together_are_called_bounded(prober: RunningProber) -> None:
    """Role, first and second token in one segment: nobody can tell them apart, and the record says so."""
    with serving(says(response(CHAT_STREAM))) as server:
        result = prober.probe(a_target(server.base_url))
    assert result.first_read_events is not None
    assert result.first_read_events > 1
    assert result.quality is Quality.BOUNDED


def blocking(seconds: float, began: threading.Event) -> Callable[[], None]:
    """What a starved host does to a loop: nothing on it runs for so long."""

    def block() -> None:
        began.set()
        until_ns = time.monotonic_ns() + round(seconds * 1e9)
        while time.monotonic_ns() < until_ns:
            pass

    return block


@dataclass
class StoppedLoop:
    """A server that stops the prober's loop, and answers so long after it did."""

    prober: RunningProber
    stops_seconds: float
    answers_after_seconds: float

    def __call__(self, sock: socket.socket, request: bytes) -> None:
        del request
        began = threading.Event()
        self.prober.loop.call_soon_threadsafe(blocking(self.stops_seconds, began))
        assert began.wait(20)
        threading.Event().wait(self.answers_after_seconds)  # the scenario itself
        with contextlib.suppress(OSError):
            sock.sendall(response(CHAT_STREAM))


@pytest.mark.parametrize(
    ("answers_after_seconds", "outcome"),
    [
        pytest.param(0.05, Outcome.OK, id="in time"),
        pytest.param(1.0, Outcome.FIRST_TOKEN_TIMEOUT, id="too late"),
    ],
)
def test_a_deadline_that_passes_while_we_are_stopped_asks_when_the_answer_came(
    answers_after_seconds: float, outcome: Outcome
) -> None:
    """Both answers lie there when the loop goes on, long after the deadline."""
    limits = Deadlines(first_token_seconds=0.5)
    with (
        running_prober() as prober,
        serving(says(response(CHAT_STREAM))) as warming,
        serving(StoppedLoop(prober, 1.5, answers_after_seconds)) as server,
    ):
        prober.probe(a_target(warming.base_url))
        result = prober.probe(a_target(server.base_url, deadlines=limits))
    assert result.outcome is outcome
    assert (result.ttft_seconds is not None) is (outcome is Outcome.OK)
