"""The controls above a table, and the addresses they lead to, made from the checked query, never echoed."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import Category, Trigger
from probes.domain.state import State
from probes.store.base import ResultQuery
from probes.web.display import iso
from probes.web.i18n import Lazy, _, lazy
from probes.web.params import DEFAULT_LIMIT
from probes.web.queries.stats import WORST_FIRST, StatsColumn, StatsQuery, StatsSort
from probes.web.snapshot import Snapshot
from probes.web.windows import Window
from probes.web.words import word

Arguments = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """One box to tick. `n` is how many it stands for, None where that is not known."""

    value: str
    label: str
    is_chosen: bool
    n: int | None = None
    group: str = ""  # boxes of one group stand under its name


@dataclass(frozen=True, slots=True)
class Picker:
    """Boxes for one parameter, joined by OR."""

    name: str
    label: Lazy
    choices: tuple[Choice, ...]

    @property
    def chosen(self) -> tuple[Choice, ...]:
        return tuple(choice for choice in self.choices if choice.is_chosen)


@dataclass(frozen=True, slots=True)
class Span:
    """A window to switch to."""

    window: Window
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's head: a link that sorts by it, or turns the order round."""

    column: StatsColumn
    label: Lazy
    url: str
    aria_sort: str | None  # "ascending", "descending"; None: not sorted by this one
    first: str  # direction of the first click, for the script
    is_number: bool


LABELS: Final[Mapping[StatsColumn, Lazy]] = {
    StatsColumn.STATE: lazy("State"),
    StatsColumn.PROVIDER: lazy("Provider"),
    StatsColumn.MODEL: lazy("Model"),
    StatsColumn.N: lazy("n"),
    StatsColumn.AVAILABILITY: lazy("Availability"),
    StatsColumn.TTFT_P50: lazy("p50"),
    StatsColumn.TTFT_P95: lazy("p95"),
    StatsColumn.TTFT_P99: lazy("p99"),
    StatsColumn.RESPONSE_P50: lazy("p50"),
    StatsColumn.RESPONSE_P95: lazy("p95"),
    StatsColumn.THROUGHPUT_P50: lazy("p50"),
    StatsColumn.ERRORS: lazy("Errors by class"),
    StatsColumn.INCIDENTS: lazy("Incidents"),
    StatsColumn.LAST_CHECK: lazy("Last check"),
}
TEXT_COLUMNS: Final = (StatsColumn.STATE, StatsColumn.PROVIDER, StatsColumn.MODEL, StatsColumn.ERRORS)
LARGEST_FIRST: Final = (
    StatsColumn.N,
    StatsColumn.THROUGHPUT_P50,
    StatsColumn.ERRORS,
    StatsColumn.INCIDENTS,
    StatsColumn.LAST_CHECK,
)


def stats_arguments(query: StatsQuery) -> Arguments:
    """The shortest query string that means this query."""
    arguments = [("window", query.window.value)] if query.window is not StatsQuery().window else []
    arguments += [("q", query.search)] if query.search else []
    arguments += [("provider", provider) for provider in query.providers]
    arguments += [("category", category.value) for category in query.categories]
    arguments += [("state", state.value) for state in query.states]
    return arguments + ([("sort", str(query.sort))] if query.sort != StatsSort() else [])


def result_arguments(query: ResultQuery) -> Arguments:
    """The query string of the filters alone, without the place in the pages."""
    arguments = [("since", iso(query.since))] if query.since is not None else []
    arguments += [("until", iso(query.until))] if query.until is not None else []
    for name, values in (
        ("target", query.targets),
        ("provider", query.providers),
        ("location", query.locations),
        ("category", query.categories),
        ("outcome", query.outcomes),
        ("trigger", query.triggers),
    ):
        arguments += [(name, str(value)) for value in values]
    return arguments + ([("limit", str(query.limit))] if query.limit != DEFAULT_LIMIT else [])


def address(path: str, arguments: Arguments) -> str:
    return f"{path}?{urlencode(arguments)}" if arguments else path


def spans(query: StatsQuery, path: str) -> tuple[Span, ...]:
    return tuple(
        Span(window, address(path, stats_arguments(replace(query, window=window))), window is query.window)
        for window in Window
    )


def result_spans(query: ResultQuery, path: str, now: datetime) -> tuple[Span, ...]:
    """The same filters since the start of each window, without an end."""
    return tuple(
        Span(
            window,
            address(path, result_arguments(replace(query, since=start, until=None))),
            start == query.since,
        )
        for window in Window
        if (start := window.start(now))
    )


def model_spans(window: Window, path: str) -> tuple[Span, ...]:
    """As spans; without the single hour, which is too short for a chart."""
    return tuple(
        Span(choice, address(path, [("window", choice.value)]), choice is window)
        for choice in Window
        if choice is not Window.HOUR or window is Window.HOUR
    )


def headings(query: StatsQuery, path: str) -> Mapping[str, Heading]:
    """Every column's heading by the column's name."""
    return {column.value: _heading(query, path, column) for column in StatsColumn}


def stats_pickers(snapshot: Snapshot, query: StatsQuery) -> tuple[Picker, ...]:
    """Provider, category and state, each with the number of models that have it, whatever else is filtered."""
    targets = snapshot.targets
    providers = Counter(target.provider for target in targets)
    categories = Counter(snapshot.statistics_of(target.id).category for target in targets)
    states = Counter(snapshot.verdict(target).state for target in targets)
    return (
        Picker("state", lazy("State"), _words(WORST_FIRST, query.states, lambda state: states[state])),
        Picker(
            "category", lazy("Category"), _words(Category, query.categories, lambda kind: categories[kind])
        ),
        Picker("provider", lazy("Provider"), _names(providers, query.providers, providers)),
    )


def result_pickers(snapshot: Snapshot, query: ResultQuery) -> tuple[Picker, ...]:
    """What is known of providers and locations, and every outcome, category and trigger there is."""
    providers = {target.provider for target in snapshot.targets} | _seen(snapshot, "provider")
    locations = {agent.location for agent in snapshot.agents} | _seen(snapshot, "location")
    return (
        Picker("target", lazy("Model"), _models(snapshot, query)),
        Picker("outcome", lazy("Outcome"), _outcomes(query.outcomes)),
        Picker("category", lazy("Category"), _all_words(Category, query.categories)),
        Picker("trigger", lazy("Trigger"), _all_words(Trigger, query.triggers)),
        Picker("provider", lazy("Provider"), _names(providers, query.providers)),
        Picker("location", lazy("Location"), _names(locations, query.locations)),
    )


def _heading(query: StatsQuery, path: str, column: StatsColumn) -> Heading:
    is_current = query.sort.column is column
    starts_descending = column in LARGEST_FIRST
    is_descending = not query.sort.is_descending if is_current else starts_descending
    target = replace(query, sort=StatsSort(column, is_descending))
    aria_sort = None
    if is_current:
        aria_sort = "descending" if query.sort.is_descending else "ascending"
    return Heading(
        column=column,
        label=LABELS[column],
        url=address(path, stats_arguments(target)),
        aria_sort=aria_sort,
        first="descending" if starts_descending else "ascending",
        is_number=column not in TEXT_COLUMNS,
    )


def _seen(snapshot: Snapshot, field: str) -> set[str]:
    newest = (statistics.newest for statistics in snapshot.statistics.values())
    return {getattr(result, field) for result in newest if result is not None}


def _names(
    known: Iterable[str], chosen: Collection[str], counts: Mapping[str, int] | None = None
) -> tuple[Choice, ...]:
    """Known names and the chosen ones, known or not, so that a filter can always be seen and taken away."""
    return tuple(
        Choice(name, name, name in chosen, counts[name] if counts is not None else None)
        for name in sorted({*known, *chosen}, key=str.casefold)
    )


def _words(
    members: Iterable[State] | Iterable[Category],
    chosen: Collection[StrEnum],
    count: Callable[..., int],
) -> tuple[Choice, ...]:
    """Only what occurs or is chosen: eight boxes of nothing help nobody."""
    return tuple(
        Choice(member.value, str(word(member).label), member in chosen, count(member))
        for member in members
        if count(member) or member in chosen
    )


def _all_words(members: Iterable[StrEnum], chosen: Collection[StrEnum]) -> tuple[Choice, ...]:
    return tuple(Choice(member.value, str(word(member).label), member in chosen) for member in members)


def _models(snapshot: Snapshot, query: ResultQuery) -> tuple[Choice, ...]:
    """Every target ever probed, under its provider; removed ones too, their records are still there."""
    planned = {target.id: target.name for target in snapshot.targets}
    removed = {target: target.split("/", 2)[-1] for target in snapshot.statistics if target not in planned}
    asked = {target: target for target in query.targets if target.count("/") >= 2}
    names = asked | removed | planned
    return tuple(
        Choice(target, name, target in query.targets, group=target.split("/", 1)[0])
        for target, name in sorted(
            names.items(), key=lambda item: (item[0].split("/", 1)[0], item[1].casefold())
        )
    )


def _outcomes(chosen: Collection[Outcome]) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            outcome.value,
            str(word(outcome).label),
            outcome in chosen,
            group=_("Fault: %(who)s", who=word(fault).label) if fault is not Fault.NONE else "",
        )
        for fault in Fault
        for outcome in Outcome
        if outcome.fault is fault
    )
