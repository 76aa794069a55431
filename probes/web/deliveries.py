"""How the channels of alerts do: what waits, what failed, when one last worked. Knows nothing of HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from probes.domain.delivery import Delivery, DeliveryState
from probes.store.base import MAX_PAGE_SIZE, DeliveryQuery, Store

COUNTED_FOR: Final = timedelta(hours=24)
READ_EVERY: Final = timedelta(seconds=5)


class Progress(StrEnum):
    """A delivery's state, with what was refused and is tried again apart from what only waits for its time."""

    PENDING = "pending"
    RETRYING = "retrying"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """Counts are of deliveries planned within the last 24 hours."""

    channel: str
    pending: int  # those that are tried again included
    retrying: int
    sent: int
    failed: int  # given up
    dropped: int  # not told on purpose: over before it was told, flapping, maintenance
    last_sent_at: datetime | None
    last_error: str | None  # of the newest refusal, redacted
    last_error_at: datetime | None  # when that delivery was planned

    @property
    def is_failing(self) -> bool:
        return bool(self.failed or self.retrying)

    def count(self, progress: Progress) -> int:
        """PENDING without what is tried again."""
        counts = {
            Progress.PENDING: self.pending - self.retrying,
            Progress.RETRYING: self.retrying,
            Progress.SENT: self.sent,
            Progress.FAILED: self.failed,
            Progress.DROPPED: self.dropped,
        }
        return counts[progress]


@dataclass(slots=True)
class RecentDeliveries:
    """Reads the outbox at most every few seconds."""

    store: Store
    _read_at: datetime | None = None
    _known: tuple[ChannelHealth, ...] = ()
    _sent_at: dict[str, datetime] = field(default_factory=dict)

    def update(self, channels: Sequence[str], now: datetime) -> tuple[ChannelHealth, ...]:
        """One for each channel, in this order. Raises StoreError."""
        names = tuple(one.channel for one in self._known)
        is_recent = self._read_at is not None and abs(now - self._read_at) < READ_EVERY
        if is_recent and names == tuple(channels):
            return self._known
        found: tuple[Delivery, ...] = ()
        if channels:
            query = DeliveryQuery(since=now - COUNTED_FOR, channels=channels, limit=MAX_PAGE_SIZE)
            found = self.store.deliveries(query)
        self._known = tuple(self._health(channel, found) for channel in channels)
        self._read_at = now
        return self._known

    def _health(self, channel: str, found: Sequence[Delivery]) -> ChannelHealth:
        own = [delivery for delivery in found if delivery.channel == channel]
        refused = [d for d in own if d.error and d.state in (DeliveryState.PENDING, DeliveryState.FAILED)]
        newest = max(refused, key=lambda delivery: delivery.created_at, default=None)
        states = [delivery.state for delivery in own]
        return ChannelHealth(
            channel=channel,
            pending=states.count(DeliveryState.PENDING),
            retrying=sum(one.state is DeliveryState.PENDING and one.attempts > 0 for one in own),
            sent=states.count(DeliveryState.SENT),
            failed=states.count(DeliveryState.FAILED),
            dropped=states.count(DeliveryState.DROPPED),
            last_sent_at=self._last_sent_at(channel, own),
            last_error=newest.error if newest is not None else None,
            last_error_at=newest.created_at if newest is not None else None,
        )

    def _last_sent_at(self, channel: str, recent: Sequence[Delivery]) -> datetime | None:
        """Older ones are asked for once."""
        sent = [d.finished_at for d in recent if d.state is DeliveryState.SENT and d.finished_at is not None]
        if not sent and channel not in self._sent_at:
            query = DeliveryQuery(states=[DeliveryState.SENT], channels=[channel], limit=1)
            sent = [d.finished_at for d in self.store.deliveries(query) if d.finished_at is not None]
        if sent:
            self._sent_at[channel] = max(sent)
        return self._sent_at.get(channel)
