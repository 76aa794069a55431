"""The controls above lists of incidents: query strings to queries and back, and the boxes to tick."""

from collections import Counter
from typing import Final

from probes.domain.incident import Severity
from probes.store.base import MAX_PAGE_SIZE
from probes.web.display import iso
from probes.web.filters import Arguments, Choice, Picker
from probes.web.i18n import Lazy, lazy
from probes.web.params import DEFAULT_LIMIT, ParameterError, Parameters
from probes.web.queries.incidents import IncidentFilter, IncidentsQuery, Standing
from probes.web.snapshot import Snapshot
from probes.web.words import word

STANDINGS: Final[dict[Standing, Lazy]] = {Standing.OPEN: lazy("Open"), Standing.RESOLVED: lazy("Resolved")}
WORST_FIRST: Final = tuple(reversed(Severity))


def incidents_query(parameters: Parameters) -> IncidentsQuery:
    """`?q=&provider=&severity=&state=&target=&since=&until=&limit=&cursor=`."""
    since, until = parameters.moment("since"), parameters.moment("until")
    if since is not None and until is not None and until <= since:
        raise ParameterError("until", parameters.text("until"), lazy("not later than since"))
    states = parameters.choices("state", Standing)
    return IncidentsQuery(
        IncidentFilter(
            search=parameters.text("q"),
            providers=parameters.texts("provider"),
            severities=parameters.choices("severity", Severity),
            state=states[0] if len(states) == 1 else None,
            targets=parameters.texts("target"),
            since=since,
            until=until,
        ),
        limit=parameters.integer("limit", DEFAULT_LIMIT, 1, MAX_PAGE_SIZE),
        cursor=parameters.text("cursor") or None,
    )


def incident_arguments(query: IncidentsQuery) -> Arguments:
    """The query string of the filters alone, without the place in the pages."""
    wanted = query.filter
    arguments = [("q", wanted.search)] if wanted.search else []
    arguments += [("state", wanted.state.value)] if wanted.state is not None else []
    for name, values in (
        ("severity", wanted.severities),
        ("provider", wanted.providers),
        ("target", wanted.targets),
    ):
        arguments += [(name, str(value)) for value in values]
    arguments += [("since", iso(wanted.since))] if wanted.since is not None else []
    arguments += [("until", iso(wanted.until))] if wanted.until is not None else []
    return arguments + ([("limit", str(query.limit))] if query.limit != DEFAULT_LIMIT else [])


def incident_pickers(snapshot: Snapshot, wanted: IncidentFilter, *, sees_all: bool) -> tuple[Picker, ...]:
    """State, severity and provider, each with the number of public incidents in 90 days, whatever else is filtered."""
    log = snapshot.incidents
    standings = Counter(
        Standing.OPEN if incident.is_open else Standing.RESOLVED for incident in log.incidents
    )
    found = Counter(incident.severity for incident in log.incidents)
    shown = [severity for severity in WORST_FIRST if sees_all or severity is not Severity.ATTENTION]
    return (
        Picker(
            "state",
            lazy("State"),
            tuple(
                Choice(standing.value, str(label), standing is wanted.state, standings[standing])
                for standing, label in STANDINGS.items()
            ),
        ),
        Picker(
            "severity",
            lazy("Severity"),
            tuple(
                Choice(
                    severity.value,
                    str(word(severity).label),
                    severity in wanted.severities,
                    found[severity] if severity is not Severity.ATTENTION else None,
                )
                for severity in shown
            ),
        ),
        Picker("provider", lazy("Provider"), _providers(snapshot, wanted)),
    )


def _providers(snapshot: Snapshot, wanted: IncidentFilter) -> tuple[Choice, ...]:
    """Those that are watched, that had incidents or that are chosen, so that a filter can always be taken away."""
    found = Counter(incident.provider for incident in snapshot.incidents.incidents)
    names = {*found, *(target.provider for target in snapshot.targets), *wanted.providers}
    return tuple(
        Choice(name, name, name in wanted.providers, found[name]) for name in sorted(names, key=str.casefold)
    )
