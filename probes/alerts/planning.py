"""What to tell through a channel and when: an incident, and what the outbox knows of it -> new deliveries. Pure.

A delivery says no more than "tell of this"; what is told is the incident as it is at the time of sending, which
probes.alerts.settling decides. So planning twice, or late, does no harm.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from probes.alerts.quiet import passes, quiet_until
from probes.alerts.routing import hears_incident, hears_update
from probes.domain.delivery import Delivery, DeliveryState
from probes.domain.incident import Incident, IncidentUpdate, Severity, UpdateKind
from probes.settings.alerts import Channel

FLAPPING_WITHIN: Final = timedelta(hours=1)
FLAPPING_AFTER: Final = 3  # troubles of the same models that begin within it are told one by one
FLAPPING_HOLD: Final = timedelta(minutes=15)  # a further one is told once it has lasted this long
FORGOTTEN_AFTER: Final = timedelta(hours=6)  # news of an ended incident that nobody was told of in time

BEGINNINGS: Final = frozenset({UpdateKind.OPENED, UpdateKind.REOPENED})
LOUD: Final = BEGINNINGS | {UpdateKind.JOINED, UpdateKind.WORSENED}

_HELD: Final = "held:"
_REMINDER: Final = "reminder:"
_FLAPPING: Final = "flapping:"


class Kind(StrEnum):
    """What a delivery's transition is about."""

    PROBLEM = "problem"
    HELD = "held"  # a problem of models that go up and down: told only if it lasts
    REMINDER = "reminder"
    RECOVERY = "recovery"
    FLAPPING = "flapping"


def kind_of(delivery: Delivery, incident: Incident) -> Kind:
    for prefix, kind in ((_HELD, Kind.HELD), (_REMINDER, Kind.REMINDER), (_FLAPPING, Kind.FLAPPING)):
        if delivery.transition.startswith(prefix):
            return kind
    resolving = {update.id for update in incident.updates if update.kind is UpdateKind.RESOLVED}
    return Kind.RECOVERY if delivery.transition in resolving else Kind.PROBLEM


@dataclass(frozen=True, slots=True)
class Case:
    """One incident and one channel."""

    incident: Incident
    channel: Channel
    now: datetime
    of_incident: Sequence[Delivery] = ()  # of this channel, about it or about what was merged into it
    of_channel: Sequence[Delivery] = ()  # of this channel within FLAPPING_WITHIN or still pending
    neighbours: Sequence[Incident] = ()  # of the same provider, within FLAPPING_WITHIN; it may be among them
    is_in_maintenance: Callable[[str], bool] = lambda _target: False

    @property
    def of_episode(self) -> list[Delivery]:
        """What was planned since it began, or began again."""
        begun = [update.at for update in self.incident.updates if update.kind in BEGINNINGS]
        return [
            one for one in self.of_incident if not begun or (one.finished_at or one.created_at) >= max(begun)
        ]


def plan_updates(case: Case) -> tuple[Delivery, ...]:
    """Deliveries for the updates that the outbox does not know yet.

    One that is merged into another says nothing more itself; its targets are told of by the other.
    """
    incident = case.incident
    news = incident.updates[incident.handed_over :]
    if incident.merged_into is not None or _is_forgotten(case):
        return ()
    known = {delivery.transition.removeprefix(_HELD) for delivery in case.of_incident}
    planned: list[Delivery] = []
    for update in news:
        if update.id in known:
            continue
        if update.kind in LOUD:
            planned += _problem(case, update, planned)
        elif update.kind is UpdateKind.RESOLVED and _wants_recovery(case, planned):
            planned.append(_delivery(case, update.id, _due(case, case.now, _worst(incident))))
    return tuple(planned)


def plan_reminder(case: Case) -> Delivery | None:
    """The reminder that is due, if any; those that nobody could send meanwhile are not made up for."""
    incident, channel = case.incident, case.channel
    if channel.remind_after_seconds is None or not incident.is_open or incident.acknowledged_at is not None:
        return None
    if not hears_incident(channel, incident) or _is_maintained(case, incident.open_targets):
        return None
    told = [
        one.finished_at for one in case.of_incident if one.state is DeliveryState.SENT and one.finished_at
    ]
    if not told or any(one.state is DeliveryState.PENDING for one in case.of_incident):
        return None
    if case.now - max(told) < timedelta(seconds=channel.remind_after_seconds):
        return None
    n = int((case.now - min(told)).total_seconds() / channel.remind_after_seconds)
    transition = f"{_REMINDER}{n}"
    if n < 1 or any(one.transition == transition for one in case.of_incident):
        return None
    return _delivery(case, transition, _due(case, case.now, incident.severity))


def _problem(case: Case, update: IncidentUpdate, planned: Sequence[Delivery]) -> Iterator[Delivery]:
    incident, channel = case.incident, case.channel
    targets = update.targets or incident.targets
    if not hears_update(channel, incident, update) or _is_maintained(case, targets):
        return
    if any(_is_waiting_held(delivery) for delivery in (*case.of_incident, *planned)):
        return  # that one will tell all there is to tell
    rivals = _flapping(case, targets) if update.kind in BEGINNINGS else ()
    if rivals:
        yield _delivery(case, _HELD + update.id, _due(case, case.now + FLAPPING_HOLD, update.severity))
        if not _has_notice(case, rivals):
            yield _delivery(case, _FLAPPING + update.id, _due(case, case.now, update.severity))
        return
    ready_at = case.now if update.severity is Severity.DOWN else max(case.now, _cool_at(case, targets))
    yield _delivery(case, update.id, _due(case, ready_at, update.severity))


def _wants_recovery(case: Case, planned: Sequence[Delivery]) -> bool:
    """Whoever was told of the trouble, or is about to be."""
    kept = [one for one in case.of_episode if one.state is not DeliveryState.DROPPED]
    return case.channel.with_recovery and bool(kept or planned)


def _is_forgotten(case: Case) -> bool:
    ended_at = case.incident.resolved_at
    return ended_at is not None and ended_at < case.now - FORGOTTEN_AFTER


def _is_waiting_held(delivery: Delivery) -> bool:
    return delivery.state is DeliveryState.PENDING and delivery.transition.startswith(_HELD)


def _is_maintained(case: Case, targets: Sequence[str]) -> bool:
    return bool(targets) and all(map(case.is_in_maintenance, targets))


def _worst(incident: Incident) -> Severity:
    return max((part.worst for part in incident.affected), key=lambda s: s.rank, default=incident.severity)


def _flapping(case: Case, targets: Sequence[str]) -> tuple[Incident, ...]:
    """All incidents of these models within the window, where they began too often to tell of each time."""
    since, of_these = case.now - FLAPPING_WITHIN, set(targets)
    found = {one.id: one for one in (*case.neighbours, case.incident)}
    near = [one for one in found.values() if one.merged_into is None and of_these & set(one.targets)]
    beginnings = sum(
        1
        for one in near
        for update in one.updates
        if update.kind in BEGINNINGS and update.at >= since and of_these & set(update.targets or one.targets)
    )
    return tuple(near) if beginnings > FLAPPING_AFTER else ()


def _has_notice(case: Case, rivals: Sequence[Incident]) -> bool:
    ids = {incident.id for incident in rivals}
    told = (*case.of_channel, *case.of_incident)
    since = case.now - FLAPPING_WITHIN
    return any(
        one.transition.startswith(_FLAPPING) and one.incident_id in ids and one.created_at >= since
        for one in told
    )


def _cool_at(case: Case, targets: Sequence[str]) -> datetime:
    """When the last alert on these models is a cool-down old."""
    of_these = set(targets)
    near = {one.id for one in case.neighbours if of_these & set(one.targets)} | {case.incident.id}
    told = [
        one.created_at
        for one in (*case.of_incident, *case.of_channel)
        if one.incident_id in near and one.state is not DeliveryState.DROPPED
    ]
    return max(told, default=datetime.min.replace(tzinfo=case.now.tzinfo)) + timedelta(
        seconds=case.channel.cooldown_seconds
    )


def _due(case: Case, ready_at: datetime, severity: Severity) -> datetime:
    """With what the channel collects already, else after its own wait; never in its quiet hours."""
    channel = case.channel
    due_at = ready_at
    if ready_at == case.now:
        due_at = case.now + timedelta(seconds=channel.group_for_seconds)
        collecting = [
            one.due_at
            for one in case.of_channel
            if one.state is DeliveryState.PENDING and not one.attempts and case.now <= one.due_at <= due_at
        ]
        due_at = min(collecting, default=due_at)
    if channel.quiet_hours is not None and not passes(channel.quiet_hours, severity):
        due_at = quiet_until(channel.quiet_hours, due_at)
    return due_at


def _delivery(case: Case, transition: str, due_at: datetime) -> Delivery:
    return Delivery.of(case.channel.name, case.incident.id, transition, created_at=case.now, due_at=due_at)
