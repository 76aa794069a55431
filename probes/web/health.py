"""The service's own health: is the process alive, can it serve, and how are agents, store and configuration?

/healthz never touches the store: a restart does not cure a database. /readyz does, for load balancers.
"""

import threading
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, cast

from flask import Blueprint, Response, current_app, render_template

from probes.domain.plan import SELF_CHECK_LIMIT_SECONDS, AgentStatus, Plan, Problem, is_off
from probes.domain.result import Stamps
from probes.domain.target import Readiness
from probes.store.base import StoreError, StoreHealth
from probes.web.context import current_snapshot, dependencies
from probes.web.deliveries import ChannelHealth
from probes.web.display import NOTHING
from probes.web.i18n import Lazy, lazy, unbroken
from probes.web.proposals import Attention, attention
from probes.web.serialize import json_response
from probes.web.snapshot import Snapshot

blueprint = Blueprint("health", __name__)

EXTENSION: Final = "firsttoken.health"
STORE_AGE_SECONDS: Final = 5.0  # counting a million records is not for each request
MAX_DETAIL_LENGTH: Final = 200
SIZE_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
LAG_WARNING_SECONDS: Final = 5.0


class Trouble(StrEnum):
    """Why the service cannot do its work."""

    STORE_UNAVAILABLE = "store_unavailable"
    NO_PLAN = "no_plan"
    NO_AGENT = "no_agent"


TROUBLES: Final[dict[Trouble, Lazy]] = {
    Trouble.STORE_UNAVAILABLE: lazy("The store cannot be reached."),
    Trouble.NO_PLAN: lazy("No agent has published a configuration yet."),
    Trouble.NO_AGENT: lazy("No agent is alive, so nothing is probed."),
}


@dataclass(frozen=True, slots=True)
class Alive:
    status: str
    version: str


@dataclass(frozen=True, slots=True)
class Ready:
    is_ready: bool
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent's heartbeat and how old it is; the fields are AgentStatus'."""

    agent: str
    location: str
    is_alive: bool
    is_active: bool
    beat_at: datetime
    beat_age_seconds: float
    started_at: datetime
    targets: int
    in_flight: int
    queued: int
    lag_seconds: float | None
    missed: int
    spooled: int
    next_due_at: datetime | None
    version: str
    self_check_at: datetime | None
    self_check_ttft_error_seconds: float | None
    self_check_gap_error_seconds: float | None
    self_check_stamps: Stamps | None
    workers: int
    workers_running: int
    worker_deaths: int

    @property
    def is_lagging(self) -> bool:
        return self.lag_seconds is not None and self.lag_seconds > LAG_WARNING_SECONDS

    @property
    def is_off(self) -> bool:
        """Its own figures cannot be trusted now."""
        return is_off(self.self_check_ttft_error_seconds)

    @property
    def is_understaffed(self) -> bool:
        return self.workers_running < self.workers


@dataclass(frozen=True, slots=True)
class StoreView:
    is_reachable: bool
    error: str | None
    kind: str | None
    detail: str | None
    results: int | None  # an estimate
    bytes: int | None


@dataclass(frozen=True, slots=True)
class PlanView:
    version: str
    loaded_at: datetime
    source: str
    is_demo: bool
    targets: int
    ready: int  # targets that are probed
    problems: tuple[Problem, ...]  # why a newer file was refused


@dataclass(frozen=True, slots=True)
class HealthView:
    is_ready: bool
    troubles: tuple[Trouble, ...]
    as_of: datetime | None  # of the newest reading of the store
    version: str
    agents: tuple[AgentView, ...]  # seen in the last 24 hours
    store: StoreView
    plan: PlanView | None
    attention: tuple[Attention, ...]  # targets whose requests are refused, with the cure
    channels: tuple[ChannelHealth, ...]  # of alerts


@blueprint.get("/healthz")
def alive() -> Response:
    return _uncached(json_response(Alive("ok", dependencies().version)))


@blueprint.get("/readyz")
def ready() -> Response:
    found = troubles(current_snapshot())
    return _uncached(json_response(Ready(not found, found), 503 if found else 200))


@blueprint.get("/health")
def page() -> str:
    return render_template(
        "health.html", health=health_view(), trouble_words=TROUBLES, limit_seconds=SELF_CHECK_LIMIT_SECONDS
    )


@blueprint.app_template_filter()
def size(value: int | None) -> str:
    """31760384 -> "31.8 MB"."""
    if value is None:
        return NOTHING
    power = min(len(SIZE_UNITS) - 1, (len(str(abs(value))) - 1) // 3)
    return f"{value / 1000**power:.{1 if power else 0}f} {SIZE_UNITS[power]}"


@blueprint.app_template_filter()
def error(value: float | None) -> str:
    """0.000041 -> "+0.04 ms"."""
    return NOTHING if value is None else unbroken(f"{value * 1000:+.2f} ms")


def troubles(snapshot: Snapshot) -> tuple[Trouble, ...]:
    if snapshot.store_error is not None:
        return (Trouble.STORE_UNAVAILABLE,)  # the rest cannot be known
    found = []
    if snapshot.plan is None:
        found.append(Trouble.NO_PLAN)
    if not snapshot.alive_agents:
        found.append(Trouble.NO_AGENT)
    return tuple(found)


def health_view() -> HealthView:
    snapshot = current_snapshot()
    found = troubles(snapshot)
    alive_agents = {agent.agent for agent in snapshot.alive_agents}
    return HealthView(
        is_ready=not found,
        troubles=found,
        as_of=snapshot.as_of,
        version=dependencies().version,
        agents=tuple(
            _agent_view(agent, agent.agent in alive_agents, snapshot.now) for agent in snapshot.agents
        ),
        store=_store_watch().view(),
        plan=_plan_view(snapshot.plan) if snapshot.plan is not None else None,
        attention=attention(snapshot),
        channels=snapshot.channels,
    )


class StoreWatch:
    """Asks the store for its health at most every few seconds, whoever asks. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_ns: int | None = None
        self._view: StoreView | None = None

    def view(self) -> StoreView:
        now_ns = dependencies().clock.monotonic_ns()
        with self._lock:
            is_old = self._asked_ns is None or (now_ns - self._asked_ns) / 1e9 >= STORE_AGE_SECONDS
            if self._view is None or is_old:
                self._view, self._asked_ns = _ask_store(), now_ns
            return self._view


def _ask_store() -> StoreView:
    try:
        health: StoreHealth = dependencies().store.health()
    except StoreError as error:
        shown = dependencies().redact(str(error))[:MAX_DETAIL_LENGTH]
        return StoreView(False, shown, None, None, None, None)
    return StoreView(True, None, health.kind, health.detail, health.results, health.bytes)


def _store_watch() -> StoreWatch:
    return cast(StoreWatch, current_app.extensions.setdefault(EXTENSION, StoreWatch()))


def _agent_view(status: AgentStatus, is_alive: bool, now: datetime) -> AgentView:
    return AgentView(
        agent=status.agent,
        location=status.location,
        is_alive=is_alive,
        is_active=status.is_active,
        beat_at=status.beat_at,
        beat_age_seconds=max(0.0, (now - status.beat_at).total_seconds()),
        started_at=status.started_at,
        targets=status.targets,
        in_flight=status.in_flight,
        queued=status.queued,
        lag_seconds=status.lag_seconds,
        missed=status.missed,
        spooled=status.spooled,
        next_due_at=status.next_due_at,
        version=status.version,
        self_check_at=status.self_check_at,
        self_check_ttft_error_seconds=status.self_check_ttft_error_seconds,
        self_check_gap_error_seconds=status.self_check_gap_error_seconds,
        self_check_stamps=status.self_check_stamps,
        workers=status.workers,
        workers_running=status.workers_running,
        worker_deaths=status.worker_deaths,
    )


def _plan_view(plan: Plan) -> PlanView:
    return PlanView(
        version=plan.version,
        loaded_at=plan.loaded_at,
        source=plan.source,
        is_demo=plan.is_demo,
        targets=len(plan.targets),
        ready=sum(target.readiness is Readiness.READY for target in plan.targets),
        problems=plan.problems,
    )


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
