"""Whom to tell of incidents, as the rest of the program sees it. The file's keys are in settings.alert_format."""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from probes.domain.incident import Severity
from probes.domain.target import Secret


class ChannelType(StrEnum):
    """How a channel is spoken to; each has its file under alerts/channels."""

    APPRISE = "apprise"  # mail, chat, pagers: whatever Apprise has an address for
    WEBHOOK = "webhook"  # our own JSON, signed
    ALERTMANAGER = "alertmanager"  # the webhook shape of Prometheus Alertmanager


class Language(StrEnum):
    EN = "en"
    ZH = "zh"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local time of day; `start` after `end` spans midnight."""

    start: time
    end: time
    timezone: str = "UTC"  # IANA name
    unless: Severity | None = Severity.DOWN  # what is as bad as this is told at once; None: nothing is


@dataclass(frozen=True, slots=True)
class Channel:
    """`providers` and `targets` add up; both empty: everything. Targets may be patterns ("openai/*")."""

    name: str
    type: ChannelType
    url: Secret
    secret: Secret | None = None  # signs a webhook; the bearer token of an Alertmanager receiver
    providers: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    min_severity: Severity = Severity.ATTENTION
    with_recovery: bool = True
    remind_after_seconds: float | None = None
    quiet_hours: QuietHours | None = None
    group_for_seconds: float = 15.0
    cooldown_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class AlertSettings:
    channels: tuple[Channel, ...] = ()
    language: Language = Language.EN
    heartbeat_url: Secret | None = None  # called only while the agent works
    heartbeat_seconds: float = 60.0

    @property
    def is_empty(self) -> bool:
        return not self.channels and self.heartbeat_url is None
