"""The statistics table: one row per planned target over one window. What /stats shows and /api/v1/statistics says."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from probes.domain.outcome import Outcome
from probes.domain.plan import PlannedTarget
from probes.domain.result import Category
from probes.domain.rollup import Tally
from probes.domain.state import State
from probes.stats.availability import availability
from probes.stats.histogram import quantile
from probes.web.memo import Memo
from probes.web.snapshot import Snapshot
from probes.web.windows import Window

FEW_RESULTS: Final = 20  # below this a figure says little, so the row is greyed

WORST_FIRST: Final = (
    State.DOWN,
    State.ATTENTION,
    State.DEGRADED,
    State.UNKNOWN,
    State.OPERATIONAL,
    State.MAINTENANCE,
    State.PAUSED,
    State.NOT_CONFIGURED,
)


class StatsColumn(StrEnum):
    """What `?sort=` may name; a leading minus turns the order round."""

    STATE = "state"  # ascending: worst first
    PROVIDER = "provider"
    MODEL = "model"
    N = "n"
    AVAILABILITY = "availability"
    TTFT_P50 = "ttft_p50"
    TTFT_P95 = "ttft_p95"
    TTFT_P99 = "ttft_p99"
    RESPONSE_P50 = "response_p50"
    RESPONSE_P95 = "response_p95"
    THROUGHPUT_P50 = "throughput_p50"
    ERRORS = "errors"
    INCIDENTS = "incidents"
    LAST_CHECK = "last_check"


@dataclass(frozen=True, slots=True)
class StatsSort:
    column: StatsColumn = StatsColumn.STATE
    is_descending: bool = False

    def __str__(self) -> str:
        return f"-{self.column}" if self.is_descending else self.column.value


@dataclass(frozen=True, slots=True)
class StatsQuery:
    """Filters are joined by AND, values inside one by OR; empty means any."""

    window: Window = Window.DAY
    search: str = ""  # words, all of which must occur in provider, client, model or display name
    providers: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    states: tuple[State, ...] = ()
    sort: StatsSort = StatsSort()


@dataclass(frozen=True, slots=True)
class ErrorCount:
    outcome: Outcome
    n: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a tally says; None where nothing was observed."""

    n: int  # scheduled slots counted, run or not
    ok: int
    faulty: int  # failures that count against availability
    availability: float | None  # ok / (ok + faulty)
    availability_low: float | None  # Wilson interval, 95 %
    availability_high: float | None
    ttft_p50_seconds: float | None
    ttft_p95_seconds: float | None
    ttft_p99_seconds: float | None
    response_p50_seconds: float | None
    response_p95_seconds: float | None
    throughput_p50: float | None  # tokens per second
    errors: tuple[ErrorCount, ...]  # every outcome but ok, most frequent first

    @property
    def is_sparse(self) -> bool:
        """So few probes that the figures are guesses; without any there are no figures."""
        return 0 < self.n < FEW_RESULTS

    @property
    def errors_total(self) -> int:
        return sum(error.n for error in self.errors)


@dataclass(frozen=True, slots=True)
class StatsRow:
    target: str
    provider: str
    client: str
    model: str
    name: str
    state: State
    category: Category | None  # of the newest result
    last_check_at: datetime | None
    figures: Figures
    incidents: int = 0  # public ones that lasted in the window


@dataclass(frozen=True, slots=True)
class StatsTable:
    query: StatsQuery
    rows: tuple[StatsRow, ...]
    total: int  # targets before filtering
    since: datetime  # start of the window
    as_of: datetime | None  # None: the store has never answered
    providers: tuple[str, ...]  # what the filter may choose from

    @property
    def has_sparse_rows(self) -> bool:
        return any(row.figures.is_sparse for row in self.rows)


def stats_table(snapshot: Snapshot, query: StatsQuery, memo: Memo) -> StatsTable:
    """The filtered, sorted table; unknown values come last in either direction. Figures are kept in `memo`."""
    rows = (_row(snapshot, target, query.window, memo) for target in _matching(snapshot, query))
    return StatsTable(
        query=query,
        rows=tuple(_sorted(rows, query.sort)),
        total=len(snapshot.targets),
        since=query.window.start(snapshot.now),
        as_of=snapshot.as_of,
        providers=tuple(sorted({target.provider for target in snapshot.targets})),
    )


def figures_of(tally: Tally) -> Figures:
    up = availability(tally)
    errors = (
        ErrorCount(outcome, n) for outcome, n in tally.outcomes.items() if outcome is not Outcome.OK and n
    )
    return Figures(
        n=tally.n,
        ok=tally.ok,
        faulty=tally.faulty,
        availability=up.value,
        availability_low=up.low,
        availability_high=up.high,
        ttft_p50_seconds=quantile(tally.ttft, 0.5),
        ttft_p95_seconds=quantile(tally.ttft, 0.95),
        ttft_p99_seconds=quantile(tally.ttft, 0.99),
        response_p50_seconds=quantile(tally.response, 0.5),
        response_p95_seconds=quantile(tally.response, 0.95),
        throughput_p50=quantile(tally.throughput, 0.5),
        errors=tuple(sorted(errors, key=lambda error: (-error.n, error.outcome))),
    )


def matches_search(search: str, texts: Iterable[str]) -> bool:
    """Whether every word of the search occurs in one of the texts, in any case."""
    haystack = "\n".join(texts).casefold()
    return all(word in haystack for word in search.casefold().split())


def _matching(snapshot: Snapshot, query: StatsQuery) -> Iterable[PlannedTarget]:
    for target in snapshot.targets:
        if (
            matches_search(query.search, (target.id, target.name))
            and (not query.providers or target.provider in query.providers)
            and (not query.states or snapshot.verdict(target).state in query.states)
            and (not query.categories or snapshot.statistics_of(target.id).category in query.categories)
        ):
            yield target


def _row(snapshot: Snapshot, target: PlannedTarget, window: Window, memo: Memo) -> StatsRow:
    statistics = snapshot.statistics_of(target.id)
    history = snapshot.history(target.id)
    return StatsRow(
        target=target.id,
        provider=target.provider,
        client=target.client,
        model=target.model,
        name=target.name,
        state=snapshot.verdict(target).state,
        category=statistics.category,
        last_check_at=statistics.newest.started_at if statistics.newest else None,
        figures=memo.get(
            ("window figures", window, target.id),
            history.revision,
            lambda: figures_of(history.tally(window)),
        ),
        incidents=snapshot.incidents.count(target.id, window.start(snapshot.now)),
    )


Rank = str | float | None  # of one kind within a column; None sorts last

RANKS: Final[dict[StatsColumn, Callable[[StatsRow], Rank]]] = {
    StatsColumn.STATE: lambda row: float(WORST_FIRST.index(row.state)),
    StatsColumn.PROVIDER: lambda row: row.provider.casefold(),
    StatsColumn.MODEL: lambda row: row.name.casefold(),
    StatsColumn.N: lambda row: float(row.figures.n),
    StatsColumn.AVAILABILITY: lambda row: row.figures.availability,
    StatsColumn.TTFT_P50: lambda row: row.figures.ttft_p50_seconds,
    StatsColumn.TTFT_P95: lambda row: row.figures.ttft_p95_seconds,
    StatsColumn.TTFT_P99: lambda row: row.figures.ttft_p99_seconds,
    StatsColumn.RESPONSE_P50: lambda row: row.figures.response_p50_seconds,
    StatsColumn.RESPONSE_P95: lambda row: row.figures.response_p95_seconds,
    StatsColumn.THROUGHPUT_P50: lambda row: row.figures.throughput_p50,
    StatsColumn.ERRORS: lambda row: float(row.figures.errors_total) if row.figures.n else None,
    StatsColumn.INCIDENTS: lambda row: float(row.incidents),
    StatsColumn.LAST_CHECK: lambda row: row.last_check_at.timestamp() if row.last_check_at else None,
}


def _sorted(rows: Iterable[StatsRow], sort: StatsSort) -> list[StatsRow]:
    """Equal ranks keep the order provider, name, id, whichever way the column is turned."""
    rank = RANKS[sort.column]
    ordered = sorted(rows, key=lambda row: (row.provider.casefold(), row.name.casefold(), row.target))
    known = [(value, row) for row in ordered if (value := rank(row)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=sort.is_descending)
    return [row for _, row in known] + [row for row in ordered if rank(row) is None]
