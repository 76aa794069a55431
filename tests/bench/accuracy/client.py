"""One run of one way, in a process of its own: `python -m tests.bench.accuracy.client '{...}'` prints what it measured.

What is measured here is compared elsewhere; this process knows no truth.
"""

import asyncio
import concurrent.futures
import contextlib
import itertools
import json
import os
import re
import resource
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.accuracy.errors import Measured
from tests.bench.accuracy.schedule import Pace, Schedule
from tests.bench.accuracy.ways import IN_THREADS, ON_A_LOOP, OURS, Measure, MeasureInThread


@dataclass(frozen=True, slots=True)
class Job:
    way: str
    url: str
    model: str
    schedule: Schedule
    pace: Pace
    has_busy_thread: bool = False
    core: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Job":
        fields = json.loads(text)
        fields["schedule"] = Schedule(**fields["schedule"])
        fields["pace"] = Pace(**fields["pace"])
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Took:
    """What the run cost, imports and warming excluded from the processor's time."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def run(job: Job) -> tuple[list[Measured], Took]:
    if job.core is not None:
        os.sched_setaffinity(0, {job.core})
    with busy_thread() if job.has_busy_thread else contextlib.nullcontext():
        if job.way in IN_THREADS:
            return in_threads(job)
        if job.way == OURS:
            from probes.prober.pool import SWITCH_INTERVAL_SECONDS

            sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)  # as the agent does
        return asyncio.run(on_a_loop(job))


async def on_a_loop(job: Job) -> tuple[list[Measured], Took]:
    async with ON_A_LOOP[job.way](job.url, job.model) as measure:
        await measured_or_failed(measure)
        began = Stopwatch()
        return await measured_on_a_loop(measure, job), began.took()


def failed(error: Exception) -> Measured:
    return Measured(id="", ttft_seconds=None, failure=f"{type(error).__name__}: {error}")


async def measured_or_failed(measure: Measure) -> Measured:
    try:
        return await measure()
    except Exception as error:
        return failed(error)


async def measured_on_a_loop(measure: Measure, job: Job) -> list[Measured]:
    measured: list[Measured] = []
    numbers, pace = itertools.count(), job.pace

    async def keep_one_in_flight(delay: float) -> None:
        await asyncio.sleep(delay)
        while next(numbers) < pace.total:
            measured.append(await measured_or_failed(measure))

    if pace.is_burst:
        for _ in range(pace.rounds):
            measured += await asyncio.gather(*(measured_or_failed(measure) for _ in range(pace.streams)))
    else:
        await asyncio.gather(*(keep_one_in_flight(delay) for delay in pace.delays(job.schedule)))
    return measured


def in_threads(job: Job) -> tuple[list[Measured], Took]:
    with IN_THREADS[job.way](job.url, job.model) as measure:
        measured_in_thread(measure)
        began = Stopwatch()
        return measured_in_threads(measure, job), began.took()


def measured_in_thread(measure: MeasureInThread) -> Measured:
    try:
        return measure()
    except Exception as error:
        return failed(error)


def measured_in_threads(measure: MeasureInThread, job: Job) -> list[Measured]:
    numbers, pace = itertools.count(), job.pace

    def keep_one_in_flight(delay: float) -> list[Measured]:
        time.sleep(delay)
        measured = []
        while next(numbers) < pace.total:
            measured.append(measured_in_thread(measure))
        return measured

    with concurrent.futures.ThreadPoolExecutor(pace.streams) as pool:
        if not pace.is_burst:
            kept = [pool.submit(keep_one_in_flight, delay) for delay in pace.delays(job.schedule)]
            return [one for future in kept for one in future.result()]
        measured = []
        for _ in range(pace.rounds):
            at_once = [pool.submit(measured_in_thread, measure) for _ in range(pace.streams)]
            measured += [future.result() for future in at_once]
        return measured


class Stopwatch:
    """Of this process and its children: the prober has one that reads its sockets."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time() + children_cpu_seconds()

    def took(self) -> Took:
        own_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return Took(
            wall_seconds=time.monotonic() - self._wall,
            cpu_seconds=time.process_time() + children_cpu_seconds() - self._cpu,
            peak_bytes=own_bytes + sum(map(peak_bytes, children())),
        )


def children() -> list[Path]:
    """Their directories under /proc; none where the system has no such thing."""
    try:
        listed = Path("/proc/self/task").glob("*/children")
        return [Path("/proc", child) for one in listed for child in one.read_text().split()]
    except OSError:
        return []


def children_cpu_seconds() -> float:
    ticks = [
        sum(map(int, (child / "stat").read_text().rpartition(")")[2].split()[11:13])) for child in children()
    ]
    return sum(ticks) / os.sysconf("SC_CLK_TCK")


def peak_bytes(child: Path) -> int:
    """What wait() tells of a child's memory is also that of the process it was forked from; this is its own."""
    found = re.search(r"VmHWM:\s+(\d+) kB", (child / "status").read_text())
    return int(found[1]) * 1024 if found is not None else 0


@contextlib.contextmanager
def busy_thread() -> Iterator[None]:
    """A neighbour in this very process that never waits; its time is in the processor's time of the run."""
    is_over = threading.Event()

    def burn() -> None:
        while not is_over.is_set():
            sum(range(10_000))

    thread = threading.Thread(target=burn, name="busy", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def main() -> None:
    measured, took = run(Job.parse(sys.argv[1]))
    json.dump({"measured": [asdict(one) for one in measured], "took": asdict(took)}, sys.stdout)


if __name__ == "__main__":
    main()
