"""How to speak to each type of channel: one file and one row of SENDERS a type."""

from collections.abc import Callable, Mapping
from typing import Final

from probes.alerts.channels.alertmanager import send_to_alertmanager
from probes.alerts.channels.apprise import send_through_apprise
from probes.alerts.channels.webhook import send_to_webhook
from probes.alerts.message import Message
from probes.settings.alerts import Channel, ChannelType

Send = Callable[
    [Channel, Message], None
]  # raises SendError; returns only once the other side has accepted it

SENDERS: Final[Mapping[ChannelType, Send]] = {
    ChannelType.APPRISE: send_through_apprise,
    ChannelType.WEBHOOK: send_to_webhook,
    ChannelType.ALERTMANAGER: send_to_alertmanager,
}


def send(channel: Channel, message: Message) -> None:
    """Raises SendError, whose text is safe to show once it is redacted."""
    SENDERS[channel.type](channel, message)
