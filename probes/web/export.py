"""Records and statistics as files: CSV for people's spreadsheets, NDJSON for programs. Streamed, page by page.

Field names are those of the JSON. A text cell that a spreadsheet would take for a formula is made plain text by an
apostrophe in front; numbers, also negative ones, stay numbers.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from datetime import UTC, datetime
from itertools import chain
from typing import Final

from flask import Response

from probes.domain.result import RESULT_FIELDS, ProbeResult, RateLimit
from probes.web.queries.stats import ErrorCount, Figures, StatsRow, StatsTable
from probes.web.serialize import to_json

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
FORMULA_STARTS: Final = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # some read the full-width ones too

Cell = str | int | float | datetime | tuple[RateLimit, ...] | tuple[ErrorCount, ...] | None

_ROW_FIELDS: Final = tuple(field.name for field in fields(StatsRow) if field.name != "figures")
_FIGURE_FIELDS: Final = tuple(field.name for field in fields(Figures))


def results_csv(pages: Iterable[tuple[ProbeResult, ...]]) -> Iterator[str]:
    """A heading, then one line a result; each piece is one page."""
    yield csv_lines([RESULT_FIELDS])
    for results in pages:
        yield csv_lines([getattr(result, name) for name in RESULT_FIELDS] for result in results)


def results_ndjson(pages: Iterable[tuple[ProbeResult, ...]]) -> Iterator[bytes]:
    for results in pages:
        yield b"".join(to_json(result) + b"\n" for result in results)


def stats_csv(table: StatsTable) -> str:
    """The rows as shown, each with its window, so that a line cut out of the file still says what it means."""
    heading = (*_ROW_FIELDS, *_FIGURE_FIELDS, "window", "since", "as_of")
    frame: tuple[Cell, ...] = (table.query.window.value, table.since, table.as_of)
    rows = (
        (
            *(getattr(row, name) for name in _ROW_FIELDS),
            *(getattr(row.figures, name) for name in _FIGURE_FIELDS),
            *frame,
        )
        for row in table.rows
    )
    return csv_lines(chain([heading], rows))


def streamed(pieces: Iterator[str] | Iterator[bytes], mimetype: str, filename: str) -> Response:
    """A download. The first page is read here, so that a store that is away is an error page, not half a file."""
    heads = [piece for piece in (next(pieces, None), next(pieces, None)) if piece is not None]
    response = Response(chain(heads, pieces), mimetype=mimetype)  # type: ignore[arg-type]
    return as_download(response, filename)


def as_download(response: Response, filename: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def file_name(kind: str, now: datetime, extension: str) -> str:
    """firsttoken-results-20261121T120000Z.csv"""
    return f"firsttoken-{kind}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.{extension}"


def cell_text(value: Cell) -> str:
    """The cell's text; empty for None, so that unknown never looks like zero."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return _plain_text(value)
        case int() | float():
            return repr(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case tuple():
            return _items_text(value)


def _plain_text(value: str) -> str:
    """NUL ends a cell in some readers, and a leading sign starts a formula."""
    text = value.replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def _items_text(items: tuple[RateLimit, ...] | tuple[ErrorCount, ...]) -> str:
    """Errors as "stalled=3 rate_limited=1", rate limits as JSON; empty for none."""
    parts = [
        f"{item.outcome.value}={item.n}" if isinstance(item, ErrorCount) else json.dumps(asdict(item))
        for item in items
    ]
    return " ".join(parts)


def csv_lines(rows: Iterable[Iterable[Cell]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([cell_text(cell) for cell in row] for row in rows)
    return text.getvalue()
