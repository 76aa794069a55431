"""The English words that readers see, written out here so that a word which changes is noticed."""

from typing import Final

from probes.domain.outcome import Outcome
from probes.domain.result import Category
from probes.domain.state import State

OUTCOME_WORDS: Final = {
    Outcome.OK: "ok",
    Outcome.EMPTY_RESPONSE: "empty answer",
    Outcome.WRONG_ANSWER: "wrong answer",
    Outcome.RATE_LIMITED: "rate limited",
    Outcome.QUOTA_EXHAUSTED: "quota exhausted",
    Outcome.OVERLOADED: "overloaded",
    Outcome.AUTH: "key refused",
    Outcome.MODEL_NOT_FOUND: "model not found",
    Outcome.BAD_REQUEST: "request refused",
    Outcome.SERVER_ERROR: "server error",
    Outcome.CONNECTION_RESET: "connection reset",
    Outcome.STREAM_ERROR: "error in stream",
    Outcome.NOT_SSE: "not a stream",
    Outcome.SKIPPED: "skipped",
    Outcome.MISSED: "missed",
}
STATE_WORDS: Final = {
    State.OPERATIONAL: "Operational",
    State.DEGRADED: "Degraded",
    State.DOWN: "Down",
    State.ATTENTION: "Needs the operator",
}
CATEGORY_WORDS: Final = {
    Category.SMOOTH: "Smooth",
    Category.AVAILABLE: "Available",
    Category.CONGESTION: "Congestion",
    Category.LAGGING: "Lagging",
    Category.UNKNOWN: "Unknown",
}
