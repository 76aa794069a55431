"""/api/v1/incidents: reading for everybody, acting for the operator. Routes come from INCIDENT_OPERATIONS."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final, TypeVar
from urllib.parse import urlencode

from flask import Response, request
from flask_babel import force_locale
from pydantic import BaseModel, ConfigDict, Field

from probes.domain.incident import Severity
from probes.store.base import MAX_PAGE_SIZE
from probes.web.bodies import json_body
from probes.web.context import dependencies
from probes.web.errors import ErrorCode, Failure, RefusedError, not_found
from probes.web.i18n import lazy
from probes.web.incident_actions import MAX_TEXT, Action, ActionError, Ask, act
from probes.web.incident_answers import IncidentList, IncidentView
from probes.web.incident_filters import incidents_query
from probes.web.incidents import MAX_ID_LENGTH, NO_INCIDENT, reader
from probes.web.operation import TIME, Operation, Parameter, Place, many, one_of, text
from probes.web.operator import is_operator, require_operator
from probes.web.params import DEFAULT_LIMIT, Parameters
from probes.web.queries.incidents import Standing
from probes.web.serialize import json_response

CODES: Final[Mapping[int, ErrorCode]] = {400: ErrorCode.BAD_PARAMETER, 409: ErrorCode.CONFLICT}

Words = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
B = TypeVar("B", bound=BaseModel)


class NoteBody(BaseModel):
    """Body of POST /api/v1/incidents/{incident_id}/note. Private unless said otherwise."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Words
    is_public: bool = False


class PostmortemBody(BaseModel):
    """Body of POST /api/v1/incidents/{incident_id}/postmortem. Public unless said otherwise."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Words
    is_public: bool = True


class MergeBody(BaseModel):
    """Body of POST /api/v1/incidents/{incident_id}/merge: the id of the incident that goes on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    into: Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]


def incidents() -> Response:
    listed = reader().listed(incidents_query(Parameters(request.args)))
    response = _unkept(json_response(IncidentList.of(listed)))
    if listed.older_cursor is not None:
        kept = [(key, value) for key, value in request.args.items(multi=True) if key != "cursor" and value]
        query = urlencode([*kept, ("cursor", listed.older_cursor)])
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def incident(incident_id: str) -> Response:
    found = reader().find(incident_id) if len(incident_id) <= MAX_ID_LENGTH else None
    if found is None:
        raise not_found(NO_INCIDENT, "", ())
    with force_locale("en"):
        return _unkept(json_response(IncidentView.of(found)))


def acknowledge(incident_id: str) -> Response:
    require_operator()
    return _acted(incident_id, Ask(Action.ACKNOWLEDGE))


def note(incident_id: str) -> Response:
    require_operator()
    body = json_body(NoteBody)
    return _acted(incident_id, Ask(Action.NOTE, body.text, body.is_public))


def postmortem(incident_id: str) -> Response:
    require_operator()
    body = json_body(PostmortemBody)
    return _acted(incident_id, Ask(Action.POSTMORTEM, body.text, body.is_public))


def merge(incident_id: str) -> Response:
    require_operator()
    return _acted(incident_id, Ask(Action.MERGE, into=json_body(MergeBody).into))


def _acted(incident_id: str, ask: Ask) -> Response:
    deps = dependencies()
    try:
        changed = act(deps.store, incident_id[:MAX_ID_LENGTH], ask, deps.clock.now())
    except LookupError:
        raise not_found(NO_INCIDENT, "", ()) from None
    except ActionError as error:
        raise RefusedError(
            Failure(error.status, CODES[error.status], error.problem, parameter=error.field)
        ) from None
    with force_locale("en"):
        return _unkept(json_response(IncidentView.of(changed)))


def _unkept(response: Response) -> Response:
    """Proxies may keep what everybody may see, and nothing else."""
    if is_operator():
        response.headers["Cache-Control"] = "no-store"
    return response


INCIDENT_VIEWS: Final[Mapping[str, Callable[..., Response]]] = {
    "incidents": incidents,
    "incident": incident,
    "acknowledge_incident": acknowledge,
    "note_on_incident": note,
    "postmortem_of_incident": postmortem,
    "merge_incident": merge,
}

_INCIDENT: Final = Parameter("incident_id", lazy("The incident's id."), text(), Place.PATH)

INCIDENT_OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "incidents",
        "/incidents",
        lazy("Incidents, newest first, by pages; those that are ours alone only for the operator."),
        IncidentList,
        parameters=(
            Parameter("q", lazy("Words that must all occur in models, provider or notes."), text("gpt")),
            many("provider", lazy("Only these providers."), text("openai")),
            many("severity", lazy("Only these severities."), one_of(Severity)),
            many("state", lazy("Only open ones, or only resolved ones."), one_of(Standing)),
            many("target", lazy("Only those that affect any of these targets."), text("openai/main/gpt-4o")),
            Parameter("since", lazy("Lasted at or after this time."), TIME),
            Parameter("until", lazy("Began before this time."), TIME),
            Parameter(
                "limit",
                lazy("Incidents on a page."),
                {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_LIMIT},
            ),
            Parameter("cursor", lazy("older_cursor of the page before: the page after it."), text()),
        ),
    ),
    Operation(
        "incident",
        "/incidents/{incident_id}",
        lazy("One incident with its models and its timeline."),
        IncidentView,
        parameters=(_INCIDENT,),
        errors=(400, 404, 503),
    ),
    Operation(
        "acknowledge_incident",
        "/incidents/{incident_id}/acknowledge",
        lazy("Say that the operator knows. Twice is once."),
        IncidentView,
        method="POST",
        parameters=(_INCIDENT,),
        errors=(400, 401, 403, 404, 409, 503),
        needs_operator=True,
    ),
    Operation(
        "note_on_incident",
        "/incidents/{incident_id}/note",
        lazy("Write a note on the timeline, public or private."),
        IncidentView,
        method="POST",
        parameters=(_INCIDENT,),
        body=NoteBody,
        errors=(400, 401, 403, 404, 409, 413, 415, 503),
        needs_operator=True,
    ),
    Operation(
        "postmortem_of_incident",
        "/incidents/{incident_id}/postmortem",
        lazy("Write what was learnt from it; the newest one holds."),
        IncidentView,
        method="POST",
        parameters=(_INCIDENT,),
        body=PostmortemBody,
        errors=(400, 401, 403, 404, 409, 413, 415, 503),
        needs_operator=True,
    ),
    Operation(
        "merge_incident",
        "/incidents/{incident_id}/merge",
        lazy("Merge it into another open incident of the provider, which is the answer."),
        IncidentView,
        method="POST",
        parameters=(_INCIDENT,),
        body=MergeBody,
        errors=(400, 401, 403, 404, 409, 413, 415, 503),
        needs_operator=True,
    ),
)
