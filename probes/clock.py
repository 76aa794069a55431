"""The only way to the time. Wall clock says when, the monotonic clock says how long."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock as an aware UTC datetime."""

    def monotonic_ns(self) -> int:
        """Nanoseconds of CLOCK_MONOTONIC; only differences mean anything."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()
