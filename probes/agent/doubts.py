"""What a judgement leaves in doubt: failures to probe again soon, and whether our own network lives."""

import logging
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from probes.agent.throttling import Throttled
from probes.clock import Clock
from probes.domain.result import ProbeResult, Slot, Trigger
from probes.domain.target import Target
from probes.verdicts.network import CONTROL, Sighting

logger = logging.getLogger(__name__)

CONTROL_EVERY_SECONDS: Final = 10.0
CONTROL_TIMEOUT_SECONDS: Final = 5.0

Submit = Callable[[Target, Slot], None]


@dataclass(frozen=True, slots=True)
class _Doubt:
    failed_id: str
    asked_ns: int


class Confirmations:
    """Failures that wait for their confirming probe. The recorder's thread asks, the cycle's works."""

    def __init__(self, clock: Clock, location: str, throttled: Throttled) -> None:
        self._clock = clock
        self._location = location
        self._throttled = throttled
        self._waiting: dict[str, _Doubt] = {}
        self._asked: dict[str, str] = {}  # target -> the failure it was last asked for
        self._lock = threading.Lock()

    def ask(self, failed: ProbeResult, witness: str | None = None) -> None:
        """Probe its target again, and `witness`, a target of somebody else's; asking twice is asking once."""
        if failed.location != self._location:
            return
        with self._lock:
            for target_id in (failed.target, witness):
                if target_id is not None and self._asked.get(target_id) != failed.id:
                    self._asked[target_id] = failed.id
                    self._waiting[target_id] = _Doubt(failed.id, self._clock.monotonic_ns())

    def work(self, targets: Mapping[str, Target], after_seconds: float | None, submit: Submit) -> None:
        """Submit what has waited long enough; None: confirming is switched off.

        A throttled target is not asked: its first slot after the wait tells soon enough.
        """
        for target_id, doubt in self._due(after_seconds):
            target, now = targets.get(target_id), self._clock.now()
            if target is None or not target.is_probed or after_seconds is None:
                continue
            if until := self._throttled.until(target_id, now):
                logger.info("%s: not confirmed, throttled until %s", target_id, until.isoformat())
            else:
                submit(target, Slot(target_id, now, Trigger.CONFIRM, doubt.failed_id))

    def _due(self, after_seconds: float | None) -> list[tuple[str, _Doubt]]:
        before_ns = self._clock.monotonic_ns() - round((after_seconds or 0.0) * 1e9)
        with self._lock:
            due = [(t, doubt) for t, doubt in self._waiting.items() if doubt.asked_ns <= before_ns]
            for target_id, _ in due:
                del self._waiting[target_id]
        return due


class ControlCheck:
    """Connects to a neutral address, on a thread of its own, while it is in doubt whether our network lives."""

    def __init__(self, clock: Clock, on_seen: Callable[[Sighting], None]) -> None:
        self._clock = clock
        self._on_seen = on_seen
        self._next_ns = 0

    def look(self, url: str) -> None:
        """Returns at once; looks no more often than CONTROL_EVERY_SECONDS."""
        now_ns = self._clock.monotonic_ns()
        if now_ns >= self._next_ns:
            self._next_ns = now_ns + round(CONTROL_EVERY_SECONDS * 1e9)
            started_at = self._clock.now()
            threading.Thread(
                target=self._look, args=(url, started_at), name="control check", daemon=True
            ).start()

    def _look(self, url: str, started_at: datetime) -> None:
        reached = is_reachable(url)
        logger.info(
            "control check of %s: %s", urlsplit(url).hostname, "reached" if reached else "not reached"
        )
        self._on_seen(Sighting(CONTROL, started_at, reached))


def is_reachable(url: str) -> bool:
    """Whether a TCP connection to the address can be made; what answers there does not matter."""
    address = urlsplit(url)
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((address.hostname or "", port), CONTROL_TIMEOUT_SECONDS).close()
    except OSError:
        return False
    return True
