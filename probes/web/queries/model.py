"""One target in full: state, figures, series, hour-of-week map, newest results. What /models/<target> shows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from probes.domain.event import TargetEvent
from probes.domain.outcome import Fault
from probes.domain.plan import PlannedTarget
from probes.domain.result import ProbeResult
from probes.domain.rollup import Period, Rollup, Tally
from probes.domain.state import TargetStatistics, Verdict
from probes.stats.baseline import LEARNT_SPAN, Baseline, learnt
from probes.stats.histogram import merge as merge_buckets
from probes.stats.histogram import quantile
from probes.stats.tally import merge
from probes.store.base import EventQuery, Store
from probes.store.undisturbed import undisturbed
from probes.verdicts.rules import Freshness
from probes.web.queries.stats import Figures, figures_of
from probes.web.queries.usual import UsualView, usual_band, usual_view
from probes.web.snapshot import Snapshot
from probes.web.windows import Window

RECENT_RESULTS: Final = 20
TIMELINE_EVENTS: Final = 20
WEEK_MAP_SPAN: Final = timedelta(weeks=4)
MONTH_STEP: Final = timedelta(hours=6)  # 120 points; 720 single hours would be a 400 kB page
WEEK_MAP_FEW: Final = 3  # results a cell needs before its colour means anything
WEEK_MAP_RATIOS: Final = (
    0.9,
    1.15,
    1.5,
    2.0,
)  # of an hour's median to the usual hour's: where the next colour begins


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One step; figures are None where nothing was observed."""

    start: datetime
    n: int  # scheduled slots, run or not
    ok: int
    faults: Mapping[Fault, int]  # every slot by fault; `none` is ok
    ttft_p50_seconds: float | None
    ttft_p95_seconds: float | None
    response_p50_seconds: float | None
    response_p95_seconds: float | None
    throughput_p50: float | None
    ttft_usual_low_seconds: float | None  # between these a first token is usual at that hour
    ttft_usual_high_seconds: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """Every step of the window in order, empty ones too: a gap is None, never 0."""

    target: str
    window: Window
    step_seconds: float
    since: datetime
    until: datetime  # end of the running step
    points: tuple[SeriesPoint, ...]
    usual: UsualView | None  # None: seen for too few days

    @property
    def n(self) -> int:
        return sum(point.n for point in self.points)

    @property
    def has_band(self) -> bool:
        return any(point.ttft_usual_high_seconds is not None for point in self.points)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that occur, in the order of Fault."""
        return tuple(fault for fault in Fault if any(fault in point.faults for point in self.points))


@dataclass(frozen=True, slots=True)
class HourOfWeek:
    """All results of one hour of the week, over WEEK_MAP_SPAN."""

    weekday: int  # 0 is Monday
    hour: int  # UTC
    n: int  # measured first tokens
    ttft_p50_seconds: float | None
    level: int | None  # 0 (fast) to 4 (slow), by WEEK_MAP_RATIOS; None with fewer than WEEK_MAP_FEW results


@dataclass(frozen=True, slots=True)
class ModelView:
    target: str
    provider: str
    client: str
    model: str
    name: str
    plan: PlannedTarget | None  # None: removed from the configuration, its history kept
    verdict: Verdict | None  # None: removed
    freshness: Freshness | None  # None: removed
    statistics: TargetStatistics
    window: Window
    figures: Figures
    cost: float | None  # of the window, in the operator's currency; None without a price
    series: Series
    week: tuple[HourOfWeek, ...]  # 168 cells from Monday 00:00 UTC
    recent: tuple[ProbeResult, ...]  # newest first
    events: tuple[TargetEvent, ...]  # newest first, whatever the window

    @property
    def was_probed(self) -> bool:
        return bool(self.recent) or self.statistics.total > 0

    @property
    def has_week(self) -> bool:
        return any(cell.n for cell in self.week)


def rollup_series(
    store: Store, target: str, window: Window, now: datetime, period: Period | None = None
) -> Series:
    """The window's steps, all locations merged. Without `period` the step suits a chart: an hour, 6 hours or a day."""
    step = period.length if period is not None else _chart_step(window)
    rollups = _read(store, target, _period_for(step), window.start(now), now)
    hours = _read(store, target, Period.HOUR, Period.HOUR.start_of(now - LEARNT_SPAN), now)
    drawn = _Drawn(target, window, step, _baseline(store, target, hours, now))
    return _series(rollups, drawn, now)


def model_view(snapshot: Snapshot, store: Store, target: str, window: Window) -> ModelView | None:
    """Everything known of one target; None when it was never configured and never probed."""
    plan = snapshot.target(target)
    if plan is None and target not in snapshot.statistics:
        return None
    provider, client, model = (*target.split("/", 2), "", "")[:3]
    now = snapshot.now
    hours = _read(store, target, Period.HOUR, _earliest_hour(window, now), now)
    series_step = _chart_step(window)
    is_hourly = _period_for(series_step) is Period.HOUR
    source = hours if is_hourly else _read(store, target, Period.DAY, window.start(now), now)
    tally = merge(rollup.tally for rollup in source if rollup.key.start >= window.start(now))
    return ModelView(
        target=target,
        provider=provider,
        client=client,
        model=model,
        name=plan.name if plan is not None else model,
        plan=plan,
        verdict=snapshot.verdict(plan) if plan is not None else None,
        freshness=snapshot.freshness(plan) if plan is not None else None,
        statistics=snapshot.statistics_of(target),
        window=window,
        figures=figures_of(tally),
        cost=tally.cost if tally.priced else None,
        series=_series(
            source, _Drawn(target, window, series_step, _baseline(store, target, hours, now)), now
        ),
        week=_hours_of_week(rollup for rollup in hours if rollup.key.start >= now - WEEK_MAP_SPAN),
        recent=store.recent((target,), RECENT_RESULTS).get(target, ()),
        events=store.events(EventQuery(targets=(target,), limit=TIMELINE_EVENTS)).events,
    )


def _read(store: Store, target: str, period: Period, since: datetime, now: datetime) -> list[Rollup]:
    """Up to and with the running bucket, even in the very instant that it begins."""
    return store.rollups(period, since, period.start_of(now) + period.length, (target,))


def _chart_step(window: Window) -> timedelta:
    match window:
        case Window.HOUR | Window.DAY | Window.WEEK:
            return Period.HOUR.length
        case Window.MONTH:
            return MONTH_STEP
        case Window.QUARTER:
            return Period.DAY.length


def _period_for(step: timedelta) -> Period:
    return Period.DAY if step >= Period.DAY.length else Period.HOUR


def _earliest_hour(window: Window, now: datetime) -> datetime:
    """Far enough back for the week map and, where it is drawn from hours, for the series."""
    week_map = Period.HOUR.start_of(now - WEEK_MAP_SPAN)
    return min(week_map, window.start(now)) if _period_for(_chart_step(window)) is Period.HOUR else week_map


@dataclass(frozen=True, slots=True)
class _Drawn:
    target: str
    window: Window
    step: timedelta
    baseline: Baseline | None


def _baseline(store: Store, target: str, hours: Iterable[Rollup], now: datetime) -> Baseline | None:
    """All locations as one, as the chart has them."""
    since = Period.HOUR.start_of(now - LEARNT_SPAN)
    return learnt(hours, undisturbed(store, target, since), now)


def _series(rollups: Iterable[Rollup], drawn: _Drawn, now: datetime) -> Series:
    since, step = drawn.window.start(now), drawn.step
    tallies: defaultdict[int, list[Tally]] = defaultdict(list)
    for rollup in rollups:
        if rollup.key.start >= since:
            tallies[(rollup.key.start - since) // step].append(rollup.tally)
    steps = (now - since) // step + 1
    points = tuple(_point(since + index * step, merge(tallies[index]), drawn) for index in range(steps))
    usual = usual_view(drawn.baseline, now)
    until = since + steps * step
    return Series(drawn.target, drawn.window, step.total_seconds(), since, until, points, usual)


def _point(start: datetime, tally: Tally, drawn: _Drawn) -> SeriesPoint:
    band = usual_band(drawn.baseline, start, drawn.step)
    faults: dict[Fault, int] = {}
    for outcome, n in tally.outcomes.items():
        faults[outcome.fault] = faults.get(outcome.fault, 0) + n
    return SeriesPoint(
        start=start,
        n=tally.n,
        ok=tally.ok,
        faults=faults,
        ttft_p50_seconds=quantile(tally.ttft, 0.5),
        ttft_p95_seconds=quantile(tally.ttft, 0.95),
        response_p50_seconds=quantile(tally.response, 0.5),
        response_p95_seconds=quantile(tally.response, 0.95),
        throughput_p50=quantile(tally.throughput, 0.5),
        ttft_usual_low_seconds=band.low_seconds if band is not None else None,
        ttft_usual_high_seconds=band.high_seconds if band is not None else None,
    )


def _hours_of_week(hours: Iterable[Rollup]) -> tuple[HourOfWeek, ...]:
    cells: defaultdict[tuple[int, int], list[Mapping[int, int]]] = defaultdict(list)
    for rollup in hours:
        cells[rollup.key.start.weekday(), rollup.key.start.hour].append(rollup.tally.ttft)
    merged = {cell: merge_buckets(histograms) for cell, histograms in cells.items()}
    medians = {
        cell: value
        for cell, buckets in merged.items()
        if sum(buckets.values()) >= WEEK_MAP_FEW and (value := quantile(buckets, 0.5)) is not None
    }
    levels = _levels(medians)
    return tuple(
        HourOfWeek(
            weekday=weekday,
            hour=hour,
            n=sum(merged.get((weekday, hour), {}).values()),
            ttft_p50_seconds=quantile(merged.get((weekday, hour), {}), 0.5),
            level=levels.get((weekday, hour)),
        )
        for weekday in range(7)
        for hour in range(24)
    )


def _levels(medians: Mapping[tuple[int, int], float]) -> dict[tuple[int, int], int]:
    """Colour by ratio to the usual hour, not by rank: a model as fast at all hours must look so."""
    if not medians:
        return {}
    usual = median(medians.values())
    return {cell: sum(value > usual * limit for limit in WEEK_MAP_RATIOS) for cell, value in medians.items()}
