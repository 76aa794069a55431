"""Keeps what each target usually does, learnt anew once an hour from its hourly rollups, a few targets at a time."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from probes.clock import Clock
from probes.domain.result import ProbeResult
from probes.domain.rollup import Period
from probes.store.base import Store, StoreUnavailableError
from probes.store.undisturbed import undisturbed
from probes.verdicts.deviation import Known, known_from
from probes.verdicts.drift import RECENT_SPAN, REFERENCE_SPAN

logger = logging.getLogger(__name__)

LEARN_EVERY_SECONDS: Final = 3600.0
SPACING_SECONDS: Final = 1.0  # between two targets: a reading is 35 days of rollups, on the recorder's thread


_Series = tuple[str | None, str | None]  # version of our settings, of our prompt


@dataclass(frozen=True, slots=True)
class _Learnt:
    known: Known
    series: _Series | None
    at_ns: int


class UsualBehaviour:
    """Of one agent's targets; to be asked by one thread."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._learnt: dict[str, _Learnt] = {}
        self._next_ns = 0

    def of(self, target: str, recent: Sequence[ProbeResult]) -> Known | None:
        """What is known of it, about an hour old at most; None while it could not be read.

        `recent` are its stored results, newest first. A change of ours makes a new series, of which nothing is known.
        """
        series, now_ns = _series_of(recent), self._clock.monotonic_ns()
        learnt = self._learnt.get(target)
        if learnt is not None and series is not None and learnt.series not in (series, None):
            self._learnt[target] = learnt = _Learnt(Known({}), series, now_ns)
        is_due = learnt is None or now_ns - learnt.at_ns >= LEARN_EVERY_SECONDS * 1e9
        if is_due and now_ns >= self._next_ns:
            self._next_ns = now_ns + round(SPACING_SECONDS * 1e9)
            self._learn(target, series)
        found = self._learnt.get(target)
        return found.known if found is not None else None

    def _learn(self, target: str, series: _Series | None) -> None:
        try:
            known = self._read(target, self._clock.now())
        except StoreUnavailableError as error:
            logger.warning("the usual behaviour of %s is not read, the store is away: %s", target, error)
            return
        self._learnt[target] = _Learnt(known, series, self._clock.monotonic_ns())

    def _read(self, target: str, now: datetime) -> Known:
        since = Period.HOUR.start_of(now - REFERENCE_SPAN - RECENT_SPAN)
        hours = self._store.rollups(Period.HOUR, since, Period.HOUR.start_of(now), (target,))
        return known_from(hours, undisturbed(self._store, target, since), now)


def _series_of(recent: Sequence[ProbeResult]) -> _Series | None:
    """Of the newest result that was measured."""
    asked = (result for result in recent if result.prompt_version is not None)
    return next(((result.spec_version, result.prompt_version) for result in asked), None)
