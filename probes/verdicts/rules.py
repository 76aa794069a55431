"""Rules that turn recent results into a state. Pure: no clock, no store, no I/O.

Every threshold is a constant here; /methodology prints these very values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import Category, ProbeResult
from probes.domain.state import Reason, State, Verdict
from probes.domain.target import Readiness

WINDOW: Final = 5  # newest results that a judgement looks at
DOWN_AFTER: Final = 3  # failures in a row; single failures of a healthy 99.9 % model are noise
PARTIAL_AT: Final = 2  # failures, or throttled probes, among the window that make a target degraded
SLOW_AT: Final = 2  # slow answers among the newest SLOW_OF ok ones
SLOW_OF: Final = 3
STALE_AFTER_INTERVALS: Final = 2
UNKNOWN_AFTER_INTERVALS: Final = 5
GRACE_SECONDS: Final = 30.0  # a short interval must not make a board blink
SLOW_CATEGORIES: Final = (Category.CONGESTION, Category.LAGGING, Category.UNKNOWN)


class ReasonKey(StrEnum):
    """Why a target is in its state; the words for each live in web.words."""

    NEVER_SEEN = "never_seen"
    STALE = "stale"
    PAUSED = "paused"
    NOT_CONFIGURED = "not_configured"
    HEALTHY = "healthy"
    SINGLE_FAILURE = "single_failure"  # newest failed, the ones before did not
    ONLY_FAILURES = "only_failures"  # never seen working, too few results to call it down
    CONSECUTIVE_FAILURES = "consecutive_failures"
    PARTIAL_FAILURES = "partial_failures"
    THROTTLED = "throttled"
    SLOW = "slow"
    OURS = "ours"  # key, quota, request or model name
    ANSWER_UNUSABLE = "answer_unusable"


class Freshness(StrEnum):
    FRESH = "fresh"
    STALE = "stale"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Subject:
    """What the rules need to know of a target."""

    readiness: Readiness
    readiness_reason: str
    interval_seconds: float


def freshness(last_at: datetime | None, interval_seconds: float, now: datetime) -> Freshness:
    """How far a newest result can still speak for the present."""
    if last_at is None:
        return Freshness.EXPIRED
    age = now - last_at
    if age > timedelta(seconds=max(UNKNOWN_AFTER_INTERVALS * interval_seconds, GRACE_SECONDS)):
        return Freshness.EXPIRED
    if age > timedelta(seconds=max(STALE_AFTER_INTERVALS * interval_seconds, GRACE_SECONDS)):
        return Freshness.STALE
    return Freshness.FRESH


def judge(
    subject: Subject, recent: Sequence[ProbeResult], now: datetime, previous: Verdict | None = None
) -> Verdict:
    """The verdict over `recent` (newest first, any trigger); `previous` only carries `since` on."""
    ran = [result for result in recent if result.fault is not Fault.NOT_RUN][:WINDOW]
    state, reason = _configured_state(subject) or _observed_state(subject, ran, now)
    return Verdict(state=state, reason=reason, since=_since(state, ran, previous, now), judged_at=now)


def present(verdict: Verdict | None, subject: Subject, newest: ProbeResult | None, now: datetime) -> Verdict:
    """The stored verdict as it may be shown now: silence since then turns it into unknown."""
    configured = _configured_state(subject)
    if configured is not None:
        state, reason = configured
        since = verdict.since if verdict is not None and verdict.state is state else None
        return Verdict(state, reason, since, now)
    if newest is None or verdict is None:
        return Verdict(State.UNKNOWN, Reason(ReasonKey.NEVER_SEEN), None, now)
    if freshness(newest.started_at, subject.interval_seconds, now) is Freshness.EXPIRED:
        return Verdict(State.UNKNOWN, _stale(newest, now), newest.started_at, now)
    return verdict


def _configured_state(subject: Subject) -> tuple[State, Reason] | None:
    match subject.readiness:
        case Readiness.PAUSED:
            return State.PAUSED, Reason(ReasonKey.PAUSED)
        case Readiness.NOT_CONFIGURED:
            return State.NOT_CONFIGURED, Reason(
                ReasonKey.NOT_CONFIGURED, (("why", subject.readiness_reason),)
            )
        case Readiness.READY:
            return None


def _observed_state(subject: Subject, ran: Sequence[ProbeResult], now: datetime) -> tuple[State, Reason]:
    if not ran:
        return State.UNKNOWN, Reason(ReasonKey.NEVER_SEEN)
    newest = ran[0]
    if freshness(newest.started_at, subject.interval_seconds, now) is Freshness.EXPIRED:
        return State.UNKNOWN, _stale(newest, now)
    if newest.fault is Fault.OURS:
        return State.ATTENTION, Reason(ReasonKey.OURS, (("outcome", newest.outcome.value),))
    return _failing_state(ran) or _impaired_state(ran) or (State.OPERATIONAL, _mildest_reason(ran))


def _failing_state(ran: Sequence[ProbeResult]) -> tuple[State, Reason] | None:
    streak = _failure_streak(ran)
    failures = [result for result in ran if result.outcome.counts_against_availability]
    if streak >= DOWN_AFTER:
        return State.DOWN, _failure_reason(ReasonKey.CONSECUTIVE_FAILURES, streak, ran[0].outcome)
    if failures and not any(result.outcome.is_up for result in ran):
        return State.DEGRADED, _failure_reason(ReasonKey.ONLY_FAILURES, len(failures), failures[0].outcome)
    if len(failures) >= PARTIAL_AT:
        reason = _failure_reason(ReasonKey.PARTIAL_FAILURES, len(failures), failures[0].outcome)
        return State.DEGRADED, Reason(reason.key, (*reason.params, ("of", len(ran))))
    return None


def _impaired_state(ran: Sequence[ProbeResult]) -> tuple[State, Reason] | None:
    throttled = sum(1 for result in ran if result.fault is Fault.THROTTLING)
    was_seen_up = any(result.outcome.is_up for result in ran)
    if throttled >= PARTIAL_AT or (throttled and not was_seen_up):
        return State.DEGRADED, Reason(ReasonKey.THROTTLED)
    answered = [result for result in ran if result.outcome is Outcome.OK][:SLOW_OF]
    slow = [result for result in answered if result.category in SLOW_CATEGORIES]
    if len(slow) >= min(SLOW_AT, len(answered)) > 0:
        return State.DEGRADED, Reason(ReasonKey.SLOW, (("category", slow[0].category.value),))
    return None


def _mildest_reason(ran: Sequence[ProbeResult]) -> Reason:
    if ran[0].outcome.counts_against_availability or ran[0].fault is Fault.THROTTLING:
        return _failure_reason(ReasonKey.SINGLE_FAILURE, 1, ran[0].outcome)
    if ran[0].fault is Fault.ANSWER:
        return Reason(ReasonKey.ANSWER_UNUSABLE, (("outcome", ran[0].outcome.value),))
    return Reason(ReasonKey.HEALTHY)


def _failure_streak(ran: Sequence[ProbeResult]) -> int:
    for position, result in enumerate(ran):
        if not result.outcome.counts_against_availability:
            return position
    return len(ran)


def _failure_reason(key: ReasonKey, n: int, outcome: Outcome) -> Reason:
    return Reason(key, (("n", n), ("outcome", outcome.value)))


def _stale(newest: ProbeResult, now: datetime) -> Reason:
    return Reason(ReasonKey.STALE, (("age_seconds", round((now - newest.started_at).total_seconds())),))


def _since(
    state: State, ran: Sequence[ProbeResult], previous: Verdict | None, now: datetime
) -> datetime | None:
    """A state begins with the first result of the run that led to it, not with the one that proved it."""
    if previous is not None and previous.state is state and previous.since is not None:
        return previous.since
    if state in (State.PAUSED, State.NOT_CONFIGURED):
        return now
    if not ran:
        return None
    if state is State.DOWN:
        return ran[_failure_streak(ran) - 1].due_at
    return ran[0].due_at
