"""What the operator can do about a failed probe, in one sentence; nothing is promised that only the provider can do."""

from typing import Final

from probes.domain.outcome import Outcome

_WAIT: Final = "The provider's side: try again later; its status page may know more."
_SERVER: Final = "Check that base_url and protocol name the right API; else it is the provider's side."

CURES: Final[dict[Outcome, str]] = {
    Outcome.CONTENT_FILTERED: "A filter withheld the answer: set another `prompt` for this model.",
    Outcome.REASONING_ONLY: "It thought up to the limit: raise `max_tokens` for this model.",
    Outcome.SERVER_ERROR: _WAIT,
    Outcome.SERVER_TIMEOUT: _WAIT,
    Outcome.OVERLOADED: _WAIT,
    Outcome.FIRST_TOKEN_TIMEOUT: "Wait longer with `deadlines.first_token`, if it is known to be slow.",
    Outcome.STALLED: "Wait longer with `deadlines.stall`, if it is known to pause.",
    Outcome.TOTAL_TIMEOUT: "Lower `max_tokens`, or wait longer with `deadlines.total`.",
    Outcome.STREAM_ERROR: _WAIT,
    Outcome.TRUNCATED_STREAM: "The stream had no end: a proxy between may cut it; else the provider's side.",
    Outcome.CONNECTION_RESET: "The line broke: look at proxies and firewalls between; else the provider's side.",
    Outcome.NOT_SSE: _SERVER,
    Outcome.BAD_PAYLOAD: _SERVER,
    Outcome.EMPTY_RESPONSE: "It said nothing: raise `max_tokens`, or check that the model writes text.",
    Outcome.WRONG_ANSWER: "It did not count: check which model answers (`served_model`), or set a `prompt`.",
    Outcome.RATE_LIMITED: "Probe less often (`--every`, `interval`), or have the limit raised.",
    Outcome.AUTH: "Check the client's `api_key`, and that the account has funds.",
    Outcome.PERMISSION: "Let this key use the model, or take another key.",
    Outcome.QUOTA_EXHAUSTED: "Top up the account, or raise its spending limit.",
    Outcome.BAD_REQUEST: "Leave out what it refuses: `token_parameter`, `include_usage`, `temperature`, `extra_body`.",
    Outcome.MODEL_NOT_FOUND: "Check the model's name; it may be retired.",
    Outcome.DNS_ERROR: "Check the host in `base_url`, and this machine's name server.",
    Outcome.CONNECT_REFUSED: "Nothing listens there: start the server, or check the port in `base_url`.",
    Outcome.CONNECT_TIMEOUT: "Check the network, a firewall, and whether a `proxy` is needed.",
    Outcome.CONNECT_ERROR: "Check the network, a firewall, and whether a `proxy` is needed.",
    Outcome.TLS_ERROR: "Check the host in `base_url`; a private authority goes into SSL_CERT_FILE.",
    Outcome.INTERNAL: "A fault of this program: please report it with the log.",
    Outcome.MISSED: "This host was too busy to probe in time.",
    Outcome.SKIPPED: "Left out on purpose.",
}
