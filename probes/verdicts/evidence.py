"""What a run of results says, before any state is named: streaks, outages that are open, failures that still count.

Pure; every threshold is a constant here, and /methodology prints these very values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from probes.domain.outcome import Fault
from probes.domain.result import ProbeResult, Trigger

WINDOW: Final = 15  # newest results that a judgement looks at; the confirming ones between them come on top
DOWN_AFTER: Final = 3  # scheduled failures in a row; single failures of a healthy 99.9 % model are noise
DOWN_AFTER_CONFIRMED: Final = 4  # failures in a row of any trigger: the first one and its confirming probes
RECOVERED_AFTER: Final = 3  # good ones in a row that end an outage
STEADY_AFTER: Final = 8  # good ones in a row after which no older failure counts any more


@dataclass(frozen=True, slots=True)
class Evidence:
    """Results that were asked of the provider and answered by it or not; throttling and our own faults say neither."""

    told: int  # results that say anything
    ups: int
    failures: tuple[ProbeResult, ...]  # that still count, oldest first
    streak: tuple[ProbeResult, ...]  # the unbroken failures that the newest results are, oldest first
    good: int  # the unbroken good ones that the newest results are
    outage_since: datetime | None  # first failing slot of an outage that has not ended

    @property
    def is_failing(self) -> bool:
        return bool(self.streak)


def countable(recent: Sequence[ProbeResult]) -> list[ProbeResult]:
    """Those that ran, outside announced maintenance; in the order given."""
    return [r for r in recent if r.fault is not Fault.NOT_RUN and r.trigger is not Trigger.MAINTENANCE]


def window_of(ran: Sequence[ProbeResult]) -> Sequence[ProbeResult]:
    """The newest WINDOW results and the confirming ones between them; both newest first."""
    counted = 0
    for position, result in enumerate(ran):
        if result.trigger is not Trigger.CONFIRM:
            counted += 1
            if counted > WINDOW:
                return ran[:position]
    return ran


def evidence_of(window: Sequence[ProbeResult]) -> Evidence:
    """Newest first in; an outage ends with RECOVERED_AFTER good ones in a row, and its failures with it."""
    failures: list[ProbeResult] = []
    streak: list[ProbeResult] = []
    good = told = ups = 0
    outage_since: datetime | None = None
    for result in reversed(window):
        if result.outcome.counts_against_availability:
            failures.append(result)
            streak.append(result)
            good = 0
            if outage_since is None and is_outage(streak):
                outage_since = streak[0].due_at
        elif result.outcome.is_up:
            ups += 1
            good += 1
            streak.clear()
            if good >= (RECOVERED_AFTER if outage_since is not None else STEADY_AFTER):
                failures.clear()
                outage_since = None
        else:
            continue
        told += 1
    return Evidence(told, ups, tuple(failures), tuple(streak), good, outage_since)


def is_outage(streak: Sequence[ProbeResult]) -> bool:
    scheduled = sum(1 for result in streak if result.trigger is Trigger.SCHEDULED)
    return scheduled >= DOWN_AFTER or len(streak) >= DOWN_AFTER_CONFIRMED
