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
from probes.verdicts.evidence import RECOVERED_AFTER, STEADY_AFTER, Evidence, evidence_of, window_of
from probes.verdicts.network import Loss, covering

PARTIAL_AT: Final = 5  # failures among the window that make a target degraded
THROTTLED_AT: Final = 2  # throttled probes among the newest THROTTLED_OF
THROTTLED_OF: Final = 5
SLOW_AT: Final = 2  # slow answers among the newest SLOW_OF ok ones; once slow, none of them may be
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
    RECOVERING = "recovering"  # answers again, not often enough to end the outage
    OUR_NETWORK = "our_network"  # nobody could be reached from here; nothing is said of the provider
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
    subject: Subject,
    recent: Sequence[ProbeResult],
    now: datetime,
    previous: Verdict | None = None,
    losses: Sequence[Loss] = (),
) -> Verdict:
    """The verdict over `recent` (newest first, any trigger); failures while our network was lost do not count.

    `previous` carries `since` on, and makes a degraded state harder to leave than to enter.
    """
    ran = [result for result in recent if result.fault is not Fault.NOT_RUN]
    state, reason, since = (
        _configured(subject)
        or _held(ran, losses)
        or _observed(subject, [r for r in ran if covering(losses, r) is None], now, previous)
    )
    if state in (State.PAUSED, State.NOT_CONFIGURED) and since is None:
        since = now
    if previous is not None and previous.state is state and previous.since is not None:
        since = previous.since
    return Verdict(state=state, reason=reason, since=since, judged_at=now)


def present(verdict: Verdict | None, subject: Subject, newest: ProbeResult | None, now: datetime) -> Verdict:
    """The stored verdict as it may be shown now: silence since then turns it into unknown."""
    configured = _configured(subject)
    if configured is not None:
        state, reason, _ = configured
        since = verdict.since if verdict is not None and verdict.state is state else None
        return Verdict(state, reason, since, now)
    if newest is None or verdict is None:
        return Verdict(State.UNKNOWN, Reason(ReasonKey.NEVER_SEEN), None, now)
    if freshness(newest.started_at, subject.interval_seconds, now) is Freshness.EXPIRED:
        return Verdict(State.UNKNOWN, _stale(newest, now), newest.started_at, now)
    return verdict


_Finding = tuple[State, Reason, datetime | None]  # state, why, its first slot


def _configured(subject: Subject) -> _Finding | None:
    match subject.readiness:
        case Readiness.PAUSED:
            return State.PAUSED, Reason(ReasonKey.PAUSED), None
        case Readiness.NOT_CONFIGURED:
            why = Reason(ReasonKey.NOT_CONFIGURED, (("why", subject.readiness_reason),))
            return State.NOT_CONFIGURED, why, None
        case Readiness.READY:
            return None


def _held(ran: Sequence[ProbeResult], losses: Sequence[Loss]) -> _Finding | None:
    """While our network is lost, its failures accuse nobody; afterwards only what else is known counts."""
    loss = covering(losses, ran[0]) if ran else None
    if loss is None:
        return None
    knows_nothing_else = all(covering(losses, result) for result in ran)
    if loss.until is None or knows_nothing_else:
        return State.UNKNOWN, Reason(ReasonKey.OUR_NETWORK), loss.since
    return None


def _observed(
    subject: Subject, ran: Sequence[ProbeResult], now: datetime, previous: Verdict | None
) -> _Finding:
    if not ran:
        return State.UNKNOWN, Reason(ReasonKey.NEVER_SEEN), None
    newest, window = ran[0], window_of(ran)
    if freshness(newest.started_at, subject.interval_seconds, now) is Freshness.EXPIRED:
        return State.UNKNOWN, _stale(newest, now), newest.due_at
    if newest.fault is Fault.OURS:
        return State.ATTENTION, Reason(ReasonKey.OURS, (("outcome", newest.outcome.value),)), newest.due_at
    evidence = evidence_of(window)
    return (
        _outage(evidence, newest)
        or _partial(evidence, newest, previous)
        or _throttled(window)
        or _slow(window, previous)
        or (State.OPERATIONAL, _mildest_reason(newest, evidence), newest.due_at)
    )


def _outage(evidence: Evidence, newest: ProbeResult) -> _Finding | None:
    """Down from the first failure in a row to the first good one, then recovering until there are enough of those."""
    since = evidence.outage_since
    if since is None:
        return None
    if evidence.good:
        progress = (("n", evidence.good), ("of", RECOVERED_AFTER))
        return State.DEGRADED, Reason(ReasonKey.RECOVERING, progress), newest.due_at
    n = len(evidence.streak)
    if n == len(evidence.failures):
        reason = _failure_reason(ReasonKey.CONSECUTIVE_FAILURES, n, evidence.streak[-1].outcome)
        return State.DOWN, reason, since
    return State.DOWN, _share_reason(evidence), since


def _partial(evidence: Evidence, newest: ProbeResult, previous: Verdict | None) -> _Finding | None:
    if not evidence.failures:
        return None
    if not evidence.ups:
        n, outcome = len(evidence.failures), evidence.failures[-1].outcome
        return State.DEGRADED, _failure_reason(ReasonKey.ONLY_FAILURES, n, outcome), newest.due_at
    stays = _was(previous, ReasonKey.PARTIAL_FAILURES) and evidence.good < STEADY_AFTER
    if len(evidence.failures) >= PARTIAL_AT or stays:
        return State.DEGRADED, _share_reason(evidence), evidence.failures[0].due_at
    return None


def _throttled(window: Sequence[ProbeResult]) -> _Finding | None:
    throttled = sum(1 for result in window[:THROTTLED_OF] if result.fault is Fault.THROTTLING)
    was_seen_up = any(result.outcome.is_up for result in window)
    if throttled >= THROTTLED_AT or (throttled and not was_seen_up):
        return State.DEGRADED, Reason(ReasonKey.THROTTLED), window[0].due_at
    return None


def _slow(window: Sequence[ProbeResult], previous: Verdict | None) -> _Finding | None:
    answered = [result for result in window if result.outcome is Outcome.OK][:SLOW_OF]
    slow = [result for result in answered if result.category in SLOW_CATEGORIES]
    enough = 1 if _was(previous, ReasonKey.SLOW) else min(SLOW_AT, len(answered))
    if slow and len(slow) >= enough:
        reason = Reason(ReasonKey.SLOW, (("category", slow[0].category.value),))
        return State.DEGRADED, reason, slow[-1].due_at
    return None


def _mildest_reason(newest: ProbeResult, evidence: Evidence) -> Reason:
    if len(evidence.streak) > 1 and newest.outcome.counts_against_availability:
        return _failure_reason(ReasonKey.CONSECUTIVE_FAILURES, len(evidence.streak), newest.outcome)
    if newest.outcome.counts_against_availability or newest.fault is Fault.THROTTLING:
        return _failure_reason(ReasonKey.SINGLE_FAILURE, 1, newest.outcome)
    if newest.fault is Fault.ANSWER:
        return Reason(ReasonKey.ANSWER_UNUSABLE, (("outcome", newest.outcome.value),))
    return Reason(ReasonKey.HEALTHY)


def _was(previous: Verdict | None, key: ReasonKey) -> bool:
    return previous is not None and previous.state is State.DEGRADED and previous.reason.key == key


def _share_reason(evidence: Evidence) -> Reason:
    n = len(evidence.failures)
    reason = _failure_reason(ReasonKey.PARTIAL_FAILURES, n, evidence.failures[-1].outcome)
    return Reason(reason.key, (*reason.params, ("of", evidence.told)))


def _failure_reason(key: ReasonKey, n: int, outcome: Outcome) -> Reason:
    return Reason(key, (("n", n), ("outcome", outcome.value)))


def _stale(newest: ProbeResult, now: datetime) -> Reason:
    return Reason(ReasonKey.STALE, (("age_seconds", round((now - newest.started_at).total_seconds())),))
