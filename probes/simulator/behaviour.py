"""Which scenario a request meets: phases that follow each other by time or by request, each a weighted mix."""

import itertools
import random
from dataclasses import dataclass
from enum import StrEnum

from probes.simulator.scenario import Scenario


class PhaseUnit(StrEnum):
    """What a phase's length counts."""

    SECONDS = "seconds"
    REQUESTS = "requests"
    CONNECTION_REQUESTS = "connection-requests"


@dataclass(frozen=True, slots=True)
class Choice:
    """A scenario and its weight among the others of its phase."""

    scenario: Scenario
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of time or of requests with one mix of scenarios."""

    choices: tuple[Choice, ...]
    length: float = 1.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Phases that repeat for ever; all lengths are in the same unit."""

    phases: tuple[Phase, ...]
    unit: PhaseUnit = PhaseUnit.REQUESTS
    description: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a request comes: its number for this model and on its connection (from 1), seconds since start."""

    request_number: int
    connection_request_number: int
    elapsed_seconds: float


def always(scenario: Scenario) -> Behaviour:
    """The behaviour that knows one scenario."""
    return Behaviour((Phase((Choice(scenario),)),))


def chosen(behaviour: Behaviour, moment: Moment, rng: random.Random) -> Scenario:
    """The scenario for this moment; the rng decides within the phase's mix."""
    phase = _current_phase(behaviour, moment)
    weights = [choice.weight for choice in phase.choices]
    return rng.choices([choice.scenario for choice in phase.choices], weights)[0]


def _current_phase(behaviour: Behaviour, moment: Moment) -> Phase:
    position = {
        PhaseUnit.SECONDS: moment.elapsed_seconds,
        PhaseUnit.REQUESTS: moment.request_number - 1,
        PhaseUnit.CONNECTION_REQUESTS: moment.connection_request_number - 1,
    }[behaviour.unit]
    ends = list(itertools.accumulate(phase.length for phase in behaviour.phases))
    within = position % ends[-1]
    return next(phase for phase, end in zip(behaviour.phases, ends, strict=True) if within < end)
