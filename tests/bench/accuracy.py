"""Prints how far measured times are from the truth: our prober and the usual SDK loop against the truth server.

    python -m tests.bench.accuracy [--streams 1,20,100] [--probes 100] [--busy]

Always N streams in flight; error = measured - true, in ms, median / p95. `--busy` adds a CPU-bound thread to the
measuring process. Nothing is asserted: a bench prints.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import math
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import openai

from probes.clock import SystemClock
from probes.domain.result import Observer, Slot
from probes.domain.target import Protocol, Secret, Target
from probes.log import Redactor
from probes.prober import Prober

SCHEDULE = "t200-g20-n51"


@dataclass
class Measured:
    """One stream as a way of timing saw it."""

    name: str
    ttft_seconds: float
    gap_p95_seconds: float
    quality: str = ""


Measure = Callable[[str], Awaitable[Measured]]


@contextlib.contextmanager
def truth_server() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.prober.truth_server"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.stdin.close()
        process.wait(10)


@contextlib.asynccontextmanager
async def our_prober(base_url: str) -> AsyncIterator[Measure]:
    prober = Prober(Observer("bench", "bench"), SystemClock(), Redactor())
    await prober.warm({Protocol.OPENAI_CHAT})

    async def measure(name: str) -> Measured:
        target = Target(
            id=f"bench/bench/{name}",
            provider="bench",
            client="bench",
            model=name,
            protocol=Protocol.OPENAI_CHAT,
            base_url=f"{base_url}/v1",
            api_key=Secret("bench-key"),
        )
        result = await prober.probe(target, Slot(target.id, datetime.now(UTC)), in_flight=1)
        assert result.ttft_seconds is not None, result
        assert result.gap_p95_seconds is not None
        return Measured(name, result.ttft_seconds, result.gap_p95_seconds, result.quality or "")

    yield measure
    await prober.aclose()


@contextlib.asynccontextmanager
async def plain_sdk(base_url: str) -> AsyncIterator[Measure]:
    """The usual way: a shared client, a clock before the call and at each chunk with text."""
    client = openai.AsyncOpenAI(api_key="bench-key", base_url=f"{base_url}/v1", max_retries=0)

    async def measure(name: str) -> Measured:
        began = time.perf_counter()
        stream = await client.chat.completions.create(
            model=name, messages=[{"role": "user", "content": "count"}], stream=True
        )
        times = [
            time.perf_counter() async for chunk in stream if chunk.choices and chunk.choices[0].delta.content
        ]
        return Measured(
            name, times[0] - began, percentile([b - a for a, b in itertools.pairwise(times)], 0.95)
        )

    yield measure
    await client.close()


WAYS: dict[str, Callable[[str], contextlib.AbstractAsyncContextManager[Measure]]] = {
    "FirstToken": our_prober,
    "plain AsyncOpenAI loop": plain_sdk,
}


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def run(way: str, base_url: str, streams: int, probes: int) -> tuple[list[Measured], float]:
    """All measurements, and the CPU seconds each one cost."""
    numbers = itertools.count()
    measured: list[Measured] = []
    async with WAYS[way](base_url) as measure:
        await measure(f"{SCHEDULE}-warm-{way.split()[0]}-{streams}")

        async def keep_one_in_flight(delay: float) -> None:
            await asyncio.sleep(delay)
            while (number := next(numbers)) < probes:
                measured.append(await measure(f"{SCHEDULE}-{way.split()[0]}-{streams}-{number}"))

        began = time.process_time()
        await asyncio.gather(*(keep_one_in_flight(index * 1.2 / streams) for index in range(streams)))
        return measured, (time.process_time() - began) / probes


def compare(measured: Sequence[Measured], truth: dict[str, Any]) -> tuple[list[float], list[float]]:
    """Errors of TTFT and of the p95 gap, in ms."""
    ttft, gaps = [], []
    for one in measured:
        sent = truth[one.name]
        tokens = sent["tokens_ns"]
        ttft.append(one.ttft_seconds * 1e3 - (tokens[0] - sent["request_ns"]) / 1e6)
        true_gap = percentile([b - a for a, b in itertools.pairwise(tokens)], 0.95)
        gaps.append(abs(one.gap_p95_seconds * 1e3 - true_gap / 1e6))
    return ttft, gaps


def burn(stop: threading.Event) -> None:
    while not stop.is_set():
        sum(range(10_000))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", default="1,20,100")
    parser.add_argument("--probes", type=int, default=100, help="per row; at least two for each stream")
    parser.add_argument("--busy", action="store_true")
    options = parser.parse_args()
    stop = threading.Event()
    if options.busy:
        threading.Thread(target=burn, args=(stop,), daemon=True).start()
    print(
        f"{'way':24} {'streams':>7} {'TTFT error ms':>16} {'p95-gap error ms':>18} {'CPU ms/probe':>13}  worst 'exact'"
    )
    with truth_server() as base_url:
        for way, streams in itertools.product(WAYS, (int(part) for part in options.streams.split(","))):
            probes = max(options.probes, 2 * streams) if streams > 1 else min(options.probes, 20)
            measured, cpu_seconds = asyncio.run(run(way, base_url, streams, probes))
            with urllib.request.urlopen(f"{base_url}/truth") as answer:
                truth = json.load(answer)
            ttft, gaps = compare(measured, truth)
            size = [abs(error) for error in ttft]
            called_exact = [
                error for error, one in zip(size, measured, strict=True) if one.quality == "exact"
            ]
            qualities = {
                str(q): sum(one.quality == q for one in measured)
                for q in {one.quality for one in measured}
                if q
            }
            print(
                f"{way:24} {streams:7} {percentile(ttft, 0.5):8.3f} /{percentile(size, 0.95):6.3f}"
                f" {percentile(gaps, 0.5):9.3f} /{percentile(gaps, 0.95):7.3f} {cpu_seconds * 1e3:13.2f}"
                f"  {max(called_exact, default=0):.3f} {qualities or ''}",
                flush=True,
            )
    stop.set()


if __name__ == "__main__":
    main()
