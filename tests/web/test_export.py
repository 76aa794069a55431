"""Exports: complete, streamed, and harmless in a spreadsheet."""

import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.outcome import Outcome
from probes.domain.result import RESULT_FIELDS, RateLimit
from probes.store.base import MAX_PAGE_SIZE, ResultQuery, StoreUnavailableError
from probes.web.export import FORMULA_STARTS, cell_text, results_csv, results_ndjson
from probes.web.queries.results import every_page
from tests.examples import NOON, a_result
from tests.web.serving import Board, a_board


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def fill(board: Board, n: int) -> None:
    board.store.add_results([a_result(due_at=NOON - timedelta(seconds=position)) for position in range(n)])


def test_csv_has_every_field_of_a_record_by_its_name(board: Board) -> None:
    result = a_result(
        lag_seconds=0.25,
        answer_ok=True,
        connection_reused=False,
        cost=None,
        rate_limits=(RateLimit("requests", 10, 9, None),),
    )
    board.store.add_results([result])
    (row,) = rows_of(board.client.get("/result.csv", buffered=True).text)
    assert tuple(row) == RESULT_FIELDS
    assert row["due_at"] == "2026-11-21T12:00:00.000Z"
    assert (row["outcome"], row["lag_seconds"], row["answer_ok"], row["connection_reused"]) == (
        "ok",
        "0.25",
        "true",
        "false",
    )
    assert (row["cost"], row["error"]) == ("", "")  # unknown is empty, never 0
    assert json.loads(row["rate_limits"])["remaining"] == 9


def test_ndjson_lines_are_the_documents_of_the_api(board: Board) -> None:
    board.store.add_results([a_result(), a_result(Outcome.STALLED)])
    lines = board.client.get("/result.ndjson", buffered=True).text.splitlines()
    for line in lines:
        document = json.loads(line)
        assert document == board.client.get(f"/api/v1/results/{document['id']}").json
    assert len(lines) == 2


@pytest.mark.parametrize("extension", ["csv", "ndjson"])
def test_every_matching_record_is_exported_once_newest_first(board: Board, extension: str) -> None:
    fill(board, 2 * MAX_PAGE_SIZE + 5)
    board.store.add_results([a_result(Outcome.STALLED, NOON + timedelta(seconds=1))])
    text = board.client.get(f"/result.{extension}?outcome=ok&limit=7", buffered=True).text
    found = (
        [row["id"] for row in rows_of(text)]
        if extension == "csv"
        else [json.loads(line)["id"] for line in text.splitlines()]
    )
    assert len(found) == len(set(found)) == 2 * MAX_PAGE_SIZE + 5


def test_an_export_reads_one_page_at_a_time(board: Board) -> None:
    fill(board, 3 * MAX_PAGE_SIZE)
    pages = every_page(board.store, ResultQuery(), board.clock.now())
    assert len(next(pages)) == MAX_PAGE_SIZE
    board.store.close()
    with pytest.raises(StoreUnavailableError):
        next(pages)


def test_a_store_that_goes_away_breaks_an_export_instead_of_ending_it(board: Board) -> None:
    fill(board, 3 * MAX_PAGE_SIZE)
    pieces = results_ndjson(every_page(board.store, ResultQuery(), board.clock.now()))
    next(pieces)
    board.store.close()
    with pytest.raises(StoreUnavailableError):
        list(pieces)


def test_records_written_during_an_export_do_not_disturb_it(board: Board) -> None:
    fill(board, 2 * MAX_PAGE_SIZE)
    pages = every_page(board.store, ResultQuery(), board.clock.now())
    first = next(pages)
    board.store.add_results([a_result(due_at=NOON + timedelta(seconds=1))])
    rest = [result for page in pages for result in page]
    assert len(first) + len(rest) == 2 * MAX_PAGE_SIZE


def test_an_empty_export_is_a_heading_and_no_rows(board: Board) -> None:
    assert board.client.get("/result.csv", buffered=True).text == ",".join(RESULT_FIELDS) + "\r\n"
    assert board.client.get("/result.ndjson", buffered=True).text == ""


@pytest.mark.parametrize(
    ("path", "mimetype", "name"),
    [
        ("/result.csv", "text/csv", r"firsttoken-results-\d{8}T\d{6}Z\.csv"),
        ("/result.ndjson", "application/x-ndjson", r"firsttoken-results-\d{8}T\d{6}Z\.ndjson"),
        ("/stats.csv", "text/csv", r"firsttoken-statistics-\d{8}T\d{6}Z\.csv"),
    ],
)
def test_downloads_tell_type_and_name(board: Board, path: str, mimetype: str, name: str) -> None:
    answer = board.client.get(path, buffered=True)
    assert answer.mimetype == mimetype
    assert re.fullmatch(rf'attachment; filename="{name}"', answer.headers["Content-Disposition"])
    if mimetype == "text/csv":
        assert answer.mimetype_params["charset"] == "utf-8"


def test_text_beyond_ascii_survives(board: Board) -> None:
    board.store.add_results([a_result(Outcome.SERVER_ERROR, error='过载, "busy"\nsecond line')])
    (row,) = rows_of(board.client.get("/result.csv", buffered=True).data.decode("utf-8"))
    assert row["error"] == '过载, "busy"\nsecond line'


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", '=HYPERLINK("http://x")']
)
def test_a_cell_that_would_be_a_formula_becomes_text(board: Board, text: str) -> None:
    board.store.add_results([a_result(Outcome.SERVER_ERROR, error=text, served_model=text)])
    (row,) = rows_of(board.client.get("/result.csv", buffered=True).text)
    assert row["error"].startswith("'")
    assert row["served_model"] == f"'{text}"


@given(st.text())
def test_no_text_cell_ever_starts_a_formula(text: str) -> None:
    cell = cell_text(text)
    assert not cell.lstrip(" ").startswith(FORMULA_STARTS)
    assert "\0" not in cell


@pytest.mark.parametrize(
    ("value", "expected"), [(-0.5, "-0.5"), (-3, "-3"), (1e-7, "1e-07"), (0, "0"), (None, ""), (True, "true")]
)
def test_numbers_stay_numbers(value: float | None, expected: str) -> None:
    assert cell_text(value) == expected


def test_statistics_carry_their_window_and_n(board: Board) -> None:
    board.store.add_results([a_result(), a_result(Outcome.STALLED, NOON - timedelta(seconds=9))])
    row = rows_of(board.client.get("/stats.csv?window=7d&q=quick").text)[0]
    assert (row["target"], row["n"], row["ok"], row["availability"]) == ("acme/main/quick", "2", "1", "0.5")
    assert (row["window"], row["since"], row["errors"]) == ("7d", "2026-11-15T00:00:00.000Z", "stalled=1")
    assert row["ttft_p50_seconds"].startswith("0.2")


def test_pieces_are_whole_pages() -> None:
    results = tuple(a_result() for _ in range(3))
    head, first, second = results_csv(iter([results, results[:1]]))
    assert (head.count("\r\n"), first.count("\r\n"), second.count("\r\n")) == (1, 3, 1)
