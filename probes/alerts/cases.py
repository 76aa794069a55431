"""Reads what a decision about one incident and one channel needs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from probes.alerts.planning import FLAPPING_WITHIN, Case
from probes.domain.delivery import Delivery
from probes.domain.incident import Incident, UpdateKind
from probes.settings.alerts import Channel
from probes.store.base import MAX_PAGE_SIZE, DeliveryQuery, IncidentQuery, Store


@dataclass(slots=True)
class CaseReader:
    """For one pass: what is shared by its cases is read once. Every method may raise StoreUnavailableError."""

    store: Store
    now: datetime
    is_in_maintenance: Callable[[str], bool]
    _of_channel: dict[str, tuple[Delivery, ...]] = field(default_factory=dict)
    _neighbours: dict[str, tuple[Incident, ...]] = field(default_factory=dict)

    def case(self, incident: Incident, channel: Channel) -> Case:
        return Case(
            incident=incident,
            channel=channel,
            now=self.now,
            of_incident=self._about(incident, channel),
            of_channel=self._recent(channel),
            neighbours=self._near(incident),
            is_in_maintenance=self.is_in_maintenance,
        )

    def forget_channel(self, channel: Channel) -> None:
        """It has new deliveries."""
        self._of_channel.pop(channel.name, None)

    def _about(self, incident: Incident, channel: Channel) -> tuple[Delivery, ...]:
        ids = [incident.id, *(u.text for u in incident.updates if u.kind is UpdateKind.MERGED)]
        query = DeliveryQuery(channels=[channel.name], incidents=ids, limit=MAX_PAGE_SIZE)
        return self.store.deliveries(query)

    def _recent(self, channel: Channel) -> tuple[Delivery, ...]:
        if channel.name not in self._of_channel:
            since = self.now - max(FLAPPING_WITHIN, timedelta(seconds=channel.cooldown_seconds))
            query = DeliveryQuery(since=since, channels=[channel.name], limit=MAX_PAGE_SIZE)
            self._of_channel[channel.name] = self.store.deliveries(query)
        return self._of_channel[channel.name]

    def _near(self, incident: Incident) -> tuple[Incident, ...]:
        if incident.provider not in self._neighbours:
            query = IncidentQuery(since=self.now - FLAPPING_WITHIN, providers=[incident.provider], limit=200)
            self._neighbours[incident.provider] = self.store.incidents(query).incidents
        return self._neighbours[incident.provider]
