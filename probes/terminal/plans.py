"""When which target is probed: watched each at its own pace, or raced against each other in rounds."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from probes.domain.result import ProbeResult
from probes.domain.target import Target
from probes.prober.stamps import NANOSECONDS
from probes.terminal.measuring import Bench

WARM_UP: Final = 0  # the number of the round that is not counted
_MOST_OFFSET_SECONDS: Final = 1.0  # between the first probes of two watched targets

Round: TypeAlias = Mapping[str, ProbeResult]  # target id -> its result
Plan: TypeAlias = Callable[[Bench], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Pace:
    """`every_seconds` between two starts of one target; `count` None: without end."""

    every_seconds: float
    count: int | None


def watching(targets: Sequence[Target], pace: Pace) -> Plan:
    """Each target at its own pace, one probe of it at a time; the targets' starts are spread."""
    offset = min(pace.every_seconds / len(targets), _MOST_OFFSET_SECONDS)

    async def plan(bench: Bench) -> None:
        await bench.warm(targets)
        async with asyncio.TaskGroup() as group:
            for index, target in enumerate(targets):
                group.create_task(_watch(bench, target, pace, index * offset))

    return plan


async def _watch(bench: Bench, target: Target, pace: Pace, offset_seconds: float) -> None:
    await asyncio.sleep(offset_seconds)
    done = 0
    while True:
        started_ns = bench.now_ns()
        result = await bench.probe(target)
        done += 1
        if done == pace.count:
            return
        await bench.wait_until(_next_start_ns(bench, started_ns, pace, [result]), target)


def racing(
    targets: Sequence[Target], pace: Pace, chance: random.Random, is_enough: Callable[[list[Round]], bool]
) -> Plan:
    """A warm-up round, then `pace.count` rounds, each target once a round, one at a time, in an order of chance.

    One at a time, so that no answer waits behind another on our line; in rounds, so that the hour and the warmth of
    caches hit all alike; in random order, so that none always follows the same neighbour. The warm-up takes first
    looks at name servers and models that slept. `is_enough` is asked between rounds, while nothing is measured.
    """

    async def plan(bench: Bench) -> None:
        await bench.warm(targets)
        rounds: list[Round] = []
        for number in range(WARM_UP, (pace.count or 0) + 1):
            started_ns = bench.now_ns()
            order = chance.sample(targets, k=len(targets))
            results = {target.id: await bench.probe(target, number) for target in order}
            if number != WARM_UP:
                rounds.append(results)
            if number == pace.count or is_enough(rounds):
                return
            await bench.wait_until(_next_start_ns(bench, started_ns, pace, list(results.values())))

    return plan


def _next_start_ns(bench: Bench, started_ns: int, pace: Pace, results: Sequence[ProbeResult]) -> int:
    """By the pace, or as late as a server asked us to come again."""
    asked = max((result.retry_after_seconds or 0.0 for result in results), default=0.0)
    by_pace_ns = started_ns + round(pace.every_seconds * NANOSECONDS)
    return max(by_pace_ns, bench.now_ns() + round(asked * NANOSECONDS)) if asked else by_pace_ns
