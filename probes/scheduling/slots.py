"""When a target is due: pure arithmetic. Slots hang on absolute time, so they neither drift nor bunch.

    due(k) = k * period + phase(target, location) + jitter(target, location, k)

The phase spreads targets over the interval; the jitter keeps us from always meeting a provider's own cron jobs.
Both are hashes: a restart, or a second process, computes the same slots.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

JITTER_FRACTION: Final = 0.05
MAX_JITTER_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class SlotSequence:
    """All due times of one target at one location; `period_seconds` > 0."""

    target_id: str
    location: str
    period_seconds: float

    def next_after(self, moment: datetime) -> datetime:
        """The first due time strictly later than `moment`, in UTC."""
        seconds = moment.timestamp()
        k = int((seconds - self._phase_seconds()) // self.period_seconds) - 1
        while (due := self._due_seconds(k)) <= seconds:
            k += 1
        return datetime.fromtimestamp(due, UTC).replace(microsecond=0) + timedelta(
            milliseconds=int(due % 1 * 1000) + 1
        )

    def _due_seconds(self, k: int) -> float:
        jitter = min(self.period_seconds * JITTER_FRACTION, MAX_JITTER_SECONDS)
        return k * self.period_seconds + self._phase_seconds() + _fraction(self._key(), str(k)) * jitter

    def _phase_seconds(self) -> float:
        return _fraction(self._key()) * self.period_seconds

    def _key(self) -> str:
        return f"{self.target_id}\n{self.location}"


def _fraction(*parts: str) -> float:
    """A hash of `parts`, uniform in [0, 1)."""
    digest = blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
