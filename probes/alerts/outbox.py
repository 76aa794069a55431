"""Sends what is due: one message a channel at a time, each on a thread of its own, so that none waits for another.

A delivery is marked as sent only after its channel has accepted it, so a crash repeats one at worst.
"""

import logging
import queue
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from probes.alerts.cases import CaseReader
from probes.alerts.channels.post import SendError
from probes.alerts.message import Message, Redact, Writer
from probes.alerts.settling import Settled, merged, settle
from probes.clock import Clock
from probes.domain.delivery import Delivery, DeliveryState
from probes.settings.alerts import Channel
from probes.store.base import MAX_PAGE_SIZE, Store

logger = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 20  # the last about two and a half hours after the first
FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 600.0
KEPT_FOR_UNKNOWN_CHANNEL: Final = timedelta(
    hours=1
)  # other agents may know it, and a reload may bring it back
MAX_ERROR_LENGTH: Final = 300

Send = Callable[[Channel, Message], None]


def pause_seconds(attempts: int, chance: float) -> float:
    """How long to wait after so many failures; `chance` in [0, 1) spreads it from half to one and a half of that."""
    doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 30)
    return min(doubled, LONGEST_PAUSE_SECONDS) * (0.5 + chance)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one message; `error` None: accepted."""

    channel: str
    covered: tuple[Delivery, ...]
    error: str | None


class Outbox:
    """One thread's, apart from the threads that it starts. Every method may raise StoreUnavailableError."""

    def __init__(self, store: Store, clock: Clock, redact: Redact, send: Send) -> None:
        self._store = store
        self._clock = clock
        self._redact = redact
        self._send = send
        self._chance = random.Random()  # noqa: S311 - spreads retries
        self._busy: set[str] = set()  # channels whose message is on its way, or not yet marked
        self._done: queue.SimpleQueue[Sent] = queue.SimpleQueue()
        self._unmarked: list[Sent] = []  # sent, while the store was away
        self._news = (
            threading.Event()
        )  # something came back: it is marked at once, for a crash until then repeats it

    @property
    def is_busy(self) -> bool:
        return bool(self._busy)

    def wait(self, timeout_seconds: float) -> None:
        """Until a message came back, or `wake` is called, or the time is up."""
        self._news.wait(timeout_seconds)
        self._news.clear()

    def wake(self) -> None:
        self._news.set()

    def work(
        self, channels: Mapping[str, Channel], writer: Writer, is_in_maintenance: Callable[[str], bool]
    ) -> None:
        """Mark what came back, then start what is due and can go."""
        self.mark()
        now = self._clock.now()
        due = self._store.due_deliveries(now, MAX_PAGE_SIZE)
        groups: defaultdict[str, list[Delivery]] = defaultdict(list)
        for delivery in due:
            groups[delivery.channel].append(delivery)
        reader = CaseReader(self._store, now, is_in_maintenance)
        for name, deliveries in groups.items():
            if name in self._busy:
                continue
            if name not in channels:
                self._drop_orphans(deliveries, now)
                continue
            self._begin(channels[name], writer, self._settle(reader, channels[name], deliveries), now)

    def mark(self) -> None:
        """Write down what became of messages. What cannot be written now is kept, and its channel waits."""
        while True:
            try:
                self._unmarked.append(self._done.get_nowait())
            except queue.Empty:
                break
        while self._unmarked:
            self._mark(self._unmarked[0])
            self._busy.discard(self._unmarked.pop(0).channel)

    def _settle(self, reader: CaseReader, channel: Channel, due: Sequence[Delivery]) -> Settled:
        by_incident: defaultdict[str, list[Delivery]] = defaultdict(list)
        for delivery in due:
            by_incident[delivery.incident_id].append(delivery)
        settled = Settled()
        for incident_id, deliveries in by_incident.items():
            settled += self._settle_one(reader, channel, incident_id, deliveries)
        return settled

    def _settle_one(
        self, reader: CaseReader, channel: Channel, incident_id: str, due: Sequence[Delivery]
    ) -> Settled:
        incident = self._store.incident(incident_id)
        if incident is None:
            return Settled.drop(due, "the incident is no longer known")
        case = reader.case(incident, channel)
        if incident.merged_into is None:
            return settle(case, due)
        winner = self._store.incident(incident.merged_into)
        if winner is None:
            return Settled.drop(due, "the incident is no longer known")
        return merged(reader.case(winner, channel), due)

    def _begin(self, channel: Channel, writer: Writer, settled: Settled, now: datetime) -> None:
        for dropped in settled.dropped:
            self._finish(dropped.delivery, DeliveryState.DROPPED, now, dropped.why)
        if not settled.items:
            return
        covered = tuple({delivery.id: delivery for delivery in settled.covered}.values())
        message = writer.write(channel.name, settled.items, covered, now)
        self._busy.add(channel.name)
        name = f"alert {channel.name}"
        threading.Thread(target=self._carry, args=(channel, message, covered), name=name, daemon=True).start()

    def _carry(self, channel: Channel, message: Message, covered: tuple[Delivery, ...]) -> None:
        error: str | None = None
        try:
            self._send(channel, message)
        except SendError as refused:
            error = str(refused)
        except Exception as broken:
            logger.exception("channel %s failed", channel.name)
            error = type(broken).__name__
        self._done.put(Sent(channel.name, covered, error))
        self.wake()

    def _mark(self, sent: Sent) -> None:
        now = self._clock.now()
        if sent.error is None:
            for delivery in sent.covered:
                told = replace(delivery, attempts=delivery.attempts + 1)
                self._finish(told, DeliveryState.SENT, now, "")
            logger.info("channel %s: told of %d deliveries", sent.channel, len(sent.covered))
            return
        why = self._redact(sent.error)[:MAX_ERROR_LENGTH]
        for delivery in sent.covered:
            self._retry(replace(delivery, attempts=delivery.attempts + 1), now, why)
        logger.warning("channel %s refused %d deliveries: %s", sent.channel, len(sent.covered), why)

    def _retry(self, delivery: Delivery, now: datetime, why: str) -> None:
        if delivery.attempts >= MAX_ATTEMPTS:
            self._finish(delivery, DeliveryState.FAILED, now, why)
            return
        pause = timedelta(seconds=pause_seconds(delivery.attempts, self._chance.random()))
        self._store.update_delivery(replace(delivery, due_at=now + pause, error=why))

    def _finish(self, delivery: Delivery, state: DeliveryState, now: datetime, why: str) -> None:
        self._store.update_delivery(replace(delivery, state=state, finished_at=now, error=why))

    def _drop_orphans(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        for delivery in deliveries:
            if now - delivery.due_at > KEPT_FOR_UNKNOWN_CHANNEL:
                self._finish(delivery, DeliveryState.DROPPED, now, "the channel is no longer configured")
