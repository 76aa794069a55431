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
from probes.domain.upkeep import Pause
from probes.stats.baseline import Metric
from probes.verdicts.deviation import Known, deviation_of, drift_in
from probes.verdicts.evidence import (
    RECOVERED_AFTER,
    STEADY_AFTER,
    Evidence,
    countable,
    evidence_of,
    window_of,
)
from probes.verdicts.maintenance import Occurrence
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
    PAUSED_BY_OPERATOR = "paused_by_operator"
    MAINTENANCE = "maintenance"
    RESUMED = "resumed"  # maintenance or a pause is over, and nothing has been seen since
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
    SLOWER_THAN_USUAL = "slower_than_usual"
    DRIFTED = "drifted"  # slower than weeks ago, by little each day
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
    usual: Known | None = None  # None: not known now; a verdict that rests on it stands meanwhile
    window: Occurrence | None = None  # announced maintenance that holds it now
    pause: Pause | None = None  # by the operator; that of the file is a readiness


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
    ran = countable(recent)
    state, reason, since = (
        _withheld(subject)
        or _held(ran, losses)
        or _resumed(subject, ran, now, previous)
        or _observed(subject, [r for r in ran if covering(losses, r) is None], now, previous)
    )
    if state in (State.PAUSED, State.NOT_CONFIGURED) and since is None:
        since = now
    if previous is not None and previous.state is state and previous.since is not None:
        since = previous.since
    return Verdict(state=state, reason=reason, since=since, judged_at=now)


def present(verdict: Verdict | None, subject: Subject, newest: ProbeResult | None, now: datetime) -> Verdict:
    """The stored verdict as it may be shown now: silence since then turns it into unknown."""
    withheld = _withheld(subject)
    if withheld is not None:
        state, reason, since = withheld
        if verdict is not None and verdict.state is state and verdict.since is not None:
            since = verdict.since
        return Verdict(state, reason, since, now)
    if newest is None or verdict is None:
        return Verdict(State.UNKNOWN, Reason(ReasonKey.NEVER_SEEN), None, now)
    if verdict.reason.key in (ReasonKey.MAINTENANCE, ReasonKey.PAUSED_BY_OPERATOR):
        return Verdict(State.UNKNOWN, Reason(ReasonKey.RESUMED), None, now)
    if freshness(newest.started_at, subject.interval_seconds, now) is Freshness.EXPIRED:
        return Verdict(State.UNKNOWN, _stale(newest, now), newest.started_at, now)
    return verdict


_Finding = tuple[State, Reason, datetime | None]  # state, why, its first slot


def _withheld(subject: Subject) -> _Finding | None:
    """What keeps it from being judged, whatever its results say."""
    match subject.readiness:
        case Readiness.PAUSED:
            return State.PAUSED, Reason(ReasonKey.PAUSED), None
        case Readiness.NOT_CONFIGURED:
            why = Reason(ReasonKey.NOT_CONFIGURED, (("why", subject.readiness_reason),))
            return State.NOT_CONFIGURED, why, None
        case Readiness.READY:
            return _by_operator(subject)


def _by_operator(subject: Subject) -> _Finding | None:
    if (pause := subject.pause) is not None:
        until = pause.until.isoformat() if pause.until is not None else ""
        why = Reason(ReasonKey.PAUSED_BY_OPERATOR, (("note", pause.note), ("until", until)))
        return State.PAUSED, why, pause.paused_at
    if (window := subject.window) is not None:
        params = (("title", window.rule.title), ("until", window.end.isoformat()))
        return State.MAINTENANCE, Reason(ReasonKey.MAINTENANCE, params), window.start
    return None


def _resumed(
    subject: Subject, ran: Sequence[ProbeResult], now: datetime, previous: Verdict | None
) -> _Finding | None:
    """After maintenance or a pause nothing is said until a probe outside tells something, unless one still does."""
    was_withheld = previous is not None and previous.reason.key in (
        ReasonKey.MAINTENANCE,
        ReasonKey.PAUSED_BY_OPERATOR,
        ReasonKey.RESUMED,
    )
    last_at = ran[0].started_at if ran else None
    if not was_withheld or freshness(last_at, subject.interval_seconds, now) is not Freshness.EXPIRED:
        return None
    return State.UNKNOWN, Reason(ReasonKey.RESUMED), None


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
        or _unusual(subject.usual, ran, previous)
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


def _unusual(known: Known | None, ran: Sequence[ProbeResult], previous: Verdict | None) -> _Finding | None:
    """Slower than usual, now or for days; what only the usual can tell is neither found nor ended without it."""
    was_slower, was_drifted = _was(previous, ReasonKey.SLOWER_THAN_USUAL), _was(previous, ReasonKey.DRIFTED)
    if known is None:
        rests_on_it = previous is not None and (was_slower or was_drifted)
        return (State.DEGRADED, previous.reason, previous.since) if previous and rests_on_it else None
    if (slower := deviation_of(known, ran, _metric_of(previous) if was_slower else None)) is not None:
        figures = (*_compared(slower.metric, slower.value, slower.usual), ("n", slower.n), ("of", slower.of))
        return State.DEGRADED, Reason(ReasonKey.SLOWER_THAN_USUAL, figures), slower.since
    if (drift := drift_in(known, _metric_of(previous) if was_drifted else None)) is not None:
        figures = (*_compared(drift.metric, drift.value, drift.usual), ("since", drift.since.isoformat()))
        return State.DEGRADED, Reason(ReasonKey.DRIFTED, figures), drift.since
    return None


def _compared(metric: Metric, value: float, usual: float) -> tuple[tuple[str, str | int | float], ...]:
    """Three digits are enough, and a verdict is not written again for the fourth."""
    return ("metric", metric.value), ("value", float(f"{value:.3g}")), ("usual", float(f"{usual:.3g}"))


def _metric_of(previous: Verdict | None) -> str | None:
    return str(dict(previous.reason.params).get("metric")) if previous is not None else None


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
