"""The board in the words of Atlassian Statuspage's public API, version 2. Providers are groups, models components.

What it has no word for is never called operational: a model of which nothing is known, or which only our own fault
keeps from answering, is `under_maintenance`, the one status that neither praises nor accuses, and its description
says why. Models that are not probed are left out.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, assert_never

from probes.domain.plan import PlannedTarget
from probes.domain.state import Reason, State, Verdict
from probes.domain.target import Readiness
from probes.verdicts.rules import ReasonKey
from probes.web.queries.public_incidents import Reading
from probes.web.text import plain
from probes.web.words import reason_text, word

ID_LENGTH: Final = 12
ID_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
NAME_LENGTH: Final = 120
_TELLING: Final = (ReasonKey.SLOW, ReasonKey.PARTIAL_FAILURES)  # reasons that make a difference
_ANY_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)


class ComponentStatus(StrEnum):
    """Mildest first."""

    OPERATIONAL = "operational"
    UNDER_MAINTENANCE = "under_maintenance"
    DEGRADED_PERFORMANCE = "degraded_performance"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"

    @property
    def rank(self) -> int:
        return tuple(ComponentStatus).index(self)


class Indicator(StrEnum):
    NONE = "none"
    MAINTENANCE = "maintenance"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Page:
    id: str
    name: str
    url: str
    time_zone: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Status:
    indicator: Indicator
    description: str


@dataclass(frozen=True, slots=True)
class Component:
    """Its fields are Statuspage's; a group's `group_id` is None."""

    id: str
    name: str
    status: ComponentStatus
    created_at: str
    updated_at: str
    position: int
    description: str | None
    showcase: bool
    start_date: str | None
    group_id: str | None
    page_id: str
    group: bool
    only_show_if_degraded: bool


@dataclass(frozen=True, slots=True)
class ComponentGroup(Component):
    components: tuple[str, ...]


AnyComponent = ComponentGroup | Component


def short_id(*parts: str) -> str:
    """Twelve small letters and digits that follow from what they name, as Statuspage's ids look."""
    number = int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:8], "big")
    digits = []
    for _place in range(ID_LENGTH):
        number, digit = divmod(number, len(ID_DIGITS))
        digits.append(ID_DIGITS[digit])
    return "".join(digits)


def component_id(target: str) -> str:
    return short_id("component", target)


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def page_id_of(url: str) -> str:
    return short_id("page", url)


def page_of(now: Reading, title: str, url: str, changes: Iterable[str]) -> Page:
    """`changes` are the moments of what the answer tells; the page was updated with the newest."""
    return Page(
        id=page_id_of(url),
        name=plain(title, NAME_LENGTH),
        url=url,
        time_zone="Etc/UTC",
        updated_at=max([*changes, moment(now.begun_at)]),
    )


def components_of(now: Reading, page_id: str) -> tuple[AnyComponent, ...]:
    """Each provider's group, followed by its models, in the order of the configuration."""
    members: dict[str, list[PlannedTarget]] = {}
    for target in _probed(now):
        members.setdefault(target.provider, []).append(target)
    told: list[AnyComponent] = []
    for place, (provider, targets) in enumerate(members.items(), 1):
        children = [_component(now, target, page_id, n) for n, target in enumerate(targets, 1)]
        told += [_group(provider, place, page_id, children), *children]
    return tuple(told)


def status_of(now: Reading) -> Status:
    """Over the models. What is unknown is worse than operational, and milder than any fault."""
    verdicts = [now.snapshot.verdict(target) for target in _probed(now)]
    found = [component_status(verdict) for verdict in verdicts]
    announced = sum(verdict.state is State.MAINTENANCE for verdict in verdicts)
    unknown = found.count(ComponentStatus.UNDER_MAINTENANCE) - announced
    match max(found, key=_rank, default=None):
        case ComponentStatus.MAJOR_OUTAGE if len(set(found)) == 1:
            return Status(Indicator.CRITICAL, "Major System Outage")
        case ComponentStatus.MAJOR_OUTAGE:
            return Status(Indicator.MAJOR, "Partial System Outage")
        case ComponentStatus.PARTIAL_OUTAGE:
            return Status(Indicator.MINOR, "Minor Service Outage")
        case ComponentStatus.DEGRADED_PERFORMANCE:
            return Status(Indicator.MINOR, "Partially Degraded Service")
        case ComponentStatus.UNDER_MAINTENANCE if unknown == 0:
            return Status(Indicator.MAINTENANCE, "Service Under Maintenance")
        case ComponentStatus.UNDER_MAINTENANCE | None:
            return Status(Indicator.MAINTENANCE, f"Unknown: {unknown} of {len(found)} models")
        case ComponentStatus.OPERATIONAL:
            return Status(Indicator.NONE, "All Systems Operational")


def component_status(verdict: Verdict) -> ComponentStatus:
    match verdict.state:
        case State.OPERATIONAL:
            return ComponentStatus.OPERATIONAL
        case State.DEGRADED:
            is_partial = verdict.reason.key == ReasonKey.PARTIAL_FAILURES
            return ComponentStatus.PARTIAL_OUTAGE if is_partial else ComponentStatus.DEGRADED_PERFORMANCE
        case State.DOWN:
            return ComponentStatus.MAJOR_OUTAGE
        case State.MAINTENANCE | State.UNKNOWN | State.ATTENTION | State.PAUSED | State.NOT_CONFIGURED:
            return ComponentStatus.UNDER_MAINTENANCE
    assert_never(verdict.state)


def _probed(now: Reading) -> list[PlannedTarget]:
    """Neither the file nor the operator has switched them off."""
    upkeep = now.snapshot.upkeep
    return [
        target
        for target in now.snapshot.targets
        if target.readiness is Readiness.READY and upkeep.pause(target.id) is None
    ]


def _rank(status: ComponentStatus) -> int:
    return status.rank


def told_statuses() -> Mapping[State, tuple[ComponentStatus, ...]]:
    """What each state can be told as; none for what is left out."""
    told: dict[State, tuple[ComponentStatus, ...]] = {}
    for state in State:
        verdicts = (Verdict(state, Reason(key), None, _ANY_TIME) for key in _TELLING)
        is_left_out = state in (State.PAUSED, State.NOT_CONFIGURED)
        told[state] = () if is_left_out else tuple(dict.fromkeys(map(component_status, verdicts)))
    return told


def _component(now: Reading, target: PlannedTarget, page_id: str, position: int) -> Component:
    verdict, seen = now.snapshot.verdict(target), now.snapshot.statistics_of(target.id).first_seen_at
    shown = component_status(verdict)
    return Component(
        id=component_id(target.id),
        name=plain(target.name, NAME_LENGTH),
        status=shown,
        created_at=moment(seen or now.begun_at),
        updated_at=moment(verdict.since or seen or now.begun_at),
        position=position,
        description=None if shown is ComponentStatus.OPERATIONAL else _why(verdict),
        showcase=True,
        start_date=seen.astimezone(UTC).date().isoformat() if seen is not None else None,
        group_id=short_id("group", target.provider),
        page_id=page_id,
        group=False,
        only_show_if_degraded=False,
    )


def _group(provider: str, position: int, page_id: str, children: Sequence[Component]) -> ComponentGroup:
    return ComponentGroup(
        id=short_id("group", provider),
        name=plain(provider, NAME_LENGTH),
        status=max((child.status for child in children), key=_rank),
        created_at=min(child.created_at for child in children),
        updated_at=max(child.updated_at for child in children),
        position=position,
        description=None,
        showcase=True,
        start_date=min((child.start_date for child in children if child.start_date), default=None),
        group_id=None,
        page_id=page_id,
        group=True,
        only_show_if_degraded=False,
        components=tuple(child.id for child in children),
    )


def _why(verdict: Verdict) -> str:
    """ "Unknown: no result for 20 min"."""
    return plain(f"{word(verdict.state).label}: {reason_text(verdict.reason)}")
