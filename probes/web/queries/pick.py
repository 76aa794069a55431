"""What a router can rely on now: configured targets that meet its needs, best first, and why the others do not.

Unknown never wins: a target without a live judgement is no candidate, and a figure that was not observed meets no need.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from probes.domain.plan import PlannedTarget
from probes.domain.state import State
from probes.domain.target import Prices, Protocol
from probes.verdicts.rules import Freshness
from probes.web.answers import ReasonView
from probes.web.memo import Memo
from probes.web.queries.stats import Figures, figures_of
from probes.web.snapshot import Snapshot
from probes.web.windows import Window

RELIABLE: Final = (State.OPERATIONAL, State.DEGRADED)  # best first; no other state is picked


class NeedName(StrEnum):
    """What may be asked for. The three that name something mean "or" when given twice, all others "and"."""

    PROVIDER = "provider"
    PROTOCOL = "protocol"
    LABEL = "label"  # name=value
    EXCLUDE = "exclude"  # a provider, or a target's id
    MAX_TTFT_P50 = "max_ttft_p50"  # seconds
    MAX_TTFT_P95 = "max_ttft_p95"
    MAX_RESPONSE_P95 = "max_response_p95"
    MIN_AVAILABILITY = "min_availability"  # 0..1
    MIN_THROUGHPUT = "min_throughput"  # tokens per second
    MAX_PRICE = "max_price"  # of a million output tokens

    @property
    def is_number(self) -> bool:
        return self in _FIGURES


class Preference(StrEnum):
    """What breaks the tie between targets that can be relied on."""

    TTFT = "ttft"  # p95
    THROUGHPUT = "throughput"
    AVAILABILITY = "availability"  # lower end of its interval, so that few probes do not win
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Need:
    """`limit` for the ones that compare a figure, `text` for the others."""

    name: NeedName
    text: str
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class PickQuery:
    needs: tuple[Need, ...] = ()
    window: Window = Window.DAY
    prefer: Preference = Preference.TTFT


@dataclass(frozen=True, slots=True)
class PickReason:
    """`key` for programs: "state", "stale", "few_probes" or a need's name; `text` in English for people."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class PickedTarget:
    """One target with what speaks for it, or against it."""

    id: str
    provider: str
    client: str
    model: str
    name: str
    protocol: Protocol
    labels: Mapping[str, str]
    prices: Prices
    state: State
    state_reason: ReasonView
    freshness: Freshness
    figures: Figures  # of the window
    reasons: tuple[PickReason, ...]


@dataclass(frozen=True, slots=True)
class Pick:
    """`best` is the first candidate's id, None when nothing can be relied on. `is_stale`: the store is away."""

    as_of: datetime | None
    is_stale: bool
    window: Window
    since: datetime  # start of the window
    prefer: Preference
    needs: tuple[Need, ...]
    best: str | None
    candidates: tuple[PickedTarget, ...]  # best first
    rejected: tuple[PickedTarget, ...]  # in the order of the configuration


@dataclass(frozen=True, slots=True)
class _Looked:
    target: PlannedTarget
    state: State
    state_reason: ReasonView
    freshness: Freshness
    figures: Figures

    def told(self, reasons: Sequence[PickReason]) -> PickedTarget:
        target = self.target
        return PickedTarget(
            id=target.id,
            provider=target.provider,
            client=target.client,
            model=target.model,
            name=target.name,
            protocol=target.protocol,
            labels=target.labels,
            prices=target.prices,
            state=self.state,
            state_reason=self.state_reason,
            freshness=self.freshness,
            figures=self.figures,
            reasons=tuple(reasons),
        )


@dataclass(frozen=True, slots=True)
class _Figure:
    what: str
    n_of: Callable[[Figures], int] | None  # what it was counted from; None: not counted
    value_of: Callable[[_Looked], float | None]
    unit: str = ""

    def said(self, looked: _Looked) -> str:
        """ "TTFT p95 0.41 s (n 1234)"."""
        value = self.value_of(looked)
        shown = "unknown" if value is None else f"{value:.4g}{self.unit}"
        return f"{self.what} {shown}" + (f" (n {self.n_of(looked.figures)})" if self.n_of is not None else "")


def _ok(figures: Figures) -> int:
    return figures.ok


def _judged(figures: Figures) -> int:
    return figures.ok + figures.faulty


_FIGURES: Final[Mapping[NeedName, _Figure]] = {
    NeedName.MAX_TTFT_P50: _Figure("TTFT p50", _ok, lambda seen: seen.figures.ttft_p50_seconds, " s"),
    NeedName.MAX_TTFT_P95: _Figure("TTFT p95", _ok, lambda seen: seen.figures.ttft_p95_seconds, " s"),
    NeedName.MAX_RESPONSE_P95: _Figure(
        "response p95", _ok, lambda seen: seen.figures.response_p95_seconds, " s"
    ),
    NeedName.MIN_AVAILABILITY: _Figure("availability", _judged, lambda seen: seen.figures.availability),
    NeedName.MIN_THROUGHPUT: _Figure(
        "throughput p50", _ok, lambda seen: seen.figures.throughput_p50, " tokens/s"
    ),
    NeedName.MAX_PRICE: _Figure(
        "price per million output tokens", None, lambda seen: seen.target.prices.output_per_million
    ),
}
_RANKS: Final[Mapping[Preference, Callable[[_Looked], float | None]]] = {
    Preference.TTFT: lambda seen: seen.figures.ttft_p95_seconds,
    Preference.THROUGHPUT: lambda seen: _negative(seen.figures.throughput_p50),
    Preference.AVAILABILITY: lambda seen: _negative(seen.figures.availability_low),
    Preference.PRICE: lambda seen: seen.target.prices.output_per_million,
}


def pick(snapshot: Snapshot, query: PickQuery, memo: Memo) -> Pick:
    """Every configured target, either as candidate or as rejected. Texts are in the language of the request."""
    looked = [_look(snapshot, target, query.window, memo) for target in snapshot.targets]
    against = {seen.target.id: tuple(_objections(seen, query.needs)) for seen in looked}
    good = sorted(
        (seen for seen in looked if not against[seen.target.id]), key=lambda seen: _rank(seen, query)
    )
    return Pick(
        as_of=snapshot.as_of,
        is_stale=snapshot.store_error is not None,
        window=query.window,
        since=query.window.start(snapshot.now),
        prefer=query.prefer,
        needs=query.needs,
        best=good[0].target.id if good else None,
        candidates=tuple(seen.told(tuple(_merits(seen, query.needs))) for seen in good),
        rejected=tuple(seen.told(against[seen.target.id]) for seen in looked if against[seen.target.id]),
    )


def _look(snapshot: Snapshot, target: PlannedTarget, window: Window, memo: Memo) -> _Looked:
    verdict, history = snapshot.verdict(target), snapshot.history(target.id)
    name = ("window figures", window, target.id)  # shared with the statistics table
    figures = memo.get(name, history.revision, lambda: figures_of(history.tally(window)))
    return _Looked(target, verdict.state, ReasonView.of(verdict.reason), snapshot.freshness(target), figures)


def _objections(seen: _Looked, needs: Sequence[Need]) -> Iterator[PickReason]:
    if seen.state not in RELIABLE or seen.freshness is Freshness.EXPIRED:
        yield PickReason("state", f"{seen.state.value}: {seen.state_reason.text}")
    elif not seen.figures.ok:
        yield PickReason("figures", "no ok probe in the window, so nothing is known of it")
    for need in needs:
        if need.limit is not None and not _is_met(need, need.limit, seen):
            comparison = "more than" if need.name.value.startswith("max_") else "less than"
            value = _FIGURES[need.name].value_of(seen)
            relation = "so it meets no need" if value is None else f"{comparison} {need.text}"
            yield PickReason(need.name.value, f"{_FIGURES[need.name].said(seen)}, {relation}")
    yield from _named_objections(seen.target, needs)


def _named_objections(target: PlannedTarget, needs: Sequence[Need]) -> Iterator[PickReason]:
    wanted = {name: [need.text for need in needs if need.name is name] for name in NeedName}
    for asked, actual in ((NeedName.PROVIDER, target.provider), (NeedName.PROTOCOL, target.protocol.value)):
        if wanted[asked] and actual not in wanted[asked]:
            yield PickReason(asked.value, f"{asked.value} {actual}, not {' or '.join(wanted[asked])}")
    for label in wanted[NeedName.LABEL]:
        name, _, value = label.partition("=")
        if target.labels.get(name) != value:
            yield PickReason(
                NeedName.LABEL.value, f"label {name} is {target.labels.get(name, 'not set')}, not {value}"
            )
    for excluded in wanted[NeedName.EXCLUDE]:
        if excluded in (target.provider, target.id):
            yield PickReason(NeedName.EXCLUDE.value, f"{excluded} is excluded")


def _is_met(need: Need, limit: float, seen: _Looked) -> bool:
    value = _FIGURES[need.name].value_of(seen)
    if value is None:
        return False
    return value <= limit if need.name.value.startswith("max_") else value >= limit


def _merits(seen: _Looked, needs: Sequence[Need]) -> Iterator[PickReason]:
    yield PickReason("state", f"{seen.state.value}: {seen.state_reason.text}")
    if seen.freshness is Freshness.STALE:
        yield PickReason("stale", "no result for two intervals")
    if seen.figures.is_sparse:
        yield PickReason("few_probes", f"only {seen.figures.n} probes in the window")
    asked = [need.name for need in needs if need.limit is not None]
    shown = dict.fromkeys([*asked, NeedName.MAX_TTFT_P95, NeedName.MIN_AVAILABILITY])
    for name in shown:
        yield PickReason(name.value, _FIGURES[name].said(seen))


def _rank(seen: _Looked, query: PickQuery) -> tuple[int, bool, bool, float, str]:
    """Smaller is better: state, then how far the figures can be trusted, then what is preferred; unknown last."""
    value = _RANKS[query.prefer](seen)
    return (
        RELIABLE.index(seen.state),
        seen.freshness is not Freshness.FRESH,
        seen.figures.is_sparse,
        math.inf if value is None else value,
        seen.target.id,
    )


def _negative(value: float | None) -> float | None:
    return None if value is None else -value
