"""/api/v1: the board's data as JSON, from the same dataclasses as the pages. Routes come from OPERATIONS."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import wraps
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, render_template, request
from flask_babel import force_locale

from probes.domain.result import ProbeResult
from probes.store.base import EventQuery, ResultQuery, StoreUnavailableError
from probes.web import export
from probes.web.answers import ResultList, event_list, target_detail, target_list
from probes.web.api_guide import api_guide
from probes.web.context import current_snapshot, dependencies, installed
from probes.web.errors import not_found
from probes.web.health import health_view
from probes.web.i18n import lazy
from probes.web.incident_api import INCIDENT_VIEWS
from probes.web.maintenance_api import MAINTENANCE_VIEWS
from probes.web.needs import pick_query
from probes.web.openapi import OPERATIONS, openapi_document
from probes.web.operation import Operation
from probes.web.origin import origin
from probes.web.params import Parameters, event_query, period_of, result_query, stats_query, window_of
from probes.web.queries.model import rollup_series
from probes.web.queries.pick import pick as picked
from probes.web.queries.results import every_page, result_page
from probes.web.queries.slo import slo_list
from probes.web.queries.stats import stats_table
from probes.web.refresh import RefreshView, post_body
from probes.web.serialize import json_response
from probes.web.snapshot import Snapshot

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

MAX_ID_LENGTH: Final = 300
View = Callable[..., Response]


def targets() -> Response:
    return json_response(target_list(_reading()))


def target(target: str) -> Response:
    snapshot = _reading()
    _require_target(snapshot, target)
    return json_response(target_detail(snapshot, target))


def statistics() -> Response:
    return json_response(stats_table(_reading(), stats_query(_parameters()), installed().memo))


def slo() -> Response:
    return json_response(slo_list(_reading()))


def results() -> Response:
    view = result_page(dependencies().store, _result_query(), dependencies().clock.now())
    response = json_response(
        ResultList(view.results, view.older_cursor, view.newer_cursor, view.newest_cursor)
    )
    links = [
        _page_link(rel, name, cursor)
        for rel, name, cursor in (("next", "cursor", view.older_cursor), ("prev", "after", view.newer_cursor))
        if cursor is not None
    ]
    if links:
        response.headers["Link"] = ", ".join(links)
    return response


def results_csv() -> Response:
    return export.streamed(export.results_csv(_every_page()), export.CSV, _file_name("csv"))


def results_ndjson() -> Response:
    return export.streamed(export.results_ndjson(_every_page()), export.NDJSON, _file_name("ndjson"))


def result(result_id: str) -> Response:
    found = dependencies().store.result(result_id) if len(result_id) <= MAX_ID_LENGTH else None
    if found is None:
        raise not_found(lazy("There is no record with this id."), "", ())
    return json_response(found)


def series(target: str) -> Response:
    _require_target(_reading(), target)
    parameters = _parameters()
    window, period = window_of(parameters), period_of(parameters)
    now = dependencies().clock.now()
    return json_response(rollup_series(dependencies().store, target, window, now, period))


def events() -> Response:
    return _events(event_query(_parameters(), _known_targets()))


def target_events(target: str) -> Response:
    _require_target(_reading(), target)
    return _events(replace(event_query(_parameters(), ()), targets=(target,)))


def refresh_state(refresh_id: str) -> Response:
    found = dependencies().store.refresh(refresh_id) if len(refresh_id) <= MAX_ID_LENGTH else None
    if found is None:
        raise not_found(lazy("There is no refresh with this id."), "", ())
    response = json_response(RefreshView.of(found))
    response.headers["Cache-Control"] = "no-store"
    return response


def config() -> Response:
    plan = _reading().plan
    if plan is None:
        raise not_found(lazy("No agent has published a configuration yet."), "", ())
    return json_response(plan)


def health() -> Response:
    """200 whatever it says: being told of trouble is not a failure. /readyz has the status for machines."""
    with force_locale("en"):
        return json_response(health_view())


def pick() -> Response:
    with force_locale("en"):
        return json_response(picked(_reading(), pick_query(_parameters()), installed().memo))


VIEWS: Final[dict[str, View]] = {
    "targets": targets,
    "target": target,
    "series": series,
    "target_events": target_events,
    "events": events,
    "statistics": statistics,
    "slo": slo,
    "results": results,
    "results_csv": results_csv,
    "results_ndjson": results_ndjson,
    "result": result,
    "refresh": post_body,
    "refresh_state": refresh_state,
    "config": config,
    "health": health,
    "pick": pick,
    **INCIDENT_VIEWS,
    **MAINTENANCE_VIEWS,
}


@blueprint.get("/openapi.json")
def document() -> Response:
    return jsonify(openapi_document(dependencies().version))


@blueprint.get("/docs")
def docs() -> str:
    return render_template("api_docs.html", guide=api_guide(origin()))


def _checked(operation: Operation, view: View) -> View:
    """Refuse a query parameter that the operation does not know before the view runs."""

    @wraps(view)
    def checked(**path: str) -> Response:
        _parameters().refuse_unknown(operation.query_names)
        return view(**path)

    return checked


for _operation in OPERATIONS:
    blueprint.add_url_rule(
        _operation.rule,
        _operation.id,
        _checked(_operation, VIEWS[_operation.id]),
        methods=[_operation.method],
    )


def _parameters() -> Parameters:
    return Parameters(request.args)


def _reading() -> Snapshot:
    """The snapshot, unless the store has never answered. Raises StoreUnavailableError."""
    snapshot = current_snapshot()
    if snapshot.as_of is None:
        raise StoreUnavailableError(snapshot.store_error or "never read")
    return snapshot


def _require_target(snapshot: Snapshot, target_id: str) -> None:
    """A removed target keeps its history, so it is known as long as it has statistics."""
    if snapshot.target(target_id) is None and target_id not in snapshot.statistics:
        known = [target.id for target in snapshot.targets]
        raise not_found(lazy("No such model is configured, and none was ever probed."), target_id, known)


def _result_query() -> ResultQuery:
    return result_query(_parameters(), _known_targets())


def _known_targets() -> tuple[str, ...]:
    """Configured and removed ones."""
    snapshot = current_snapshot()
    return tuple(dict.fromkeys([*(target.id for target in snapshot.targets), *snapshot.statistics]))


def _events(query: EventQuery) -> Response:
    page = dependencies().store.events(query)
    response = json_response(event_list(page))
    if page.next_cursor is not None:
        response.headers["Link"] = _page_link("next", "cursor", page.next_cursor)
    return response


def _every_page() -> Iterator[tuple[ProbeResult, ...]]:
    return every_page(dependencies().store, _result_query(), dependencies().clock.now())


def _page_link(rel: str, name: str, cursor: str) -> str:
    kept = [
        (key, value)
        for key, value in request.args.items(multi=True)
        if key not in ("cursor", "after") and value
    ]
    return f'<{request.path}?{urlencode([*kept, (name, cursor)])}>; rel="{rel}"'


def _file_name(extension: str) -> str:
    return export.file_name("results", dependencies().clock.now(), extension)
