"""The only fakes there are: the clock, and who receives alerts. Everything else in the tests is the real thing."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from probes.alerts.channels.post import SendError
from probes.alerts.message import Message
from probes.settings.alerts import Channel


class FakeClock:
    """A clock that moves only when told to; both faces move together."""

    def __init__(self, now: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic_ns = 1_000_000_000

    def now(self) -> datetime:
        return self._now

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic_ns += round(seconds * 1e9)


@dataclass
class Inbox:
    """Receives alerts in place of every channel; refuses while told to."""

    messages: list[Message] = field(default_factory=list)
    tried: int = 0
    is_refusing: bool = False

    def __call__(self, _channel: Channel, message: Message) -> None:
        self.tried += 1
        if self.is_refusing:
            raise SendError("HTTP 503")
        self.messages.append(message)

    def take(self) -> list[Message]:
        """What came since the last call."""
        taken, self.messages = self.messages, []
        return taken

    def titles(self) -> list[str]:
        return [message.title for message in self.take()]
