"""Quiet hours of a channel, in its own time zone. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from probes.domain.incident import Severity
from probes.settings.alerts import QuietHours


def passes(quiet: QuietHours, severity: Severity) -> bool:
    """Whether something as bad as this is told at any hour."""
    return quiet.unless is not None and severity.rank >= quiet.unless.rank


def quiet_until(quiet: QuietHours, moment: datetime) -> datetime:
    """The moment itself outside of quiet hours, else their end; UTC. Hours from and to the same time are empty."""
    local = moment.astimezone(ZoneInfo(quiet.timezone))
    clock = local.time().replace(tzinfo=None)
    if quiet.start <= quiet.end:
        is_quiet, ends_on = quiet.start <= clock < quiet.end, local.date()
    else:
        is_quiet = clock >= quiet.start or clock < quiet.end
        ends_on = local.date() + timedelta(days=1) if clock >= quiet.start else local.date()
    if not is_quiet:
        return moment
    end = datetime.combine(ends_on, quiet.end, ZoneInfo(quiet.timezone)).astimezone(UTC)
    return max(end, moment)
