"""The pages made of tables: statistics, raw records, one record, one model; and their exports of just what is shown."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from flask import Blueprint, Response, get_template_attribute, render_template, request, url_for
from markupsafe import Markup

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import ProbeResult
from probes.store.base import ResultQuery
from probes.web import export
from probes.web.captions import captions
from probes.web.context import current_snapshot, dependencies, installed
from probes.web.display import iso
from probes.web.errors import not_found
from probes.web.filters import (
    Arguments,
    Heading,
    Picker,
    Span,
    address,
    headings,
    model_spans,
    result_arguments,
    result_pickers,
    result_spans,
    spans,
    stats_arguments,
    stats_pickers,
)
from probes.web.i18n import Lazy, lazy
from probes.web.model_incidents import ModelIncidents, model_incidents
from probes.web.origin import origin
from probes.web.params import DEFAULT_LIMIT, Parameters, result_query, stats_query, window_of
from probes.web.preferences import language
from probes.web.proposals import ProposalView, proposals_for
from probes.web.queries.model import ModelView, model_view
from probes.web.queries.rate_limits import LimitLeft, limits_left
from probes.web.queries.results import ResultsView, browsed_page, every_page
from probes.web.queries.slo import SloView, slo_of
from probes.web.queries.stats import FEW_RESULTS, WORST_FIRST, StatsRow, StatsTable, stats_table
from probes.web.queries.waterfall import waterfall
from probes.web.serialize import json_response
from probes.web.sharing import LIMIT_LABELS, Sharing, sharing
from probes.web.spoken import Spoken
from probes.web.text import plain
from probes.web.windows import Window
from probes.web.words import PROTOCOLS, word

MAX_ID_LENGTH: Final = 300
FRESH_AT_MOST: Final = 100  # new results are counted no further
REMEMBERED_RECORDS: Final = 500  # about 5 kB each, in each language
FAILURES: Final = tuple(outcome for outcome in Outcome if outcome.counts_against_availability)

FAULT_LABELS: Final = {Fault.NONE: lazy("ok")}
WEEKDAYS: Final = (lazy("Mon"), lazy("Tue"), lazy("Wed"), lazy("Thu"), lazy("Fri"), lazy("Sat"), lazy("Sun"))
blueprint = Blueprint("tables", __name__)
blueprint.add_app_template_filter(plain)
blueprint.add_app_template_global(waterfall)


@dataclass(frozen=True, slots=True)
class StatsPage:
    table: StatsTable
    headings: Mapping[str, Heading]
    spans: tuple[Span, ...]
    pickers: tuple[Picker, ...]
    csv_url: str
    json_url: str
    clear_url: str
    models_url: str  # a model's page is this and its id
    records_url: str  # of the window; a target's records are this and its id
    incidents_url: str  # likewise

    @property
    def is_filtered(self) -> bool:
        query = self.table.query
        return bool(query.search or query.providers or query.categories or query.states)


@dataclass(frozen=True, slots=True)
class ResultsPage:
    view: ResultsView
    asked: ResultQuery  # without the bounds that were added
    spans: tuple[Span, ...]
    pickers: tuple[Picker, ...]
    newest_url: str
    newer_url: str | None
    older_url: str | None
    failures_url: str
    csv_url: str
    ndjson_url: str
    clear_url: str
    fresh_url: str | None  # the API's answer to "what came in since"; None on an older page
    models_url: str

    @property
    def is_filtered(self) -> bool:
        return bool(result_arguments(replace(self.asked, limit=DEFAULT_LIMIT)))

    @property
    def limit_input(self) -> int | None:
        return self.asked.limit if self.asked.limit != DEFAULT_LIMIT else None

    @property
    def since_input(self) -> str:
        return _input_text(self.asked.since)

    @property
    def until_input(self) -> str:
        return _input_text(self.asked.until)


@dataclass(frozen=True, slots=True)
class ModelPage:
    view: ModelView
    spans: tuple[Span, ...]
    records_url: str
    failures_url: str
    models_url: str
    protocol: str | None
    proposals: tuple[ProposalView, ...]
    limits: tuple[LimitLeft, ...]
    slo: tuple[SloView, ...]
    sharing: Sharing
    incidents: ModelIncidents

    @property
    def fault_columns(self) -> tuple[tuple[Fault, Lazy], ...]:
        """The outcome chart's columns: ok first, then whose faults occurred."""
        return tuple(
            (fault, FAULT_LABELS.get(fault) or word(fault).label) for fault in self.view.series.faults
        )


@blueprint.get("/stats")
def stats() -> str:
    table = _stats_table()
    path, arguments = url_for(".stats"), stats_arguments(table.query)
    page = StatsPage(
        table=table,
        headings=headings(table.query, path),
        spans=spans(table.query, path),
        pickers=stats_pickers(current_snapshot(), table.query),
        csv_url=address(url_for(".stats_csv"), arguments),
        json_url=address(url_for(".stats_json"), arguments),
        clear_url=address(path, [pair for pair in arguments if pair[0] in ("window", "sort")]),
        models_url=_models_url(),
        records_url=address(url_for(".results"), [("since", iso(table.since)), ("target", "")]),
        incidents_url=address(url_for("incidents.list"), [("since", iso(table.since)), ("target", "")]),
    )
    return render_template("stats.html", page=page, row_html=_row_renderer(page), few=FEW_RESULTS)


@blueprint.get("/stats.csv")
def stats_csv() -> Response:
    text = export.stats_csv(_stats_table())
    return export.as_download(Response(text, mimetype=export.CSV), _file_name("statistics", "csv"))


@blueprint.get("/stats.json")
def stats_json() -> Response:
    return json_response(_stats_table())


@blueprint.get("/result")
def results() -> str:
    asked, snapshot = _asked(), current_snapshot()
    view = browsed_page(dependencies().store, asked, dependencies().clock.now())
    path, arguments = url_for(".results"), result_arguments(asked)
    page = ResultsPage(
        view=view,
        asked=asked,
        spans=result_spans(asked, path, dependencies().clock.now()),
        pickers=result_pickers(snapshot, asked),
        newest_url=address(path, arguments),
        newer_url=_paged(path, arguments, "after", view.newer_cursor),
        older_url=_paged(path, arguments, "cursor", view.older_cursor),
        failures_url=address(path, result_arguments(replace(asked, outcomes=FAILURES))),
        csv_url=address(url_for(".results_csv"), arguments),
        ndjson_url=address(url_for(".results_ndjson"), arguments),
        clear_url=path,
        fresh_url=None if view.newer_cursor else _fresh_url(arguments, view),
        models_url=_models_url(),
    )
    return render_template("result.html", page=page, rows_html=_record_renderer(page.models_url))


@blueprint.get("/result.csv")
def results_csv() -> Response:
    return export.streamed(export.results_csv(_pages()), export.CSV, _file_name("results", "csv"))


@blueprint.get("/result.ndjson")
def results_ndjson() -> Response:
    return export.streamed(export.results_ndjson(_pages()), export.NDJSON, _file_name("results", "ndjson"))


@blueprint.get("/result/<result_id>")
def result(result_id: str) -> str:
    found = dependencies().store.result(result_id) if len(result_id) <= MAX_ID_LENGTH else None
    if found is None:
        raise not_found(
            lazy("There is no record with this id. Records are deleted when their time is over."), "", ()
        )
    return render_template("record.html", result=found, models_url=_models_url(), spoken=Spoken())


@blueprint.get("/models/<path:target>")
def model(target: str) -> str:
    snapshot, window = current_snapshot(), window_of(Parameters(request.args), Window.WEEK)
    view = model_view(snapshot, dependencies().store, target, window)
    if view is None:
        known = [planned.id for planned in snapshot.targets]
        raise not_found(
            lazy("No such model is configured, and none was ever probed."),
            target,
            known,
            url_endpoint="tables.model",
        )
    records = [("target", target)]
    page = ModelPage(
        view=view,
        spans=model_spans(window, url_for(".model", target=target)),
        records_url=address(url_for(".results"), records),
        failures_url=address(
            url_for(".results"), records + [("outcome", outcome.value) for outcome in FAILURES]
        ),
        models_url=_models_url(),
        protocol=PROTOCOLS[view.plan.protocol] if view.plan is not None else None,
        proposals=proposals_for(snapshot, target),
        limits=limits_left(view.statistics.newest),
        slo=slo_of(snapshot, view.plan) if view.plan is not None else (),
        sharing=sharing(target, view.name, origin()),
        incidents=model_incidents(snapshot, target),
    )
    return render_template(
        "model.html",
        page=page,
        sentences=captions(view),
        spoken=Spoken(),
        weekdays=WEEKDAYS,
        few=FEW_RESULTS,
        limit_labels=LIMIT_LABELS,
    )


def _stats_table() -> StatsTable:
    return stats_table(current_snapshot(), stats_query(Parameters(request.args)), installed().memo)


def _row_renderer(page: StatsPage) -> Callable[[StatsRow], Markup]:
    """Renders a row once per language, window and change."""
    memo, lang, window = installed().memo, language(), page.table.query.window
    template = get_template_attribute("_stats_row.html", "stats_row")

    def drawn(row: StatsRow) -> Markup:
        made: Markup = template(
            *(row, WORST_FIRST.index(row.state), page.models_url, page.records_url, page.incidents_url),
            FEW_RESULTS,
        )
        return made

    def rendered(row: StatsRow) -> Markup:
        return memo.get(("stats", lang, window, row.target), (row, page.records_url), lambda: drawn(row))

    return rendered


def _record_renderer(models_url: str) -> Callable[[ProbeResult], Markup]:
    """Renders a record once per language; it never changes. Remembered rows share a bounded number of places."""
    memo, lang, spoken = installed().memo, language(), Spoken()
    template = get_template_attribute("_record.html", "record_rows")

    def rendered(result: ProbeResult) -> Markup:
        place = ("record", lang, hash(result.id) % REMEMBERED_RECORDS)
        made: Markup = memo.get(place, (result.id, models_url), lambda: template(result, spoken, models_url))
        return made

    return rendered


def _asked() -> ResultQuery:
    snapshot = current_snapshot()
    known = [
        *{**dict.fromkeys(target.id for target in snapshot.targets), **dict.fromkeys(snapshot.statistics)}
    ]
    return result_query(Parameters(request.args), known)


def _pages() -> Iterator[tuple[ProbeResult, ...]]:
    return every_page(dependencies().store, _asked(), dependencies().clock.now())


def _paged(path: str, arguments: Arguments, name: str, cursor: str | None) -> str | None:
    return address(path, [*arguments, (name, cursor)]) if cursor is not None else None


def _fresh_url(arguments: Arguments, view: ResultsView) -> str:
    since = [("after", view.newest_cursor)] if view.newest_cursor is not None else []
    kept = [pair for pair in arguments if pair[0] != "limit"]
    return address(url_for("api.results"), [*kept, *since, ("limit", str(FRESH_AT_MOST))])


def _models_url() -> str:
    return url_for(".model", target="-").removesuffix("-")


def _file_name(kind: str, extension: str) -> str:
    return export.file_name(kind, dependencies().clock.now(), extension)


def _input_text(moment: datetime | None) -> str:
    """As an input of type datetime-local holds it: UTC without a zone, seconds only where there are any."""
    if moment is None:
        return ""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S" if moment.second else "%Y-%m-%dT%H:%M")
