"""Query strings -> typed queries. Whatever a reader sends, only checked `str` and enums reach the store.

Knows nothing of Flask: it reads any multi-valued mapping. An empty value is an absent one, as forms send them.
"""

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from probes.domain.event import EventKind
from probes.domain.outcome import Outcome
from probes.domain.result import Category, Trigger
from probes.domain.rollup import Period
from probes.domain.state import State
from probes.store.base import MAX_PAGE_SIZE, EventQuery, ResultQuery
from probes.web.i18n import Lazy, lazy
from probes.web.queries.stats import StatsColumn, StatsQuery, StatsSort
from probes.web.windows import Window

MAX_VALUE_LENGTH: Final = 300  # a target id is the longest thing worth asking for
MAX_VALUES: Final = 50  # of one parameter
SHOWN_LENGTH: Final = 60  # of a refused value, in the message
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
DEFAULT_LIMIT: Final = 50

STATS_PARAMETERS: Final = ("window", "q", "provider", "category", "state", "sort")
RESULT_PARAMETERS: Final = (
    "since",
    "until",
    "target",
    "provider",
    "model",
    "location",
    "category",
    "outcome",
    "trigger",
    "limit",
    "cursor",
    "after",
)
SERIES_PARAMETERS: Final = ("window", "period")
_NO_TARGET: Final = "//"  # no target can have this id: provider and client are never empty
EVERYWHERE: Final = ("lang", "theme")  # what any page understands

E = TypeVar("E", bound=StrEnum)


class ParameterError(Exception):
    """One parameter that cannot be used: which, what was given, what would do. Answered with status 400."""

    def __init__(self, name: str, value: str, problem: Lazy | str, allowed: Iterable[str] = ()) -> None:
        self.name = name
        self.value = _shown(value)
        self.problem = problem
        self.allowed = tuple(allowed)
        super().__init__(f"{name}={self.value!r}: {problem!r}")

    @property
    def message(self) -> Lazy:
        return lazy("%(name)s: %(problem)s", name=self.name, problem=self.problem)

    @property
    def cure(self) -> Lazy:
        """What to send instead."""
        if not self.allowed:
            return lazy("Correct it or leave it out.")
        allowed = ", ".join(self.allowed)
        close = difflib.get_close_matches(self.value or self.name, self.allowed, n=1)
        if close:
            return lazy("Did you mean %(name)s? Allowed: %(allowed)s.", name=close[0], allowed=allowed)
        return lazy("Allowed: %(allowed)s.", allowed=allowed)


class MultiValues(Protocol):
    """What werkzeug's MultiDict offers of a parsed query string."""

    def getlist(self, key: str) -> list[str]: ...

    def __iter__(self) -> Iterator[str]: ...


class Parameters:
    """Typed reading of a query string. Every method raises ParameterError for a value that cannot be used."""

    def __init__(self, values: MultiValues) -> None:
        self._values = values

    def refuse_unknown(self, known: Collection[str]) -> None:
        """The API's strictness: a mistyped filter must not silently widen an answer."""
        allowed = sorted({*known, *EVERYWHERE})
        for name in self._values:
            if name not in allowed:
                raise ParameterError(_shown(name), "", lazy("no parameter of this address"), allowed)

    def texts(self, name: str) -> tuple[str, ...]:
        """Every non-empty value in the order given, each once."""
        given = tuple(dict.fromkeys(value for value in self._values.getlist(name) if value.strip()))
        if len(given) > MAX_VALUES:
            raise ParameterError(name, str(len(given)), lazy("more than %(n)s values", n=MAX_VALUES))
        return tuple(_checked_text(name, " ".join(value.split())) for value in given)

    def text(self, name: str, default: str = "") -> str:
        """The one value of a parameter that may be given once."""
        values = self.texts(name)
        if len(values) > 1:
            raise ParameterError(name, values[1], lazy("may be given only once"))
        return values[0] if values else default

    def choice(self, name: str, choices: type[E], default: E) -> E:
        value = self.text(name)
        return _member(name, value, choices) if value else default

    def choices(self, name: str, choices: type[E]) -> tuple[E, ...]:
        return tuple(_member(name, value, choices) for value in self.texts(name))

    def integer(self, name: str, default: int, lowest: int, highest: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not (value.isascii() and value.isdigit() and len(value) <= 9):
            raise _out_of_range(name, value, lowest, highest)
        if not lowest <= int(value) <= highest:
            raise _out_of_range(name, value, lowest, highest)
        return int(value)

    def moment(self, name: str) -> datetime | None:
        """An ISO 8601 time as aware UTC; one without an offset is UTC. None when absent."""
        return moment_of(name, self.text(name))


def moment_of(name: str, value: str) -> datetime | None:
    """The ISO 8601 time as aware UTC; None for an empty text. Raises ParameterError under that name."""
    if not value:
        return None
    try:
        given = datetime.fromisoformat(_with_plus(value))
        moment = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterError(name, value, lazy("not an ISO 8601 time such as 2026-11-21T09:30:00Z")) from None
    if not EARLIEST <= moment <= LATEST:
        years = {"first": EARLIEST.year, "last": LATEST.year}
        raise ParameterError(name, value, lazy("outside the years %(first)s to %(last)s", **years))
    return moment


def window_of(parameters: Parameters, default: Window = Window.DAY) -> Window:
    """`?window=`: 1h, 24h, 7d, 30d, 90d."""
    return parameters.choice("window", Window, default)


def period_of(parameters: Parameters) -> Period | None:
    """`?period=`: hour or day; None when the window may choose."""
    value = parameters.text("period")
    return _member("period", value, Period) if value else None


def stats_query(parameters: Parameters) -> StatsQuery:
    """`?window=&q=&provider=&category=&state=&sort=`."""
    return StatsQuery(
        window=window_of(parameters),
        search=parameters.text("q"),
        providers=parameters.texts("provider"),
        categories=parameters.choices("category", Category),
        states=parameters.choices("state", State),
        sort=_sort(parameters),
    )


def result_query(parameters: Parameters, known_targets: Sequence[str]) -> ResultQuery:
    """`?since=&until=&target=&provider=&model=&location=&category=&outcome=&trigger=&limit=&cursor=&after=`.

    `known_targets` are the ids that `model` is looked up in. `after` gives the results newer than its cursor.
    """
    cursor, after = parameters.text("cursor"), parameters.text("after")
    if cursor and after:
        raise ParameterError("after", after, lazy("cannot stand beside cursor"))
    since, until = _span(parameters)
    return ResultQuery(
        since=since,
        until=until,
        targets=_targets(parameters, known_targets),
        providers=parameters.texts("provider"),
        locations=parameters.texts("location"),
        categories=parameters.choices("category", Category),
        outcomes=parameters.choices("outcome", Outcome),
        triggers=parameters.choices("trigger", Trigger),
        limit=parameters.integer("limit", DEFAULT_LIMIT, 1, MAX_PAGE_SIZE),
        cursor=cursor or after or None,
        oldest_first=bool(after),
    )


def event_query(parameters: Parameters, known_targets: Sequence[str]) -> EventQuery:
    """`?since=&until=&target=&provider=&model=&kind=&limit=&cursor=`."""
    since, until = _span(parameters)
    targets, providers = _targets(parameters, known_targets), parameters.texts("provider")
    if providers:
        of_provider = [target for target in known_targets if target.split("/", 1)[0] in providers]
        targets = tuple(t for t in of_provider if t in targets) if targets else tuple(of_provider)
        targets = targets or (_NO_TARGET,)
    return EventQuery(
        since=since,
        until=until,
        targets=targets,
        kinds=parameters.choices("kind", EventKind),
        limit=parameters.integer("limit", DEFAULT_LIMIT, 1, MAX_PAGE_SIZE),
        cursor=parameters.text("cursor") or None,
    )


def _span(parameters: Parameters) -> tuple[datetime | None, datetime | None]:
    since, until = parameters.moment("since"), parameters.moment("until")
    if since is not None and until is not None and until <= since:
        raise ParameterError("until", parameters.text("until"), lazy("not later than since"))
    return since, until


def _targets(parameters: Parameters, known_targets: Sequence[str]) -> tuple[str, ...]:
    """Both filters name targets, so together they are an AND; no match must never widen to "any"."""
    wanted, models = parameters.texts("target"), parameters.texts("model")
    if not models:
        return wanted
    of_model = tuple(target for target in known_targets if target.split("/", 2)[-1] in models)
    matching = tuple(target for target in of_model if target in wanted) if wanted else of_model
    return matching or (_NO_TARGET,)


def _sort(parameters: Parameters) -> StatsSort:
    value = parameters.text("sort")
    if not value:
        return StatsSort()
    return StatsSort(
        column=_member("sort", value.removeprefix("-"), StatsColumn), is_descending=value.startswith("-")
    )


def _member(name: str, value: str, choices: type[E]) -> E:
    try:
        return choices(value)
    except ValueError:
        raise ParameterError(
            name, value, lazy("%(value)s is no allowed value", value=repr(_shown(value))), choices
        ) from None


def _out_of_range(name: str, value: str, lowest: int, highest: int) -> ParameterError:
    return ParameterError(
        name, value, lazy("not a whole number from %(lowest)s to %(highest)s", lowest=lowest, highest=highest)
    )


def _checked_text(name: str, value: str) -> str:
    if len(value) > MAX_VALUE_LENGTH:
        raise ParameterError(name, value, lazy("longer than %(n)s characters", n=MAX_VALUE_LENGTH))
    if not value.isprintable():
        raise ParameterError(name, value, lazy("has control characters"))
    return value


def _with_plus(value: str) -> str:
    """An unescaped "+" before an offset arrives as a space; "2026-11-21 09:30" (16 characters) has no offset."""
    return f"{value[:-6]}+{value[-5:]}" if len(value) > 16 and value[-6] == " " else value


def _shown(value: str) -> str:
    """A refused value, short and printable, fit for a message."""
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value)
    return clean if len(clean) <= SHOWN_LENGTH else clean[: SHOWN_LENGTH - 1] + "…"
