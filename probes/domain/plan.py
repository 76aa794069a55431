"""What the agents publish into the store for the web: the plan without secrets, requests, heartbeats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from probes.domain.result import Stamps
from probes.domain.target import (
    Deadlines,
    Objectives,
    Prices,
    Protocol,
    Readiness,
    Target,
    Thresholds,
    TokenParameter,
)
from probes.domain.upkeep import Maintenance


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """A Target as the public may see it: no key, no headers, no address."""

    id: str
    provider: str
    client: str
    model: str
    name: str
    protocol: Protocol
    readiness: Readiness
    readiness_reason: str
    interval_seconds: float
    max_tokens: int
    prompt: str | None
    deadlines: Deadlines
    thresholds: Thresholds
    prices: Prices
    labels: Mapping[str, str]
    spec_version: str
    token_parameter: TokenParameter = TokenParameter.MAX_TOKENS
    include_usage: bool = True
    temperature: float | None = None
    body_keys: tuple[str, ...] = ()  # of extra_body, whose values may be private
    objectives: Objectives = field(default_factory=Objectives)

    @classmethod
    def of(cls, target: Target) -> "PlannedTarget":
        return cls(
            id=target.id,
            provider=target.provider,
            client=target.client,
            model=target.model,
            name=target.name,
            protocol=target.protocol,
            readiness=target.readiness,
            readiness_reason=target.readiness_reason,
            interval_seconds=target.interval_seconds,
            max_tokens=target.options.max_tokens,
            prompt=target.options.prompt,
            deadlines=target.deadlines,
            thresholds=target.thresholds,
            prices=target.prices,
            labels=target.labels,
            spec_version=target.spec_version,
            token_parameter=target.options.token_parameter,
            include_usage=target.options.include_usage,
            temperature=target.options.temperature,
            body_keys=tuple(target.options.extra_body),
            objectives=target.objectives,
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a configuration file, where it is, and its cure. Never holds a secret."""

    message: str
    cure: str
    path: str = ""  # "apis.openai.openai_client.models[1]"
    line: int | None = None  # from 1
    column: int | None = None  # from 1
    file: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part not in ("", None))
        where = f" {self.path}:" if self.path else ""
        return f"{place}:{where} {self.message}. {self.cure}" if place else f"{self.message}. {self.cure}"


@dataclass(frozen=True, slots=True)
class PlanDiff:
    """What an edit of the file did; target ids."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class Plan:
    """The running configuration. `problems` tell why a newer file was refused while this one keeps running."""

    version: str
    loaded_at: datetime
    source: str  # the file as the operator named it
    is_demo: bool
    targets: tuple[PlannedTarget, ...]
    last_diff: PlanDiff = field(default_factory=PlanDiff)
    problems: tuple[Problem, ...] = ()
    refresh_cooldown_seconds: float = 15.0
    maintenance: tuple[Maintenance, ...] = ()  # the file's; an operator's stand in the store by themselves
    alert_channels: tuple[str, ...] = ()  # their names


class RefreshState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """Refresh as filed by the web and worked off by an agent; `targets` empty means all."""

    id: str
    requested_at: datetime
    targets: tuple[str, ...] = ()
    state: RefreshState = RefreshState.PENDING
    claimed_by: str | None = None
    total: int | None = None  # probes to run; None until an agent has read the plan
    finished: int = 0
    finished_at: datetime | None = None
    diff: PlanDiff = field(default_factory=PlanDiff)
    problems: tuple[Problem, ...] = ()


SELF_CHECK_LIMIT_SECONDS: Final = 0.002  # of TTFT; beyond it our own figures are marked as degraded


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """How far the prober was from a known truth: it measured a stub of its own, which noted when it sent."""

    checked_at: datetime
    ttft_error_seconds: float | None = None  # measured - true; None: the stub could not be measured at all
    gap_error_seconds: float | None = None  # 95 of 100 gaps were nearer to the true ones
    stamps: Stamps | None = None

    @property
    def is_off(self) -> bool:
        return is_off(self.ttft_error_seconds)


def is_off(ttft_error_seconds: float | None) -> bool:
    """Whether a stopwatch with this error is not to be trusted; an unknown error proves nothing."""
    return ttft_error_seconds is not None and abs(ttft_error_seconds) > SELF_CHECK_LIMIT_SECONDS


@dataclass(frozen=True, slots=True)
class Workforce:
    """The processes that probe for one agent; `processes` is 1 where the agent itself does."""

    processes: int = 1
    running: int = 1
    deaths: int = 0  # ended unasked since the agent's start; each was started again


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """Heartbeat of one agent."""

    agent: str  # location@host-pid
    location: str
    started_at: datetime
    beat_at: datetime
    is_active: bool  # False: stands by while another holds the location's lease
    targets: int
    in_flight: int
    queued: int
    lag_seconds: float | None  # of the newest probe
    missed: int  # slots since start that could not run
    spooled: int  # results waiting for the store
    next_due_at: datetime | None
    version: str
    self_check_at: datetime | None = None  # None: none yet
    self_check_ttft_error_seconds: float | None = None  # of the worst of its processes, as SelfCheck
    self_check_gap_error_seconds: float | None = None
    self_check_stamps: Stamps | None = None
    workers: int = 1  # processes that probe, as Workforce
    workers_running: int = 1
    worker_deaths: int = 0
