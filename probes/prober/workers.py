"""A pool whose probes run in several processes; to its agent it is a pool like the other one.

All that must hold over all of them together is decided here, before a job leaves: the limits, the queue, the one
result for each job. A worker decides only when exactly to start, so that its own starts lie apart.
"""

import collections
import itertools
import logging
import math
import queue
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from probes.clock import Clock
from probes.domain.outcome import Outcome
from probes.domain.plan import SelfCheck, Workforce
from probes.domain.result import Observer, ProbeResult, Slot, unmeasured_result
from probes.domain.target import Secret, Target
from probes.log import Redactor
from probes.prober.foreign_text import error_line
from probes.prober.frames import Assign, Checked, Configure, Done, Drain, FromWorker, Learn, Start, ToWorker
from probes.prober.pool import Job, OnResult, first_with_room
from probes.prober.worker_process import Hooks, WorkerProcess, worker_environ
from probes.settings.model import AgentSettings

logger = logging.getLogger(__name__)

STUCK_AFTER_SECONDS: Final = 30.0  # beyond a probe's deadlines, which a sane worker keeps by itself
_GOODBYE_SECONDS: Final = (
    0.8  # beyond the drain's time, until a worker is killed: all must fit into the shutdown's
)
_JOIN_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What every worker is given, and what the records of jobs that none could do are made from."""

    observer: Observer
    clock: Clock
    redact: Redactor
    environ: Mapping[str, str]
    config_version: Callable[[], str | None] = lambda: None
    stuck_after_seconds: float = STUCK_AFTER_SECONDS


@dataclass(frozen=True, slots=True)
class _Posting:
    """A job that a worker has."""

    job: Job
    in_flight: int  # of all workers, with this one
    stuck_at: float  # on the monotonic clock


@dataclass(slots=True, eq=False)
class _Station:
    """One worker's place; `is_up` between its start and its end. Guarded by the pool's lock."""

    process: WorkerProcess
    is_up: bool = False
    postings: dict[int, _Posting] = field(default_factory=dict)
    known_secrets: frozenset[str] = frozenset()
    self_check: SelfCheck | None = None

    def send(self, frame: ToWorker) -> None:
        self.process.send(frame)


class WorkerPool:
    """`start`, then `submit` from any thread, then `drain`. Each job gets exactly one result."""

    def __init__(self, count: int, settings: AgentSettings, context: WorkerContext) -> None:
        self._settings = settings
        self._context = context
        self._waiting: collections.deque[Job] = collections.deque()
        self._numbers = itertools.count()
        self._results: queue.SimpleQueue[tuple[Job, ProbeResult] | None] = queue.SimpleQueue()
        self._lock = threading.RLock()
        self._is_started = self._is_draining = False
        self._lag_seconds: float | None = None
        self._deaths = 0
        hooks = Hooks(self._on_up, self._on_frame, self._on_end, self._is_stuck)
        environ = worker_environ(context.environ, context.redact)
        self._stations = [_Station(WorkerProcess(n + 1, environ, hooks)) for n in range(count)]
        self._result_thread = threading.Thread(target=self._deliver, name="probe-results", daemon=True)

    # From any thread.

    def start(self) -> None:
        """Ready for `submit` when it returns; what is submitted waits for the first worker to be up."""
        self._is_started = True
        self._result_thread.start()
        for station in self._stations:
            station.process.start()

    def submit(self, target: Target, slot: Slot, on_result: OnResult) -> None:
        """Probe as soon as there is room; `on_result` is called once, from a thread of the pool."""
        job = Job(target, slot, on_result)
        with self._lock:
            if not self._is_started:
                raise RuntimeError("start the pool before submitting to it")
            if not self._is_draining:
                self._waiting.append(job)
                self._pump()
                return
        on_result(self._skipped(job))

    def configure(self, settings: AgentSettings) -> None:
        """Applies to the next start; what runs is left alone."""
        with self._lock:
            self._settings = settings
            for station in self._up():
                station.send(Configure(settings))
            self._pump()

    @property
    def in_flight(self) -> int:
        with self._lock:
            return len(self._postings())

    @property
    def queued(self) -> int:
        return len(self._waiting)

    @property
    def lag_seconds(self) -> float | None:
        """How late the newest probe was handed to a worker; None before the first."""
        return self._lag_seconds

    @property
    def self_check(self) -> SelfCheck | None:
        """The worst of the workers' newest; None before the first."""
        return max(self.self_checks, key=lambda check: abs(check.ttft_error_seconds or 0.0), default=None)

    @property
    def self_checks(self) -> list[SelfCheck]:
        """The newest of each worker that has one."""
        with self._lock:
            return [station.self_check for station in self._up() if station.self_check is not None]

    @property
    def workforce(self) -> Workforce:
        with self._lock:
            return Workforce(len(self._stations), len(list(self._up())), self._deaths)

    @property
    def pids(self) -> list[int]:
        with self._lock:
            return [pid for station in self._up() if (pid := station.process.pid) is not None]

    def drain(self, timeout_seconds: float) -> None:
        """Let what runs end in time, skip the rest; every result is delivered when this returns. Final."""
        with self._lock:
            if not self._is_started or self._is_draining:
                return
            self._is_draining = True
            while self._waiting:
                self._skip(self._waiting.popleft())
            for station in self._stations:
                station.process.finish()
            for station in self._up():
                station.send(Drain(timeout_seconds))
        deadline = time.monotonic() + timeout_seconds + _GOODBYE_SECONDS
        for station in self._stations:
            station.process.wait_or_kill(deadline)
        self._results.put(None)
        self._result_thread.join(_JOIN_SECONDS)
        if self._result_thread.is_alive():
            logger.error("results are still being taken %g s after the last probe", _JOIN_SECONDS)

    # Under the lock.

    def _up(self) -> Iterator[_Station]:
        return (station for station in self._stations if station.is_up)

    def _postings(self) -> list[_Posting]:
        return [posting for station in self._stations for posting in station.postings.values()]

    def _pump(self) -> None:
        """Hand over what may run now."""
        if self._is_draining:
            return
        while True:
            running = [posting.job for posting in self._postings()]
            job = first_with_room(self._waiting, running, self._settings)
            station = self._station_for(job.target) if job is not None else None
            if job is None or station is None:
                return
            self._waiting.remove(job)
            self._assign(station, job, in_flight=len(running) + 1)

    def _station_for(self, target: Target) -> _Station | None:
        """The target's own, which keeps its connection, unless that one is away or has its share already."""
        up = list(self._up())
        if not up:
            return None
        own = self._stations[zlib.crc32(target.id.encode()) % len(self._stations)]
        share = math.ceil(self._settings.concurrency / len(up))
        if own.is_up and len(own.postings) < share:
            return own
        return min(up, key=lambda station: len(station.postings))

    def _assign(self, station: _Station, job: Job, in_flight: int) -> None:
        self._teach(station)
        number = next(self._numbers)
        patience_seconds = job.target.deadlines.total_seconds + self._context.stuck_after_seconds
        station.postings[number] = _Posting(job, in_flight, time.monotonic() + patience_seconds)
        self._lag_seconds = (self._context.clock.now() - job.slot.due_at).total_seconds()
        station.send(Assign(number, job.target, job.slot, self._context.config_version()))

    def _teach(self, station: _Station) -> None:
        known = self._context.redact.secrets
        if fresh := known - station.known_secrets:
            station.send(Learn(tuple(Secret(secret) for secret in fresh)))
            station.known_secrets = known

    def _skip(self, job: Job) -> None:
        self._results.put((job, self._skipped(job)))

    # From the workers' threads.

    def _on_up(self, process: WorkerProcess) -> None:
        with self._lock:
            station = self._station_of(process)
            context = self._context
            level = logging.getLogger().getEffectiveLevel()
            station.send(Start(process.number, context.observer, self._settings, level))
            station.known_secrets, station.self_check, station.is_up = frozenset(), None, True
            self._teach(station)
            if self._is_draining:
                station.send(Drain(0.0))
            self._pump()

    def _on_frame(self, process: WorkerProcess, frame: FromWorker) -> None:
        with self._lock:
            station = self._station_of(process)
            match frame:
                case Done():
                    posting = station.postings.pop(frame.number)
                    self._results.put((posting.job, _as_of_all(frame.result, posting)))
                    self._pump()
                case Checked():
                    station.self_check = frame.check
                case _:
                    assert_never(frame)

    def _on_end(self, process: WorkerProcess, code: int) -> None:
        with self._lock:
            station = self._station_of(process)
            station.is_up = False
            lost, station.postings = station.postings, {}
            why = f"the worker process that measured it ended with code {code}"
            for posting in lost.values():
                if self._is_draining:
                    self._skip(posting.job)
                else:
                    self._results.put((posting.job, self._unmeasured(posting.job, Outcome.INTERNAL, why)))
            self._deaths += not self._is_draining
            self._pump()

    def _is_stuck(self, process: WorkerProcess) -> bool:
        with self._lock:
            postings = self._station_of(process).postings.values()
            stuck = [posting for posting in postings if posting.stuck_at < time.monotonic()]
        if stuck:
            logger.error("worker %d has not answered in time and is killed", process.number)
        return bool(stuck)

    def _station_of(self, process: WorkerProcess) -> _Station:
        return self._stations[process.number - 1]

    # Records of what could not be done.

    def _skipped(self, job: Job) -> ProbeResult:
        return self._unmeasured(job, Outcome.SKIPPED, "the agent was shutting down")

    def _unmeasured(self, job: Job, outcome: Outcome, why: str) -> ProbeResult:
        observer, now = self._context.observer, self._context.clock.now()
        error = error_line(why, self._context.redact)
        return unmeasured_result(job.target, job.slot, outcome, observer=observer, now=now, error=error)

    # On the results' thread.

    def _deliver(self) -> None:
        while (item := self._results.get()) is not None:
            job, result = item
            try:
                job.on_result(result)
            except Exception:
                logger.exception("taking the result of %s failed", job.target.id)


def _as_of_all(result: ProbeResult, posting: _Posting) -> ProbeResult:
    """A worker knows only what runs beside a probe in its own process."""
    return result if result.in_flight is None else replace(result, in_flight=posting.in_flight)
