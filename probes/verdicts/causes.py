"""The class of an incident's cause, by a vote of its failures. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from probes.domain.incident import Cause
from probes.domain.outcome import Fault, Outcome
from probes.domain.state import Reason
from probes.verdicts.rules import ReasonKey

_BY_OUTCOME: Final[dict[Outcome, Cause]] = {
    Outcome.CONNECT_TIMEOUT: Cause.UNREACHABLE,
    Outcome.SERVER_TIMEOUT: Cause.TIMEOUT,
    Outcome.FIRST_TOKEN_TIMEOUT: Cause.TIMEOUT,
    Outcome.TOTAL_TIMEOUT: Cause.TIMEOUT,
    Outcome.SERVER_ERROR: Cause.SERVER_ERROR,
    Outcome.OVERLOADED: Cause.SERVER_ERROR,
}

_BY_FAULT: Final[dict[Fault, Cause]] = {
    Fault.NONE: Cause.SLOW,  # an answer that counts as a failure was a slow one
    Fault.ANSWER: Cause.SLOW,
    Fault.PROVIDER: Cause.BROKEN_STREAM,
    Fault.THROTTLING: Cause.THROTTLED,
    Fault.OURS: Cause.OURS,
    Fault.NETWORK: Cause.UNREACHABLE,
    Fault.NOT_RUN: Cause.OURS,
}


def cause_of_outcome(outcome: Outcome) -> Cause:
    return _BY_OUTCOME.get(outcome) or _BY_FAULT[outcome.fault]


def cause_of_reason(reason: Reason) -> Cause:
    """What a reason tells when its results are not at hand."""
    outcome = dict(reason.params).get("outcome")
    if isinstance(outcome, str):
        return cause_of_outcome(Outcome(outcome))
    return Cause.THROTTLED if reason.key == ReasonKey.THROTTLED else Cause.SLOW


def voted(votes: Iterable[Cause]) -> Cause | None:
    """The class with more than half of the votes, else mixed; None without votes."""
    counted = Counter(votes)
    if not counted:
        return None
    cause, most = counted.most_common(1)[0]
    return cause if 2 * most > counted.total() else Cause.MIXED
