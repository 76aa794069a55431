"""The only fakes there are: the clock. Everything else in the tests is the real thing."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock that moves only when told to; both faces move together."""

    def __init__(self, now: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic_ns = 1_000_000_000

    def now(self) -> datetime:
        return self._now

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic_ns += round(seconds * 1e9)
