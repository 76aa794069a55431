"""What an agent and its worker processes say to each other, over a pipe that nobody else can open.

Keys travel only here: never in a command line, an environment or a file.
"""

from dataclasses import dataclass
from typing import TypeAlias

from probes.domain.plan import SelfCheck
from probes.domain.result import Observer, ProbeResult, Slot
from probes.domain.target import Secret, Target
from probes.settings.model import AgentSettings


@dataclass(frozen=True, slots=True)
class Start:
    """The first frame of all."""

    number: int  # of the worker, from 1
    observer: Observer
    settings: AgentSettings
    log_level: int


@dataclass(frozen=True, slots=True)
class Learn:
    """Secrets that must never be shown."""

    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class Configure:
    settings: AgentSettings


@dataclass(frozen=True, slots=True)
class Assign:
    """Probe this; `number` names the job in the answer."""

    number: int
    target: Target
    slot: Slot
    config_version: str | None


@dataclass(frozen=True, slots=True)
class Drain:
    """Let what runs end in time, then end yourself."""

    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    number: int
    result: ProbeResult


@dataclass(frozen=True, slots=True)
class Checked:
    check: SelfCheck


ToWorker: TypeAlias = Start | Learn | Configure | Assign | Drain
FromWorker: TypeAlias = Done | Checked
