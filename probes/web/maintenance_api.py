"""/api/v1/maintenance and /api/v1/pauses: reading for everybody, announcing for the operator."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Final, TypeVar

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from probes.domain.upkeep import Maintenance, Pause
from probes.settings.maintenance import MAX_NOTE_LENGTH, MaintenanceOptions
from probes.web.announcing import apply, withdrawn
from probes.web.bodies import json_body, refused_field
from probes.web.context import dependencies
from probes.web.errors import not_found
from probes.web.i18n import lazy
from probes.web.maintenance import NO_PAUSE, own_rule, reading
from probes.web.maintenance_form import announced, past_problem, scope_problems
from probes.web.operation import Operation, Parameter, Place, text
from probes.web.operator import require_operator
from probes.web.params import MAX_VALUE_LENGTH
from probes.web.queries.maintenance import MaintenanceList, maintenance_list
from probes.web.serialize import json_response
from probes.web.text import plain_lines

B = TypeVar("B", bound=BaseModel)


class PauseBody(BaseModel):
    """Body of POST /api/v1/pauses; without `until` it lasts until somebody ends it. Everybody reads the note."""

    model_config = ConfigDict(extra="forbid")

    target: Annotated[str, Field(min_length=1, max_length=MAX_VALUE_LENGTH)]
    until: datetime | None = None
    note: Annotated[str, Field(max_length=MAX_NOTE_LENGTH)] = ""


def maintenance() -> Response:
    return json_response(maintenance_list(reading()))


def announce() -> Response:
    require_operator()
    options, snapshot = json_body(MaintenanceOptions), reading()
    rule = announced(options, snapshot.now)
    for name, problem in (scope_problems(rule, snapshot) | past_problem(rule, snapshot.now)).items():
        raise refused_field(name, problem)
    dependencies().store.put_maintenance(rule)
    return json_response(rule, 201)


def withdraw(maintenance_id: str) -> Response:
    """What runs ends now, and nothing more comes; the past stays."""
    require_operator()
    rule = own_rule(maintenance_id)
    apply(dependencies().store, rule, withdrawn(rule, dependencies().clock.now()))
    return json_response(rule)


def pause() -> Response:
    require_operator()
    body, snapshot = json_body(PauseBody), reading()
    if snapshot.target(body.target) is None:
        known = [target.id for target in snapshot.targets]
        raise not_found(lazy("No such model is configured."), body.target, known)
    if body.until is not None and (body.until.tzinfo is None or body.until <= snapshot.now):
        raise refused_field("until", lazy("not a time to come with its offset, such as 2026-12-01T02:00:00Z"))
    made = Pause(body.target, snapshot.now, body.until, plain_lines(body.note))
    dependencies().store.put_pause(made)
    return json_response(made, 201)


def resume(target: str) -> Response:
    require_operator()
    store = dependencies().store
    found = next((one for one in store.pauses() if one.target == target), None)
    if found is None or not store.delete_pause(target):
        raise not_found(NO_PAUSE, target, [one.target for one in store.pauses()])
    return json_response(found)


MAINTENANCE_VIEWS: Final[Mapping[str, Callable[..., Response]]] = {
    "maintenance": maintenance,
    "announce_maintenance": announce,
    "withdraw_maintenance": withdraw,
    "pause": pause,
    "resume": resume,
}

_TARGET: Final = Parameter("target", lazy("The paused target's id."), text("openai/main/gpt-4o"), Place.PATH)

MAINTENANCE_OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "maintenance",
        "/maintenance",
        lazy("Announced windows of 30 days ahead and back, the rules that they come from, and pauses."),
        MaintenanceList,
    ),
    Operation(
        "announce_maintenance",
        "/maintenance",
        lazy("Announce a window, or a row of them, in the words of the configuration file."),
        Maintenance,
        method="POST",
        status=201,
        body=MaintenanceOptions,
        errors=(400, 401, 403, 413, 415, 503),
        needs_operator=True,
    ),
    Operation(
        "withdraw_maintenance",
        "/maintenance/{maintenance_id}",
        lazy("End what runs of an announcement by the operator, and let nothing more of it come."),
        Maintenance,
        method="DELETE",
        parameters=(Parameter("maintenance_id", lazy("Its id."), text(), Place.PATH),),
        errors=(400, 401, 403, 404, 503),
        needs_operator=True,
    ),
    Operation(
        "pause",
        "/pauses",
        lazy("Leave a target alone: it is not probed, and its state is paused."),
        Pause,
        method="POST",
        status=201,
        body=PauseBody,
        errors=(400, 401, 403, 404, 413, 415, 503),
        needs_operator=True,
    ),
    Operation(
        "resume",
        "/pauses/{target}",
        lazy("Probe a paused target again."),
        Pause,
        method="DELETE",
        parameters=(_TARGET,),
        errors=(400, 401, 403, 404, 503),
        needs_operator=True,
    ),
)
