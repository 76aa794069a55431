"""What is told when deliveries fall due: the incident as it is now, each thing once, and nothing that is over. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from probes.alerts.planning import Case, Kind, kind_of
from probes.domain.delivery import Delivery, DeliveryState
from probes.domain.incident import Incident

OVER: Final = "over before it was told"


@dataclass(frozen=True, slots=True)
class Item:
    """One incident in a message; `kind` is never HELD."""

    kind: Kind
    incident: Incident


@dataclass(frozen=True, slots=True)
class Dropped:
    delivery: Delivery
    why: str


@dataclass(frozen=True, slots=True)
class Settled:
    items: tuple[Item, ...] = ()
    covered: tuple[Delivery, ...] = ()  # sent when the items are
    dropped: tuple[Dropped, ...] = ()

    @classmethod
    def drop(cls, deliveries: Iterable[Delivery], why: str) -> "Settled":
        return cls(dropped=tuple(Dropped(one, why) for one in deliveries))

    def __add__(self, other: "Settled") -> "Settled":
        return Settled(self.items + other.items, self.covered + other.covered, self.dropped + other.dropped)


def settle(case: Case, due: Sequence[Delivery]) -> Settled:
    """`due` are deliveries of this case; `case.of_incident` has all that the channel knows of the incident."""
    notices = [one for one in due if kind_of(one, case.incident) is Kind.FLAPPING]
    rest = [one for one in due if one not in notices]
    settled = _told(case, Kind.FLAPPING, notices)
    if not rest:
        return settled
    return settled + (_while_open(case, rest) if case.incident.is_open else _once_over(case, rest))


def merged(winner: Case, due: Sequence[Delivery]) -> Settled:
    """For an incident that another took up: `winner` is told of instead, unless the channel has heard of it."""
    others = [one for one in winner.of_incident if one not in due]
    if any(one.state is not DeliveryState.DROPPED for one in others):
        return Settled.drop(due, "merged into another incident")
    if not winner.incident.is_open:
        return Settled.drop(due, OVER)
    return _told(winner, Kind.PROBLEM, due)


def _while_open(case: Case, due: Sequence[Delivery]) -> Settled:
    incident = case.incident
    if incident.open_targets and all(map(case.is_in_maintenance, incident.open_targets)):
        return Settled.drop(due, "maintenance")
    if _of(case, due, Kind.PROBLEM, Kind.HELD):
        return _told(case, Kind.PROBLEM, due)
    if incident.acknowledged_at is not None:
        return Settled.drop(due, "acknowledged")
    if not _of(case, due, Kind.REMINDER):
        return Settled.drop(due, "it began again before its end was told")
    return _told(case, Kind.REMINDER, due)


def _once_over(case: Case, due: Sequence[Delivery]) -> Settled:
    """Who was told, or should have been by now, hears the end; what waits for calmer times is never told."""
    waiting = [one for one in case.of_incident if one.state is DeliveryState.PENDING and one not in due]
    tried = [one for one in waiting if one.attempts]
    late = _of(case, [*due, *tried], Kind.PROBLEM)
    has_recovery = bool(_of(case, due, Kind.RECOVERY))
    if _was_told(case):
        if has_recovery:
            return _told(case, Kind.RECOVERY, [*due, *waiting])
        return Settled.drop(due, OVER)
    if late:
        return _told(case, Kind.RECOVERY, [*due, *waiting])
    return Settled.drop([*due, *waiting], OVER)


def _was_told(case: Case) -> bool:
    kinds = (Kind.PROBLEM, Kind.HELD, Kind.REMINDER)
    return any(one.state is DeliveryState.SENT for one in _of(case, case.of_episode, *kinds))


def _of(case: Case, deliveries: Iterable[Delivery], *kinds: Kind) -> list[Delivery]:
    return [one for one in deliveries if kind_of(one, case.incident) in kinds]


def _told(case: Case, kind: Kind, covered: Iterable[Delivery]) -> Settled:
    done = tuple(covered)
    return Settled((Item(kind, case.incident),), done) if done else Settled()
