"""Outages of the demo's past, so that its board has something to tell. All names are fictional."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from probes.simulator.behaviour import Behaviour
from probes.simulator.catalogue import behaviour_named


@dataclass(frozen=True, slots=True)
class Trouble:
    models: tuple[str, ...]
    ago: timedelta  # from its beginning to the making of the past
    lasts: timedelta
    scenario: str

    def covers(self, model: str, at: datetime, now: datetime) -> bool:
        return model in self.models and timedelta() <= at - (now - self.ago) < self.lasts


def _trouble(models: str, days: float, hours: float, scenario: str) -> Trouble:
    return Trouble(tuple(models.split()), timedelta(days=days), timedelta(hours=hours), scenario)


TROUBLES: Final = (  # of some hours each, for most of the past has one result an hour
    _trouble("northwind-swift northwind-pro northwind-reason", 61.2, 4, "error-503?header_delay=0.3"),
    _trouble("lumen-spark lumen-sage lumen-atlas", 44.5, 6, "error-529?header_delay=0.2"),
    _trouble("quokka-7b quokka-70b", 33.3, 5, "truncated?ttft=0.4"),
    _trouble("northwind-pro", 27.1, 5, "stalled?ttft=0.6"),
    _trouble("lumen-sage", 19.7, 9, "ok?ttft=9&duration=44"),
    _trouble("basalt-base basalt-deep", 12.4, 7, "error-504?header_delay=4"),
    _trouble("northwind-reason", 6.6, 4, "error-500?header_delay=0.1"),
    _trouble("lumen-spark lumen-sage", 0.8, 0.9, "error-529?header_delay=0.2"),
    # The other way round: it is down now, and worked until some minutes ago.
    _trouble("paperboat-mini", 400, 400 * 24 - 0.25, "ok?ttft=0.5&duration=2.5&jitter=0.2"),
)


def troubled(troubles: Iterable[Trouble], model: str, at: datetime, now: datetime) -> Behaviour | None:
    """What the model did instead of what it usually does; None in good times."""
    found = next((trouble for trouble in troubles if trouble.covers(model, at, now)), None)
    return behaviour_named(found.scenario) if found is not None else None
