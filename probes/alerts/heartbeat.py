"""The dead-man switch: an address that is fetched every so often, only while the agent does its work. Whoever watches
it alerts when the fetches stop, which no alert of a dead agent could do.
"""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from probes.alerts.channels.post import SendError, get
from probes.domain.target import Secret

logger = logging.getLogger(__name__)

STORE_SILENT_AFTER: Final = timedelta(seconds=60)
SLOTS_MISSED: Final = 3  # intervals without any result
LEAST_SILENCE: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What shows that an agent works. None: never yet, or nothing to expect."""

    is_active: bool  # not standing by for another
    result_at: datetime | None = None  # newest result of any kind
    store_at: datetime | None = None  # when the store last answered
    interval_seconds: float | None = None  # the shortest of what is probed; None: nothing is


def is_well(vitals: Vitals, now: datetime) -> bool:
    if not vitals.is_active or vitals.store_at is None or now - vitals.store_at > STORE_SILENT_AFTER:
        return False
    if vitals.interval_seconds is None:
        return True
    silence = max(LEAST_SILENCE, timedelta(seconds=SLOTS_MISSED * vitals.interval_seconds))
    return vitals.result_at is not None and now - vitals.result_at <= silence


class Heartbeat:
    """Each beat has a thread of its own; a hanging address delays nothing but the next beat."""

    def __init__(self) -> None:
        self._next_ns = 0
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def beat_if_due(self, url: Secret, every_seconds: float, monotonic_ns: int) -> None:
        if monotonic_ns < self._next_ns or (self._thread is not None and self._thread.is_alive()):
            return
        self._next_ns = monotonic_ns + round(every_seconds * 1e9)
        self._thread = threading.Thread(target=self._beat, args=(url,), name="alert heartbeat", daemon=True)
        self._thread.start()

    def _beat(self, url: Secret) -> None:
        try:
            get(url.reveal())
        except SendError as error:
            if not self._is_failing:
                logger.warning("the heartbeat address does not answer: %s", error)
            self._is_failing = True
        else:
            self._is_failing = False
