"""Turns news of incidents into deliveries in the store: first the deliveries, then the mark that they are there.

A crash between the two plans again what is there already, which changes nothing.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from probes.alerts.cases import CaseReader
from probes.alerts.planning import FORGOTTEN_AFTER, plan_reminder, plan_updates
from probes.alerts.routing import hears_of
from probes.domain.incident import Incident
from probes.settings.alerts import Channel
from probes.store.base import MAX_PAGE_SIZE, IncidentQuery, Store

logger = logging.getLogger(__name__)

MARGIN: Final = timedelta(
    minutes=1
)  # writers on other hosts have other clocks, and a write shows after its stamp


@dataclass(slots=True)
class Planner:
    """One thread's. Every method may raise StoreUnavailableError; then the next call does the same again."""

    store: Store
    _seen: datetime | None = None  # newest `updated_at` that was looked at

    def work(
        self, channels: Sequence[Channel], is_in_maintenance: Callable[[str], bool], now: datetime
    ) -> None:
        reader = CaseReader(self.store, now, is_in_maintenance)
        incidents = {one.id: one for one in (*self._open(), *self._changed(now))}
        for incident in incidents.values():
            followers = [one for one in channels if hears_of(one, incident.provider, incident.targets)]
            if incident.handed_over < len(incident.updates):
                self._hand_over(reader, incident, followers)
            elif incident.is_open:
                self._remind(reader, incident, followers)
        seen = [one.updated_at for one in incidents.values()]
        self._seen = max([*seen, self._seen] if self._seen else seen, default=None)

    def _hand_over(self, reader: CaseReader, incident: Incident, channels: Sequence[Channel]) -> None:
        for channel in channels:
            planned = plan_updates(reader.case(incident, channel))
            if planned:
                self.store.add_deliveries(planned)
                reader.forget_channel(channel)
        handed = replace(incident, handed_over=len(incident.updates), version=incident.version + 1)
        if not self.store.save_incident(handed):
            logger.debug("incident %s changed meanwhile; it is looked at again", incident.id)

    def _remind(self, reader: CaseReader, incident: Incident, channels: Sequence[Channel]) -> None:
        for channel in channels:
            if channel.remind_after_seconds is None:
                continue
            reminder = plan_reminder(reader.case(incident, channel))
            if reminder is not None:
                self.store.add_deliveries([reminder])
                reader.forget_channel(channel)

    def _open(self) -> Iterator[Incident]:
        yield from self._pages(IncidentQuery(is_open=True, limit=MAX_PAGE_SIZE))

    def _changed(self, now: datetime) -> Iterator[Incident]:
        since = now - FORGOTTEN_AFTER if self._seen is None else self._seen - MARGIN
        query = IncidentQuery(
            since=now - FORGOTTEN_AFTER, changed_since=since, with_merged=True, limit=MAX_PAGE_SIZE
        )
        yield from self._pages(query)

    def _pages(self, query: IncidentQuery) -> Iterator[Incident]:
        while True:
            page = self.store.incidents(query)
            yield from page.incidents
            if page.next_cursor is None:
                return
            query = replace(query, cursor=page.next_cursor)
