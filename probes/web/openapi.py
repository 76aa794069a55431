"""The API's one table: its routes, its OpenAPI 3.1 document and its page for people all come from OPERATIONS."""

from functools import cache
from typing import Any, Final

from flask_babel import force_locale
from pydantic import TypeAdapter

from probes.domain.event import EventKind
from probes.domain.outcome import Outcome
from probes.domain.plan import Plan
from probes.domain.result import Category, ProbeResult, Trigger
from probes.domain.rollup import Period
from probes.domain.state import State
from probes.store.base import MAX_PAGE_SIZE
from probes.web.answers import EventList, LastCheck, ResultList, TargetDetail, TargetList
from probes.web.errors import ErrorAnswer
from probes.web.field_words import FIELD_GROUPS
from probes.web.health import HealthView
from probes.web.i18n import Lazy, lazy
from probes.web.incident_api import INCIDENT_OPERATIONS
from probes.web.maintenance_api import MAINTENANCE_OPERATIONS
from probes.web.operation import JSON, TIME, Operation, Parameter, Place, many, one_of, text
from probes.web.params import DEFAULT_LIMIT
from probes.web.queries.model import Series
from probes.web.queries.pick import NeedName, Pick, Preference
from probes.web.queries.slo import SloList
from probes.web.queries.stats import StatsColumn, StatsTable
from probes.web.refresh import RefreshBody, RefreshView
from probes.web.windows import Window

REF: Final = "#/components/schemas/{model}"
_DESCRIPTION: Final = (
    "Whether LLM APIs are up and how soon they answer. "
    "Times are UTC, durations are seconds, and null means not observed."
)
MEANINGS: Final = {name: meaning for _title, group in FIELD_GROUPS for name, meaning in group}
_TARGET: Final = Parameter(
    "target",
    lazy("The id: provider/client/model. Slashes may stand as they are or be escaped."),
    text("openai/main/gpt-4o"),
    Place.PATH,
)
_WINDOW: Final = Parameter(
    "window", lazy("Up to now, in whole hours or UTC days."), one_of(Window, Window.DAY.value)
)
_PROVIDER: Final = many("provider", lazy("Only these providers."), text("openai"))
_CATEGORY: Final = many("category", lazy("Only these responsiveness categories."), one_of(Category))
_STATISTICS: Final = (
    _WINDOW,
    Parameter("q", lazy("Words that must all occur in provider, client, model or name."), text("gpt")),
    _PROVIDER,
    _CATEGORY,
    many("state", lazy("Only these states."), one_of(State)),
    Parameter(
        "sort",
        lazy("A column, with a leading minus for the other direction; unknown values come last."),
        {
            "type": "string",
            "enum": [sign + column.value for column in StatsColumn for sign in ("", "-")],
            "default": StatsColumn.STATE.value,
        },
    ),
)
_FILTERS: Final = (
    Parameter("since", lazy("Due at or after this time; 90 days back if left out."), TIME),
    Parameter("until", lazy("Due before this time."), TIME),
    many("target", lazy("Only these target ids."), text("openai/main/gpt-4o")),
    _PROVIDER,
    many("model", lazy("Only these models, of any provider."), text("gpt-4o")),
    many("location", lazy("Only probes from these locations."), text("local")),
    _CATEGORY,
    many("outcome", lazy("Only these outcomes."), one_of(Outcome)),
    many("trigger", lazy("Only probes that ran for these reasons."), one_of(Trigger)),
)
_PAGING: Final = (
    Parameter(
        "limit",
        lazy("Records on a page."),
        {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_LIMIT},
    ),
    Parameter("cursor", lazy("older_cursor of the page before: the page after it."), text()),
    Parameter("after", lazy("newer_cursor or newest_cursor of a page: what is newer."), text()),
)

_NEEDS: Final = ", ".join(NeedName)
_NEED: Final = "max_ttft_p95:2,min_availability:0.99"

_EVENT_FILTERS: Final = (
    Parameter("since", lazy("Seen at or after this time."), TIME),
    Parameter("until", lazy("Seen before this time."), TIME),
    many("kind", lazy("Only these kinds of change."), one_of(EventKind)),
)
_EVENT_PAGING: Final = (
    Parameter(
        "limit",
        lazy("Events on a page."),
        {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_LIMIT},
    ),
    Parameter("cursor", lazy("older_cursor of the page before: the page after it."), text()),
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("targets", "/targets", lazy("Every configured target and its state."), TargetList),
    Operation(
        "target",
        "/targets/{target}",
        lazy("One target with its plan and newest results."),
        TargetDetail,
        parameters=(_TARGET,),
        errors=(400, 404, 503),
    ),
    Operation(
        "series",
        "/targets/{target}/series",
        lazy("A target's figures over time; a gap is null."),
        Series,
        parameters=(
            _TARGET,
            _WINDOW,
            Parameter("period", lazy("Length of a step; chosen by the window if left out."), one_of(Period)),
        ),
        errors=(400, 404, 503),
    ),
    Operation(
        "target_events",
        "/targets/{target}/events",
        lazy("A target's timeline: changes of served model, fingerprint, answer or settings, newest first."),
        EventList,
        parameters=(_TARGET, *_EVENT_FILTERS, *_EVENT_PAGING),
        errors=(400, 404, 503),
    ),
    Operation(
        "events",
        "/events",
        lazy("The timelines of all targets in one, newest first, by pages."),
        EventList,
        parameters=(
            *_EVENT_FILTERS,
            many("target", lazy("Only these target ids."), text("openai/main/gpt-4o")),
            _PROVIDER,
            many("model", lazy("Only these models, of any provider."), text("gpt-4o")),
            *_EVENT_PAGING,
        ),
    ),
    Operation(
        "statistics",
        "/statistics",
        lazy("Availability, latency and throughput of every target over a window."),
        StatsTable,
        parameters=_STATISTICS,
    ),
    Operation(
        "slo",
        "/slo",
        lazy("Objectives of all targets, what is left of their error budgets, and which burn too fast."),
        SloList,
    ),
    Operation(
        "results",
        "/results",
        lazy("Records of single probes, newest first, by pages."),
        ResultList,
        parameters=(*_FILTERS, *_PAGING),
    ),
    Operation(
        "results_csv",
        "/results.csv",
        lazy("All matching records as CSV."),
        None,
        media="text/csv",
        parameters=_FILTERS,
    ),
    Operation(
        "results_ndjson",
        "/results.ndjson",
        lazy("All matching records as lines of JSON, each like one record."),
        None,
        media="application/x-ndjson",
        parameters=_FILTERS,
    ),
    Operation(
        "result",
        "/results/{result_id}",
        lazy("One record."),
        ProbeResult,
        parameters=(Parameter("result_id", lazy("The record's id."), text(), Place.PATH),),
        errors=(400, 404, 503),
    ),
    Operation(
        "refresh",
        "/refresh",
        lazy("Probe now: all targets, or the ones named in the body. Has a cool-down."),
        RefreshView,
        method="POST",
        status=202,
        body=RefreshBody,
        errors=(400, 401, 403, 404, 413, 415, 429, 503),
        needs_token=True,
    ),
    Operation(
        "refresh_state",
        "/refresh/{refresh_id}",
        lazy("How far a refresh has come."),
        RefreshView,
        parameters=(Parameter("refresh_id", lazy("Its id."), text(), Place.PATH),),
        errors=(400, 404, 503),
    ),
    Operation(
        "config",
        "/config",
        lazy(
            "The running configuration without its secrets, its last change, and why a newer one was refused."
        ),
        Plan,
        errors=(400, 404, 503),
    ),
    Operation("health", "/health", lazy("Agents, store and configuration."), HealthView),
    Operation(
        "pick",
        "/pick",
        lazy("What can be relied on now: candidates, best first, and why the others are none."),
        Pick,
        parameters=(
            many(
                "needs", lazy("name:value, also several with commas: %(names)s.", names=_NEEDS), text(_NEED)
            ),
            _WINDOW,
            Parameter("prefer", lazy("What ranks equals first."), one_of(Preference, Preference.TTFT.value)),
        ),
    ),
    *INCIDENT_OPERATIONS,
    *MAINTENANCE_OPERATIONS,
)


@cache
def schemas() -> tuple[dict[str, Any], dict[str, Any]]:
    """JSON Schema of every answer and body: references by type name, and the components they lead to."""
    answers = {operation.answer for operation in OPERATIONS if operation.answer is not None}
    bodies = {operation.body for operation in OPERATIONS if operation.body is not None}
    wanted: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (kind.__name__, "serialization", TypeAdapter(kind))
        for kind in sorted({*answers, ErrorAnswer}, key=lambda kind: kind.__name__)
    ]
    wanted += [(kind.__name__, "validation", TypeAdapter(kind)) for kind in bodies]
    references, definitions = TypeAdapter.json_schemas(wanted, ref_template=REF)
    components = dict(sorted(definitions["$defs"].items()))
    _make_optional(components["ErrorDetail"], ("parameter", "cure"))
    return {name: schema for (name, _mode), schema in references.items()}, components


@cache
def openapi_document(version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document, in English. Needs a request, as translations do."""
    with force_locale("en"):
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "FirstToken API",
                "version": version,
                "description": _DESCRIPTION,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "/api/v1"}],
            "paths": _paths(),
            "components": {
                "schemas": {name: _explained(name, schema) for name, schema in schemas()[1].items()},
                "securitySchemes": {"adminToken": {"type": "http", "scheme": "bearer"}},
            },
        }


def meaning_of(schema_name: str, field_name: str) -> Lazy | None:
    """What a field of a record measures, as /methodology tells it; None for other schemas."""
    return MEANINGS.get(field_name) if schema_name in (ProbeResult.__name__, LastCheck.__name__) else None


def _explained(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    properties = {
        field_name: {**inner, "description": str(meaning)}
        if (meaning := meaning_of(name, field_name))
        else inner
        for field_name, inner in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties} if properties else schema


def _paths() -> dict[str, dict[str, object]]:
    paths: dict[str, dict[str, object]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return paths


def _described(operation: Operation) -> dict[str, object]:
    described: dict[str, object] = {
        "operationId": operation.id,
        "summary": str(operation.summary),
        "parameters": [_described_parameter(parameter) for parameter in operation.parameters],
        "responses": {
            str(operation.status): {"description": str(operation.summary), "content": _content(operation)},
            **{str(status): _described_error() for status in operation.errors},
        },
    }
    if operation.body is not None:
        schema = schemas()[0][operation.body.__name__]
        described["requestBody"] = {
            "required": operation.needs_operator,
            "content": {JSON: {"schema": schema}},
        }
    if operation.needs_token:
        described["security"] = [{}, {"adminToken": []}]
    if operation.needs_operator:
        described["security"] = [{"adminToken": []}]
    return described


def _content(operation: Operation) -> dict[str, object]:
    if operation.answer is None:
        return {operation.media: {"schema": {"type": "string"}}}
    return {operation.media: {"schema": schemas()[0][operation.answer.__name__]}}


def _described_parameter(parameter: Parameter) -> dict[str, object]:
    described: dict[str, object] = {
        "name": parameter.name,
        "in": parameter.place.value,
        "required": parameter.place is Place.PATH,
        "description": str(parameter.summary),
        "schema": parameter.schema,
    }
    return {**described, "style": "form", "explode": True} if parameter.is_many else described


def _described_error() -> dict[str, object]:
    return {
        "description": "The one shape of every error.",
        "content": {JSON: {"schema": schemas()[0]["ErrorAnswer"]}},
    }


def _make_optional(component: dict[str, Any], names: tuple[str, ...]) -> None:
    """Errors leave out what they do not know, unlike every other answer."""
    component["required"] = [name for name in component["required"] if name not in names]
