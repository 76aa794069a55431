"""The agent's alerting: one thread that plans, sends and beats, apart from everything that measures or records."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from probes.alerts.channels import send
from probes.alerts.heartbeat import Heartbeat, Vitals, is_well
from probes.alerts.message import Redact, Writer
from probes.alerts.outbox import Outbox, Send
from probes.alerts.planner import Planner
from probes.clock import Clock
from probes.settings.alerts import AlertSettings
from probes.store.base import Store, StoreUnavailableError

logger = logging.getLogger(__name__)

TICK_SECONDS: Final = 1.0
LEASE: Final = "alerts"
LEASE_TTL: Final = timedelta(seconds=45)
RENEW_EVERY: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class DispatcherParts:
    """`vitals` lacks what the dispatcher knows itself: when the store answered."""

    store: Store
    clock: Clock
    redact: Redact
    owner: str
    is_in_maintenance: Callable[[str], bool]
    vitals: Callable[[], Vitals]
    send: Send = send


class Dispatcher:
    """Of several agents on one store, the holder of the lease plans and sends; one without channels never does."""

    def __init__(self, parts: DispatcherParts) -> None:
        self._parts = parts
        self._alerts = AlertSettings()
        self._public_url: str | None = None
        self._planner = Planner(parts.store)
        self._outbox = Outbox(parts.store, parts.clock, parts.redact, parts.send)
        self._heartbeat = Heartbeat()
        self._held_at: datetime | None = None
        self._store_at: datetime | None = None
        self._is_failing = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def configure(self, alerts: AlertSettings, public_url: str | None) -> None:
        """Any thread; a channel that changed is used as it now is, also for what was planned before."""
        self._alerts, self._public_url = alerts, public_url

    def start(self) -> None:
        self._thread.start()

    def close(self, timeout_seconds: float) -> None:
        """Nothing more is begun; what is on its way and not marked by then is sent again by the next agent."""
        self._stop.set()
        self._outbox.wake()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._tick()
            self._outbox.wait(TICK_SECONDS)
        self._sign_off()

    def _tick(self) -> None:
        try:
            self.work()
        except StoreUnavailableError as error:
            if not self._is_failing:
                logger.error("alerts wait, the store is away: %s", error)
            self._is_failing = True
        except Exception:
            logger.exception("alerting failed; it is tried again")
        else:
            self._is_failing = False
        self._beat()

    def work(self) -> None:
        """One pass. Raises StoreUnavailableError."""
        parts, alerts = self._parts, self._alerts
        self._outbox.mark()  # before all that takes time
        if alerts.is_empty:
            return
        if not alerts.channels:
            self._ask_store()
            return
        if not self._holds_lease():
            return
        self._planner.work(alerts.channels, parts.is_in_maintenance, parts.clock.now())
        writer = Writer(alerts.language, parts.redact, self._public_url)
        self._outbox.work(
            {channel.name: channel for channel in alerts.channels}, writer, parts.is_in_maintenance
        )
        self._store_at = parts.clock.now()

    @property
    def is_idle(self) -> bool:
        """Whether every message that was begun has come back and is marked. Raises StoreUnavailableError."""
        self._outbox.mark()
        return not self._outbox.is_busy

    def _ask_store(self) -> None:
        now = self._parts.clock.now()
        if self._store_at is None or now - self._store_at >= RENEW_EVERY:
            self._parts.store.refresh("")  # the cheapest question there is
            self._store_at = now

    def _holds_lease(self) -> bool:
        """Renewed now and then; until its time is up it cannot be another's."""
        now = self._parts.clock.now()
        if self._held_at is not None and now - self._held_at < RENEW_EVERY:
            return True
        epoch = self._parts.store.acquire_lease(LEASE, self._parts.owner, now, LEASE_TTL)
        self._store_at = self._parts.clock.now()
        self._held_at = now if epoch is not None else None
        return epoch is not None

    def _beat(self) -> None:
        alerts, clock = self._alerts, self._parts.clock
        if alerts.heartbeat_url is None:
            return
        known = self._parts.vitals()
        vitals = Vitals(known.is_active, known.result_at, self._store_at, known.interval_seconds)
        if is_well(vitals, clock.now()):
            self._heartbeat.beat_if_due(alerts.heartbeat_url, alerts.heartbeat_seconds, clock.monotonic_ns())

    def _sign_off(self) -> None:
        """Mark what has come back, and let another agent take over at once."""
        try:
            self._outbox.mark()
            if self._held_at is not None:
                self._parts.store.release_lease(LEASE, self._parts.owner)
        except StoreUnavailableError as error:
            logger.warning("alerts could not sign off: %s", error)
