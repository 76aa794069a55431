"""Answers that only the API gives: targets as a router or an aggregator wants them, and lists with their cursors."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import force_locale

from probes.domain.event import EventKind, TargetEvent
from probes.domain.outcome import Outcome
from probes.domain.plan import PlannedTarget
from probes.domain.result import Category, ProbeResult
from probes.domain.state import Reason, State
from probes.store.base import EventPage
from probes.verdicts.rules import Freshness
from probes.web.proposals import ProposalView, proposals_for
from probes.web.queries.slo import SloView, slo_of
from probes.web.snapshot import Snapshot
from probes.web.words import event_text, reason_text


@dataclass(frozen=True, slots=True)
class ReasonView:
    """Why a target is in its state: `key` and `params` for programs, `text` in English for people."""

    key: str
    params: Mapping[str, str | int | float]
    text: str

    @classmethod
    def of(cls, reason: Reason) -> "ReasonView":
        return cls(str(reason.key), dict(reason.params), reason_text(reason))


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The newest probe that ran, of any trigger; the fields are ProbeResult's, `id` leads to the whole record."""

    id: str
    started_at: datetime
    outcome: Outcome
    category: Category
    ttft_seconds: float | None
    response_seconds: float | None
    throughput: float | None


@dataclass(frozen=True, slots=True)
class TargetSummary:
    """One row of the board. State, reason and freshness are None for a target that is no longer configured."""

    id: str
    provider: str
    client: str
    model: str
    name: str
    state: State | None
    reason: ReasonView | None
    since: datetime | None  # of the unbroken run of results that supports the state
    freshness: Freshness | None
    category: Category | None
    category_since: datetime | None
    last_check: LastCheck | None


@dataclass(frozen=True, slots=True)
class TargetList:
    """All configured targets in the order of the configuration. `is_stale`: the store is away, this was at `as_of`."""

    as_of: datetime | None
    is_stale: bool
    targets: tuple[TargetSummary, ...]


@dataclass(frozen=True, slots=True)
class TargetDetail:
    """One target with its plan (None: no longer configured) and its newest results."""

    target: TargetSummary
    plan: PlannedTarget | None
    newest: ProbeResult | None
    newest_ok: ProbeResult | None
    total: int  # results of any trigger that ever ran
    total_ok: int
    first_seen_at: datetime | None
    slo: tuple[SloView, ...]  # objectives and their error budgets; empty where none is set
    proposals: tuple[ProposalView, ...]  # what would cure the newest refusal; never applied by itself


@dataclass(frozen=True, slots=True)
class ResultList:
    """One page of records, newest first. `older_cursor` is for `?cursor=`, the other two are for `?after=`."""

    results: tuple[ProbeResult, ...]
    older_cursor: str | None  # None: there is nothing older
    newer_cursor: str | None  # None: this page has the newest
    newest_cursor: str | None  # asks what came in since this page; None on an empty page


@dataclass(frozen=True, slots=True)
class EventView:
    """One change on a target's timeline: `kind`, `before` and `after` for programs, `text` in English for people."""

    id: str
    target: str
    at: datetime  # start of the probe that showed it
    kind: EventKind
    before: str
    after: str
    text: str
    is_ours: bool  # our own change of settings or prompt, which starts a new series
    result_id: str  # the record that showed it; records are deleted sooner than events

    @classmethod
    def of(cls, event: TargetEvent) -> "EventView":
        return cls(
            id=event.id,
            target=event.target,
            at=event.at,
            kind=event.kind,
            before=event.before,
            after=event.after,
            text=event_text(event),
            is_ours=event.kind.is_ours,
            result_id=event.result_id,
        )


@dataclass(frozen=True, slots=True)
class EventList:
    """One page of events, newest first. `older_cursor` is for `?cursor=`; None: there is nothing older."""

    events: tuple[EventView, ...]
    older_cursor: str | None


def event_list(page: EventPage) -> EventList:
    with force_locale("en"):
        return EventList(tuple(EventView.of(event) for event in page.events), page.next_cursor)


def target_list(snapshot: Snapshot) -> TargetList:
    with force_locale("en"):
        summaries = tuple(_summary(plan.id, plan, snapshot) for plan in snapshot.targets)
    return TargetList(snapshot.as_of, snapshot.store_error is not None, summaries)


def target_detail(snapshot: Snapshot, target_id: str) -> TargetDetail:
    plan, statistics = snapshot.target(target_id), snapshot.statistics_of(target_id)
    with force_locale("en"):
        summary = _summary(target_id, plan, snapshot)
        proposals = proposals_for(snapshot, target_id)
    return TargetDetail(
        target=summary,
        plan=plan,
        newest=statistics.newest,
        newest_ok=statistics.newest_ok,
        total=statistics.total,
        total_ok=statistics.total_ok,
        first_seen_at=statistics.first_seen_at,
        slo=slo_of(snapshot, plan) if plan is not None else (),
        proposals=proposals,
    )


def _summary(target_id: str, plan: PlannedTarget | None, snapshot: Snapshot) -> TargetSummary:
    statistics = snapshot.statistics_of(target_id)
    provider, client, model = (*target_id.split("/", 2), "", "")[:3]
    verdict = snapshot.verdict(plan) if plan is not None else None
    return TargetSummary(
        id=target_id,
        provider=provider,
        client=client,
        model=model,
        name=plan.name if plan is not None else model,
        state=verdict.state if verdict is not None else None,
        reason=ReasonView.of(verdict.reason) if verdict is not None else None,
        since=verdict.since if verdict is not None else None,
        freshness=snapshot.freshness(plan) if plan is not None else None,
        category=statistics.category,
        category_since=statistics.category_since,
        last_check=_last_check(statistics.newest),
    )


def _last_check(newest: ProbeResult | None) -> LastCheck | None:
    if newest is None:
        return None
    return LastCheck(
        id=newest.id,
        started_at=newest.started_at,
        outcome=newest.outcome,
        category=newest.category,
        ttft_seconds=newest.ttft_seconds,
        response_seconds=newest.response_seconds,
        throughput=newest.throughput,
    )
