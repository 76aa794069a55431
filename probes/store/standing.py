"""How new results change a target's statistics. Pure; each store applies it in its own atomic way."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from probes.domain.event import TargetEvent
from probes.domain.outcome import Fault, Outcome
from probes.domain.result import ProbeResult, Trigger
from probes.domain.state import TargetStatistics
from probes.stats.changes import Memory, changes_of


@dataclass(frozen=True, slots=True)
class Standing:
    """A target's statistics, and what its newest results said of it."""

    statistics: TargetStatistics
    memory: Memory


@dataclass(frozen=True, slots=True)
class Advance:
    """`needs_run`: a late result fell into the run of the newest category; look up where the run starts."""

    statistics: TargetStatistics
    needs_run: bool
    memory: Memory
    events: tuple[TargetEvent, ...]


def advance(standing: Standing, fresh: Iterable[ProbeResult], now: datetime) -> Advance:
    """Count results that were not counted before. Order of arrival does not matter, only due time does.

    A late result makes no event: what it says is older than what is known, and its successors say it again. Nor does
    one under announced maintenance, when a model may well be missing or answer wrongly.
    """
    before = standing.statistics
    ran = sorted((r for r in fresh if r.fault is not Fault.NOT_RUN), key=_age)
    after = replace(
        before,
        total=before.total + len(ran),
        total_ok=before.total_ok + sum(r.outcome is Outcome.OK for r in ran),
        updated_at=now,
    )
    told = [r for r in ran if _is_newer(r, before.newest) and r.trigger is not Trigger.MAINTENANCE]
    memory, events = changes_of(standing.memory, told)
    needs_run = False
    for result in ran:
        needs_run |= _is_late_and_matters(after, result)
        after = _with(after, result)
    return Advance(after, needs_run, memory, tuple(events))


def _with(now: TargetStatistics, result: ProbeResult) -> TargetStatistics:
    if now.first_seen_at is None or result.due_at < now.first_seen_at:
        now = replace(now, first_seen_at=result.due_at)
    if result.outcome is Outcome.OK and _is_newer(result, now.newest_ok):
        now = replace(now, newest_ok=result)
    if not _is_newer(result, now.newest):
        return now
    if result.category is not now.category:
        now = replace(now, category=result.category, category_since=result.due_at)
    return replace(now, newest=result)


def _is_late_and_matters(now: TargetStatistics, result: ProbeResult) -> bool:
    """A late result of another category cuts the run short; one of the same category may lengthen it."""
    if _is_newer(result, now.newest) or now.category_since is None:
        return False
    return (result.due_at >= now.category_since) is (result.category is not now.category)


def _is_newer(result: ProbeResult, than: ProbeResult | None) -> bool:
    return than is None or _age(result) > _age(than)


def _age(result: ProbeResult) -> tuple[datetime, str]:
    return result.due_at, result.id
