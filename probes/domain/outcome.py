"""How a probe ended, and whose fault that is. Pure vocabulary; the mapping from wire errors lives in prober.

Fault        Outcomes
none         ok
answer       content_filtered reasoning_only                     (endpoint up, answer unusable)
provider     server_error server_timeout overloaded first_token_timeout stalled total_timeout
             stream_error truncated_stream connection_reset not_sse bad_payload empty_response wrong_answer
throttling   rate_limited
ours         auth permission quota_exhausted bad_request model_not_found internal
network      dns_error connect_refused connect_timeout connect_error tls_error
not_run      missed skipped
"""

from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """Who has to act."""

    NONE = "none"
    ANSWER = "answer"
    PROVIDER = "provider"
    THROTTLING = "throttling"
    OURS = "ours"
    NETWORK = "network"
    NOT_RUN = "not_run"


class Outcome(StrEnum):
    OK = "ok"
    CONTENT_FILTERED = "content_filtered"
    REASONING_ONLY = "reasoning_only"
    SERVER_ERROR = "server_error"
    SERVER_TIMEOUT = "server_timeout"
    OVERLOADED = "overloaded"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    STALLED = "stalled"
    TOTAL_TIMEOUT = "total_timeout"
    STREAM_ERROR = "stream_error"
    TRUNCATED_STREAM = "truncated_stream"
    CONNECTION_RESET = "connection_reset"
    NOT_SSE = "not_sse"
    BAD_PAYLOAD = "bad_payload"
    EMPTY_RESPONSE = "empty_response"
    WRONG_ANSWER = "wrong_answer"
    RATE_LIMITED = "rate_limited"
    AUTH = "auth"
    PERMISSION = "permission"
    QUOTA_EXHAUSTED = "quota_exhausted"
    BAD_REQUEST = "bad_request"
    MODEL_NOT_FOUND = "model_not_found"
    DNS_ERROR = "dns_error"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_ERROR = "connect_error"
    TLS_ERROR = "tls_error"
    INTERNAL = "internal"
    MISSED = "missed"
    SKIPPED = "skipped"

    @property
    def fault(self) -> Fault:
        return FAULTS[self]

    @property
    def is_up(self) -> bool:
        """The endpoint answered a well-formed stream, even where the answer is of no use."""
        return self.fault in (Fault.NONE, Fault.ANSWER)

    @property
    def counts_against_availability(self) -> bool:
        """Network faults count as the provider's as long as no control check says that it is our network."""
        return self.fault in (Fault.PROVIDER, Fault.NETWORK)


_BY_FAULT: Final[dict[Fault, tuple[Outcome, ...]]] = {
    Fault.NONE: (Outcome.OK,),
    Fault.ANSWER: (Outcome.CONTENT_FILTERED, Outcome.REASONING_ONLY),
    Fault.PROVIDER: (
        Outcome.SERVER_ERROR,
        Outcome.SERVER_TIMEOUT,
        Outcome.OVERLOADED,
        Outcome.FIRST_TOKEN_TIMEOUT,
        Outcome.STALLED,
        Outcome.TOTAL_TIMEOUT,
        Outcome.STREAM_ERROR,
        Outcome.TRUNCATED_STREAM,
        Outcome.CONNECTION_RESET,
        Outcome.NOT_SSE,
        Outcome.BAD_PAYLOAD,
        Outcome.EMPTY_RESPONSE,
        Outcome.WRONG_ANSWER,
    ),
    Fault.THROTTLING: (Outcome.RATE_LIMITED,),
    Fault.OURS: (
        Outcome.AUTH,
        Outcome.PERMISSION,
        Outcome.QUOTA_EXHAUSTED,
        Outcome.BAD_REQUEST,
        Outcome.MODEL_NOT_FOUND,
        Outcome.INTERNAL,
    ),
    Fault.NETWORK: (
        Outcome.DNS_ERROR,
        Outcome.CONNECT_REFUSED,
        Outcome.CONNECT_TIMEOUT,
        Outcome.CONNECT_ERROR,
        Outcome.TLS_ERROR,
    ),
    Fault.NOT_RUN: (Outcome.MISSED, Outcome.SKIPPED),
}

FAULTS: Final[dict[Outcome, Fault]] = {
    outcome: fault for fault, outcomes in _BY_FAULT.items() for outcome in outcomes
}
