"""When a first failure is asked again before anything is said of it. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from probes.domain.result import ProbeResult, Trigger
from probes.domain.state import State, Verdict
from probes.verdicts.evidence import countable, is_outage

CONFIRM_PROBES: Final = 3  # at most, after one first failure; the first good one ends them
CONFIRM_WITHIN: Final = timedelta(minutes=3)  # older failures (replayed ones, say) are history


def to_confirm(recent: Sequence[ProbeResult], verdict: Verdict, now: datetime) -> ProbeResult | None:
    """The newest failure when it wants another probe soon; None when there is nothing in doubt.

    In doubt is a target that counts as operational, answered before, and now failed by no fault of ours.
    """
    if verdict.state is not State.OPERATIONAL:
        return None
    ran = countable(recent)
    streak = _streak(ran)
    if not streak or now - streak[0].started_at > CONFIRM_WITHIN or is_outage(streak):
        return None
    asked = sum(1 for result in streak if result.trigger is Trigger.CONFIRM)
    was_up = len(streak) < len(ran) and ran[len(streak)].outcome.is_up
    return streak[0] if was_up and asked < CONFIRM_PROBES else None


def _streak(ran: Sequence[ProbeResult]) -> Sequence[ProbeResult]:
    for position, result in enumerate(ran):
        if not result.outcome.counts_against_availability:
            return ran[:position]
    return ran
