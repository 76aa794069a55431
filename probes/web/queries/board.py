"""The board: one sentence about everything, problem models first, then the others by provider."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from probes.domain.plan import PlannedTarget
from probes.domain.result import Category
from probes.domain.state import Reason, State, TargetStatistics, Verdict
from probes.stats.availability import Availability, availability
from probes.stats.histogram import quantile
from probes.verdicts.rules import Freshness, ReasonKey
from probes.web.history import Count, TargetHistory
from probes.web.incident_log import Part
from probes.web.memo import Memo
from probes.web.queries.slo import slo_of
from probes.web.snapshot import Snapshot
from probes.web.windows import Window

PROBLEMS: Final = (State.DOWN, State.DEGRADED, State.ATTENTION)  # worst first
NOT_PROBED: Final = (State.PAUSED, State.NOT_CONFIGURED)


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """Empty means everything. `text` is looked for in provider, client, model and display name."""

    text: str = ""
    providers: tuple[str, ...] = ()
    states: tuple[State, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.providers or self.states)

    def admits(self, target: PlannedTarget, state: State) -> bool:
        return (
            (not self.providers or target.provider in self.providers)
            and (not self.states or state in self.states)
            and self.text.casefold() in searchable(target)
        )


def searchable(target: PlannedTarget) -> str:
    """What the search looks through; the script in the page searches this very text."""
    return f"{target.name} {target.id}".casefold()


@dataclass(frozen=True, slots=True)
class Figures:
    """What is calculated from a target's history; the same object while the history is the same."""

    revision: int
    hours: tuple[Count, ...]
    days: tuple[Count, ...]
    day: Availability  # 24 hours
    month: Availability  # 30 days, which is what a phone has room for
    quarter: Availability  # 90 days
    ttft_p50: float | None  # 24 hours
    ttft_hours: tuple[float | None, ...]
    throughput_p50: float | None  # 24 hours
    response_hours: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One target. Equal `key` means that a rendered row looks the same."""

    target: PlannedTarget
    verdict: Verdict
    freshness: Freshness
    category: Category | None  # of the newest result; None when there is none to speak of
    figures: Figures
    ttft_scale: float | None  # full height of the sparkline, the same for all of a provider
    last_at: datetime | None
    first_seen_at: datetime | None
    incidents: tuple[Part, ...] = ()  # of 90 days, newest first
    is_budget_spent: bool = False  # of any objective, over 30 days

    @property
    def state(self) -> State:
        return self.verdict.state

    @property
    def is_problem(self) -> bool:
        return self.state in PROBLEMS

    @property
    def has_story(self) -> bool:
        """The reason says more than the state does."""
        return self.verdict.reason.key not in (ReasonKey.HEALTHY, ReasonKey.PAUSED)

    @property
    def is_waiting(self) -> bool:
        """Its first probe has not come back yet."""
        return self.verdict.reason.key == ReasonKey.NEVER_SEEN

    @property
    def key(self) -> tuple[object, ...]:
        verdict = self.verdict
        return (
            *(self.figures.revision, self.target, self.freshness, self.category, self.ttft_scale),
            *(self.last_at, self.first_seen_at, verdict.state, verdict.since, verdict.reason, self.incidents),
            self.is_budget_spent,
        )


@dataclass(frozen=True, slots=True)
class BoardGroup:
    provider: str
    rows: tuple[BoardRow, ...]  # without the problem rows, which stand above
    problems: int
    is_probed: bool  # False: every target in it is paused or lacks its key


@dataclass(frozen=True, slots=True)
class Board:
    """Every target is in it, whatever the filter; `shown_ids` tells which ones the filter admits."""

    states: Mapping[State, int]
    total: int
    filter: BoardFilter
    shown_ids: frozenset[str]
    providers: tuple[str, ...]
    problems: tuple[BoardRow, ...]  # worst first
    groups: tuple[BoardGroup, ...]
    as_of: datetime | None
    next_due_at: datetime | None
    has_plan: bool

    @property
    def shown(self) -> int:
        return len(self.shown_ids)

    def admits_any(self, rows: Sequence[BoardRow]) -> bool:
        return any(row.target.id in self.shown_ids for row in rows)

    @property
    def probed(self) -> int:
        return self.total - sum(self.states.get(state, 0) for state in NOT_PROBED)

    @property
    def rows(self) -> tuple[BoardRow, ...]:
        """All that are shown, as they stand on the page."""
        return (*self.problems, *(row for group in self.groups for row in group.rows))

    @property
    def order(self) -> str:
        """What stands where; a live page says so when it changes instead of moving rows about."""
        return "\n".join((str(len(self.problems)), *(row.target.id for row in self.rows)))


def board(snapshot: Snapshot, wanted: BoardFilter, memo: Memo) -> Board:
    rows = board_rows(snapshot, memo)
    problems = sorted((row for row in rows if row.is_problem), key=lambda row: PROBLEMS.index(row.state))
    return Board(
        states=counted_states(rows),
        total=len(rows),
        filter=wanted,
        shown_ids=frozenset(row.target.id for row in rows if wanted.admits(row.target, row.state)),
        providers=tuple(dict.fromkeys(row.target.provider for row in rows)),
        problems=tuple(problems),
        groups=_groups(rows),
        as_of=snapshot.as_of,
        next_due_at=snapshot.next_due_at,
        has_plan=snapshot.plan is not None,
    )


def counted_states(rows: Sequence[BoardRow]) -> Mapping[State, int]:
    """Only states that occur, in the order of the enum."""
    found = Counter(row.state for row in rows)
    return {state: found[state] for state in State if found[state]}


def board_rows(snapshot: Snapshot, memo: Memo) -> list[BoardRow]:
    """All targets in the order of the configuration."""
    figures = {target.id: _figures_of(snapshot, target, memo) for target in snapshot.targets}
    scales = scales_by_provider(snapshot.targets, lambda target: figures[target.id].ttft_hours)
    return [
        replace(
            _row(snapshot, target, figures[target.id], scales[target.provider]),
            is_budget_spent=_is_budget_spent(snapshot, target, memo),
        )
        for target in snapshot.targets
    ]


def scales_by_provider(
    targets: Sequence[PlannedTarget], values: Callable[[PlannedTarget], Sequence[float | None]]
) -> Mapping[str, float | None]:
    """The largest value of each provider's targets, so that lines inside one group can be compared."""
    scales: dict[str, float | None] = {}
    for target in targets:
        known = [value for value in values(target) if value is not None]
        known += [scale for scale in (scales.get(target.provider),) if scale is not None]
        scales[target.provider] = max(known, default=None)
    return scales


def _figures_of(snapshot: Snapshot, target: PlannedTarget, memo: Memo) -> Figures:
    history = snapshot.history(target.id)
    return memo.get(("figures", target.id), history.revision, lambda: figures_of(history))


def _is_budget_spent(snapshot: Snapshot, target: PlannedTarget, memo: Memo) -> bool:
    if target.objectives.is_empty:
        return False
    seen = (snapshot.history(target.id).revision, target.objectives)
    return memo.get(
        ("budget", target.id), seen, lambda: any(view.is_spent for view in slo_of(snapshot, target))
    )


def figures_of(history: TargetHistory) -> Figures:
    day = history.tally(Window.DAY)
    return Figures(
        revision=history.revision,
        hours=tuple(Count.of(hour) for hour in history.hours),
        days=history.days,
        day=availability(day),
        month=availability(history.tally(Window.MONTH)),
        quarter=availability(history.tally(Window.QUARTER)),
        ttft_p50=quantile(day.ttft, 0.5),
        ttft_hours=tuple(quantile(hour.ttft, 0.5) for hour in history.hours),
        throughput_p50=quantile(day.throughput, 0.5),
        response_hours=tuple(quantile(hour.response, 0.5) for hour in history.hours),
    )


def _row(snapshot: Snapshot, target: PlannedTarget, figures: Figures, scale: float | None) -> BoardRow:
    statistics = snapshot.statistics_of(target.id)
    verdict = _coarse(snapshot.verdict(target))
    return BoardRow(
        target=target,
        verdict=verdict,
        freshness=snapshot.freshness(target),
        category=_category(statistics, verdict),
        figures=figures,
        ttft_scale=scale,
        last_at=statistics.newest.started_at if statistics.newest is not None else None,
        first_seen_at=statistics.first_seen_at,
        incidents=snapshot.incidents.of_target(target.id),
    )


def _coarse(verdict: Verdict) -> Verdict:
    """The same with silence in whole minutes, so that a row does not look different each second."""
    if verdict.reason.key != ReasonKey.STALE:
        return verdict
    minutes = int(dict(verdict.reason.params)["age_seconds"]) // 60
    return replace(verdict, reason=Reason(ReasonKey.STALE, (("age_seconds", max(60, minutes * 60)),)))


def _category(statistics: TargetStatistics, verdict: Verdict) -> Category | None:
    if verdict.state in NOT_PROBED or statistics.newest is None:
        return None
    return Category.UNKNOWN if verdict.state is State.UNKNOWN else statistics.newest.category


def _groups(rows: Sequence[BoardRow]) -> tuple[BoardGroup, ...]:
    members: dict[str, list[BoardRow]] = {}
    for row in rows:
        members.setdefault(row.target.provider, []).append(row)
    groups = [_group(provider, found) for provider, found in members.items()]
    return tuple(sorted((group for group in groups if group.rows), key=lambda group: not group.is_probed))


def _group(provider: str, rows: Sequence[BoardRow]) -> BoardGroup:
    calm = tuple(row for row in rows if not row.is_problem)
    return BoardGroup(
        provider=provider,
        rows=calm,
        problems=len(rows) - len(calm),
        is_probed=any(row.state not in NOT_PROBED for row in rows),
    )
