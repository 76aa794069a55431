"""An outbox over a real store, a clock that tests move, and a dispatcher that they turn by hand."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from probes.alerts.channels import send
from probes.alerts.dispatcher import Dispatcher, DispatcherParts
from probes.alerts.heartbeat import Vitals
from probes.alerts.outbox import Send
from probes.domain.delivery import Delivery, DeliveryState
from probes.domain.incident import Incident
from probes.log import Redactor
from probes.settings.alerts import AlertSettings, Channel
from probes.store.base import DeliveryQuery, Store
from probes.store.sqlite import open_sqlite
from tests.fakes import FakeClock
from tests.waiting import wait_until


@dataclass
class Desk:
    """Alerting without its thread."""

    store: Store
    clock: FakeClock
    redact: Redactor = field(default_factory=Redactor)
    maintained: set[str] = field(default_factory=set)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    dispatcher: Dispatcher = field(init=False)

    def __post_init__(self) -> None:
        self.begin_anew()

    def begin_anew(self, owner: str = "here@test", sender: Send = send) -> None:
        """As after a restart: all that is known is in the store."""
        self.dispatcher = Dispatcher(
            DispatcherParts(
                store=self.store,
                clock=self.clock,
                redact=self.redact,
                owner=owner,
                is_in_maintenance=self.maintained.__contains__,
                vitals=lambda: Vitals(is_active=True),
                send=sender,
            )
        )
        self.dispatcher.configure(self.alerts, "https://status.example.com")

    def use(self, *channels: Channel) -> None:
        self.alerts = replace(self.alerts, channels=channels)
        self.dispatcher.configure(self.alerts, "https://status.example.com")

    def save(self, incident: Incident) -> Incident:
        """As another writer would: over whatever version is there."""
        known = self.store.incident(incident.id)
        version, handed_over = (known.version + 1, known.handed_over) if known is not None else (1, 0)
        incident = replace(incident, version=version, handed_over=handed_over)
        assert self.store.save_incident(incident)
        return incident

    def work(self) -> None:
        """One pass, and another that marks what it sent."""
        self.dispatcher.work()
        wait_until("the channels to answer", lambda: self.dispatcher.is_idle)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.work()

    def deliveries(self, state: DeliveryState | None = None) -> list[Delivery]:
        """Oldest first."""
        states = [state] if state is not None else []
        return list(reversed(self.store.deliveries(DeliveryQuery(states=states, limit=1000))))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    clock = FakeClock()
    store = open_sqlite(tmp_path / "alerts.sqlite3", clock)
    yield Desk(store, clock)
    store.close()
