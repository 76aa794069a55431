"""/api/v2: what existing clients of Atlassian Statuspage read, in its shape; queries.statuspage says what means what.

Always in English, and deaf to query strings: clients add some against caches.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import islice
from typing import Final

from flask import Blueprint, Response
from flask_babel import force_locale

from probes.web.context import dependencies
from probes.web.origin import origin
from probes.web.queries.public_incidents import MAX_TOLD, reading
from probes.web.queries.statuspage import (
    AnyComponent,
    Page,
    Status,
    components_of,
    page_id_of,
    page_of,
    status_of,
)
from probes.web.queries.statuspage_incidents import IncidentStatus, PageIncident, Surroundings, page_incident
from probes.web.queries.statuspage_maintenance import PageMaintenance, maintenances_of
from probes.web.serialize import json_response

blueprint: Final = Blueprint("statuspage", __name__, url_prefix="/api/v2")

MAX_AGE_SECONDS: Final = 30
Maintenances = Collection[IncidentStatus]


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    page: Page
    status: Status


@dataclass(frozen=True, slots=True)
class ComponentsAnswer:
    page: Page
    components: tuple[AnyComponent, ...]


@dataclass(frozen=True, slots=True)
class IncidentsAnswer:
    page: Page
    incidents: tuple[PageIncident, ...]


@dataclass(frozen=True, slots=True)
class MaintenancesAnswer:
    page: Page
    scheduled_maintenances: tuple[PageMaintenance, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    page: Page
    components: tuple[AnyComponent, ...]
    incidents: tuple[PageIncident, ...]
    scheduled_maintenances: tuple[PageMaintenance, ...]
    status: Status


class _Told:
    """What one reading of the store tells in Statuspage's words. Raises StoreUnavailableError."""

    def __init__(self, url: str) -> None:
        self._now = reading()
        self._url = url
        self.components = components_of(self._now, page_id_of(url))
        known = {component.id: component for component in self.components}
        self._around = Surroundings(page_id_of(url), url, known)

    @property
    def status(self) -> Status:
        return status_of(self._now)

    def incidents(self, *, are_open: bool = False) -> tuple[PageIncident, ...]:
        """Newest first."""
        wanted = (incident for incident in self._now.incidents() if incident.is_open or not are_open)
        return tuple(page_incident(incident, self._around) for incident in islice(wanted, MAX_TOLD))

    def maintenances(self, statuses: Maintenances) -> tuple[PageMaintenance, ...]:
        found = maintenances_of(self._now, self._around)
        return tuple(islice((one for one in found if one.status in statuses), MAX_TOLD))

    def page(self, *incidents: PageIncident) -> Page:
        changes = [component.updated_at for component in self.components]
        changes += [incident.updated_at for incident in incidents]
        return page_of(self._now, dependencies().settings.title, self._url, changes)


@blueprint.get("/summary.json")
def summary() -> Response:
    """Of incidents the unresolved ones, of maintenance what is not over."""

    def made(told: _Told) -> Summary:
        incidents = told.incidents(are_open=True)
        maintenances = told.maintenances((IncidentStatus.SCHEDULED, IncidentStatus.IN_PROGRESS))
        page = told.page(*incidents, *maintenances)
        return Summary(page, told.components, incidents, maintenances, told.status)

    return _answer(made)


@blueprint.get("/status.json")
def status() -> Response:
    return _answer(lambda told: StatusAnswer(told.page(), told.status))


@blueprint.get("/components.json")
def components() -> Response:
    return _answer(lambda told: ComponentsAnswer(told.page(), told.components))


@blueprint.get("/incidents.json")
def incidents() -> Response:
    return _incidents(are_open=False)


@blueprint.get("/incidents/unresolved.json")
def unresolved() -> Response:
    return _incidents(are_open=True)


@blueprint.get("/scheduled-maintenances.json")
def maintenances() -> Response:
    return _maintenances(tuple(IncidentStatus))


@blueprint.get("/scheduled-maintenances/upcoming.json")
def upcoming() -> Response:
    return _maintenances((IncidentStatus.SCHEDULED,))


@blueprint.get("/scheduled-maintenances/active.json")
def active() -> Response:
    return _maintenances((IncidentStatus.IN_PROGRESS,))


def _incidents(*, are_open: bool) -> Response:
    def made(told: _Told) -> IncidentsAnswer:
        found = told.incidents(are_open=are_open)
        return IncidentsAnswer(told.page(*found), found)

    return _answer(made)


def _maintenances(statuses: Maintenances) -> Response:
    def made(told: _Told) -> MaintenancesAnswer:
        found = told.maintenances(statuses)
        return MaintenancesAnswer(told.page(*found), found)

    return _answer(made)


def _answer(made: Callable[[_Told], object]) -> Response:
    with force_locale("en"):
        response = json_response(made(_Told(origin())))
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
    return response
