"""The pages of incidents: the list, one incident with its timeline, and the forms by which the operator acts on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from probes.domain.incident import Affected, Incident, IncidentUpdate, UpdateKind
from probes.store.base import IncidentQuery
from probes.web import export
from probes.web.context import current_snapshot, dependencies
from probes.web.errors import not_found
from probes.web.filters import Picker, address
from probes.web.i18n import Lazy, lazy
from probes.web.incident_actions import MAX_TEXT, Action, ActionError, Ask, act
from probes.web.incident_csv import incidents_csv
from probes.web.incident_filters import incident_arguments, incident_pickers, incidents_query
from probes.web.incident_text import (
    entry_text,
    incident_span,
    incident_title,
    incident_why,
    model_name,
    month_name,
)
from probes.web.operator import is_operator, require_operator
from probes.web.params import Parameters
from probes.web.queries.incidents import IncidentState, IncidentsView, Reader, incidents_view
from probes.web.text import plain_lines

MAX_ID_LENGTH: Final = 100
MAX_MERGES: Final = 10  # of mergers followed
CSV_ROWS: Final = 1000
DONE: Final[dict[Action, Lazy]] = {
    Action.ACKNOWLEDGE: lazy("Acknowledged."),
    Action.NOTE: lazy("The note is on the timeline."),
    Action.POSTMORTEM: lazy("The postmortem is kept."),
    Action.MERGE: lazy("Merged: this is the incident that took the other one up."),
}
NO_INCIDENT: Final = lazy("There is no incident with this id.")

blueprint = Blueprint("incidents", __name__)
for _function in (incident_title, incident_why, incident_span, entry_text, month_name, model_name):
    blueprint.add_app_template_global(_function)
blueprint.add_app_template_filter(plain_lines)


@dataclass(frozen=True, slots=True)
class IncidentsPage:
    view: IncidentsView
    pickers: tuple[Picker, ...]
    open: int  # public ones, whatever is filtered
    recent: int  # public ones of 90 days
    clear_url: str
    newest_url: str
    older_url: str | None
    more_open_url: str
    csv_url: str
    json_url: str
    feed_url: str | None
    watched_since: datetime | None


@dataclass(frozen=True, slots=True)
class Form:
    """What the operator sent and why it was refused; empty before."""

    action: Action | None = None
    field: str = ""
    problem: Lazy | str = ""
    text: str = ""
    is_public: bool = False

    def error(self, action: str) -> str:
        return str(self.problem) if self.action is not None and self.action.value == action else ""

    def given(self, action: str) -> str:
        return self.text if self.error(action) else ""


@dataclass(frozen=True, slots=True)
class IncidentPage:
    incident: Incident
    state: IncidentState
    timeline: tuple[IncidentUpdate, ...]  # newest first
    postmortem: IncidentUpdate | None  # the newest
    may_merge: tuple[Incident, ...]  # into one of these; for the operator alone
    feed_url: str | None
    json_url: str
    form: Form = field(default_factory=Form)
    done: Lazy | None = None

    @property
    def parts(self) -> Sequence[Affected]:
        """Those that last first, worst first."""
        return sorted(self.incident.affected, key=lambda part: (not part.is_open, -part.worst.rank))


@blueprint.get("/incidents", endpoint="list")
def incidents() -> Response:
    query = incidents_query(Parameters(request.args))
    view = incidents_view(reader(), query)
    path, arguments = url_for(".list"), incident_arguments(query)
    log = current_snapshot().incidents
    page = IncidentsPage(
        view=view,
        pickers=incident_pickers(current_snapshot(), query.filter, sees_all=is_operator()),
        open=len(log.open),
        recent=len(log.incidents),
        clear_url=path,
        newest_url=address(path, arguments),
        older_url=address(path, [*arguments, ("cursor", view.older_cursor)]) if view.older_cursor else None,
        more_open_url=address(path, [*arguments, ("state", "open")]),
        csv_url=address(url_for(".csv"), arguments),
        json_url=address(url_for("api.incidents"), arguments),
        feed_url=_feed_url("feeds.everything"),
        watched_since=min(
            (s.first_seen_at for s in current_snapshot().statistics.values() if s.first_seen_at), default=None
        ),
    )
    return _private(render_template("incidents.html", page=page))


@blueprint.get("/incidents.csv", endpoint="csv")
def incidents_file() -> Response:
    """The first CSV_ROWS, newest first, whatever the page shows of them."""
    query = replace(incidents_query(Parameters(request.args)), limit=CSV_ROWS)
    text = incidents_csv(reader().listed(query).incidents, incident_title)
    name = export.file_name("incidents", dependencies().clock.now(), "csv")
    return _private(export.as_download(Response(text, mimetype=export.CSV), name))


@blueprint.get("/incidents/<incident_id>", endpoint="one")
def incident(incident_id: str) -> AnyResponse:
    found = _find(incident_id)
    taker = _taker(found)
    if taker is not None and not is_operator():
        return redirect(url_for(".one", incident_id=taker.id), 302)
    done = next((said for action, said in DONE.items() if action.value == request.args.get("done")), None)
    return _private(_page(found, done=done))


@blueprint.get("/incidents/<incident_id>/<any(acknowledge, note, postmortem, merge):action>")
def acted_on(incident_id: str, action: str) -> AnyResponse:
    """Where a refused form has left the reader: loading it again, as live news do, leads back to the incident."""
    return redirect(url_for(".one", incident_id=incident_id), 302)


@blueprint.post("/incidents/<incident_id>/<any(acknowledge, note, postmortem, merge):action>", endpoint="act")
def act_on(incident_id: str, action: str) -> AnyResponse:
    """The form's way: `text`, `visibility` (public or private), `into`, `token` where the cookie is missing."""
    require_operator()
    found = _find(incident_id)
    ask = Ask(
        Action(action),
        text=request.form.get("text", ""),
        is_public=request.form.get("visibility") == "public",
        into=request.form.get("into", ""),
    )
    try:
        changed = act(dependencies().store, found.id, ask, dependencies().clock.now())
    except ActionError as error:
        form = Form(ask.action, error.field, error.problem, ask.text[: 2 * MAX_TEXT], ask.is_public)
        return _private(_page(found, form=form), error.status)
    return redirect(url_for(".one", incident_id=changed.merged_into or changed.id, done=action), 303)


def reader() -> Reader:
    """The store through the eyes of whoever asks."""
    return Reader(dependencies().store, _searched, is_operator())


def _page(found: Incident, *, form: Form | None = None, done: Lazy | None = None) -> str:
    timeline = tuple(reversed(found.updates))
    page = IncidentPage(
        incident=found,
        state=IncidentState.of(found),
        timeline=timeline,
        postmortem=next((update for update in timeline if update.kind is UpdateKind.POSTMORTEM), None),
        may_merge=_may_merge(found),
        feed_url=_feed_url("feeds.of_provider", provider=found.provider),
        json_url=url_for("api.incident", incident_id=found.id),
        form=form or Form(),
        done=done,
    )
    return render_template("incident.html", page=page)


def _find(incident_id: str) -> Incident:
    found = reader().find(incident_id) if len(incident_id) <= MAX_ID_LENGTH else None
    if found is None:
        raise not_found(NO_INCIDENT, "", ())
    return found


def _taker(found: Incident) -> Incident | None:
    """The incident that took this one up, and in turn the one that took that up; None for one that stands alone."""
    taker: Incident | None = None
    for _ in range(MAX_MERGES):
        into = (taker or found).merged_into
        if into is None:
            return taker
        taker = _find(into)
    return taker


def _may_merge(found: Incident) -> tuple[Incident, ...]:
    if not is_operator() or not found.is_open:
        return ()
    query = IncidentQuery(providers=(found.provider,), is_open=True, is_public=found.is_public)
    others = dependencies().store.incidents(query).incidents
    return tuple(other for other in others if other.id != found.id)


def _searched(incident: Incident) -> Sequence[str]:
    told = (update.text for update in incident.updates)
    names = (model_name(target) for target in incident.targets)
    return (incident.id, incident.provider, incident_title(incident), *incident.targets, *names, *told)


def _feed_url(endpoint: str, provider: str | None = None) -> str | None:
    """None for a provider that is no longer watched, which has no feed."""
    if provider is None:
        return url_for(endpoint, form="atom")
    watched = {target.split("/", 1)[0] for target in current_snapshot().statistics}
    watched |= {target.provider for target in current_snapshot().targets}
    return url_for(endpoint, form="atom", provider=provider) if provider in watched else None


def _private(answer: str | Response, status: int = 200) -> Response:
    """What the operator is shown is kept by nobody."""
    response = Response(answer, status=status, mimetype="text/html") if isinstance(answer, str) else answer
    if is_operator():
        response.headers["Cache-Control"] = "no-store"
    return response
