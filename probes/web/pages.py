"""The pages that show the present: board, kanban, and what the words mean."""

import zlib
from collections.abc import Callable, Mapping
from typing import Final

from flask import Blueprint, get_template_attribute, render_template, request
from markupsafe import Markup

from probes.domain.rollup import Period
from probes.domain.state import State
from probes.web import labels
from probes.web.context import current_snapshot, installed
from probes.web.drawings import sparkline, strip
from probes.web.headline import headline
from probes.web.history import NOTHING
from probes.web.i18n import _
from probes.web.incident_text import day_notes
from probes.web.params import Parameters
from probes.web.preferences import language
from probes.web.queries.board import BoardFilter, BoardRow, board, searchable
from probes.web.queries.kanban import Card, kanban
from probes.web.queries.methodology import methodology

blueprint: Final = Blueprint("pages", __name__)


@blueprint.get("/", endpoint="board")
def board_page() -> str:
    view = board(current_snapshot(), _filter(), installed().memo)
    template = "_board_live.html" if "fragment" in request.args else "board.html"
    return render_template(
        template,
        board=view,
        headline=headline(view),
        open_incidents=current_snapshot().incidents.open,
        order=_digest(view.order),
        rows=view.rows,
        row_html=_row_renderer(view.shown_ids),
        wanted=_wanted_ids(),
    )


@blueprint.get("/kanban", endpoint="kanban")
def kanban_page() -> str:
    with_lanes = request.args.get("lanes") == "1"
    view = kanban(current_snapshot(), _filter(), installed().memo, with_lanes=with_lanes)
    template = "_kanban_live.html" if "fragment" in request.args else "kanban.html"
    return render_template(
        template,
        kanban=view,
        is_wall=request.args.get("wall") == "1",
        order=_digest(view.order),
        cards=view.cards,
        card_html=_card_renderer(view.shown_ids),
        wanted=_wanted_ids(),
    )


@blueprint.get("/methodology", endpoint="methodology")
def methodology_page() -> str:
    return render_template("methodology.html", methodology=methodology(current_snapshot()))


def _filter() -> BoardFilter:
    parameters = Parameters(request.args)
    return BoardFilter(
        text=parameters.text("q"),
        providers=parameters.texts("provider"),
        states=parameters.choices("state", State),
    )


def _wanted_ids() -> frozenset[str]:
    """Which rows a live page asks for; empty means all."""
    return frozenset(request.args.getlist("id"))


def _row_renderer(shown_ids: frozenset[str]) -> Callable[[BoardRow], Markup]:
    """Renders a row once per language and change; 200 rows cost no more than their bytes.

    What the filter hides is there all the same, so that script can show it without asking the server.
    """
    memo, lang = installed().memo, language()
    template = get_template_attribute("_board_row.html", "board_row")

    def rendered(row: BoardRow) -> Markup:
        key = row.key
        html = memo.get(("board", lang, row.target.id), key, lambda: _drawn_row(row, key, template))
        return html if row.target.id in shown_ids else hidden(html)

    return rendered


def hidden(html: Markup) -> Markup:
    """The same element with the attribute `hidden`."""
    return Markup(html.replace(" ", " hidden ", 1))  # noqa: S704 - was Markup before


def _drawn_row(row: BoardRow, key: tuple[object, ...], template: Callable[..., Markup]) -> Markup:
    figures = row.figures
    return template(
        row=row,
        revision=_digest(key),
        search=searchable(row.target),
        hours=strip(figures.hours, Period.HOUR, labels.strip_label(figures.hours, Period.HOUR)),
        days=strip(figures.days, Period.DAY, labels.strip_label(figures.days, Period.DAY), _notes(row)),
        collecting=_collecting(row),
        spark=sparkline(
            figures.ttft_hours, row.ttft_scale, labels.spark_label(_("First token"), figures.ttft_hours)
        ),
    )


def _notes(row: BoardRow) -> Mapping[int, str]:
    return day_notes(row.incidents, current_snapshot().now, len(row.figures.days))


def _collecting(row: BoardRow) -> str:
    """Said only where the bars would otherwise look like an outage of ours."""
    days = row.figures.days
    is_short = row.first_seen_at is not None and days[0] == NOTHING and days[-1] != NOTHING
    return labels.collecting_since(row.first_seen_at) if is_short else ""


def _digest(key: object) -> str:
    """Tells two looks apart, nothing more."""
    return f"{zlib.crc32(repr(key).encode()):08x}"


def _card_renderer(shown_ids: frozenset[str]) -> Callable[[Card], Markup]:
    memo, lang = installed().memo, language()
    template = get_template_attribute("_kanban_card.html", "kanban_card")

    def rendered(card: Card) -> Markup:
        key = card.key
        html = memo.get(("card", lang, card.target.id), key, lambda: _drawn_card(card, key, template))
        return html if card.target.id in shown_ids else hidden(html)

    return rendered


def _drawn_card(card: Card, key: tuple[object, ...], template: Callable[..., Markup]) -> Markup:
    hours = card.figures.response_hours
    return template(
        card=card,
        revision=_digest(key),
        search=searchable(card.target),
        spark=sparkline(hours, card.response_scale, labels.spark_label(_("Response"), hours)),
    )
