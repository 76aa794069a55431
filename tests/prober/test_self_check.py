"""The prober held against a stream whose true times are known, honest and lying."""

import logging
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from probes.clock import Clock, SystemClock
from probes.domain.plan import SELF_CHECK_LIMIT_SECONDS, SelfCheck
from probes.domain.result import Observer, ProbeResult, Quality, Stamps
from probes.domain.target import Protocol
from probes.log import Redactor
from probes.prober import ProbePool, Prober
from probes.prober.known_stream import SPEECHES, TOKENS, KnownStream, Send, Truth
from probes.prober.self_check import MAX_TRIES, SelfChecker, serve_known
from probes.settings.model import AgentSettings
from probes.simulator import RunningSimulator
from tests.prober.asking import KEY, OPENAI, RunningProber, a_target, running_prober, slot_of
from tests.waiting import wait_until

LIE_SECONDS = 0.25


@pytest.fixture
def running() -> Iterator[RunningProber]:
    with running_prober() as running:
        yield running


class LyingStream(KnownStream):
    """Tells that the request came later than it did, so that the true TTFT looks shorter."""

    @property
    def truth(self) -> Truth:
        true = super().truth
        assert true.request_ns is not None
        return replace(true, request_ns=true.request_ns + round(LIE_SECONDS * 1e9))


class DoubtfulStream(KnownStream):
    """Was switched out in the middle of its first send."""

    @property
    def truth(self) -> Truth:
        true = super().truth
        before_ns = true.sends[0].before_ns
        return replace(true, sends=[Send(before_ns, before_ns + 10**9), *true.sends[1:]])


class RudeStream(KnownStream):
    def _answer(self, sock: socket.socket, request_ns: int) -> None:
        del sock, request_ns


def lying(protocol: Protocol, clock: Clock) -> KnownStream:
    return LyingStream(SPEECHES[protocol], clock.monotonic_ns)


def rude(protocol: Protocol, clock: Clock) -> KnownStream:
    return RudeStream(SPEECHES[protocol], clock.monotonic_ns)


def checked(running: RunningProber, checker: SelfChecker) -> SelfCheck:
    check = running.run(checker.check())
    assert check is not None
    return check


def first_good(running: RunningProber, protocol: Protocol = OPENAI) -> SelfCheck:
    """On a busy host a check may be off: that is what it is for."""
    running.run(running.prober.warm({protocol}))
    checker = SelfChecker(running.prober)

    def good() -> SelfCheck | None:
        check = checked(running, checker)
        return check if check.ttft_error_seconds is not None and not check.is_off else None

    return wait_until("a good self-check", good)


@pytest.mark.parametrize("protocol", SPEECHES)
def test_our_times_are_the_true_ones_by_every_protocol(protocol: Protocol, running: RunningProber) -> None:
    check = first_good(running, protocol)
    assert check.gap_error_seconds is not None
    assert check.stamps is (Stamps.KERNEL if sys.platform == "linux" else Stamps.USER)


def test_a_stub_that_lies_is_seen_by_as_much_as_it_lies(running: RunningProber) -> None:
    running.run(running.prober.warm({OPENAI}))
    checker = SelfChecker(running.prober, lying)

    def off_by_the_lie() -> bool:
        error = checked(running, checker).ttft_error_seconds
        return error is not None and abs(error - LIE_SECONDS) < SELF_CHECK_LIMIT_SECONDS

    wait_until("an error as large as the lie", off_by_the_lie)


def test_records_are_degraded_while_the_newest_check_is_off_and_recover(
    running: RunningProber, simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    target = a_target(simulator.base_url, "ok?ttft=0.01&tokens=3")

    def quality() -> Quality | None:
        return running.probe(target).quality

    wait_until("a good record", lambda: quality() is not Quality.DEGRADED)
    serving = [lying]
    checker = SelfChecker(running.prober, lambda protocol, clock: serving[0](protocol, clock))
    assert checked(running, checker).is_off
    assert "our own TTFT is off by" in caplog.text
    assert [quality() for _ in range(3)] == [Quality.DEGRADED] * 3

    serving[0] = serve_known
    wait_until("an honest check", lambda: not checked(running, checker).is_off)
    assert "our own TTFT is right again" in caplog.text
    wait_until("a good record", lambda: quality() is not Quality.DEGRADED)


def test_nothing_is_checked_before_a_protocol_is_in_use(running: RunningProber) -> None:
    assert running.run(SelfChecker(running.prober).check()) is None


def test_protocols_in_use_take_turns(running: RunningProber) -> None:
    used: list[Protocol] = []

    def serve(protocol: Protocol, clock: Clock) -> KnownStream:
        used.append(protocol)
        return serve_known(protocol, clock)

    running.run(running.prober.warm({OPENAI, Protocol.OLLAMA_CHAT}))
    checker = SelfChecker(running.prober, serve)
    for _ in range(3):
        checked(running, checker)
    assert set(used) == {OPENAI, Protocol.OLLAMA_CHAT}


def test_a_check_in_doubt_is_repeated_and_the_least_doubtful_one_counts(running: RunningProber) -> None:
    served: list[KnownStream] = []

    def serve(protocol: Protocol, clock: Clock) -> KnownStream:
        is_last = len(served) == MAX_TRIES - 1
        served.append((KnownStream if is_last else DoubtfulStream)(SPEECHES[protocol], clock.monotonic_ns))
        return served[-1]

    running.run(running.prober.warm({OPENAI}))
    assert checked(running, SelfChecker(running.prober, serve)).ttft_error_seconds is not None
    assert len(served) == MAX_TRIES


def test_a_stub_that_cannot_be_measured_leaves_the_error_unknown(
    running: RunningProber, caplog: pytest.LogCaptureFixture
) -> None:
    running.run(running.prober.warm({OPENAI}))
    check = checked(running, SelfChecker(running.prober, rude))
    assert (check.ttft_error_seconds, check.gap_error_seconds, check.is_off) == (None, None, False)
    assert "the self-check failed" in caplog.text


def test_the_stub_tells_when_each_token_left(running: RunningProber) -> None:
    streams: list[KnownStream] = []

    def serve(protocol: Protocol, clock: Clock) -> KnownStream:
        streams.append(serve_known(protocol, clock))
        return streams[-1]

    running.run(running.prober.warm({OPENAI}))
    checked(running, SelfChecker(running.prober, serve))
    truth = streams[-1].truth
    assert truth.is_complete
    assert len(truth.sends) == TOKENS
    assert all(send.before_ns <= send.after_ns for send in truth.sends)
    assert all(gap > 0 for gap in truth.gaps_seconds)


# In the pool.


class Given:
    """What the pool hands out."""

    def __init__(self) -> None:
        self.checks: list[SelfCheck] = []
        self.results: list[ProbeResult] = []
        self.threads: set[str] = set()

    def check(self, check: SelfCheck) -> None:
        self.threads.add(threading.current_thread().name)
        self.checks.append(check)


def a_checking_pool(given: Given, concurrency: int = 32) -> ProbePool:
    prober = Prober(Observer("here", "here@test"), SystemClock(), Redactor([KEY]))
    settings = AgentSettings("here", concurrency, concurrency, self_check_seconds=0.05)
    return ProbePool(prober, settings, on_check=given.check)


def test_a_pool_checks_itself_again_and_again_and_records_nothing_of_it(simulator: RunningSimulator) -> None:
    given = Given()
    pool = a_checking_pool(given)
    pool.start()
    assert pool.self_check is None
    target = a_target(simulator.base_url, "fast")
    pool.submit(target, slot_of(target), given.results.append)
    wait_until("three checks", lambda: len(given.checks) >= 3)
    pool.drain(1.0)
    assert pool.self_check == given.checks[-1]
    assert given.threads == {"probe-results"}
    assert [result.target for result in given.results] == [target.id]


def test_a_full_pool_is_checked_too(simulator: RunningSimulator) -> None:
    given = Given()
    pool = a_checking_pool(given, concurrency=1)
    pool.start()
    target = a_target(simulator.base_url, "never-answers")
    for _ in range(2):
        pool.submit(target, slot_of(target), given.results.append)
    wait_until("a check", lambda: given.checks)
    assert (pool.in_flight, pool.queued) == (1, 1)
    pool.drain(0.0)
    assert len(given.results) == 2


def test_no_thread_of_a_check_survives_the_drain(simulator: RunningSimulator) -> None:
    before = set(threading.enumerate())
    given = Given()
    pool = a_checking_pool(given)
    pool.start()
    target = a_target(simulator.base_url, "fast")
    pool.submit(target, slot_of(target), given.results.append)
    wait_until("a check at work", lambda: any(t.name == "known-stream" for t in threading.enumerate()))
    pool.drain(0.0)
    wait_until("the threads' end", lambda: not set(threading.enumerate()) - before)
