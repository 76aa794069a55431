"""An incident while it is being changed, and what its timeline then says of the change. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from probes.domain.incident import (
    Affected,
    Cause,
    Ending,
    Incident,
    IncidentUpdate,
    Severity,
    UpdateKind,
    update_id,
)
from probes.domain.result import ProbeResult
from probes.domain.state import Reason
from probes.verdicts.causes import cause_of_outcome, cause_of_reason, voted

FIRST_EVIDENCE: Final = 5  # records of the first failures that a part keeps; the newest comes on top
MAX_UPDATES: Final = 200  # of one timeline; beyond, only what opens, ends or merges it and what people say
_RETURNING: Final = (UpdateKind.JOINED, UpdateKind.REOPENED)
_PASSING: Final = (UpdateKind.JOINED, UpdateKind.WORSENED, UpdateKind.EASED, UpdateKind.LEFT)


@dataclass(slots=True)
class Draft:
    id: str
    provider: str
    started_at: datetime
    base: Incident | None  # None: it is about to be opened
    parts: dict[str, Affected]  # by target, in the order in which they joined
    votes: dict[str, list[Cause]] = field(default_factory=dict)  # by target, of the failures at hand
    joined: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, incident: Incident) -> "Draft":
        parts = {part.target: part for part in incident.affected}
        return cls(incident.id, incident.provider, incident.started_at, incident, parts)

    @classmethod
    def new(cls, incident: str, provider: str, started_at: datetime) -> "Draft":
        return cls(incident, provider, started_at, None, {})

    @property
    def was_open(self) -> bool:
        return self.base is None or self.base.is_open

    @property
    def severity(self) -> Severity:
        """The worst of its open parts; the worst of all once none is open."""
        open_now = [part.severity for part in self.parts.values() if part.is_open]
        worst = open_now or [part.worst for part in self.parts.values()]
        return max(worst, key=lambda severity: severity.rank)

    @property
    def anchors(self) -> tuple[datetime, ...]:
        """The moments at which what is open began; models that returned did so when they were seen to."""
        starts = [part.started_at for part in self.parts.values() if part.is_open]
        updates = self.base.updates if self.base is not None else ()
        back = [u for u in updates if u.kind in _RETURNING and any(self._is_open(t) for t in u.targets)]
        return (*starts, *(update.at for update in back))

    def distance(self, at: datetime) -> timedelta:
        return min((abs(anchor - at) for anchor in self.anchors), default=timedelta.max)

    def part(self, target: str) -> Affected | None:
        return self.parts.get(target)

    def returns_of(self, target: str) -> int:
        updates = self.base.updates if self.base is not None else ()
        return sum(1 for update in updates if update.kind in _RETURNING and target in update.targets)

    def take(self, part: Affected, failures: Sequence[ProbeResult]) -> None:
        """A model that was not in it, or had left it."""
        known = self.parts.get(part.target)
        if known is not None:
            worst = max(known.worst, part.worst, key=lambda severity: severity.rank)
            part = replace(
                known, severity=part.severity, reason=part.reason, worst=worst, ended_at=None, ending=None
            )
        self.joined.append(part.target)
        self.parts[part.target] = replace(part, evidence=_evidence(part, failures, with_newest=True))
        self._vote(part.target, failures)

    def change(
        self, part: Affected, severity: Severity, reason: Reason, failures: Sequence[ProbeResult]
    ) -> None:
        """While it lasts, figures of the reason may grow without a word; only another severity or reason counts."""
        is_other = (severity, reason.key) != (part.severity, part.reason.key)
        evidence = _evidence(part, failures, with_newest=is_other)
        worst = max(part.worst, severity, key=lambda one: one.rank)
        kept = reason if is_other else part.reason
        self.parts[part.target] = replace(
            part, severity=severity, reason=kept, worst=worst, evidence=evidence
        )
        self._vote(part.target, failures)

    def end(self, target: str, at: datetime, ending: Ending) -> None:
        part = self.parts.get(target)
        if part is None or not part.is_open:
            return
        self.left.append(target)
        self.parts[target] = replace(part, ended_at=max(at, part.started_at), ending=ending)

    def finished(self, now: datetime) -> Incident | None:
        """The version to write; None when nothing changed."""
        affected = tuple(self.parts.values())
        if self.base is not None and affected == self.base.affected:
            return None
        kinds = self._kinds()
        incident = self._opened(now) if self.base is None else self.base.next(now)
        is_over = not any(part.is_open for part in affected)
        changed = replace(
            incident,
            started_at=min(part.started_at for part in affected),
            severity=self.severity,
            cause=(self._cause() if kinds else None) or incident.cause,
            affected=affected,
            ended_at=max(part.ended_at for part in affected if part.ended_at) if is_over else None,
            resolved_at=now if is_over else None,
            acknowledged_at=None if UpdateKind.REOPENED in kinds else incident.acknowledged_at,
        )
        return replace(changed, updates=(*incident.updates, *self._updates(changed, kinds)))

    def _is_open(self, target: str) -> bool:
        part = self.parts.get(target)
        return part is not None and part.is_open

    def _opened(self, now: datetime) -> Incident:
        return Incident(
            id=self.id,
            provider=self.provider,
            started_at=self.started_at,
            detected_at=now,
            severity=self.severity,
            cause=Cause.MIXED,
            affected=(),
            updates=(),
            updated_at=now,
        )

    def _kinds(self) -> list[UpdateKind]:
        """What there is to say of it, in this order."""
        if self.base is None:
            return [UpdateKind.OPENED]
        kinds = []
        if self.joined:
            kinds.append(UpdateKind.JOINED if self.base.is_open else UpdateKind.REOPENED)
        if not any(part.is_open for part in self.parts.values()):
            return [*kinds, UpdateKind.RESOLVED]
        if self.left:
            kinds.append(UpdateKind.LEFT)
        change = self.severity.rank - self.base.severity.rank
        if change and self.base.is_open:
            kinds.append(UpdateKind.WORSENED if change > 0 else UpdateKind.EASED)
        return kinds

    def _updates(self, incident: Incident, kinds: Sequence[UpdateKind]) -> list[IncidentUpdate]:
        worst = max(incident.affected, key=lambda part: (part.is_open, part.severity.rank))
        told = {
            UpdateKind.OPENED: tuple(self.joined),
            UpdateKind.JOINED: tuple(self.joined),
            UpdateKind.REOPENED: tuple(self.joined),
            UpdateKind.LEFT: tuple(self.left),
        }
        is_full = len(incident.updates) >= MAX_UPDATES
        return [
            IncidentUpdate(
                id=update_id(incident.id, incident.version, kind),
                at=incident.updated_at,
                kind=kind,
                severity=incident.severity,
                targets=told.get(kind, ()),
                reason=None if kind in (UpdateKind.LEFT, UpdateKind.RESOLVED) else worst.reason,
            )
            for kind in kinds
            if not (is_full and kind in _PASSING)
        ]

    def _vote(self, target: str, failures: Sequence[ProbeResult]) -> None:
        self.votes[target] = [cause_of_outcome(failure.outcome) for failure in failures]

    def _cause(self) -> Cause | None:
        """Failures vote; a model whose results are not at hand votes by its reason."""
        open_parts = [part for part in self.parts.values() if part.is_open] or list(self.parts.values())
        return voted(
            vote
            for part in open_parts
            for vote in self.votes.get(part.target) or [cause_of_reason(part.reason)]
        )


def _evidence(part: Affected, failures: Sequence[ProbeResult], *, with_newest: bool) -> tuple[str, ...]:
    """The first failures stay, new ones are added while there is room; the newest only when there is news."""
    firsts, newest = part.evidence[:FIRST_EVIDENCE], part.evidence[FIRST_EVIDENCE:]
    known = [n for n, failure in enumerate(failures, 1) if failure.id in part.evidence]
    told = failures[known[-1] :] if known else failures  # what came before a known one had its say
    fresh = [failure.id for failure in told if failure.due_at >= part.started_at]
    room = FIRST_EVIDENCE - len(firsts)
    firsts = (*firsts, *fresh[:room])
    if with_newest and fresh[room:]:
        newest = (fresh[-1],)
    return (*firsts, *newest)
