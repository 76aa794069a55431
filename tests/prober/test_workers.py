"""Several processes as one pool: limits over all of them, one result a job, and no process that outlives its time."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes.clock import SystemClock
from probes.domain.outcome import Outcome
from probes.domain.plan import Workforce
from probes.domain.result import Observer, ProbeResult, Slot
from probes.domain.target import Deadlines, Target
from probes.log import Redactor
from probes.prober.workers import WorkerContext, WorkerPool
from probes.settings.model import AgentSettings
from probes.simulator import RunningSimulator
from tests.prober.asking import CHAT_STREAM, KEY, a_target, response, says, serving, slot_of
from tests.waiting import wait_until

PATIENT = Deadlines(total_seconds=60.0)
ROOT = Path(__file__).parents[2]


class Results(list[ProbeResult]):
    @property
    def outcomes(self) -> Counter[Outcome]:
        return Counter(result.outcome for result in self)


def is_running(pid: int) -> bool:
    try:
        return not Path(f"/proc/{pid}/stat").read_text().split(")")[1].startswith(" Z")
    except FileNotFoundError:
        return False


def a_pool(
    count: int = 2, settings: AgentSettings | None = None, redact: Redactor | None = None, **more: float
) -> WorkerPool:
    environ = {**os.environ, "SOME_API_KEY": KEY}
    context = WorkerContext(
        Observer("here", "here@test"), SystemClock(), redact or Redactor([KEY]), environ, lambda: "v7", **more
    )
    return WorkerPool(count, settings or AgentSettings("here"), context)


@contextmanager
def running(pool: WorkerPool) -> Iterator[WorkerPool]:
    pool.start()
    wait_until("all workers", lambda: pool.workforce.running == pool.workforce.processes)
    pids = pool.pids
    try:
        yield pool
    finally:
        pool.drain(0.0)
        assert not [pid for pid in pids if is_running(pid)]


def waiting_target(simulator: RunningSimulator, number: int = 0, provider: str = "acme") -> Target:
    target = a_target(simulator.base_url, f"never-answers?id={provider}-{number}", deadlines=PATIENT)
    return replace(target, provider=provider)


def test_each_job_gets_one_result_as_a_pool_in_the_agent_gives_it(simulator: RunningSimulator) -> None:
    results = Results()
    targets = [a_target(simulator.base_url, f"fast?id={number}") for number in range(12)]
    with running(a_pool()) as pool:
        for target in targets:
            pool.submit(target, slot_of(target), results.append)
        wait_until("all results", lambda: len(results) == 12)
        assert (pool.in_flight, pool.queued) == (0, 0)
        assert pool.lag_seconds is not None
    assert results.outcomes == {Outcome.OK: 12}
    assert {result.target for result in results} == {target.id for target in targets}
    assert {(r.agent, r.location, r.config_version, r.spec_version) for r in results} == {
        ("here@test", "here", "v7", "spec-1")
    }
    assert {result.stamps for result in results} != {None}
    assert max(result.in_flight or 0 for result in results) > 1, "of all workers together"


def test_a_target_stays_with_its_worker_so_that_a_kept_connection_is_of_use() -> None:
    with serving(says(response(CHAT_STREAM))) as server, running(a_pool()) as pool:
        targets = [a_target(server.base_url, f"m{number}", reuse_connection=True) for number in range(4)]
        rounds = []
        for order in (targets, targets[::-1], targets[1:] + targets[:1]):
            results = Results()
            for target in order:
                pool.submit(target, slot_of(target), results.append)
            wait_until("a round", lambda got=results: len(got) == 4)  # type: ignore[misc]
            rounds.append([result.connection_reused for result in results])
        assert rounds == [[False] * 4, [True] * 4, [True] * 4]
        assert server.connections == 4


def test_limits_hold_over_all_workers_together(simulator: RunningSimulator) -> None:
    results = Results()
    settings = AgentSettings("here", concurrency=5, provider_concurrency=2)
    with running(a_pool(2, settings)) as pool:
        for number in range(4):
            pool.submit(
                waiting_target(simulator, number, "busy"),
                Slot(f"b-{number}", datetime.now(UTC)),
                results.append,
            )
        for number in range(6):
            target = waiting_target(simulator, number, f"provider-{number}")
            pool.submit(target, slot_of(target), results.append)
        assert (pool.in_flight, pool.queued) == (5, 5)
        pool.configure(AgentSettings("here", concurrency=8, provider_concurrency=4))
        assert (pool.in_flight, pool.queued) == (8, 2)
    assert results.outcomes == {Outcome.SKIPPED: 10}


def test_a_killed_worker_loses_no_job_and_is_started_again(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    results = Results()
    with running(a_pool()) as pool:
        first = pool.pids
        for number in range(6):
            target = waiting_target(simulator, number, f"provider-{number}")
            pool.submit(target, slot_of(target), results.append)
        os.kill(first[0], signal.SIGKILL)
        wait_until("the lost jobs' records", lambda: results and len(results) + pool.in_flight == 6)
        lost = len(results)
        assert results.outcomes == {Outcome.INTERNAL: lost}
        assert {result.error for result in results} == {
            "the worker process that measured it ended with code -9"
        }
        assert pool.in_flight == 6 - lost
        wait_until("a new worker", lambda: pool.workforce == Workforce(2, 2, 1))
        assert pool.pids[0] != first[0]
        again = Results()
        for number in range(6):
            target = a_target(simulator.base_url, f"fast?id={number}")
            pool.submit(target, slot_of(target), again.append)
        wait_until("all results", lambda: len(again) == 6)
        assert again.outcomes == {Outcome.OK: 6}
    assert len(results) == 6
    assert "worker 1 ended with code -9" in caplog.text


def test_jobs_wait_while_no_worker_is_up(simulator: RunningSimulator) -> None:
    results, target = Results(), a_target(simulator.base_url, "fast")
    with running(a_pool(1)) as pool:
        os.kill(pool.pids[0], signal.SIGKILL)
        wait_until("its end", lambda: pool.workforce.running == 0)
        pool.submit(target, slot_of(target), results.append)
        wait_until("a result", lambda: results)
    assert results.outcomes == {Outcome.OK: 1}


def test_a_worker_that_answers_no_more_is_killed(simulator: RunningSimulator) -> None:
    results = Results()
    target = replace(a_target(simulator.base_url, "never-answers"), deadlines=Deadlines(total_seconds=0.5))
    with running(a_pool(1, stuck_after_seconds=0.5)) as pool:
        os.kill(pool.pids[0], signal.SIGSTOP)
        pool.submit(target, slot_of(target), results.append)
        wait_until("the record", lambda: results)
    assert results.outcomes == {Outcome.INTERNAL: 1}


def test_a_drain_lets_end_what_ends_in_time_and_skips_the_rest(simulator: RunningSimulator) -> None:
    results = Results()
    with running(a_pool(2, AgentSettings("here", concurrency=2))) as pool:
        short = a_target(simulator.base_url, "ok?ttft=0.5&tokens=3", deadlines=PATIENT)
        pool.submit(short, slot_of(short), results.append)
        wait_until("its worker has the SDK", lambda: len(results) == 1)
        for target in (short, waiting_target(simulator), waiting_target(simulator, 1)):
            pool.submit(target, slot_of(target), results.append)
        assert (pool.in_flight, pool.queued) == (2, 1)
        pool.drain(5.0)
        assert results.outcomes == {Outcome.OK: 2, Outcome.SKIPPED: 2}
        pool.submit(short, slot_of(short), results.append)
        assert results.outcomes == {Outcome.OK: 2, Outcome.SKIPPED: 3}
    assert {r.error for r in results if r.outcome is Outcome.SKIPPED} == {"the agent was shutting down"}


def test_a_drain_is_over_in_time_although_a_worker_hangs(simulator: RunningSimulator) -> None:
    results, target = Results(), waiting_target(simulator)
    with running(a_pool(1)) as pool:
        pool.submit(target, slot_of(target), results.append)
        os.kill(pool.pids[0], signal.SIGSTOP)
        began = time.monotonic()
        pool.drain(0.2)
        assert time.monotonic() - began < 3.0
    assert results.outcomes == {Outcome.SKIPPED: 1}


def test_a_drain_right_after_the_start_leaves_nothing() -> None:
    pool = a_pool()
    pool.start()
    pool.drain(0.0)
    assert pool.workforce.running == 0


def test_keys_are_in_no_command_line_and_no_environment_and_are_masked_in_what_is_said() -> None:
    other = "an-unlikely-word-9876"
    body = response(
        f'{{"error":{{"message":"{KEY} and {other} are bad"}}}}'.encode(), "application/json", "401 No"
    )
    redact = Redactor([KEY])
    with serving(says(body)) as server, running(a_pool(1, redact=redact)) as pool:
        redact.learn([other])
        results, target = Results(), a_target(server.base_url)
        pool.submit(target, slot_of(target), results.append)
        wait_until("a result", lambda: results)
        seen = b"".join(Path(f"/proc/{pool.pids[0]}/{what}").read_bytes() for what in ("cmdline", "environ"))
        assert server.requests
        assert f"Bearer {KEY}".encode() in server.requests[0]
    assert KEY.encode() not in seen
    assert b"SOME_API_KEY" not in seen
    assert results[0].outcome is Outcome.AUTH
    assert results[0].error is not None
    assert KEY not in results[0].error
    assert other not in results[0].error


def test_the_worst_worker_speaks_for_all(simulator: RunningSimulator) -> None:
    results = Results()
    with running(a_pool(2, AgentSettings("here", self_check_seconds=0.2))) as pool:
        assert pool.self_check is None
        for number in range(8):
            target = a_target(simulator.base_url, f"fast?id={number}")
            pool.submit(target, slot_of(target), results.append)

        def worst_of_two() -> bool:
            errors = [abs(check.ttft_error_seconds or 0.0) for check in pool.self_checks]
            spoken_for = pool.self_check
            return (
                len(errors) == 2
                and spoken_for is not None
                and abs(spoken_for.ttft_error_seconds or 0.0) == max(errors)
            )

        wait_until("the worst of both", worst_of_two)
    assert len(results) == 8, "checks are no results"


def test_no_worker_outlives_a_killed_agent() -> None:
    agent = (
        "import os, time\n"
        "from probes.clock import SystemClock\n"
        "from probes.domain.result import Observer\n"
        "from probes.log import Redactor\n"
        "from probes.prober.workers import WorkerContext, WorkerPool\n"
        "from probes.settings.model import AgentSettings\n"
        "context = WorkerContext(Observer('here', 'a'), SystemClock(), Redactor(), os.environ)\n"
        "pool = WorkerPool(2, AgentSettings(), context)\n"
        "pool.start()\n"
        "while pool.workforce.running < 2: time.sleep(0.01)\n"
        "print(*pool.pids, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", agent], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert len(pids) == 2
        process.kill()
    wait_until("the workers' end", lambda: not [pid for pid in pids if is_running(pid)])


def test_a_pool_that_never_started_says_so(simulator: RunningSimulator) -> None:
    pool, target = a_pool(), a_target(simulator.base_url)
    with pytest.raises(RuntimeError, match="start the pool"):
        pool.submit(target, slot_of(target), Results().append)
    pool.drain(1.0)


def test_a_taker_that_fails_stops_nobody(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_result: ProbeResult) -> None:
        raise OSError("the disk is full")

    results, target = Results(), a_target(simulator.base_url, "fast")
    takers: list[Callable[[ProbeResult], None]] = [fail, results.append]
    with running(a_pool(1)) as pool:
        for taker in takers:
            pool.submit(target, slot_of(target), taker)
        wait_until("the second result", lambda: results)
    assert "taking the result of acme/main/fast" in caplog.text
