"""`app.py alert`: does a channel work, and who would hear of what?"""

from datetime import datetime
from uuid import uuid4

from probes.alerts.channels import send
from probes.alerts.channels.post import SendError
from probes.alerts.message import Writer
from probes.alerts.routing import hears_of
from probes.clock import SystemClock
from probes.service import Options, StartError, prepare
from probes.settings.alerts import AlertSettings, Channel, QuietHours
from probes.settings.faults import did_you_mean
from probes.settings.model import Settings
from probes.settings.values import duration_text


def try_channels(options: Options, name: str | None) -> int:
    """Send a test through one channel or all of them, now, past routing and quiet hours; 0 when all accepted it."""
    context = prepare(options, "command")
    alerts = context.settings.alerts
    writer = Writer(alerts.language, context.redact, context.settings.web.public_url)
    faults = 0
    for channel in _channels(alerts, context.settings.source, name):
        fault = _try(channel, writer, SystemClock().now())
        faults += fault is not None
        print(f"{channel.name} ({channel.type.value}): {'accepted' if fault is None else f'failed: {fault}'}")
    return 1 if faults else 0


def list_alerts(options: Options) -> int:
    """Print every channel with what it hears of; addresses are never shown."""
    settings = prepare(options, "command").settings
    alerts = settings.alerts
    if not alerts.channels:
        print(f"no channel in {settings.source}: add one under alerts: channels:")
    for channel in alerts.channels:
        print("\n".join(_lines(channel, settings)))
    if alerts.heartbeat_url is not None:
        print(f"heartbeat every {duration_text(alerts.heartbeat_seconds)} while the agent works")
    return 0


def _try(channel: Channel, writer: Writer, now: datetime) -> str | None:
    try:
        send(channel, writer.write_test(channel.name, str(uuid4()), now))
    except SendError as error:
        return writer.redact(str(error))
    return None


def _channels(alerts: AlertSettings, source: str, name: str | None) -> tuple[Channel, ...]:
    if not alerts.channels:
        raise StartError(f"no channel in {source}. Add one under alerts: channels:")
    if name is None:
        return alerts.channels
    found = tuple(channel for channel in alerts.channels if channel.name == name)
    if not found:
        names = [channel.name for channel in alerts.channels]
        near = did_you_mean(name, names)
        hint = f"Did you mean {near}?" if near else f"Known: {', '.join(names)}."
        raise StartError(f"no channel {name!r} in {source}. {hint}")
    return found


def _lines(channel: Channel, settings: Settings) -> list[str]:
    heard = [target for target in settings.targets if hears_of(channel, target.provider, [target.id])]
    probed = sum(target.is_probed for target in heard)
    scope = ", ".join((*channel.providers, *channel.targets)) or "everything"
    recovery = "told" if channel.with_recovery else "not told"
    remind = duration_text(channel.remind_after_seconds) if channel.remind_after_seconds else "never"
    return [
        f"{channel.name} ({channel.type.value})",
        f"  hears of   {scope}: {len(heard)} targets, {probed} of them probed",
        f"  from       {channel.min_severity.value} on; recovery {recovery}",
        f"  reminder   {remind}",
        f"  grouped    {duration_text(channel.group_for_seconds)}; "
        f"cool-down {duration_text(channel.cooldown_seconds)}",
        f"  quiet      {_quiet(channel.quiet_hours)}",
    ]


def _quiet(quiet: QuietHours | None) -> str:
    if quiet is None:
        return "never"
    passing = f", except {quiet.unless.value}" if quiet.unless is not None else ""
    return f"{quiet.start:%H:%M} to {quiet.end:%H:%M} {quiet.timezone}{passing}"
