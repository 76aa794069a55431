"""Whether it is our own network that is lost: providers that have nothing in common fail together. Pure.

A probe that reaches any server, whatever that server says, proves that the network lives. Providers that worked and
then cannot be reached, one after the other with no such proof between them, are no coincidence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import ProbeResult, Trigger
from probes.domain.target import Target

LOST_AT: Final = 2  # providers, the control check counting as one
KEPT_LOSSES: Final = 50
CONTROL: Final = "control check"  # no provider can be named so: their names have no blanks
SILENT_OUTCOMES: Final = frozenset(
    {
        *(outcome for outcome in Outcome if outcome.fault is Fault.NETWORK),
        *(Outcome.FIRST_TOKEN_TIMEOUT, Outcome.STALLED, Outcome.TOTAL_TIMEOUT, Outcome.CONNECTION_RESET),
    }
)


@dataclass(frozen=True, slots=True)
class Loss:
    """A time without network; `until` is the start of the first probe that got through, None while it lasts."""

    since: datetime
    until: datetime | None = None

    def covers(self, result: ProbeResult) -> bool:
        """The result may be a failure of our network instead of the provider's."""
        return (
            result.outcome in SILENT_OUTCOMES
            and self.since <= result.started_at
            and (self.until is None or result.started_at < self.until)
        )


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look at the outside; `reached`: some server answered."""

    provider: str
    at: datetime  # the attempt's start
    reached: bool


@dataclass(frozen=True, slots=True)
class Network:
    """What is known of our network after some sightings."""

    working: frozenset[str] = frozenset({CONTROL})  # providers whose last sighting got through
    missing: tuple[
        tuple[str, datetime], ...
    ] = ()  # that worked and then did not, with no proof of life since
    alive_at: datetime | None = None
    losses: tuple[Loss, ...] = ()  # oldest first

    @property
    def is_in_doubt(self) -> bool:
        return bool(self.missing)

    @property
    def is_lost(self) -> bool:
        return bool(self.losses) and self.losses[-1].until is None


def sighting_of(result: ProbeResult) -> Sighting | None:
    """None for a result that says nothing of the network: silence under announced maintenance, for one."""
    if result.fault is Fault.NOT_RUN or result.outcome is Outcome.INTERNAL:
        return None
    reached = result.outcome not in SILENT_OUTCOMES
    if not reached and result.trigger is Trigger.MAINTENANCE:
        return None
    return Sighting(result.provider, result.started_at, reached)


def observed(network: Network, sightings: Iterable[Sighting]) -> Network:
    for sighting in sightings:
        network = _reached(network, sighting) if sighting.reached else _missed(network, sighting)
    return network


def covering(losses: Sequence[Loss], result: ProbeResult) -> Loss | None:
    return next((loss for loss in reversed(losses) if loss.covers(result)), None)


def _reached(network: Network, seen: Sighting) -> Network:
    """Proof of life. Whoever failed before it failed alone, and cannot testify against the network till it works."""
    alive_at = seen.at if network.alive_at is None else max(seen.at, network.alive_at)
    missing = tuple((name, at) for name, at in network.missing if at >= seen.at)
    failed_alone = {name for name, at in network.missing if at < seen.at} - {CONTROL}
    losses = network.losses
    if network.is_lost and len(missing) < LOST_AT:
        losses = (*losses[:-1], replace(losses[-1], until=max(seen.at, losses[-1].since)))
    working = (network.working - failed_alone) | {seen.provider}
    return Network(working, missing, alive_at, losses)


def _missed(network: Network, seen: Sighting) -> Network:
    if network.alive_at is not None and seen.at <= network.alive_at:
        return network
    if seen.provider not in network.working or any(name == seen.provider for name, _ in network.missing):
        return network
    missing = (*network.missing, (seen.provider, seen.at))
    losses = network.losses
    if len(missing) >= LOST_AT and not network.is_lost:
        losses = (*losses, Loss(min(at for _, at in missing)))[-KEPT_LOSSES:]
    return replace(network, missing=missing, losses=losses)


def outside(targets: Iterable[Target]) -> frozenset[str]:
    """Ids of the targets that are reached through our network; where all are on this very host or site, all of them."""
    known = tuple(targets)
    far = frozenset(target.id for target in known if not _is_near(target))
    return far or frozenset(target.id for target in known)


def _is_near(target: Target) -> bool:
    host = urlsplit(target.base_url or "").hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_private
    except ValueError:
        return False
