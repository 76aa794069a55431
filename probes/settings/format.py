"""The configuration file as pydantic models: every key, its type, limits, default and one-sentence meaning.

From here come the validation, config/local.schema.json and the reference table.
"""

from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from probes.settings.alert_format import AlertOptions, Alerts
from probes.settings.maintenance import MaintenanceOptions
from probes.settings.model import AgentSettings, RetentionSettings, StoreSettings, WebSettings
from probes.settings.options import ClientOptions, Options, Section
from probes.settings.telemetry import Telemetry, TelemetryOptions
from probes.settings.values import (
    Between,
    Confirmation,
    Cooldown,
    Given,
    Interval,
    MongoUri,
    Name,
    Text,
    Url,
    refused,
)

_AGENT: Final = AgentSettings()
_WEB: Final = WebSettings()
_STORE: Final = StoreSettings()
_RETENTION: Final = RetentionSettings()


def _empty_is_absent(value: object) -> object:
    return {} if value is None else value


def _empty_is_none(value: object) -> object:
    return [] if value is None else value


class AgentOptions(Section):
    location: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,63}$")] = Field(
        _AGENT.location, description="Where this agent probes from; written into each record."
    )
    concurrency: Annotated[int, Between(1, 1000)] = Field(
        _AGENT.concurrency, description="Probes in flight at once."
    )
    provider_concurrency: Annotated[int, Between(1, 256)] = Field(
        _AGENT.provider_concurrency, description="Probes in flight at once to one provider."
    )
    workers: Annotated[int, Between(1, 64)] = Field(
        _AGENT.workers,
        description="Processes that probe, for more streams at once; a change needs a restart.",
    )
    self_check: Interval = Field(
        _AGENT.self_check_seconds,
        description="Time between two checks of our own timing against a known stream.",
    )
    confirm_after: Confirmation | None = Field(
        _AGENT.confirm_after_seconds,
        description="A first failure is probed again this much later, up to three times; null: never.",
    )
    control_check: Annotated[Url | None, Given()] = Field(
        None,
        description="A neutral address to connect to while providers fail together, to tell a lost network of ours.",
    )


class WebOptions(Section):
    host: Text = Field(_WEB.host, description="Address to listen on; 0.0.0.0 is every interface.")
    port: Annotated[int, Between(0, 65535)] = Field(
        _WEB.port, description="Port to listen on; 0 takes a free one."
    )
    threads: Annotated[int, Between(4, 256)] = Field(_WEB.threads, description="Threads that serve pages.")
    title: Text = Field(_WEB.title, description="The board's name.")
    public_url: Annotated[Url | None, Given()] = Field(
        None, description="Where readers reach the board, for links in alerts, feeds and snippets."
    )
    admin_token: Annotated[Annotated[str, Field(min_length=8, max_length=200)] | None, Given()] = Field(
        None,
        description="What Refresh and the operator's pages ask for; without it whoever reaches the page may refresh, "
        "and nobody may announce, pause or act on incidents.",
    )
    trusted_proxies: Annotated[int, Between(0, 10)] = Field(
        _WEB.trusted_proxies, description="How many X-Forwarded-For hops to believe."
    )
    refresh_cooldown: Cooldown = Field(
        _WEB.refresh_cooldown_seconds, description="Shortest time between two refreshes."
    )


class StoreOptions(Section):
    uri: Annotated[MongoUri | None, Given()] = Field(
        None,
        description="mongodb://...; wins over the environment variable MONGODB_URI. Without both: SQLite.",
    )
    mongodb_uri: Annotated[MongoUri | None, Given()] = Field(None, description="Another word for uri.")
    database: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,60}$")] = Field(
        _STORE.database, description="The MongoDB database."
    )

    @model_validator(mode="after")
    def _has_one_uri(self) -> Self:
        if self.uri is not None and self.mongodb_uri is not None:
            raise refused("has uri and mongodb_uri", "Keep uri")
        return self


_Days = Annotated[float, Between(1, 36500)]


class RetentionOptions(Section):
    results_days: _Days | None = Field(
        _RETENTION.results_days, description="Days to keep raw records; null keeps them for ever."
    )
    hourly_days: _Days | None = Field(
        _RETENTION.hourly_days, description="Days to keep hourly rollups; null keeps them for ever."
    )
    daily_days: _Days | None = Field(
        _RETENTION.daily_days, description="Days to keep daily rollups and events; null keeps them for ever."
    )


class SimulatorOptions(Section):
    """Demo only: simulated providers on this machine."""

    scenarios: Text = Field(description="The scenario file, relative to this one.")
    seed: Annotated[int, Between(0, 2**31)] = Field(1, description="Seed of all that is random in it.")
    history_days: Annotated[int, Between(0, 365)] = Field(
        90, description="Days of history to make up at the first start."
    )


Client = Annotated[ClientOptions, BeforeValidator(_empty_is_absent)]
Provider = Annotated[dict[Name, Client], BeforeValidator(_empty_is_absent)]


class File(Section):
    """The whole file."""

    apis: Annotated[dict[Name, Provider], BeforeValidator(_empty_is_absent)] = Field(
        default_factory=dict, description="What to probe: provider, then client, then its models."
    )
    defaults: Annotated[Options, BeforeValidator(_empty_is_absent)] = Field(
        default_factory=Options, description="Settings for all targets."
    )
    providers: Annotated[
        dict[Name, Annotated[Options, BeforeValidator(_empty_is_absent)]], BeforeValidator(_empty_is_absent)
    ] = Field(default_factory=dict, description="Settings for all targets of one provider.")
    agent: Annotated[AgentOptions, BeforeValidator(_empty_is_absent)] = Field(
        default_factory=AgentOptions, description="The process that probes."
    )
    web: Annotated[WebOptions, BeforeValidator(_empty_is_absent)] = Field(
        default_factory=WebOptions, description="The process that serves the board; changes need a restart."
    )
    store: Annotated[StoreOptions, BeforeValidator(_empty_is_absent)] = Field(
        default_factory=StoreOptions, description="Where records are kept; changes need a restart."
    )
    retention: Annotated[RetentionOptions, BeforeValidator(_empty_is_absent)] = Field(
        default_factory=RetentionOptions, description="How long records are kept."
    )
    alerts: Alerts = Field(default_factory=AlertOptions, description="Who is told of incidents, and how.")
    maintenance: Annotated[list[MaintenanceOptions], BeforeValidator(_empty_is_none)] = Field(
        default_factory=list, description="Announced work: left out of availability, states and alerts."
    )
    telemetry: Telemetry = Field(
        default_factory=TelemetryOptions,
        description="Results as OpenTelemetry metrics; needs a package more.",
    )
    simulator: SimulatorOptions | None = Field(
        None, description="Demo only: simulated providers on this machine."
    )
