"""Which verdicts open, change and end incidents. Pure and level-triggered: what is decided depends on how things are,
not on what happened, so that asking twice changes nothing and a crash between two writes is repaired by asking again.

Every threshold is a constant, here and in verdicts.standing; /methodology prints these very values.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from probes.domain.incident import Affected, Ending, Incident, incident_id
from probes.domain.result import ProbeResult
from probes.verdicts.drafts import Draft
from probes.verdicts.merging import is_absorbed, merged
from probes.verdicts.remarks import acknowledged, noted, with_postmortem
from probes.verdicts.standing import (
    Family,
    Standing,
    Watched,
    failures_of,
    is_news,
    recovered_at,
    severity_of,
    standing,
    started_at,
)

__all__ = [
    "MAX_RETURNS",
    "NEAR_INTERVALS",
    "NEAR_SPAN",
    "RELAPSE_INTERVALS",
    "RELAPSE_SPAN",
    "Watched",
    "acknowledged",
    "gone",
    "merged",
    "noted",
    "oldest_needed",
    "reconciled",
    "with_postmortem",
]

NEAR_SPAN: Final = timedelta(minutes=30)  # models of a provider that begin to fail so near are one incident,
NEAR_INTERVALS: Final = 3  # or within as many intervals
RELAPSE_SPAN: Final = timedelta(minutes=30)  # back so soon after the end: it had not ended,
RELAPSE_INTERVALS: Final = 6  # or within as many intervals
MAX_RETURNS: Final = 10  # of a model into one incident; then a new one, so that no timeline grows for ever


def reconciled(known: Sequence[Incident], watched: Sequence[Watched], now: datetime) -> tuple[Incident, ...]:
    """What to write, in this order, so that one provider's incidents say what its verdicts say; empty when they do.

    `known`: the open ones, and those that ended after `oldest_needed`. Targets that are not in `watched` are left
    as they are. One incident may come twice, a version apart.
    """
    book = _Book(known)
    for family in Family:
        _settle(book, family, watched, now)
    written = [incident for draft in book.drafts if (incident := draft.finished(now)) is not None]
    current = {incident.id: incident for incident in (*known, *written)}
    return (*written, *_mergers(current.values(), watched, now))


def gone(incident: Incident, targets: Iterable[str], now: datetime) -> Incident | None:
    """Its next version once nobody watches these targets any more; None when it has no open part of theirs."""
    draft = Draft.of(incident)
    for target in targets:
        draft.end(target, now, Ending.UNWATCHED)
    return draft.finished(now)


def oldest_needed(watched: Sequence[Watched], now: datetime) -> datetime:
    """Incidents that ended before this can neither be reopened nor explain a result that is looked at."""
    spans = [
        max(RELAPSE_SPAN, one.interval_seconds * timedelta(seconds=RELAPSE_INTERVALS)) for one in watched
    ]
    dues = [one.recent[-1].due_at for one in watched if one.recent]
    return min([now, *dues]) - max([RELAPSE_SPAN, *spans])


class _Book:
    """The drafts of one judgement."""

    def __init__(self, known: Iterable[Incident]) -> None:
        self._drafts = [Draft.of(incident) for incident in known if incident.merged_into is None]

    @property
    def drafts(self) -> list[Draft]:
        return sorted(self._drafts, key=lambda draft: (draft.started_at, draft.id))

    def of(self, family: Family, *, is_open: bool) -> list[Draft]:
        return [d for d in self.drafts if d.was_open is is_open and Family.of(d.severity) is family]

    def open_part(self, family: Family, target: str) -> tuple[Draft, Affected] | None:
        for draft in self.of(family, is_open=True):
            part = draft.part(target)
            if part is not None and part.is_open:
                return draft, part
        return None

    def last_end(self, family: Family, target: str) -> datetime | None:
        """What failed until then has had its incident."""
        drafts = (*self.of(family, is_open=True), *self.of(family, is_open=False))
        parts = [draft.part(target) for draft in drafts]
        return max((part.ended_at for part in parts if part and part.ended_at is not None), default=None)

    def open(self, trouble: "_Trouble", provider: str) -> Draft:
        severity = severity_of(trouble.watched, trouble.family)
        draft = Draft.new(
            incident_id(trouble.watched.target, trouble.started_at, severity), provider, trouble.started_at
        )
        self._drafts.append(draft)
        return draft


@dataclass(frozen=True, slots=True)
class _Trouble:
    """A target that is bad and has no open part."""

    watched: Watched
    family: Family
    started_at: datetime
    failures: tuple[ProbeResult, ...]

    def part(self, now: datetime) -> Affected:
        severity, target = severity_of(self.watched, self.family), self.watched.target
        return Affected(target, self.started_at, now, severity, self.watched.verdict.reason, severity)

    @property
    def near(self) -> timedelta:
        return _near(self.watched)


def _near(watched: Watched) -> timedelta:
    return max(NEAR_SPAN, NEAR_INTERVALS * timedelta(seconds=watched.interval_seconds))


def _settle(book: _Book, family: Family, watched: Sequence[Watched], now: datetime) -> None:
    """Parts that are open first, so that what begins joins what is still there."""
    troubles: list[_Trouble] = []
    for one in watched:
        found = book.open_part(family, one.target)
        if found is not None:
            _follow(*found, one, now)
        elif standing(one, family, now) is Standing.BAD:
            troubles += _troubles(book, family, one)
    for trouble in sorted(troubles, key=lambda t: (t.started_at, t.watched.target)):
        draft = _place(book, trouble)
        draft.take(trouble.part(now), trouble.failures)


def _follow(draft: Draft, part: Affected, watched: Watched, now: datetime) -> None:
    family = Family.of(part.severity)
    match standing(watched, family, now):
        case Standing.BAD:
            failures = failures_of(watched, None)
            if _is_as_before(part, watched, failures):
                _recover(draft, part, watched)
            else:
                draft.change(part, severity_of(watched, family), watched.verdict.reason, failures)
        case Standing.GOOD:
            _recover(draft, part, watched)
        case Standing.GONE:
            draft.end(part.target, now, Ending.UNWATCHED)
        case Standing.HELD:
            pass


def _is_as_before(part: Affected, watched: Watched, failures: Sequence[ProbeResult]) -> bool:
    """What is left is what it always was: an outage of a slow model ends with its slow answers."""
    is_other = part.reason.key != watched.verdict.reason.key
    return is_other and bool(failures) and not is_news(watched, failures)


def _recover(draft: Draft, part: Affected, watched: Watched) -> None:
    ended_at = recovered_at(watched, part)
    if ended_at is not None:
        draft.end(part.target, ended_at, Ending.RECOVERED)


def _troubles(book: _Book, family: Family, watched: Watched) -> Iterator[_Trouble]:
    """None when all that speaks against it has had its incident."""
    ended_at = book.last_end(family, watched.target)
    failures = failures_of(watched, ended_at)
    if failures and is_news(watched, failures):
        yield _Trouble(watched, family, started_at(watched, failures, ended_at), failures)


def _place(book: _Book, trouble: _Trouble) -> Draft:
    """Where it belongs: back to where it was, to what began at about the same time, or into one of its own."""
    drafts = book.of(trouble.family, is_open=True)
    back = [draft for draft in drafts if _is_relapse(draft, trouble)]
    near = [draft for draft in drafts if draft.distance(trouble.started_at) <= trouble.near]
    ended = [d for d in book.of(trouble.family, is_open=False) if _is_relapse(d, trouble)]
    if back or near:
        return back[0] if back else min(near, key=lambda draft: draft.distance(trouble.started_at))
    return ended[-1] if ended else book.open(trouble, trouble.failures[0].provider)


def _is_relapse(draft: Draft, trouble: _Trouble) -> bool:
    part = draft.part(trouble.watched.target)
    if part is None or part.ended_at is None or part.ending is Ending.UNWATCHED:
        return False
    span = max(RELAPSE_SPAN, RELAPSE_INTERVALS * timedelta(seconds=trouble.watched.interval_seconds))
    is_soon = trouble.started_at - part.ended_at <= span
    return is_soon and draft.returns_of(part.target) < MAX_RETURNS


def _mergers(incidents: Iterable[Incident], watched: Sequence[Watched], now: datetime) -> Iterator[Incident]:
    """Open incidents of one family that turn out to be one: the older takes the other up."""
    near = max([NEAR_SPAN, *(_near(one) for one in watched)])
    for family in Family:
        of_family = [i for i in incidents if i.is_open and Family.of(i.severity) is family]
        left = sorted(of_family, key=lambda i: (i.started_at, i.id))
        while left:
            into = left.pop(0)
            for other in tuple(left):
                if not _are_one(into, other, near):
                    continue
                left.remove(other)
                taken, closed = merged(into, other, now)
                if taken is not into:
                    yield taken
                    into = taken
                yield closed


def _are_one(into: Incident, other: Incident, near: timedelta) -> bool:
    if is_absorbed(into, other) or set(into.open_targets) & set(other.open_targets):
        return True
    anchors = [Draft.of(incident).anchors for incident in (into, other)]
    return any(abs(one - another) <= near for one in anchors[0] for another in anchors[1])
