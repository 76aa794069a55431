"""Validated settings as the rest of the program sees them. Reading the YAML lives in settings.load."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from probes.domain.plan import Problem
from probes.domain.target import Secret, Target
from probes.domain.upkeep import Maintenance
from probes.settings.alerts import AlertSettings


class SettingsError(Exception):
    """The file cannot be used; `problems` has every fault found, each with its place and cure."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class WebSettings:
    host: str = "127.0.0.1"
    port: int = 9500
    threads: int = 16
    title: str = "FirstToken"
    admin_token: Secret | None = None  # None: whoever reaches the page may press Refresh
    trusted_proxies: int = 0  # how many X-Forwarded-For hops to believe
    refresh_cooldown_seconds: float = 15.0
    public_url: str | None = None  # where readers reach the board; no slash at its end


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """`uri` None: SQLite under the data directory."""

    uri: Secret | None = None  # mongodb://... ; may hold a password
    database: str = "firsttoken"


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """Days; None keeps for ever."""

    results_days: float | None = 100.0
    hourly_days: float | None = 100.0
    daily_days: float | None = None


@dataclass(frozen=True, slots=True)
class AgentSettings:
    location: str = "local"
    concurrency: int = 100  # probes in flight, over all workers
    provider_concurrency: int = 8  # probes in flight per provider, over all workers
    workers: int = 1  # processes that probe; 1: the agent itself does
    self_check_seconds: float = 300.0
    confirm_after_seconds: float | None = 10.0  # None: a first failure is not asked again
    control_check: str | None = None  # a neutral address, to tell a lost network of ours


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """`otlp_endpoint` None: nothing is sent."""

    otlp_endpoint: str | None = None  # no slash at its end
    headers: Mapping[str, Secret] = field(default_factory=dict)
    interval_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Only the demo uses it: start the loopback provider with this scenario file."""

    scenarios: str
    seed: int = 1
    history_days: int = 90


@dataclass(frozen=True, slots=True)
class Settings:
    source: str  # the file as the operator named it
    version: str  # hash of the file's meaning; a change of ours starts a new series
    targets: tuple[Target, ...] = ()
    web: WebSettings = field(default_factory=WebSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    maintenance: tuple[Maintenance, ...] = ()
    simulator: SimulatorSettings | None = None
    alerts: AlertSettings = field(default_factory=AlertSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    secrets: tuple[Secret, ...] = ()  # all secret values, for the redactor
    warnings: tuple[Problem, ...] = ()  # worth telling, not worth refusing
    key_files: tuple[
        Path, ...
    ] = ()  # files that api_key_file names; a change of one is a change of the settings
