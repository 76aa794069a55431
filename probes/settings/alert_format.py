"""The `alerts:` section of the configuration file as pydantic models; settings.alert_channels makes sense of it."""

from datetime import time
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

from probes.settings.alerts import AlertSettings
from probes.settings.options import Section
from probes.settings.values import Duration, Given, Name, Text, Truth, duration_text, refused

_ALERTS: Final = AlertSettings()
_DAY: Final = 86400.0
_CLOCK_CURE: Final = 'Write hours and minutes, as "22:00"'


def _clock(value: str) -> str:
    hours, colon, minutes = value.strip().partition(":")
    try:
        time(int(hours), int(minutes) if colon else -1)
    except ValueError:
        raise refused("is not a time of day", _CLOCK_CURE) from None
    return value.strip()


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refused("is not a time zone", 'Write its IANA name, as "Europe/Berlin" or "UTC"') from None
    return value


Clock = Annotated[str, AfterValidator(_clock), Field(max_length=5)]
Zone = Annotated[str, AfterValidator(_zone), Field(min_length=1, max_length=64)]
SeverityWord = Literal["attention", "degraded", "down"]
Address = Annotated[str, Field(min_length=3, max_length=4000)]
SecretText = Annotated[str, Field(min_length=8, max_length=500)]


def _empty_is_absent(value: object) -> object:
    return {} if value is None else value


class QuietHoursOptions(Section):
    """When a channel is not disturbed; what is due meanwhile waits for the end."""

    start: Clock = Field(alias="from", description="Local time at which they begin, 22:00.")
    end: Clock = Field(alias="to", description="Local time at which they end; may be on the next day.")
    timezone: Zone = Field("UTC", description="IANA name of the time zone.")
    unless: SeverityWord | None = Field(
        "down", alias="except", description="What is as bad as this is told at once; null: nothing is."
    )


class AlertChannelOptions(Section):
    """One receiver of alerts."""

    name: Name = Field(description="Its name, in `app.py alert`, on /health and in metrics.")
    type: Literal["apprise", "webhook", "alertmanager"] = Field(
        description="apprise: any address that Apprise knows; webhook: our own JSON, signed; "
        "alertmanager: the webhook shape of Prometheus Alertmanager."
    )
    url: Address = Field(
        description="Its address, best as ${NAME}: it often holds a secret and is never shown."
    )
    secret: Annotated[SecretText | None, Given()] = Field(
        None, description="webhook: the key that signs; alertmanager: the bearer token."
    )
    providers: Annotated[list[Text] | None, Given()] = Field(
        None, description="Hears of these; with targets they add up; without both: of everything."
    )
    targets: Annotated[list[Text] | None, Given()] = Field(
        None, description="Hears of these target ids or patterns, as openai/*."
    )
    min_severity: SeverityWord = Field(
        "attention", description="The least that it hears of: attention (our own faults), degraded, down."
    )
    with_recovery: Truth = Field(True, description="Tell when it is over, and how long it took.")
    remind_after: Annotated[float, Duration(60.0, 30 * _DAY)] | None = Field(
        None, description="Tell again after this time while it is open and not acknowledged; null: never."
    )
    quiet_hours: Annotated[QuietHoursOptions | None, Given()] = Field(
        None, description="When not to disturb."
    )
    group_for: Annotated[float, Duration(0.0, 3600.0)] = Field(
        15.0,
        description="Wait this long for what belongs together, then tell it as one.",
        json_schema_extra={"default": duration_text(15.0)},
    )
    cooldown: Annotated[float, Duration(0.0, _DAY)] = Field(
        300.0,
        description="Least time between two alerts on the same models, unless they went down.",
        json_schema_extra={"default": duration_text(300.0)},
    )


class AlertOptions(Section):
    channels: Annotated[
        list[AlertChannelOptions], BeforeValidator(lambda value: [] if value is None else value)
    ] = Field(default_factory=list, description="Who is told of incidents.")
    language: Literal["en", "zh"] = Field(_ALERTS.language.value, description="Language of the messages.")
    heartbeat_url: Annotated[Address | None, Given()] = Field(
        None, description="Dead-man switch: fetched every so often, only while the agent works."
    )
    heartbeat_every: Annotated[float, Duration(10.0, _DAY)] = Field(
        _ALERTS.heartbeat_seconds,
        description="Time between two heartbeats.",
        json_schema_extra={"default": duration_text(_ALERTS.heartbeat_seconds)},
    )


Alerts = Annotated[AlertOptions, BeforeValidator(_empty_is_absent)]
