"""Waits that providers asked for: a throttled target's next slots are left out until its Retry-After is over.

Never longer than `longest_wait`, for a header must not silence a target: its state would fall to unknown.
"""

from datetime import datetime, timedelta
from typing import Final

from probes.domain.outcome import Fault
from probes.domain.result import ProbeResult

LIMIT_SECONDS: Final = 900.0
LIMIT_INTERVALS: Final = 4.0  # five intervals of silence read as unknown


def longest_wait(interval_seconds: float) -> timedelta:
    """A quarter of an hour, but at least one interval and at most four."""
    return timedelta(seconds=min(max(LIMIT_SECONDS, interval_seconds), LIMIT_INTERVALS * interval_seconds))


class Throttled:
    """Until when each target is to be left alone. Threads may ask while others note."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def note(self, result: ProbeResult, interval_seconds: float, now: datetime) -> None:
        """The newest result decides: an answer ends the wait, a refusal with Retry-After begins another."""
        if result.fault is Fault.THROTTLING and result.retry_after_seconds:
            wait = min(timedelta(seconds=result.retry_after_seconds), longest_wait(interval_seconds))
            self._until[result.target] = now + wait
        elif result.fault is not Fault.NOT_RUN:
            self._until.pop(result.target, None)

    def until(self, target: str, due_at: datetime) -> datetime | None:
        """When the wait is over that a slot of this time falls into; None where there is none."""
        until = self._until.get(target)
        return until if until is not None and due_at < until else None
