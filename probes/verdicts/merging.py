"""Two incidents that were one: the one that stays takes up parts and timeline of the other. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from probes.domain.incident import Affected, Incident, IncidentUpdate, Severity, UpdateKind, update_id
from probes.verdicts.standing import Family


def merged(into: Incident, other: Incident, now: datetime) -> tuple[Incident, Incident]:
    """Both to write, in this order; the first is `into` itself when an interrupted merge has written it already.

    Raises ValueError for incidents that cannot be one: of two providers, of two families, or merged before.
    """
    if into.id == other.id or into.merged_into is not None or other.merged_into is not None:
        raise ValueError("an incident cannot be merged with itself, nor twice")
    if into.provider != other.provider:
        raise ValueError("incidents of two providers are not one")
    if Family.of(into.severity) is not Family.of(other.severity):
        raise ValueError("a fault of ours and an outage of the provider's are not one")
    taken = _absorbed(into, other, now)
    closed = other.next(now, [_entry(other, into.id, now, other.severity)])
    return taken, replace(closed, merged_into=into.id)


def is_absorbed(into: Incident, other: Incident) -> bool:
    """A merge has begun, whose second half is missing."""
    return any(update.kind is UpdateKind.MERGED and update.text == other.id for update in into.updates)


def _absorbed(into: Incident, other: Incident, now: datetime) -> Incident:
    known = {update.id for update in into.updates}
    unknown = [update for update in other.updates if update.id not in known]
    affected = _joined(into.affected, other.affected)
    if is_absorbed(into, other) and not unknown and affected == into.affected:
        return into
    open_parts = [part for part in affected if part.is_open]
    severity = max((p.severity if open_parts else p.worst for p in open_parts or affected), key=_rank)
    ended = [part.ended_at for part in affected if part.ended_at is not None]
    grown = into.next(now)
    told = into.updates[: into.handed_over], other.updates[: other.handed_over]
    untold = into.updates[into.handed_over :], other.updates[other.handed_over :]
    before = _in_order((*told[0], *(u for u in told[1] if u.id not in known)))
    after = _in_order((*untold[0], *(u for u in untold[1] if u.id not in known)))
    entry = _entry(into, other.id, now, severity)
    return replace(
        grown,
        started_at=min(part.started_at for part in affected),
        detected_at=min(into.detected_at, other.detected_at),
        severity=severity,
        affected=affected,
        updates=(*before, *after, entry),
        handed_over=len(before),
        ended_at=None if open_parts else max(ended),
        resolved_at=None if open_parts else max(i.resolved_at or now for i in (into, other)),
        acknowledged_at=into.acknowledged_at or other.acknowledged_at,
    )


def _rank(severity: Severity) -> int:
    return severity.rank


def _in_order(updates: Iterable[IncidentUpdate]) -> tuple[IncidentUpdate, ...]:
    return tuple(sorted(updates, key=lambda update: update.at))


def _entry(incident: Incident, other: str, now: datetime, severity: Severity) -> IncidentUpdate:
    kind = UpdateKind.MERGED
    name = update_id(incident.id, incident.version + 1, kind)
    return IncidentUpdate(name, now, kind, severity, text=other)


def _joined(parts: Iterable[Affected], others: Iterable[Affected]) -> tuple[Affected, ...]:
    """One part for each target, in the order of their beginnings."""
    found = {part.target: part for part in parts}
    for other in others:
        known = found.get(other.target)
        found[other.target] = other if known is None else _one(known, other)
    return tuple(sorted(found.values(), key=lambda part: (part.started_at, part.target)))


def _one(part: Affected, other: Affected) -> Affected:
    """The later state of both, with the earlier beginning; open when one of them is."""
    later = max((part, other), key=lambda one: (one.is_open, one.ended_at or one.started_at, one.started_at))
    earlier = other if later is part else part
    ids = tuple(dict.fromkeys((*earlier.evidence, *later.evidence)))
    return replace(
        later,
        started_at=min(part.started_at, other.started_at),
        detected_at=min(part.detected_at, other.detected_at),
        worst=max(part.worst, other.worst, key=_rank),
        evidence=(*ids[:5], ids[-1]) if len(ids) > 5 else ids,
    )
