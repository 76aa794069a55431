"""Figures and rows as plain text: what a terminal shows and what a pipe gets read alike. Pure."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult
from probes.stats.samples import median_interval, percentile
from probes.terminal.figures import Figures, Metric

UNKNOWN: Final = "-"


def seconds_text(seconds: float | None, *, with_unit: bool = True) -> str:
    """Three significant digits where it matters: 0.0123 s, 0.421 s, 8.53 s, 61.2 s."""
    if seconds is None:
        return UNKNOWN
    if seconds == 0:
        return "0 s" if with_unit else "0"
    size = abs(seconds)
    decimals = 5 if size < 0.001 else 4 if size < 0.1 else 3 if size < 1 else 2 if size < 10 else 1
    return f"{seconds:.{decimals}f}" + (" s" if with_unit else "")


def rate_text(rate: float | None) -> str:
    return UNKNOWN if rate is None else f"{rate:.0f}" if rate >= 100 else f"{rate:.1f}"


def value_text(value: float | None, metric: Metric, *, with_unit: bool = True) -> str:
    if metric is Metric.THROUGHPUT:
        return rate_text(value) + (" tokens/s" if with_unit and value is not None else "")
    return seconds_text(value, with_unit=with_unit)


def money_text(cost: float | None) -> str:
    """In the operator's currency, which nobody told us."""
    if cost is None:
        return UNKNOWN
    decimals = 4 if cost == 0 or cost >= 0.01 else min(10, 2 - math.floor(math.log10(cost)))
    return f"{cost:,.{decimals}f}"


def estimate_text(ordered: Sequence[float], metric: Metric) -> str:
    """The median and its 95 % interval: "0.421 s [0.390-0.470]"; its n where there are too few for one."""
    middle, interval = percentile(ordered, 0.5), median_interval(ordered)
    if interval is None:
        return f"{value_text(middle, metric)} (n = {len(ordered)})" if ordered else UNKNOWN
    low, high = (value_text(end, metric, with_unit=False) for end in (interval.low, interval.high))
    return f"{value_text(middle, metric)} [{low}-{high}]"


def percentile_text(figures: Figures, metric: Metric, share: float) -> str:
    return value_text(percentile(figures.values[metric], share), metric)


def outcomes_text(outcomes: Mapping[Outcome, int]) -> str:
    """ "11 ok, 1 rate_limited": ok first, then the most frequent."""
    order = sorted(outcomes.items(), key=lambda item: (item[0] is not Outcome.OK, -item[1], item[0].value))
    return ", ".join(f"{count} {outcome.value}" for outcome, count in order if count) or "nothing yet"


def spent_text(figures: Figures) -> str:
    """Tokens so far, and money where prices are known."""
    tokens = f"{figures.input_tokens:,} + {figures.output_tokens:,} tokens"
    if not figures.priced:
        return f"{tokens}, no price known" if figures.n else tokens
    unpriced = figures.n - figures.priced
    return f"{tokens}, cost {money_text(figures.cost)}" + (
        f" without {unpriced} unpriced" if unpriced else ""
    )


def joined(words: Sequence[str], last: str = "and") -> str:
    """ "A", "A and B", "A, B and C"."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A table as text: the first column to the left, all others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def fitting(rows: Sequence[Sequence[str]], columns: int) -> str:
    """The table as text no wider than that: columns are left out from the right, the least missed ones."""
    for kept in range(len(rows[0]), 1, -1):
        table = aligned([row[:kept] for row in rows])
        if max(map(len, table.splitlines())) <= columns:
            return table
    return aligned([row[:2] for row in rows])


def clock_text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M:%S}Z"


def probe_line(result: ProbeResult, figures: Figures) -> str:
    """One probe on one line, with where its target stands now."""
    parts = [clock_text(result.started_at), result.target, result.outcome.value]
    if result.outcome is Outcome.OK:
        parts += [
            f"ttft={seconds_text(result.ttft_seconds, with_unit=False)}",
            f"response={seconds_text(result.response_seconds, with_unit=False)}",
            f"tokens/s={rate_text(result.throughput)}",
            f"tokens={result.input_tokens or 0}+{result.output_tokens or 0}",
        ]
    else:
        parts.append(f"error={result.error or UNKNOWN}")
    parts.append(f"ok={figures.ok}/{figures.n}")
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        middle = percentile(figures.values[Metric.TTFT], share)
        parts.append(f"ttft_{name}={seconds_text(middle, with_unit=False)}")
    return "  ".join(parts)


COMPARED: Final = (
    "target",
    "ok",
    "TTFT p50 [95 %]",
    "p95",
    "response",
    "tokens/s",
    "tokens/probe",
    "cost/probe",
)


def comparison_row(name: str, figures: Figures) -> tuple[str, ...]:
    """One target's row under COMPARED."""
    tokens = (figures.input_tokens + figures.output_tokens) / figures.n if figures.n else None
    return (
        name,
        f"{figures.ok}/{figures.n}",
        estimate_text(figures.values[Metric.TTFT], Metric.TTFT),
        percentile_text(figures, Metric.TTFT, 0.95),
        percentile_text(figures, Metric.RESPONSE, 0.5),
        rate_text(percentile(figures.values[Metric.THROUGHPUT], 0.5)),
        UNKNOWN if tokens is None else f"{tokens:.0f}",
        money_text(figures.cost / figures.priced if figures.priced else None),
    )


WATCHED: Final = ("target", "ok", "TTFT p50", "p95", "response p50", "p95", "tokens/s", "spent")


def watched_row(name: str, figures: Figures) -> tuple[str, ...]:
    """One target's row under WATCHED."""
    return (
        name,
        f"{figures.ok}/{figures.n}",
        percentile_text(figures, Metric.TTFT, 0.5),
        percentile_text(figures, Metric.TTFT, 0.95),
        percentile_text(figures, Metric.RESPONSE, 0.5),
        percentile_text(figures, Metric.RESPONSE, 0.95),
        rate_text(percentile(figures.values[Metric.THROUGHPUT], 0.5)),
        spent_text(figures),
    )
