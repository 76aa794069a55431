"""Which channels hear of what. Pure."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from probes.domain.incident import Incident, IncidentUpdate, Severity
from probes.settings.alerts import Channel


def hears_of(channel: Channel, provider: str, targets: Iterable[str]) -> bool:
    """Whether it follows the provider or any of the targets; one without a list follows all."""
    if not channel.providers and not channel.targets:
        return True
    if provider.casefold() in {name.casefold() for name in channel.providers}:
        return True
    patterns = [pattern.casefold() for pattern in channel.targets]
    return any(fnmatchcase(target.casefold(), pattern) for target in targets for pattern in patterns)


def is_bad_enough(channel: Channel, severity: Severity) -> bool:
    return severity.rank >= channel.min_severity.rank


def hears_update(channel: Channel, incident: Incident, update: IncidentUpdate) -> bool:
    targets = update.targets or incident.targets
    return is_bad_enough(channel, update.severity) and hears_of(channel, incident.provider, targets)


def hears_incident(channel: Channel, incident: Incident) -> bool:
    """Whether it hears of the incident as it is now."""
    targets = incident.open_targets or incident.targets
    return is_bad_enough(channel, incident.severity) and hears_of(channel, incident.provider, targets)
