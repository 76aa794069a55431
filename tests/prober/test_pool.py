"""The pool: limits, spread starts, one result for each job, and an end that leaves nothing open."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from probes.clock import SystemClock
from probes.domain.outcome import Outcome
from probes.domain.result import Observer, ProbeResult, Slot
from probes.domain.target import Deadlines, Target
from probes.log import Redactor
from probes.prober import ProbePool, Prober
from probes.prober.pool import START_GAP_SECONDS
from probes.settings.model import AgentSettings
from probes.simulator import RunningSimulator
from tests.prober.asking import CHAT_STREAM, KEY, a_target, response, says, serving, slot_of
from tests.waiting import wait_until

PATIENT = Deadlines(total_seconds=60.0)


class Results:
    """Collects results from the pool's thread."""

    def __init__(self) -> None:
        self.all: list[ProbeResult] = []
        self.threads: set[str] = set()

    def __call__(self, result: ProbeResult) -> None:
        self.threads.add(threading.current_thread().name)
        self.all.append(result)

    @property
    def outcomes(self) -> Counter[Outcome]:
        return Counter(result.outcome for result in self.all)


def a_pool(concurrency: int = 32, provider_concurrency: int = 8) -> ProbePool:
    prober = Prober(Observer("here", "here@test"), SystemClock(), Redactor([KEY]))
    return ProbePool(prober, AgentSettings("here", concurrency, provider_concurrency))


@pytest.fixture
def pool() -> Iterator[ProbePool]:
    pool = a_pool()
    pool.start()
    yield pool
    pool.drain(0.0)


def waiting_target(simulator: RunningSimulator, number: int = 0, provider: str = "acme") -> Target:
    """A target that never answers."""
    target = a_target(simulator.base_url, f"never-answers?id={provider}-{number}", deadlines=PATIENT)
    return replace(target, provider=provider)


def test_a_job_gets_its_result_away_from_the_loop(pool: ProbePool, simulator: RunningSimulator) -> None:
    results = Results()
    target = a_target(simulator.base_url, "fast")
    pool.submit(target, slot_of(target), results)
    wait_until("a result", lambda: results.all)
    assert results.outcomes == {Outcome.OK: 1}
    assert results.threads == {"probe-results"}
    assert (pool.in_flight, pool.queued) == (0, 0)


def test_a_provider_has_a_limit_that_holds_up_nobody_else(simulator: RunningSimulator) -> None:
    pool, results = a_pool(concurrency=6, provider_concurrency=2), Results()
    pool.start()
    assert pool.lag_seconds is None
    for number in range(4):
        pool.submit(
            waiting_target(simulator, number, "busy"), Slot(f"busy-{number}", datetime.now(UTC)), results
        )
    quick = replace(a_target(simulator.base_url, "fast"), provider="quick")
    pool.submit(quick, slot_of(quick), results)
    wait_until("the other provider's result", lambda: results.all)
    assert (results.all[0].provider, results.all[0].in_flight) == ("quick", 3)
    assert (pool.in_flight, pool.queued) == (2, 2)
    pool.configure(AgentSettings("here", 6, 4))
    wait_until("the raised limit", lambda: (pool.in_flight, pool.queued) == (4, 0))
    pool.drain(0.0)
    assert results.outcomes == {Outcome.OK: 1, Outcome.SKIPPED: 4}


def test_the_pool_has_a_limit_of_its_own(simulator: RunningSimulator) -> None:
    pool, results = a_pool(concurrency=3, provider_concurrency=2), Results()
    pool.start()
    for number in range(6):
        target = waiting_target(simulator, number, f"provider-{number}")
        pool.submit(target, slot_of(target), results)
    wait_until("a full pool", lambda: (pool.in_flight, pool.queued) == (3, 3))
    pool.drain(0.0)
    assert results.outcomes == {Outcome.SKIPPED: 6}


def test_starts_are_spread(pool: ProbePool) -> None:
    with serving(says(response(CHAT_STREAM))) as server:
        results = Results()
        targets = [replace(a_target(server.base_url), provider=f"p{number}") for number in range(8)]
        pool.submit(targets[0], slot_of(targets[0]), results)
        wait_until("the imports are done", lambda: results.all)
        for target in targets:
            pool.submit(target, slot_of(target), results)
        wait_until("all results", lambda: len(results.all) == 9)
    starts = sorted(result.started_at for result in results.all[1:])
    spread = (starts[-1] - starts[0]).total_seconds()
    assert spread >= 7 * START_GAP_SECONDS - 0.02


def test_waiting_shows_as_lag_and_never_as_latency(pool: ProbePool, simulator: RunningSimulator) -> None:
    results = Results()
    target = a_target(simulator.base_url, "fast")
    pool.submit(target, Slot(target.id, datetime.now(UTC) - timedelta(seconds=30)), results)
    wait_until("a result", lambda: results.all)
    assert results.all[0].lag_seconds >= 30
    assert pool.lag_seconds is not None
    assert pool.lag_seconds >= 30
    assert results.all[0].response_seconds is not None
    assert results.all[0].response_seconds < 10


def test_a_drain_lets_end_what_ends_in_time_and_skips_the_rest(simulator: RunningSimulator) -> None:
    pool, results = a_pool(concurrency=2), Results()
    pool.start()
    short = a_target(simulator.base_url, "ok?ttft=0.5&tokens=3", deadlines=PATIENT)
    for target in (short, waiting_target(simulator), waiting_target(simulator, 1)):
        pool.submit(target, slot_of(target), results)
    wait_until("two probes in flight", lambda: (pool.in_flight, pool.queued) == (2, 1))
    pool.drain(3.0)
    assert results.outcomes == {Outcome.OK: 1, Outcome.SKIPPED: 2}
    assert {result.error for result in results.all if result.outcome is Outcome.SKIPPED} == {
        "the agent was shutting down"
    }
    assert (pool.in_flight, pool.queued) == (0, 0)


def test_a_drain_is_over_in_time_although_nothing_ends(simulator: RunningSimulator) -> None:
    pool, results = a_pool(), Results()
    pool.start()
    for number in range(5):
        target = waiting_target(simulator, number)
        pool.submit(target, slot_of(target), results)
    wait_until("probes in flight", lambda: pool.in_flight >= 3)
    began = time.monotonic()
    pool.drain(0.2)
    assert time.monotonic() - began < 3.0
    assert results.outcomes == {Outcome.SKIPPED: 5}


def test_what_comes_after_the_drain_is_skipped_at_once(simulator: RunningSimulator) -> None:
    pool, results = a_pool(), Results()
    pool.start()
    pool.drain(1.0)
    target = a_target(simulator.base_url)
    pool.submit(target, slot_of(target), results)
    assert results.outcomes == {Outcome.SKIPPED: 1}
    pool.drain(1.0)  # again is harmless
    pool.configure(AgentSettings("here", 1, 1))


def test_a_pool_that_never_started_says_so(simulator: RunningSimulator) -> None:
    pool, target = a_pool(), a_target(simulator.base_url)
    with pytest.raises(RuntimeError, match="start the pool"):
        pool.submit(target, slot_of(target), Results())
    pool.drain(1.0)


def test_no_thread_survives_the_drain(simulator: RunningSimulator) -> None:
    before = set(threading.enumerate())
    pool, results = a_pool(), Results()
    pool.start()
    target = a_target(simulator.base_url, "fast")
    pool.submit(target, slot_of(target), results)
    pool.drain(20.0)
    assert results.outcomes in ({Outcome.OK: 1}, {Outcome.SKIPPED: 1})
    wait_until("the threads' end", lambda: not set(threading.enumerate()) - before)


def test_a_taker_that_fails_stops_nobody(
    pool: ProbePool, simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_result: ProbeResult) -> None:
        raise OSError("the disk is full")

    results = Results()
    target = a_target(simulator.base_url, "fast")
    pool.submit(target, slot_of(target), fail)
    pool.submit(target, slot_of(target), results)
    wait_until("the second result", lambda: results.all)
    assert "taking the result of acme/main/fast" in caplog.text


class BuggyProber(Prober):
    """Breaks the one promise that a prober makes."""

    async def probe(self, target: Target, slot: Slot, *, in_flight: int) -> ProbeResult:
        await asyncio.sleep(0)
        raise ZeroDivisionError("a bug")


def test_a_bug_of_ours_is_internal_and_names_the_target(caplog: pytest.LogCaptureFixture) -> None:
    pool = ProbePool(BuggyProber(Observer("here", "here@test"), SystemClock(), Redactor()), AgentSettings())
    pool.start()
    results, target = Results(), a_target("http://127.0.0.1:9")
    pool.submit(target, slot_of(target), results)
    wait_until("a result", lambda: results.all)
    pool.drain(1.0)
    assert results.outcomes == {Outcome.INTERNAL: 1}
    assert "acme/main/ok" in caplog.text


def test_many_threads_may_submit_at_once(pool: ProbePool) -> None:
    with serving(says(response(CHAT_STREAM))) as server:
        results = Results()
        pool.configure(AgentSettings("here", 32, 32))

        def submit(number: int) -> None:
            for part in range(5):
                target = a_target(server.base_url, f"m{number}-{part}")
                pool.submit(target, slot_of(target), results)

        threads = [threading.Thread(target=submit, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until("all results", lambda: len(results.all) == 40)
    assert results.outcomes == {Outcome.OK: 40}
    assert len({result.target for result in results.all}) == 40
