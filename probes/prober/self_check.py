"""Holds our own stopwatch against a known truth, by the very path that real probes take.

A check is no probe: it is never recorded, counts against nobody, and takes no place among the probes in flight.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from probes.clock import Clock
from probes.domain.outcome import Outcome
from probes.domain.plan import SELF_CHECK_LIMIT_SECONDS, SelfCheck
from probes.domain.result import ProbeResult, Slot
from probes.domain.target import Protocol
from probes.prober.known_stream import SPEECHES, KnownStream, Truth
from probes.prober.rehearsal import rehearsal_target
from probes.prober.stamps import NANOSECONDS

if TYPE_CHECKING:
    from probes.prober.exchange import Attempt
    from probes.prober.probe import Prober

logger = logging.getLogger(__name__)

CALM_SECONDS: Final = SELF_CHECK_LIMIT_SECONDS / 2  # both ends must be known better than the limit
MAX_TRIES: Final = 3
FIRST_CHECK_SECONDS: Final = 10.0  # after the first warm-up: the burst of a start is over by then
REPEAT_SECONDS: Final = 30.0  # after a bad check; one hiccup must not mark an interval's records

ServeKnown = Callable[[Protocol, Clock], KnownStream]


def serve_known(protocol: Protocol, clock: Clock) -> KnownStream:
    return KnownStream(SPEECHES[protocol], clock.monotonic_ns)


@dataclass(frozen=True, slots=True)
class _Run:
    check: SelfCheck
    doubt_seconds: float


class SelfChecker:
    """Checks one prober, on its loop."""

    def __init__(self, prober: "Prober", serve: ServeKnown = serve_known) -> None:
        self._prober = prober
        self._serve = serve
        self._turns = itertools.count()
        self._was_off = False

    async def check(self) -> SelfCheck | None:
        """The newest error, which the prober's records go by from now on; None before any protocol is in use.

        The protocols in use take turns. A check in which either side was switched out in the middle of a send proves
        little and is repeated; the least doubtful one counts.
        """
        known = sorted(self._prober.warm_protocols & SPEECHES.keys())
        if not known:
            return None
        protocol = known[next(self._turns) % len(known)]
        runs: list[_Run] = []
        while len(runs) < MAX_TRIES and not any(run.doubt_seconds < CALM_SECONDS for run in runs):
            runs.append(await self._run(protocol))
        check = min(runs, key=lambda run: run.doubt_seconds).check
        self._prober.heed(check)
        self._tell(check)
        return check

    async def _run(self, protocol: Protocol) -> _Run:
        attempts: list[Attempt] = []
        stub = self._serve(protocol, self._prober.clock)
        target = rehearsal_target(protocol, stub.base_url)
        slot = Slot(target.id, self._prober.clock.now())
        stub.start()
        try:
            result = await self._prober.probe(target, slot, in_flight=1, on_attempt=attempts.append)
        finally:
            await asyncio.to_thread(stub.stop)
        return self._compared(result, attempts, stub.truth)

    def _compared(self, result: ProbeResult, attempts: "list[Attempt]", truth: Truth) -> _Run:
        now = self._prober.clock.now()
        measured, true = result.ttft_seconds, truth.ttft_seconds
        if result.outcome is not Outcome.OK or measured is None or true is None or not truth.is_complete:
            logger.warning("the self-check failed: %s %s", result.outcome.value, result.error or "")
            return _Run(SelfCheck(now), 0.0)
        check = SelfCheck(now, measured - true, gap_error_seconds(attempts[0], truth), result.stamps)
        handing_over = (
            attempts[0].journal.sending_ns / NANOSECONDS
        )  # a record of that says `bounded` by itself
        return _Run(check, max(truth.doubt_seconds, handing_over))

    def _tell(self, check: SelfCheck) -> None:
        if check.is_off and check.ttft_error_seconds is not None and not self._was_off:
            logger.warning(
                "our own TTFT is off by %.2f ms: this host is too busy to measure well; records say so",
                check.ttft_error_seconds * 1e3,
            )
        elif self._was_off and not check.is_off:
            logger.info("our own TTFT is right again")
        self._was_off = check.is_off


def gap_error_seconds(attempt: "Attempt", truth: Truth) -> float | None:
    """95 of 100 measured gaps were nearer to the true ones; None when events are missing."""
    from probes.prober.timing import percentile, seconds_between

    times = [arrival.stamp.arrived_ns for arrival in attempt.arrivals if arrival.event.pieces]
    gaps = [seconds_between(a, b) or 0.0 for a, b in itertools.pairwise(times)]
    true = truth.gaps_seconds
    if len(gaps) != len(true):
        return None
    return percentile(sorted(abs(gap - known) for gap, known in zip(gaps, true, strict=True)), 0.95)
