"""How a target stands towards incidents: whether its verdict opens, keeps or ends a part, and since which slot. Pure.

Two families never mix: *theirs* accuses the provider, *ours* asks the operator to act and is never public.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from probes.domain.incident import Affected, Severity
from probes.domain.outcome import Fault, Outcome
from probes.domain.result import ProbeResult
from probes.domain.state import State, Verdict
from probes.verdicts.evidence import RECOVERED_AFTER, STEADY_AFTER, evidence_of, window_of
from probes.verdicts.rules import SLOW_CATEGORIES, SLOW_OF, THROTTLED_OF, Freshness, ReasonKey, freshness

OURS_AFTER: Final = 2  # faults of ours in a row that call the operator; a lone 401 happens to every gateway
THROTTLED_TO_CALL: Final = 3  # throttled among the newest THROTTLED_OF that call the operator
SLOW_SHARE: Final = 0.2  # of the answers before; where more were slow already, being slow is no news


class Family(StrEnum):
    THEIRS = "theirs"
    OURS = "ours"

    @classmethod
    def of(cls, severity: Severity) -> "Family":
        return cls.OURS if severity is Severity.ATTENTION else cls.THEIRS


class Standing(StrEnum):
    BAD = "bad"
    GOOD = "good"
    HELD = "held"  # nothing is known that could open or end anything
    GONE = "gone"  # nobody watches it any more


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of a target at a judgement."""

    target: str
    interval_seconds: float
    verdict: Verdict
    recent: Sequence[ProbeResult]  # newest first; those that the verdict was made from
    has_worked: bool = True  # answered at least once since it is known


_HOLDING: Final = frozenset({State.UNKNOWN, State.MAINTENANCE})
_UNWATCHED: Final = frozenset({State.PAUSED, State.NOT_CONFIGURED})
_DEGRADED: Final = {  # by reason, in the family of theirs; all others are bad
    ReasonKey.RECOVERING: Standing.HELD,
    ReasonKey.ONLY_FAILURES: Standing.HELD,  # too few to tell an outage from an endpoint that never worked
    ReasonKey.THROTTLED: Standing.GOOD,  # the rules ask for throttling only where no failure counts any more
}
_BY_FAILURES: Final = frozenset({ReasonKey.CONSECUTIVE_FAILURES, ReasonKey.PARTIAL_FAILURES})
_BY_RESULTS: Final = _BY_FAILURES | {ReasonKey.THROTTLED, ReasonKey.SLOW, ReasonKey.OURS}


def standing(watched: Watched, family: Family, now: datetime) -> Standing:
    state = watched.verdict.state
    if state in _UNWATCHED:
        return Standing.GONE
    if state in _HOLDING or not _is_fresh(watched, now):
        return Standing.HELD
    return _theirs(watched) if family is Family.THEIRS else _ours(watched)


def _is_fresh(watched: Watched, now: datetime) -> bool:
    newest = watched.recent[0].started_at if watched.recent else None
    return freshness(newest, watched.interval_seconds, now) is Freshness.FRESH


def _theirs(watched: Watched) -> Standing:
    match watched.verdict.state:
        case State.DOWN:
            return Standing.BAD if watched.has_worked else Standing.HELD
        case State.DEGRADED:
            return _DEGRADED.get(ReasonKey(watched.verdict.reason.key), Standing.BAD)
        case State.OPERATIONAL:
            return Standing.GOOD
        case _:
            return Standing.HELD


def _ours(watched: Watched) -> Standing:
    verdict = watched.verdict
    if verdict.state is State.ATTENTION:
        return Standing.BAD if len(_own_faults(watched.recent)) >= OURS_AFTER else Standing.HELD
    if verdict.state is State.DOWN and not watched.has_worked:
        return Standing.BAD
    return Standing.BAD if verdict.reason.key == ReasonKey.THROTTLED else Standing.GOOD


def severity_of(watched: Watched, family: Family) -> Severity:
    if family is Family.OURS:
        return Severity.ATTENTION
    return Severity.DOWN if watched.verdict.state is State.DOWN else Severity.DEGRADED


def failures_of(watched: Watched, not_before: datetime | None) -> tuple[ProbeResult, ...]:
    """The results that make it bad, oldest first, as far as they are known and due after `not_before`."""
    found = _failures(watched)
    return tuple(result for result in found if not_before is None or result.due_at > not_before)


def _failures(watched: Watched) -> Sequence[ProbeResult]:
    recent, verdict = watched.recent, watched.verdict
    evidence = evidence_of(window_of(recent))
    if verdict.state is State.ATTENTION:
        return _own_faults(recent)
    if verdict.state is State.DOWN:
        since = evidence.outage_since
        return [failure for failure in evidence.failures if since is None or failure.due_at >= since]
    match verdict.reason.key:
        case ReasonKey.PARTIAL_FAILURES:
            return evidence.failures
        case ReasonKey.THROTTLED:
            throttled = [result for result in recent[:THROTTLED_OF] if result.fault is Fault.THROTTLING]
            return throttled[::-1]
        case ReasonKey.SLOW:
            answered = [result for result in recent if result.outcome is Outcome.OK][:SLOW_OF]
            return [result for result in reversed(answered) if result.category in SLOW_CATEGORIES]
        case _:
            since = verdict.since
            return [r for r in reversed(recent) if r.outcome.is_up and (since is None or r.due_at >= since)]


def _own_faults(recent: Sequence[ProbeResult]) -> Sequence[ProbeResult]:
    """The unbroken run that the newest results are, oldest first."""
    for position, result in enumerate(recent):
        if result.fault is not Fault.OURS:
            return recent[:position][::-1]
    return recent[::-1]


def is_news(watched: Watched, failures: Sequence[ProbeResult]) -> bool:
    """An incident is a change for the worse: what is slow every day, or throttled now and then, is in none."""
    match watched.verdict.reason.key:
        case ReasonKey.SLOW:
            before = [r for r in watched.recent if r.outcome is Outcome.OK and r.due_at < failures[0].due_at]
            slow = sum(1 for result in before if result.category in SLOW_CATEGORIES)
            return bool(before) and slow <= SLOW_SHARE * len(before)
        case ReasonKey.THROTTLED:
            return len(failures) >= THROTTLED_TO_CALL
        case _:
            return True


def started_at(watched: Watched, failures: Sequence[ProbeResult], not_before: datetime | None) -> datetime:
    """Due time of the first failing slot; a verdict that has lasted longer than its results reach knows it."""
    verdict, first = watched.verdict, failures[0].due_at
    knows = verdict.state is State.DOWN or verdict.reason.key not in _BY_RESULTS
    if not knows or verdict.since is None or verdict.since >= first:
        return first
    return first if not_before is not None and verdict.since <= not_before else verdict.since


def recovered_at(watched: Watched, part: Affected) -> datetime | None:
    """Due time of the first good slot after the part's last failure; None while no result shows one."""
    since = [result for result in watched.recent if result.due_at > part.started_at]
    if part.severity is Severity.ATTENTION:
        ended_at = _first_good(since, lambda r: _says_ours(r, part), at_least=1)
        is_throttled = part.reason.key == ReasonKey.THROTTLED
        return None if is_throttled and not _is_steady(since) else ended_at
    if part.reason.key in _BY_FAILURES:
        return _first_good(since, _says_failures, at_least=RECOVERED_AFTER)
    if watched.verdict.state is not State.OPERATIONAL:
        return None
    if part.reason.key == ReasonKey.SLOW:
        return _first_good(since, _says_slow, at_least=RECOVERED_AFTER)
    turned = watched.verdict.since
    return turned if turned is not None and turned > part.started_at else _newest_up(since)


def _is_steady(recent: Sequence[ProbeResult]) -> bool:
    return len(recent) >= STEADY_AFTER and all(result.outcome.is_up for result in recent[:STEADY_AFTER])


def _first_good(
    recent: Sequence[ProbeResult], says: Callable[[ProbeResult], bool | None], at_least: int
) -> datetime | None:
    """The beginning of the newest run of good ones that is long enough, else of the newest one at all."""
    newest: datetime | None = None
    run: list[ProbeResult] = []
    for result in recent:
        told = says(result)
        if told:
            run.append(result)
        if told is False and run:
            newest = newest or run[-1].due_at
            if len(run) >= at_least:
                return run[-1].due_at
            run = []
    if run and (len(run) >= at_least or newest is None):
        return run[-1].due_at
    return newest


def _says_failures(result: ProbeResult) -> bool | None:
    if result.outcome.counts_against_availability:
        return False
    return True if result.outcome.is_up else None


def _says_slow(result: ProbeResult) -> bool | None:
    if result.outcome is Outcome.OK and result.category in SLOW_CATEGORIES:
        return False
    return _says_failures(result)


def _says_ours(result: ProbeResult, part: Affected) -> bool | None:
    """Failures of the provider's say nothing of our key, but everything of an endpoint that never worked."""
    if result.outcome.is_up:
        return True
    if result.fault in (Fault.OURS, Fault.THROTTLING):
        return False
    is_by_failures = part.reason.key in _BY_FAILURES and result.outcome.counts_against_availability
    return False if is_by_failures else None


def _newest_up(recent: Sequence[ProbeResult]) -> datetime | None:
    return next((result.due_at for result in recent if result.outcome.is_up), None)
