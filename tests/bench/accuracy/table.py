"""The table, the ratios and the JSON of a run. Pure: rows in, text out."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tests.bench.accuracy.errors import Spread
from tests.bench.accuracy.plan import Beside, Case
from tests.bench.accuracy.run import SCHEDULE, Row
from tests.bench.accuracy.ways import OURS

COLUMNS = (
    *("streams", "", "", "beside", "way", "TTFT", "gap", "TPOT", "total"),
    *("bounded", "TTFT of exact", "read lag", "CPU/stream", "CPU/token", "peak MB", "n", "open", "load"),
)
NONE = "-"


def table(rows: Sequence[Row]) -> str:
    """Markdown, columns aligned, errors in ms as median / p95, CPU in ms and µs."""
    lines = [COLUMNS, *(_cells(row) for row in sorted(rows, key=_order))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    drawn = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join((drawn[0], rule, *drawn[1:]))


def _order(row: Row) -> tuple[Any, ...]:
    case = row.case
    return (list(Beside).index(case.beside), case.pace.is_burst, case.is_tls, case.pace.streams)


def _cells(row: Row) -> tuple[str, ...]:
    case = row.case
    took = row.took
    where = (
        str(case.pace.streams),
        "burst" if case.pace.is_burst else "steady",
        "TLS" if case.is_tls else "plain",
        str(case.beside) + (f", {row.pages_per_second:.0f} pages/s" if row.pages_per_second else ""),
        case.way,
    )
    if row.failure is not None:
        return (*where, row.failure, *[NONE] * (len(COLUMNS) - len(where) - 1))
    return (
        *where,
        *(milliseconds(one) for one in (row.ttft, row.gaps, row.tpot, row.total)),
        NONE if row.bounded_share is None else f"{row.bounded_share:.0%}",
        NONE if row.exact_ttft is None else milliseconds(row.exact_ttft),
        _or_none(row.lag_p95_seconds, lambda seconds: f"{seconds * 1e3:.1f}"),
        _or_none(row.cpu_per_stream, lambda seconds: f"{seconds * 1e3:.1f}"),
        _or_none(row.cpu_per_token, lambda seconds: f"{seconds * 1e6:.0f}"),
        NONE if took is None else f"{took.peak_bytes / 1e6:.0f}",
        f"{row.matched}/{row.asked}",
        str(row.most_in_flight),
        f"{row.load:.1f}",
    )


def milliseconds(one: Spread) -> str:
    """`0.03 / 0.15`."""
    if one.median is None or one.p95 is None:
        return NONE
    return f"{_digits(one.median * 1e3)} / {_digits(one.p95 * 1e3)}"


def _digits(value: float) -> str:
    """Two decimals of small figures, none of large ones."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:.0f}"


def _or_none(value: float | None, shown: Callable[[float], str]) -> str:
    return NONE if value is None else shown(value)


# The bars of the project, and how far the others are.


def ratios(rows: Iterable[Row]) -> list[str]:
    """What the others' errors and costs are beside ours, case by case: other / ours."""
    known = {(row.case.way, _same(row.case)): row for row in rows if row.failure is None}
    lines = []
    for (way, same), other in known.items():
        ours = known.get((OURS, same))
        if way == OURS or ours is None:
            continue
        figures = {
            "TTFT median": _ratio(other.ttft.median, ours.ttft.median),
            "TTFT p95": _ratio(other.ttft.p95, ours.ttft.p95),
            "gap p95": _ratio(other.gaps.p95, ours.gaps.p95),
            "CPU per token": _ratio(other.cpu_per_token, ours.cpu_per_token),
        }
        lines.append(
            f"{other.case.title}: " + ", ".join(f"{name} {ratio}" for name, ratio in figures.items())
        )
    return lines


def _same(case: Case) -> tuple[Any, ...]:
    return (case.pace, case.is_tls, case.beside)


def _ratio(other: float | None, ours: float | None) -> str:
    """`x12`; the truth is known to about 10 µs, so ours counts as at least that."""
    if other is None or ours is None:
        return NONE
    return f"x{other / max(ours, 1e-5):.3g}"


def verdicts(rows: Iterable[Row]) -> list[str]:
    """Each of our rows against the bars: median TTFT error <= 0.2 ms, p95 <= 1 ms, gap p95 <= 0.5 ms."""
    return [f"{_verdict(row)}: {row.case.title}" for row in rows if row.case.way == OURS]


def _verdict(row: Row) -> str:
    if row.failure is not None:
        return f"FAILED ({row.failure})"
    bars = (
        ("TTFT median", row.ttft.median, 0.0002),
        ("TTFT p95", row.ttft.p95, 0.001),
        ("gap p95", row.gaps.p95, 0.0005),
    )
    missed = [
        f"{name} {value * 1e3:.2f} ms" if value is not None else f"{name} unknown"
        for name, value, bar in bars
        if value is None or value > bar
    ]
    missed += [f"{row.asked - row.matched} streams lost"] if row.matched < row.asked else []
    return "within the bars" if not missed else "MISSED (" + ", ".join(missed) + ")"


def losses(rows: Iterable[Row]) -> list[str]:
    """Why streams were lost, most frequent first."""
    return [
        f"lost {count} of {row.case.title}: {why}"
        for row in rows
        for why, count in Counter(row.lost).most_common(3)
    ]


def truth_line(rows: Sequence[Row]) -> str:
    """How true the truth itself was, at its worst."""
    widths = [row.truth_uncertainty.p95 for row in rows if row.truth_uncertainty.p95 is not None]
    late = [row.truth_lateness.p95 for row in rows if row.truth_lateness.p95 is not None]
    if not widths:
        return "the truth server sent nothing"
    return (
        f"truth server: its writes took up to {max(widths) * 1e3:.2f} ms (p95 of the worst run; errors count from "
        f"the write's ends), it was up to {max(late) * 1e3:.1f} ms behind its schedule (errors count from real sends)"
    )


def document(rows: Iterable[Row], about: dict[str, Any]) -> dict[str, Any]:
    """Everything for machines; seconds and bytes."""
    return {"about": about | {"schedule": asdict(SCHEDULE)}, "rows": [asdict(row) for row in rows]}
