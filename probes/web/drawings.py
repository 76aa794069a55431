"""Strips and sparklines as inline SVG: a handful of path elements per target, one per colour class.

Coordinates are cells of CELL units; static/css/base.css gives each class its height, colour and dash, so that one
straight line of N cells is drawn as N bars. Nothing here knows of targets or of the store.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from markupsafe import Markup, escape

from probes.domain.rollup import Period
from probes.web.history import Count

CELL: Final = 4
HEIGHT: Final = 24


class Condition(StrEnum):
    """What one cell of a strip shows."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    NONE = "none"  # nothing ran, or nothing that says anything about the provider


@dataclass(frozen=True, slots=True)
class Limits:
    """A cell is ok from `ok_from` availability on, down below `down_below`, degraded between."""

    ok_from: float
    down_below: float


LIMITS: Final[dict[Period, Limits]] = {
    Period.HOUR: Limits(
        ok_from=0.99, down_below=0.5
    ),  # an hour holds few probes: one failure is not an outage
    Period.DAY: Limits(ok_from=0.99, down_below=0.9),
}

MIDDLE: Final = {Condition.OK: 20, Condition.DEGRADED: 16, Condition.DOWN: 12}  # of strokes 8, 16, 24 high


def condition(count: Count, limits: Limits) -> Condition:
    availability = count.availability
    if availability is None:
        return Condition.NONE
    if availability >= limits.ok_from:
        return Condition.OK
    return Condition.DOWN if availability < limits.down_below else Condition.DEGRADED


def conditions(counts: Sequence[Count], period: Period) -> tuple[Condition, ...]:
    return tuple(condition(count, LIMITS[period]) for count in counts)


def strip(
    counts: Sequence[Count], period: Period, label: str, notes: Mapping[int, str] | None = None
) -> Markup:
    """One cell per count, oldest left. `label` is the sentence for those who do not see it.

    `notes` says more of single cells, by their position: of incidents, in the reader's language.
    """
    cells = conditions(counts, period)
    paths = "".join(_strip_path(cells, kind) for kind in Condition if kind in cells)
    marks = ",".join(_mark(n, count) for n, count in enumerate(counts) if _is_worth_telling(cells[n], count))
    return Markup(
        '<svg class="strip strip--{}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}"'
        ' data-strip="{}"{}>{}</svg>'
    ).format(
        *(period.value, len(cells) * CELL, HEIGHT, label, marks, _noted(notes)),
        Markup(paths),  # noqa: S704 - numbers only
    )


def _noted(notes: Mapping[int, str] | None) -> Markup:
    if not notes:
        return Markup("")
    return Markup(' data-notes="{}"').format(json.dumps(notes, ensure_ascii=False, separators=(",", ":")))


def _is_worth_telling(cell: Condition, count: Count) -> bool:
    return cell in (Condition.DEGRADED, Condition.DOWN) or (cell is Condition.OK and count.faulty > 0)


def _mark(position: int, count: Count) -> str:
    """ "12:139/144": cell 12 had 139 good probes of 144 judged ones."""
    return f"{position}:{count.ok}/{count.ok + count.faulty}"


def _strip_path(cells: Sequence[Condition], kind: Condition) -> str:
    runs = _runs(cells, kind)
    if kind is Condition.NONE:
        d = "".join(
            f"M{start * CELL} 16h{length * CELL - 1}v8h-{length * CELL - 1}z" for start, length in runs
        )
        return f'<path class="strip__none" fill="url(#hatch)" d="{d}"/>'
    d = "".join(f"M{start * CELL} {MIDDLE[kind]}h{length * CELL - 1}" for start, length in runs)
    return f'<path class="strip__{kind.value}" d="{d}"/>'


def _runs(cells: Sequence[Condition], kind: Condition) -> list[tuple[int, int]]:
    """(start, length) of each unbroken run of a kind."""
    runs, position = [], 0
    for value, group in groupby(cells):
        length = len(list(group))
        if value is kind:
            runs.append((position, length))
        position += length
    return runs


def sparkline(values: Sequence[float | None], scale: float | None, label: str) -> Markup:
    """A line over equally spaced values from zero to `scale`; None is a gap, a lone value a dot."""
    if not scale or all(value is None for value in values):
        return Markup('<svg class="spark" viewBox="0 0 96 24" role="img" aria-label="{}"></svg>').format(
            label
        )
    d = "".join(
        _polyline(points) for points in _segments(values, lambda value: 22 - 20 * min(value / scale, 1))
    )
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path d="{}"/></svg>'
    ).format(len(values) * CELL, HEIGHT, label, escape(d))


def _segments(
    values: Sequence[float | None], height: Callable[[float], float]
) -> list[list[tuple[int, float]]]:
    segments: list[list[tuple[int, float]]] = [[]]
    for position, value in enumerate(values):
        if value is None:
            segments.append([])
        else:
            segments[-1].append((position * CELL + CELL // 2, height(value)))
    return [segment for segment in segments if segment]


def _polyline(points: Sequence[tuple[int, float]]) -> str:
    (x, y), *rest = points
    steps = "".join(f"L{px} {py:.3g}" for px, py in rest) or "h.01"
    return f"M{x} {y:.3g}{steps}"
