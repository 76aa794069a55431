"""The sentences that describe strips and sparklines to those who do not see them."""

from collections.abc import Sequence
from datetime import datetime

from probes.domain.rollup import Period
from probes.web.display import count, percent, seconds, utc
from probes.web.drawings import Condition, conditions
from probes.web.history import Count
from probes.web.i18n import _


def strip_label(counts: Sequence[Count], period: Period) -> str:
    """ "Last 90 days: 99.95 % of 12 960 probes ok; 1 down, 2 degraded, 30 without data"."""
    judged = sum(cell.ok + cell.faulty for cell in counts)
    ok = sum(cell.ok for cell in counts)
    span = (
        _("Last %(n)s hours", n=len(counts)) if period is Period.HOUR else _("Last %(n)s days", n=len(counts))
    )
    if not judged:
        return _("%(span)s: no data", span=span)
    cells = conditions(counts, period)
    figures = {kind: cells.count(kind) for kind in Condition}
    return _(
        "%(span)s: %(share)s of %(n)s probes ok; %(down)s down, %(degraded)s degraded, %(none)s without data",
        span=span,
        share=percent(ok / judged),
        n=count(judged),
        down=figures[Condition.DOWN],
        degraded=figures[Condition.DEGRADED],
        none=figures[Condition.NONE],
    )


def spark_label(what: str, values: Sequence[float | None]) -> str:
    """ "First token, median by hour: 0.41 s to 1.20 s, newest 0.80 s"."""
    known = [value for value in values if value is not None]
    if not known:
        return _("%(what)s, median by hour: no data", what=what)
    return _(
        "%(what)s, median by hour: %(low)s to %(high)s, newest %(newest)s",
        what=what,
        low=seconds(min(known)),
        high=seconds(max(known)),
        newest=seconds(known[-1]),
    )


def collecting_since(first_seen_at: datetime | None) -> str:
    """Why the left part of the bars is empty."""
    if first_seen_at is None:
        return _("no data yet")
    return _("collecting since %(day)s", day=utc(first_seen_at, "date"))
