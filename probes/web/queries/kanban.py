"""The same targets by responsiveness: a column per category, and apart from them what is not probed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from probes.domain.outcome import Outcome
from probes.domain.plan import PlannedTarget
from probes.domain.result import Category
from probes.domain.state import State, Verdict
from probes.verdicts.rules import Freshness, ReasonKey
from probes.web.memo import Memo
from probes.web.queries.board import (
    BoardFilter,
    BoardRow,
    Figures,
    board_rows,
    counted_states,
    scales_by_provider,
)
from probes.web.snapshot import Snapshot

_OF_STATE: Final[dict[State, State]] = {
    state: state for state in (State.MAINTENANCE, State.PAUSED, State.NOT_CONFIGURED)
}
COLUMNS: Final[tuple[StrEnum, ...]] = (*Category, *_OF_STATE)


@dataclass(frozen=True, slots=True)
class Card:
    """One target. Times are of its newest probe; None where that failed."""

    target: PlannedTarget
    column: StrEnum  # a Category, or the State that keeps it from being measured
    verdict: Verdict
    freshness: Freshness
    figures: Figures
    response_scale: float | None
    response_seconds: float | None
    ttft_seconds: float | None
    throughput: float | None
    since: datetime | None  # in this column
    last_at: datetime | None

    @property
    def is_calm(self) -> bool:
        return self.verdict.reason.key == ReasonKey.HEALTHY

    @property
    def has_line(self) -> bool:
        return any(value is not None for value in self.figures.response_hours)

    @property
    def key(self) -> tuple[object, ...]:
        return (
            *(self.figures.revision, self.target, self.column, self.verdict.state, self.verdict.reason),
            *(self.freshness, self.response_scale, self.since, self.last_at),
        )


@dataclass(frozen=True, slots=True)
class Column:
    member: StrEnum
    cards: tuple[Card, ...]
    shown: int  # admitted by the filter

    @property
    def is_probed(self) -> bool:
        return isinstance(self.member, Category)


@dataclass(frozen=True, slots=True)
class Lane:
    provider: str  # empty: one lane for all
    columns: tuple[Column, ...]  # the same ones in each lane

    @property
    def shown(self) -> int:
        return sum(column.shown for column in self.columns)


@dataclass(frozen=True, slots=True)
class Kanban:
    """Every target is in it, whatever the filter; `shown_ids` tells which ones the filter admits."""

    lanes: tuple[Lane, ...]
    columns: tuple[Column, ...]  # over all lanes
    cards: tuple[Card, ...]
    states: Mapping[State, int]
    filter: BoardFilter
    shown_ids: frozenset[str]
    providers: tuple[str, ...]
    as_of: datetime | None
    next_due_at: datetime | None

    @property
    def total(self) -> int:
        return len(self.cards)

    @property
    def shown(self) -> int:
        return len(self.shown_ids)

    @property
    def order(self) -> str:
        """Who stands in which column; changes when a card has to move."""
        return "\n".join(f"{card.column} {card.target.id}" for card in self.cards)


def kanban(snapshot: Snapshot, wanted: BoardFilter, memo: Memo, *, with_lanes: bool) -> Kanban:
    rows = board_rows(snapshot, memo)
    cards = _cards(snapshot, rows)
    shown_ids = frozenset(row.target.id for row in rows if wanted.admits(row.target, row.state))
    providers = tuple(dict.fromkeys(card.target.provider for card in cards))
    columns = _columns(cards, cards, shown_ids)
    return Kanban(
        lanes=_lanes(providers, cards, shown_ids) if with_lanes else (Lane("", columns),),
        columns=columns,
        cards=cards,
        states=counted_states(rows),
        filter=wanted,
        shown_ids=shown_ids,
        providers=providers,
        as_of=snapshot.as_of,
        next_due_at=snapshot.next_due_at,
    )


def _cards(snapshot: Snapshot, rows: Sequence[BoardRow]) -> tuple[Card, ...]:
    by_id = {row.target.id: row for row in rows}
    scales = scales_by_provider(snapshot.targets, lambda target: by_id[target.id].figures.response_hours)
    return tuple(_card(snapshot, row, scales[row.target.provider]) for row in rows)


def _card(snapshot: Snapshot, row: BoardRow, scale: float | None) -> Card:
    statistics = snapshot.statistics_of(row.target.id)
    column = _column_of(row)
    newest = statistics.newest if statistics.newest and statistics.newest.outcome is Outcome.OK else None
    is_by_category = isinstance(column, Category) and column is statistics.category
    return Card(
        target=row.target,
        column=column,
        verdict=row.verdict,
        freshness=row.freshness,
        figures=row.figures,
        response_scale=scale,
        response_seconds=newest.response_seconds if newest is not None else None,
        ttft_seconds=newest.ttft_seconds if newest is not None else None,
        throughput=newest.throughput if newest is not None else None,
        since=statistics.category_since if is_by_category else row.verdict.since,
        last_at=row.last_at,
    )


def _column_of(row: BoardRow) -> StrEnum:
    """Silence and failure have no responsiveness, so they stand under unknown."""
    return _OF_STATE.get(row.state) or row.category or Category.UNKNOWN


def _lanes(providers: Sequence[str], cards: Sequence[Card], shown_ids: frozenset[str]) -> tuple[Lane, ...]:
    by_provider: dict[str, list[Card]] = {provider: [] for provider in providers}
    for card in cards:
        by_provider[card.target.provider].append(card)
    return tuple(
        Lane(provider, _columns(members, cards, shown_ids)) for provider, members in by_provider.items()
    )


def _columns(members: Sequence[Card], every: Sequence[Card], shown_ids: frozenset[str]) -> tuple[Column, ...]:
    """All categories, and of the other columns those that are used anywhere on the page."""
    used = {card.column for card in every if isinstance(card.column, State)}
    columns = [member for member in COLUMNS if isinstance(member, Category) or member in used]
    found: dict[str, list[Card]] = {_name(member): [] for member in columns}
    for card in members:
        found[_name(card.column)].append(card)
    return tuple(_column(member, found[_name(member)], shown_ids) for member in columns)


def _column(member: StrEnum, cards: Sequence[Card], shown_ids: frozenset[str]) -> Column:
    return Column(member, tuple(cards), sum(1 for card in cards if card.target.id in shown_ids))


def _name(member: StrEnum) -> str:
    """Members of two enums can be equal as text, so the enum's name goes with it."""
    return f"{type(member).__name__}.{member.name}"
