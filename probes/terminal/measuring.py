"""Probes on an event loop in a thread of its own, so that drawing and writing never stand in a measurement's way.

What happens there comes out through a queue; whoever shows it reads the queue from another thread.
"""

import asyncio
import queue
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import uuid4

from probes.clock import Clock
from probes.domain.result import ProbeResult, Slot, Trigger
from probes.domain.target import Target
from probes.prober import Prober
from probes.prober.exchange import Attempt
from probes.prober.pool import START_GAP_SECONDS, SWITCH_INTERVAL_SECONDS
from probes.prober.stamps import NANOSECONDS
from probes.settings.model import AgentSettings

_JOIN_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Began:
    target_id: str
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Ended:
    """`round_number` 0 is a warm-up; None where there are no rounds."""

    result: ProbeResult
    round_number: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing runs until then, on the monotonic clock; for this target, or None for all."""

    until_ns: int
    target_id: str | None = None


Event: TypeAlias = Began | Ended | Waiting | None  # None: all is done
Events: TypeAlias = "queue.SimpleQueue[Event]"


class Measuring:
    """One run of a plan; `stop` from any thread, then read the queue to its None."""

    def __init__(self, plan: "Callable[[Bench], Coroutine[Any, Any, None]]", bench: "Bench") -> None:
        self._plan = plan
        self._bench = bench
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_up = threading.Event()
        self._is_stopping = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="measuring", daemon=True)

    def start(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
        self._thread.start()
        self._is_up.wait()

    def stop(self) -> None:
        """Abandon what runs. Safe in a signal handler, and to call again."""
        self._is_stopping = True
        loop, task = self._loop, self._task
        if loop is not None and task is not None and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    def join(self) -> None:
        """Raises what the plan raised: a bug of ours, for probes raise nothing."""
        self._thread.join(_JOIN_SECONDS)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001  # handed to the thread that joins
            self._failure = error
        finally:
            self._is_up.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._is_up.set()
        try:
            if not self._is_stopping:
                await self._plan(self._bench)
        finally:
            await self._bench.aclose()
            self._bench.events.put(None)  # here, for the loop's end may wait long for a name server


class Bench:
    """What a plan measures with: one prober, limits as in the agent, starts kept apart."""

    def __init__(self, prober: Prober, clock: Clock, limits: AgentSettings) -> None:
        self.events: Events = queue.SimpleQueue()
        self._prober = prober
        self._clock = clock
        self._room = asyncio.Semaphore(limits.concurrency)
        self._rooms = defaultdict[str, asyncio.Semaphore](
            lambda: asyncio.Semaphore(limits.provider_concurrency)
        )
        self._starting = asyncio.Lock()
        self._in_flight = 0

    async def warm(self, targets: Sequence[Target]) -> None:
        await self._prober.warm({target.protocol for target in targets})

    async def probe(self, target: Target, round_number: int | None = None) -> ProbeResult:
        """Measure once, as soon as there is room."""
        async with AsyncExitStack() as stack:
            for room in (self._rooms[target.provider], self._room):
                await stack.enter_async_context(room)
            async with self._starting:
                await asyncio.sleep(START_GAP_SECONDS if self._in_flight else 0)
            result = await self._measure(target)
        self.events.put(Ended(result, round_number))
        return result

    async def _measure(self, target: Target) -> ProbeResult:
        slot = Slot(target.id, self._clock.now(), Trigger.MANUAL, str(uuid4()))
        self._in_flight += 1
        try:
            return await self._prober.probe(
                target,
                slot,
                in_flight=self._in_flight,
                on_attempt=lambda attempt: self.events.put(Began(target.id, attempt)),
            )
        finally:
            self._in_flight -= 1

    async def wait_until(self, due_ns: int, target: Target | None = None) -> None:
        left_ns = due_ns - self._clock.monotonic_ns()
        if left_ns > 0:
            self.events.put(Waiting(due_ns, target.id if target is not None else None))
            await asyncio.sleep(left_ns / NANOSECONDS)

    def now_ns(self) -> int:
        return self._clock.monotonic_ns()

    async def aclose(self) -> None:
        await self._prober.aclose()
