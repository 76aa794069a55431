"""What a reader sees of a target or a record on each page, as texts: the figures in the HTML and nothing else."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from tests.peers.html_tree import classed, collapsed, having, only, text_of

_MODELS: Final = "/models/"
_RECORDS: Final = "/result/"


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A row of `/`. `category` is None where the row tells a reason instead."""

    state: str
    category: str | None
    availability: str
    counted: str | None
    ttft: str
    throughput: str


def board_rows(page: Element) -> dict[str, BoardRow]:
    """By target id."""
    return {row.attrib["data-row"]: _board_row(row) for row in having(page, "data-row")}


def _board_row(row: Element) -> BoardRow:
    caption = only(classed(only(classed(row, "row__hours")), "caption"))
    share, *counted = (text_of(child) for child in caption)
    categories = classed(row, "row__category")
    return BoardRow(
        state=text_of(only(classed(row, "state"))),
        category=text_of(only(categories)) if categories else None,
        availability=share,
        counted=counted[0] if counted else None,
        ttft=_figure(only(classed(row, "row__ttft"))),
        throughput=_figure(only(classed(row, "row__rate"))),
    )


def _figure(cell: Element) -> str:
    """The text behind the label, which is the figure's first child."""
    label = only(classed(cell, "figure__label"))
    return collapsed(label.tail or "")


@dataclass(frozen=True, slots=True)
class Card:
    """A card of `/kanban`. The figures are None where it shows none."""

    column: str
    response: str | None
    ttft: str | None
    throughput: str | None


def kanban_cards(page: Element) -> dict[str, Card]:
    """By target id."""
    return {
        card.attrib["data-card"]: _card(card, text_of(only(classed(column, "column__name"))))
        for column in having(page, "data-column")
        for card in having(column, "data-card")
    }


def _card(card: Element, column: str) -> Card:
    figures = classed(card, "card__figures")
    if not figures:
        return Card(column, None, None, None)
    response, ttft, throughput = (text_of(child) for child in only(figures))
    return Card(column, response, ttft, throughput)


@dataclass(frozen=True, slots=True)
class StatsRow:
    """A row of `/stats`, cell by cell; `counted` is without the mark that it is few."""

    state: str
    category: str | None
    counted: str
    availability: str
    ttft: tuple[str, str, str]
    response: tuple[str, str]
    throughput: str
    errors: str


def stats_rows(page: Element) -> dict[str, StatsRow]:
    """By target id."""
    return {row.attrib["data-target"]: _stats_row(row) for row in classed(page, "stats-row")}


def _stats_row(row: Element) -> StatsRow:
    state, model, _provider, counted, availability, *times, throughput, errors, _incidents, _last = list(row)
    categories = classed(model, "pill")
    p50, p95, p99, response_p50, response_p95 = (text_of(cell) for cell in times)
    return StatsRow(
        state=text_of(state),
        category=text_of(only(categories)) if categories else None,
        counted=text_of(counted).removeprefix("few "),
        availability=_without_interval(availability),
        ttft=(p50, p95, p99),
        response=(response_p50, response_p95),
        throughput=text_of(throughput),
        errors=text_of(errors),
    )


def _without_interval(cell: Element) -> str:
    links = classed(cell, "interval")
    return collapsed(only(links).text or "") if links else text_of(cell)


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A row of `/result` or of a model's own page; `target` is None on the latter, `category` for a failure."""

    id: str
    target: str | None
    outcome: str
    http_status: str
    ttft: str
    response: str
    category: str | None
    tokens: str
    throughput: str
    error: str
    trigger: str


def record_rows(page: Element) -> list[RecordRow]:
    """In the order of the page."""
    rows, details = list(having(page, "data-record")), classed(page, "record-detail")
    return [_record_row(row, detail) for row, detail in zip(rows, details, strict=True)]


def _record_row(row: Element, detail: Element) -> RecordRow:
    http_status, ttft, response, tokens, throughput = classed(row, "number")
    category = only(classed(response, "level")).get("aria-label")
    chips = classed(only(classed(row, "record__time")), "chip")
    return RecordRow(
        id=_linked(detail, _RECORDS),
        target=unquote(_linked(row, _MODELS)) if classed(row, "record__model") else None,
        outcome=text_of(only(classed(row, "record__outcome"))),
        http_status=text_of(http_status),
        ttft=text_of(ttft),
        response=text_of(response),
        category=category,
        tokens=text_of(tokens),
        throughput=text_of(throughput),
        error=text_of(only(classed(row, "record__error"))),
        trigger=text_of(only(chips)) if chips else "scheduled",
    )


def _linked(element: Element, prefix: str) -> str:
    """What the one link under this path names."""
    paths = [link.attrib["href"] for link in having(element, "href")]
    (path,) = [path for path in paths if path.startswith(prefix)]
    return path.removeprefix(prefix)


def older_page(page: Element) -> str | None:
    """Where the list of records goes on; None on its last page."""
    links = {link.attrib["href"] for link in having(page, "rel", "next")}
    assert len(links) <= 1
    return next(iter(links), None)


def tiles(page: Element) -> dict[str, str]:
    """The large figures of a model's page by their names."""
    return {text_of(tile[0]): text_of(only(classed(tile, "tile__value"))) for tile in classed(page, "tile")}


def facts(page: Element) -> dict[str, str]:
    """The named facts of a record's page."""
    return {
        text_of(fact[0]): text_of(fact[1])
        for facts in classed(page, "facts")
        for fact in facts
        if len(fact) == 2
    }
