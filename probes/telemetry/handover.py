"""Recorded results on their way to telemetry: a bounded queue and a thread, so that no probe and no write waits."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from probes.domain.result import ProbeResult
from probes.telemetry.gen_ai import Measurement, measurements

logger = logging.getLogger(__name__)

WAITING_AT_MOST: Final = 1000
LOG_EVERY: Final = 100  # drops; the first one is told at once
CLOSE_SECONDS: Final = 1.5


class Meter(Protocol):
    def record(self, measurement: Measurement) -> None: ...
    def close(self) -> None: ...


class Writer(Protocol):
    """As the agent's recorder wants it."""

    def write(self, results: list[ProbeResult]) -> bool: ...
    @property
    def spooled(self) -> int: ...
    def close(self) -> None: ...


class Handover:
    """Results are handed over at once or dropped; `dropped` counts them."""

    def __init__(self, meter: Meter, address_of: Callable[[str], str | None]) -> None:
        self._meter = meter
        self._address_of = address_of
        self._queue: queue.Queue[ProbeResult | None] = queue.Queue(WAITING_AT_MOST)
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()

    def offer(self, results: Sequence[ProbeResult]) -> None:
        for result in results:
            try:
                self._queue.put_nowait(result)
            except queue.Full:
                self.dropped += 1
                if self.dropped % LOG_EVERY == 1:
                    logger.warning("telemetry does not keep up, %d results dropped so far", self.dropped)

    def close(self) -> None:
        """Take in what waits and send it, for a moment; the store has every result anyway."""
        try:
            self._queue.put(None, timeout=CLOSE_SECONDS / 10)
        except queue.Full:
            logger.warning("telemetry ends with %d results waiting", self._queue.qsize())
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while (result := self._queue.get()) is not None:
            try:
                for measurement in measurements(result, self._address_of(result.target)):
                    self._meter.record(measurement)
            except Exception:
                logger.exception("telemetry of %s failed", result.target)
        self._meter.close()


class TelemetryWriter:
    """A writer whose results also go to telemetry, after they are written or spooled."""

    def __init__(self, writer: Writer, handover: Handover) -> None:
        self._writer = writer
        self._handover = handover

    def write(self, results: list[ProbeResult]) -> bool:
        is_stored = self._writer.write(results)
        self._handover.offer(results)
        return is_stored

    @property
    def spooled(self) -> int:
        return self._writer.spooled

    def close(self) -> None:
        self._writer.close()
        self._handover.close()
