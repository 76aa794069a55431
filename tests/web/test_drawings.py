"""Strips and sparklines: what is drawn is what was counted."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as some

from probes.domain.rollup import Period
from probes.web.drawings import CELL, Condition, conditions, sparkline, strip
from probes.web.history import Count

GOOD, EMPTY = Count(n=10, ok=10), Count()
BAD, DEAD = Count(n=100, ok=95, faulty=5), Count(n=10, faulty=10)
OURS = Count(n=10)  # ran, but says nothing about the provider
MISSED = Count(n=10, not_run=10)

ROW = re.compile(r"M(\d+) (?:20|16|12)h(\d+)")
BOX = re.compile(r"M(\d+) 16h(\d+)v8")


def drawn(svg: str) -> dict[int, str]:
    """Cell -> class, read back from the paths."""
    cells: dict[int, str] = {}
    for kind, d in re.findall(r'class="strip__(\w+)"[^>]* d="([^"]*)"', svg):
        for x, width in (BOX if kind == "none" else ROW).findall(d):
            first, length = int(x) // CELL, (int(width) + 1) // CELL
            for cell in range(first, first + length):
                assert cell not in cells, "a cell is drawn twice"
                cells[cell] = kind
    return cells


@pytest.mark.parametrize(
    ("count", "expected"),
    [(GOOD, "ok"), (BAD, "degraded"), (DEAD, "down"), (EMPTY, "none"), (OURS, "none"), (MISSED, "none")],
    ids=["good", "bad", "dead", "empty", "our own fault", "missed"],
)
def test_a_day_shows_how_the_provider_did_and_silence_is_never_ok(count: Count, expected: str) -> None:
    assert conditions([count], Period.DAY) == (expected,)


def test_one_failure_in_an_hour_is_no_outage_but_the_same_share_of_a_day_is() -> None:
    count = Count(n=6, ok=5, faulty=1)
    assert conditions([count], Period.HOUR) == (Condition.DEGRADED,)
    assert conditions([count], Period.DAY) == (Condition.DOWN,)


@given(some.lists(some.sampled_from([GOOD, BAD, DEAD, EMPTY]), min_size=1, max_size=90))
def test_every_cell_is_drawn_once_in_its_own_class(counts: Sequence[Count]) -> None:
    expected = {n: kind.value for n, kind in enumerate(conditions(counts, Period.DAY))}
    assert drawn(strip(counts, Period.DAY, "label")) == expected


def test_a_strip_needs_one_path_for_each_class_however_many_cells() -> None:
    svg = strip([GOOD, BAD, DEAD, EMPTY] * 22, Period.DAY, "label")
    assert svg.count("<path") == 4


def test_failures_are_listed_for_the_pointer_and_good_days_are_not() -> None:
    svg = strip([GOOD, BAD, DEAD, Count(n=500, ok=499, faulty=1)], Period.DAY, "label")
    assert 'data-strip="1:95/100,2:0/10,3:499/500"' in svg


def test_notes_of_single_cells_are_carried_along_and_cannot_break_out() -> None:
    svg = strip([GOOD, BAD], Period.DAY, "label", {1: "\"'><script>alert(1)</script>"})
    assert 'data-notes="{&#34;1&#34;:&#34;' in svg
    assert "<script>" not in svg
    assert "data-notes" not in strip([GOOD, BAD], Period.DAY, "label", {})


def test_a_label_cannot_break_out_of_its_attribute() -> None:
    assert "<script>" not in strip([GOOD], Period.DAY, '"><script>alert(1)</script>')
    assert "<script>" not in sparkline([1.0], 1.0, '"><script>alert(1)</script>')


def path_of(svg: str) -> str:
    match = re.search(r' d="([^"]*)"', svg)
    return match[1] if match else ""


def test_a_line_is_broken_where_nothing_was_measured() -> None:
    assert path_of(sparkline([1.0, 2.0, None, 1.0, 2.0], 2.0, "label")) == "M2 12L6 2M14 12L18 2"


def test_lines_start_at_zero_and_end_at_the_scale() -> None:
    assert path_of(sparkline([0.0, 4.0], 4.0, "label")) == "M2 22L6 2"


def test_a_lone_value_is_a_dot() -> None:
    assert path_of(sparkline([None, 1.0, None], 1.0, "label")) == "M6 2h.01"


@pytest.mark.parametrize(("values", "scale"), [([], None), ([None, None], 3.0), ([0.0], 0.0)])
def test_nothing_to_draw_draws_nothing(values: list[float | None], scale: float | None) -> None:
    assert "<path" not in sparkline(values, scale, "label")
