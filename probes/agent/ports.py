"""What an agent is given: the seams between it and the rest, and the parts that the composition root hands over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from probes.agent.recorder import ResultWriter
from probes.clock import Clock
from probes.domain.plan import SelfCheck, Workforce
from probes.domain.result import Observer, ProbeResult, Slot
from probes.domain.target import Target
from probes.log import Redactor
from probes.settings.model import AgentSettings
from probes.settings.reload import Reload
from probes.store.base import Store


class Pool(Protocol):
    """Runs probes concurrently, away from this thread."""

    def start(self) -> None: ...
    def configure(self, settings: AgentSettings) -> None: ...
    def submit(self, target: Target, slot: Slot, on_result: Callable[[ProbeResult], None]) -> None: ...
    def drain(self, timeout_seconds: float) -> None: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def queued(self) -> int: ...
    @property
    def lag_seconds(self) -> float | None: ...
    @property
    def self_check(self) -> SelfCheck | None: ...
    @property
    def workforce(self) -> Workforce: ...


class SettingsSource(Protocol):
    """The configuration file. Both return None while nothing changed; `reload` does not wait for a second look."""

    def poll(self) -> Reload | None: ...
    def reload(self) -> Reload | None: ...


@dataclass(frozen=True, slots=True)
class AgentParts:
    """What the composition root hands over; the agent closes store and writer at its end."""

    observer: Observer
    clock: Clock
    store: Store
    writer: ResultWriter
    pool: Pool
    redact: Redactor
    settings_source: SettingsSource
    version: str
    is_demo: bool = False
