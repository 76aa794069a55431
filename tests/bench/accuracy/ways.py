"""The ways of timing a stream that run in a process of ours: FirstToken's prober and the usual SDK loops."""

import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.bench.accuracy.errors import NANOSECONDS, Measured

if TYPE_CHECKING:
    from probes.domain.result import ProbeResult
    from probes.prober.exchange import Attempt

KEY = "bench-key"
ASKED = [{"role": "user", "content": "Count upward in words."}]

Measure = Callable[[], Awaitable[Measured]]
MeasureInThread = Callable[[], Measured]


@contextlib.asynccontextmanager
async def our_prober(url: str, model: str) -> AsyncIterator[Measure]:
    """As the agent probes: kernel stamps, a fresh connection for each stream."""
    from probes.clock import SystemClock
    from probes.domain.result import Observer, Slot
    from probes.domain.target import Protocol, Secret, Target
    from probes.log import Redactor
    from probes.prober import Prober

    prober = Prober(Observer("bench", "bench"), SystemClock(), Redactor())
    await prober.warm({Protocol.OPENAI_CHAT})
    target = Target(
        id=f"bench/bench/{model}",
        provider="bench",
        client="bench",
        model=model,
        protocol=Protocol.OPENAI_CHAT,
        base_url=f"{url}/v1",
        api_key=Secret(KEY),
    )

    async def measure() -> Measured:
        attempts: list[Attempt] = []
        slot = Slot(target.id, datetime.now(UTC))
        result = await prober.probe(target, slot, in_flight=1, on_attempt=attempts.append)
        return _as_recorded(result, attempts[0])

    yield measure
    await prober.aclose()


def _as_recorded(result: "ProbeResult", attempt: "Attempt") -> Measured:
    """The record's own figures; the record keeps only percentiles of the gaps, so these come from its stamps."""
    stamps = [one.stamp.arrived_ns for one in attempt.arrivals if one.event.pieces]
    before = (result.dns_seconds, result.connect_seconds, result.tls_seconds, result.overhead_seconds)
    total = result.response_seconds
    return Measured(
        id=result.request_id or "",
        ttft_seconds=result.ttft_seconds,
        gaps_seconds=[(b - a) / NANOSECONDS for a, b in itertools.pairwise(stamps)],
        tpot_seconds=result.tpot_seconds,
        total_seconds=None if total is None else total - sum(phase or 0.0 for phase in before),
        quality=result.quality.value if result.quality is not None else None,
        lag_seconds=result.rx_lag_seconds,
        failure=None if result.outcome == "ok" else f"{result.outcome.value}: {result.error}",
    )


@contextlib.asynccontextmanager
async def async_sdk(url: str, model: str) -> AsyncIterator[Measure]:
    """A shared client, a clock before the call and at each chunk with text."""
    import openai

    client = openai.AsyncOpenAI(api_key=KEY, base_url=f"{url}/v1", max_retries=0)

    async def measure() -> Measured:
        began = time.perf_counter()
        stream: Any = await client.chat.completions.create(
            model=model,
            messages=ASKED,  # type: ignore[arg-type]
            stream=True,
        )
        answer, times = "", []
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                answer = chunk.id
                times.append(time.perf_counter())
        return _as_timed(answer, began, times, time.perf_counter())

    yield measure
    await client.close()


@contextlib.contextmanager
def sync_sdk(url: str, model: str) -> Iterator[MeasureInThread]:
    """The same with the blocking client, one thread a stream."""
    import openai

    client = openai.OpenAI(api_key=KEY, base_url=f"{url}/v1", max_retries=0)

    def measure() -> Measured:
        began = time.perf_counter()
        stream: Any = client.chat.completions.create(
            model=model,
            messages=ASKED,  # type: ignore[arg-type]
            stream=True,
        )
        answer, times = "", []
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                answer = chunk.id
                times.append(time.perf_counter())
        return _as_timed(answer, began, times, time.perf_counter())

    yield measure
    client.close()


def _as_timed(answer: str, began: float, times: Sequence[float], ended: float) -> Measured:
    gaps = [b - a for a, b in itertools.pairwise(times)]
    return Measured(
        id=answer,
        ttft_seconds=times[0] - began if times else None,
        gaps_seconds=gaps,
        tpot_seconds=sum(gaps) / len(gaps) if gaps else None,
        total_seconds=ended - began,
    )


OURS = "FirstToken"
ASYNC_SDK = "AsyncOpenAI loop"
SYNC_SDK = "OpenAI in threads"
ON_A_LOOP: dict[str, Callable[[str, str], AbstractAsyncContextManager[Measure]]] = {
    OURS: our_prober,
    ASYNC_SDK: async_sdk,
}
IN_THREADS: dict[str, Callable[[str, str], AbstractContextManager[MeasureInThread]]] = {SYNC_SDK: sync_sdk}
