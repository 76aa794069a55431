"""Runs probes concurrently on an event loop of their own, in a thread of its own; results leave by another thread.

Nothing that blocks may run on that loop: it would be recorded as somebody's time to first token.
"""

import asyncio
import collections
import logging
import queue
import sys
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from probes.domain.outcome import Outcome
from probes.domain.plan import SelfCheck, Workforce
from probes.domain.result import ProbeResult, Slot
from probes.domain.target import Target
from probes.prober.probe import Prober
from probes.prober.self_check import FIRST_CHECK_SECONDS, REPEAT_SECONDS, SelfChecker
from probes.settings.model import AgentSettings

logger = logging.getLogger(__name__)

START_GAP_SECONDS: Final = 0.05  # two starts closer than this would lie in each other's overhead
MAX_SPREAD_SECONDS: Final = 5.0  # but a refresh of hundreds goes out within about this, room permitting
SWITCH_INTERVAL_SECONDS: Final = (
    0.0005  # how long a busy thread may keep the loop from a socket that is readable
)
_CANCEL_SECONDS: Final = 1.0
_JOIN_SECONDS: Final = 2.0

OnResult = Callable[[ProbeResult], None]
OnCheck = Callable[[SelfCheck], None]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    target: Target
    slot: Slot
    on_result: OnResult


def first_with_room(waiting: Iterable[Job], running: Collection[Job], settings: AgentSettings) -> Job | None:
    """The first waiting job with room for it; a crowded provider holds up nobody but itself."""
    if len(running) >= settings.concurrency:
        return None
    busy = collections.Counter(job.target.provider for job in running)
    return next((job for job in waiting if busy[job.target.provider] < settings.provider_concurrency), None)


class ProbePool:
    """`start`, then `submit` from any thread, then `drain`. Each job gets exactly one result."""

    def __init__(
        self,
        prober: Prober,
        settings: AgentSettings,
        *,
        checker: SelfChecker | None = None,
        on_check: OnCheck = lambda _check: None,
    ) -> None:
        """`on_check` is called after each self-check, from the thread of the results."""
        self._prober = prober
        self._settings = settings
        self._checker = checker or SelfChecker(prober)
        self._on_check = on_check
        self._self_check: SelfCheck | None = None
        self._checking: asyncio.Task[None] | None = None
        self._waiting: collections.deque[Job] = collections.deque()
        self._running: dict[asyncio.Task[ProbeResult], Job] = {}
        self._results: queue.SimpleQueue[tuple[Job, ProbeResult] | SelfCheck | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()  # a job is handed over before the drain begins, or not at all
        self._is_draining = False
        self._next_pump: asyncio.TimerHandle | None = None
        self._last_start: float | None = None
        self._lag_seconds: float | None = None
        self._is_up = threading.Event()
        self._stop = asyncio.Event()
        self._probe_thread = threading.Thread(target=self._run_loop, name="probes", daemon=True)
        self._result_thread = threading.Thread(target=self._deliver, name="probe-results", daemon=True)

    # From any thread.

    def start(self) -> None:
        """Ready for `submit` when it returns."""
        self._result_thread.start()
        self._probe_thread.start()
        self._is_up.wait()

    def submit(self, target: Target, slot: Slot, on_result: OnResult) -> None:
        """Probe as soon as there is room; `on_result` is called once, from a thread of the pool."""
        job = Job(target, slot, on_result)
        with self._lock:
            if self._loop is None:
                raise RuntimeError("start the pool before submitting to it")
            if not self._is_draining:
                self._loop.call_soon_threadsafe(self._accept, job)
                return
        on_result(self._skipped(job))

    def configure(self, settings: AgentSettings) -> None:
        """Applies to the next start; what runs is left alone."""
        self._settings = settings
        with self._lock:
            if self._loop is not None and not self._is_draining:
                self._loop.call_soon_threadsafe(self._pump)

    @property
    def in_flight(self) -> int:
        return len(self._running)

    @property
    def queued(self) -> int:
        return len(self._waiting)

    @property
    def lag_seconds(self) -> float | None:
        """How late the newest probe started; None before the first."""
        return self._lag_seconds

    @property
    def self_check(self) -> SelfCheck | None:
        """The newest; None before the first."""
        return self._self_check

    @property
    def workforce(self) -> Workforce:
        return Workforce()

    def drain(self, timeout_seconds: float) -> None:
        """Let what runs end in time, skip the rest; every result is delivered when this returns. Final."""
        with self._lock:
            if self._loop is None or self._is_draining:
                return
            self._is_draining = True
            drained = asyncio.run_coroutine_threadsafe(self._drain(timeout_seconds), self._loop)
        try:
            drained.result(timeout_seconds + _CANCEL_SECONDS + _JOIN_SECONDS)
        except TimeoutError:
            logger.error("our bug: %d probes did not let themselves be cancelled", self.in_flight)
        self._probe_thread.join(_JOIN_SECONDS)
        self._results.put(None)
        self._result_thread.join(_JOIN_SECONDS)
        if self._result_thread.is_alive():
            logger.error("results are still being taken %g s after the last probe", _JOIN_SECONDS)

    # On the loop.

    def _run_loop(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._checking = self._loop.create_task(self._keep_checking(), name="self-check")
        self._is_up.set()
        await self._stop.wait()
        await self._prober.aclose()

    def _accept(self, job: Job) -> None:
        self._waiting.append(job)
        self._pump()

    def _pump(self) -> None:
        """Start what may start now, and come back when the next one may."""
        assert self._loop is not None
        if self._next_pump is not None:
            self._next_pump.cancel()
            self._next_pump = None
        while (job := first_with_room(self._waiting, self._running.values(), self._settings)) is not None:
            wait_seconds = self._seconds_to_next_start()
            if wait_seconds > 0:
                self._next_pump = self._loop.call_later(wait_seconds, self._pump)
                return
            self._waiting.remove(job)
            self._start(job)

    def _seconds_to_next_start(self) -> float:
        assert self._loop is not None
        if self._last_start is None:
            return 0.0
        gap_seconds = min(START_GAP_SECONDS, MAX_SPREAD_SECONDS / max(1, len(self._waiting)))
        return self._last_start + gap_seconds - self._loop.time()

    def _start(self, job: Job) -> None:
        assert self._loop is not None
        self._last_start = self._loop.time()
        self._lag_seconds = self._prober.lag_seconds(job.slot)
        probing = self._prober.probe(job.target, job.slot, in_flight=len(self._running) + 1)
        task = self._loop.create_task(probing, name=f"probe {job.target.id}")
        self._running[task] = job
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[ProbeResult]) -> None:
        job = self._running.pop(task)
        if task.cancelled():
            result = self._skipped(job)
        elif (error := task.exception()) is not None:
            logger.error("our bug: the probe of %s for slot %s", job.target.id, job.slot, exc_info=error)
            result = self._prober.unmeasured(job.target, job.slot, Outcome.INTERNAL, repr(error))
        else:
            result = task.result()
        self._results.put((job, result))
        if not self._is_draining:
            self._pump()

    async def _keep_checking(self) -> None:
        """Checks keep their distance from other starts, but wait for no room: a full pool is what they are to see."""
        assert self._loop is not None
        await self._prober.first_warm_up()
        await asyncio.sleep(min(FIRST_CHECK_SECONDS, self._settings.self_check_seconds))
        while True:
            wait_seconds = max(0.0, self._seconds_to_next_start())
            self._last_start = (
                self._loop.time() + wait_seconds
            )  # the next probe then keeps its distance from us
            await asyncio.sleep(wait_seconds)
            is_good = await self._check()
            pause_seconds = self._settings.self_check_seconds
            await asyncio.sleep(pause_seconds if is_good else min(pause_seconds, REPEAT_SECONDS))

    async def _check(self) -> bool:
        try:
            check = await self._checker.check()
        except Exception:
            logger.exception("our bug: the self-check failed")
            return False
        if check is not None:
            self._self_check = check
            self._results.put(check)
        return check is not None and check.ttft_error_seconds is not None and not check.is_off

    async def _drain(self, timeout_seconds: float) -> None:
        assert self._checking is not None
        self._checking.cancel()
        if self._next_pump is not None:
            self._next_pump.cancel()
        while self._waiting:
            job = self._waiting.popleft()
            self._results.put((job, self._skipped(job)))
        if self._running:
            await asyncio.wait(list(self._running), timeout=timeout_seconds)
        late = list(self._running)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=_CANCEL_SECONDS)
        await asyncio.wait([self._checking], timeout=_CANCEL_SECONDS)
        self._stop.set()

    def _skipped(self, job: Job) -> ProbeResult:
        return self._prober.unmeasured(job.target, job.slot, Outcome.SKIPPED, "the agent was shutting down")

    # On the results' thread.

    def _deliver(self) -> None:
        while (item := self._results.get()) is not None:
            try:
                if isinstance(item, SelfCheck):
                    self._on_check(item)
                else:
                    job, result = item
                    job.on_result(result)
            except Exception:
                what = "a self-check" if isinstance(item, SelfCheck) else item[1].target
                logger.exception("taking the result of %s failed", what)
