"""One sentence under each chart, for those who do not see it and for those who want the point of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from probes.domain.outcome import Fault
from probes.web.display import count, duration, percent, seconds, tokens_per_second, utc
from probes.web.i18n import _
from probes.web.queries.model import WEEK_MAP_SPAN, ModelView, Series, SeriesPoint
from probes.web.words import word


@dataclass(frozen=True, slots=True)
class Captions:
    latency: str
    response: str
    throughput: str
    outcomes: str
    week: str
    usual: str  # empty: too little is known


def captions(view: ModelView) -> Captions:
    figures, series = view.figures, view.series
    ttft = [(point, point.ttft_p95_seconds) for point in series.points]
    response = [(point, point.response_p95_seconds) for point in series.points]
    return Captions(
        latency=_joined(
            _spread(series, figures.ttft_p50_seconds, figures.ttft_p95_seconds, ttft), _band(series)
        ),
        response=_spread(series, figures.response_p50_seconds, figures.response_p95_seconds, response),
        throughput=_throughput(series, figures.throughput_p50),
        outcomes=_outcomes(series),
        week=_week(view),
        usual=_usual(view),
    )


def _spread(
    series: Series,
    p50: float | None,
    p95: float | None,
    highest: Sequence[tuple[SeriesPoint, float | None]],
) -> str:
    if p50 is None:
        return _("Nothing was measured in this window.")
    worst, value = max(
        ((point, value) for point, value in highest if value is not None), key=lambda pair: pair[1]
    )
    return _(
        "Half of the probes within %(p50)s, 95 %% within %(p95)s; the slowest %(step)s began %(at)s with a p95 of "
        "%(worst)s. %(gaps)s",
        p50=seconds(p50),
        p95=seconds(p95),
        step=_step(series),
        at=utc(worst.start),
        worst=seconds(value),
        gaps=_gaps(series),
    )


def _throughput(series: Series, p50: float | None) -> str:
    if p50 is None:
        return _("Nothing was measured in this window.")
    known = [point.throughput_p50 for point in series.points if point.throughput_p50 is not None]
    return _(
        "Half of the probes wrote %(p50)s tokens a second or more; by the %(step)s the median lay between %(low)s and "
        "%(high)s. %(gaps)s",
        p50=tokens_per_second(p50),
        step=_step(series),
        low=tokens_per_second(min(known)),
        high=tokens_per_second(max(known)),
        gaps=_gaps(series),
    )


def _outcomes(series: Series) -> str:
    ok = sum(point.ok for point in series.points)
    rest = "; ".join(
        _("%(who)s %(n)s", who=word(fault).label, n=count(total))
        for fault in series.faults
        if fault is not Fault.NONE and (total := sum(point.faults.get(fault, 0) for point in series.points))
    )
    figures = {"ok": count(ok), "n": count(series.n), "share": percent(ok / series.n if series.n else None)}
    if not rest:
        return _("%(ok)s of %(n)s scheduled probes were ok (%(share)s).", **figures)
    return _(
        "%(ok)s of %(n)s scheduled probes were ok (%(share)s). The others, by whose fault: %(rest)s.",
        **figures,
        rest=rest,
    )


def _week(view: ModelView) -> str:
    known = [cell for cell in view.week if cell.level is not None]
    if not known:
        return _("Too few probes yet to compare the hours of the week.")
    fastest = min(cell.ttft_p50_seconds or 0.0 for cell in known)
    slowest = max(cell.ttft_p50_seconds or 0.0 for cell in known)
    return _(
        "Median time to first token, in seconds, of each hour (UTC) over %(weeks)s weeks: %(low)s at the fastest, "
        "%(high)s at the slowest.",
        weeks=WEEK_MAP_SPAN.days // 7,
        low=seconds(fastest),
        high=seconds(slowest),
    )


def _usual(view: ModelView) -> str:
    known = view.series.usual
    if known is None or known.ttft_seconds is None:
        return ""
    return _(
        "usual first token %(value)s (n %(n)s in %(days)s days)",
        value=seconds(known.ttft_seconds.value),
        n=count(known.ttft_seconds.n),
        days=known.days,
    )


def _band(series: Series) -> str:
    known = series.usual.ttft_seconds if series.usual is not None else None
    if known is None:
        return ""
    return _(
        "The band is what is usual at that hour; at present %(value)s, and %(limit)s or more is slow (n %(n)s).",
        value=seconds(known.value),
        limit=seconds(known.limit),
        n=count(known.n),
    )


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _step(series: Series) -> str:
    if series.step_seconds == 3600:
        return _("hour")
    return _("day") if series.step_seconds == 86400 else duration(series.step_seconds)


def _gaps(series: Series) -> str:
    gaps = sum(point.ok == 0 for point in series.points)
    if not gaps:
        return _("No gaps.")
    return _("%(gaps)s of %(n)s points without data.", gaps=count(gaps), n=count(len(series.points)))
