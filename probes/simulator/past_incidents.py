"""Incidents of the demo's invented past: its results, judged by the real rules as if they were just coming in."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from probes.domain.incident import Incident
from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult
from probes.domain.state import State, Verdict
from probes.domain.target import Target
from probes.store.base import MAX_PAGE_SIZE, IncidentQuery, ResultQuery, Store
from probes.verdicts.evidence import WINDOW
from probes.verdicts.incidents import oldest_needed, reconciled
from probes.verdicts.rules import SLOW_CATEGORIES, Subject, judge
from probes.verdicts.standing import Watched

KEPT_RESULTS: Final = 3 * WINDOW
TOLD_BEFORE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    since: datetime
    until: datetime


def write_incidents(
    store: Store, targets: Sequence[Target], span: Span, is_stopped: Callable[[], bool]
) -> int:
    """Those that began and ended in the span; returns how many. What lasts on is the agent's to tell.

    A store that knows incidents of more than a day before the span's end has its past already. Nothing is left for the
    outbox: nobody is alerted to a past that was made up.
    """
    if store.incidents(IncidentQuery(until=span.until - TOLD_BEFORE, limit=1)).incidents:
        return 0
    written = 0
    by_provider = groupby(sorted(targets, key=lambda t: t.provider), key=lambda t: t.provider)
    for provider, members in by_provider:
        if is_stopped():
            break
        lived = _Life(members)
        for result in _results(store, provider, span):
            lived.take(result)
        for incident in lived.ended:
            written += store.save_incident(replace(incident, version=1, handed_over=len(incident.updates)))
    return written


class _Life:
    """One provider's past, gone through once more."""

    def __init__(self, targets: Iterator[Target]) -> None:
        self._targets = {target.id: target for target in targets}
        self._recent: defaultdict[str, list[ProbeResult]] = defaultdict(list)
        self._verdicts: dict[str, Verdict] = {}
        self._worked: set[str] = set()
        self._incidents: dict[str, Incident] = {}

    @property
    def ended(self) -> list[Incident]:
        return [incident for incident in self._incidents.values() if incident.resolved_at is not None]

    def take(self, result: ProbeResult) -> None:
        target = self._targets.get(result.target)
        if target is None:
            return
        recent = self._recent[result.target]
        recent.insert(0, result)
        del recent[KEPT_RESULTS:]
        if result.outcome.is_up:
            self._worked.add(result.target)
        if not self._is_calm(result):
            self._judge(target, recent, result.started_at)

    def _is_calm(self, result: ProbeResult) -> bool:
        """A quick answer of an operational target changes nothing; most are that."""
        verdict = self._verdicts.get(result.target)
        is_quick = result.outcome is Outcome.OK and result.category not in SLOW_CATEGORIES
        return is_quick and verdict is not None and verdict.state is State.OPERATIONAL

    def _judge(self, target: Target, recent: Sequence[ProbeResult], now: datetime) -> None:
        subject = Subject(target.readiness, target.readiness_reason, target.interval_seconds)
        verdict = judge(subject, recent, now, self._verdicts.get(target.id))
        self._verdicts[target.id] = verdict
        watched = [Watched(target.id, target.interval_seconds, verdict, recent, target.id in self._worked)]
        since = oldest_needed(watched, now)
        known = [i for i in self._incidents.values() if i.ended_at is None or i.ended_at >= since]
        for incident in reconciled(known, watched, now):
            self._incidents[incident.id] = incident


def _results(store: Store, provider: str, span: Span) -> Iterator[ProbeResult]:
    query = ResultQuery(
        since=span.since, until=span.until, providers=[provider], limit=MAX_PAGE_SIZE, oldest_first=True
    )
    while True:
        page = store.results(query)
        yield from page.results
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)
