"""From an exception to an outcome: one table per foreign library, looked up along the class's own ancestry.

The chain of causes is walked to its leaf, because SDKs wrap what the transport said, each in another way. Classes
are named, not imported: the SDKs are heavy, and a probe of one must not load the other.
"""

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import httpx2

from probes.domain.outcome import Outcome
from probes.prober.error_bodies import error_of_body, outcome_of_response
from probes.prober.events import UpstreamError
from probes.prober.stamps import Journal, Step


class Rule(StrEnum):
    """How a class is read where its name alone does not decide."""

    RESPONSE = "response"  # by the HTTP response that it carries
    STEP = "step"  # by what the connection was busy with
    PROTOCOL = "protocol"  # cut short if the connection ended, else not the protocol it should be


@dataclass(frozen=True, slots=True)
class Failure:
    """How an attempt failed, in raw words that are not fit to be kept yet."""

    outcome: Outcome
    text: str
    retry_delay: str | None = None  # the wait that the error's body names, as written


OPENAI: Final[Mapping[str, Outcome | Rule]] = {
    "APIStatusError": Rule.RESPONSE,
    "BadRequestError": Rule.RESPONSE,
    "AuthenticationError": Rule.RESPONSE,
    "OAuthError": Rule.RESPONSE,
    "PermissionDeniedError": Rule.RESPONSE,
    "NotFoundError": Rule.RESPONSE,
    "ConflictError": Rule.RESPONSE,
    "UnprocessableEntityError": Rule.RESPONSE,
    "RateLimitError": Rule.RESPONSE,
    "InternalServerError": Rule.RESPONSE,
    "APITimeoutError": Outcome.TOTAL_TIMEOUT,
    "APIConnectionError": Rule.STEP,
    "APIResponseValidationError": Outcome.BAD_PAYLOAD,
    "APIError": Outcome.STREAM_ERROR,
    "ContentFilterFinishReasonError": Outcome.CONTENT_FILTERED,
    "LengthFinishReasonError": Outcome.INTERNAL,
    "InvalidWebhookSignatureError": Outcome.INTERNAL,
    "MutuallyExclusiveAuthError": Outcome.INTERNAL,
    "SubjectTokenProviderError": Outcome.INTERNAL,
    "WebSocketConnectionClosedError": Outcome.INTERNAL,
    "WebSocketQueueFullError": Outcome.INTERNAL,
    "OpenAIError": Outcome.BAD_REQUEST,
}
ANTHROPIC: Final[Mapping[str, Outcome | Rule]] = {
    "APIStatusError": Rule.RESPONSE,
    "BadRequestError": Rule.RESPONSE,
    "AuthenticationError": Rule.RESPONSE,
    "PaymentRequiredError": Rule.RESPONSE,
    "PermissionDeniedError": Rule.RESPONSE,
    "NotFoundError": Rule.RESPONSE,
    "RequestTimeoutError": Rule.RESPONSE,
    "ConflictError": Rule.RESPONSE,
    "PreconditionFailedError": Rule.RESPONSE,
    "ContentTooLargeError": Rule.RESPONSE,
    "UnprocessableEntityError": Rule.RESPONSE,
    "RateLimitError": Rule.RESPONSE,
    "RequestHeaderFieldsTooLargeError": Rule.RESPONSE,
    "ClientClosedRequestError": Rule.RESPONSE,
    "InternalServerError": Rule.RESPONSE,
    "HTTPNotImplementedError": Rule.RESPONSE,
    "ServiceUnavailableError": Rule.RESPONSE,
    "GatewayTimeoutError": Rule.RESPONSE,
    "OverloadedError": Rule.RESPONSE,
    "APITimeoutError": Outcome.TOTAL_TIMEOUT,
    "APIConnectionError": Rule.STEP,
    "APIResponseValidationError": Outcome.BAD_PAYLOAD,
    "APIWebhookValidationError": Outcome.INTERNAL,
    "APIError": Outcome.STREAM_ERROR,
    "RetryableError": Outcome.INTERNAL,
    "IdentityTokenFileError": Outcome.AUTH,
    "WorkloadIdentityError": Outcome.AUTH,
    "CredentialsError": Outcome.AUTH,
    "AnthropicError": Outcome.BAD_REQUEST,
}
HTTPX2: Final[Mapping[str, Outcome | Rule]] = {
    "ConnectTimeout": Outcome.CONNECT_TIMEOUT,
    "ReadTimeout": Outcome.TOTAL_TIMEOUT,
    "WriteTimeout": Outcome.TOTAL_TIMEOUT,
    "PoolTimeout": Outcome.INTERNAL,
    "TimeoutException": Outcome.TOTAL_TIMEOUT,
    "ConnectError": Rule.STEP,
    "ReadError": Rule.STEP,
    "WriteError": Rule.STEP,
    "CloseError": Rule.STEP,
    "NetworkError": Rule.STEP,
    "ProxyError": Outcome.CONNECT_ERROR,
    "UnsupportedProtocol": Outcome.BAD_REQUEST,
    "LocalProtocolError": Outcome.BAD_REQUEST,
    "RemoteProtocolError": Rule.PROTOCOL,
    "ProtocolError": Rule.PROTOCOL,
    "TransportError": Rule.STEP,
    "DecodingError": Outcome.BAD_PAYLOAD,
    "TooManyRedirects": Outcome.BAD_REQUEST,
    "RequestError": Rule.STEP,
    "HTTPStatusError": Rule.RESPONSE,
    "HTTPError": Rule.STEP,
    "InvalidURL": Outcome.BAD_REQUEST,
    "CookieConflict": Outcome.INTERNAL,
    "StreamConsumed": Outcome.INTERNAL,
    "StreamClosed": Outcome.INTERNAL,
    "ResponseNotRead": Outcome.INTERNAL,
    "RequestNotRead": Outcome.INTERNAL,
    "StreamError": Outcome.INTERNAL,
    "SSEError": Outcome.BAD_PAYLOAD,
}
HTTPCORE2: Final[Mapping[str, Outcome | Rule]] = {
    "ConnectTimeout": Outcome.CONNECT_TIMEOUT,
    "ReadTimeout": Outcome.TOTAL_TIMEOUT,
    "WriteTimeout": Outcome.TOTAL_TIMEOUT,
    "PoolTimeout": Outcome.INTERNAL,
    "TimeoutException": Outcome.TOTAL_TIMEOUT,
    "ConnectError": Rule.STEP,
    "ReadError": Rule.STEP,
    "WriteError": Rule.STEP,
    "NetworkError": Rule.STEP,
    "ProxyError": Outcome.CONNECT_ERROR,
    "UnsupportedProtocol": Outcome.BAD_REQUEST,
    "LocalProtocolError": Outcome.BAD_REQUEST,
    "RemoteProtocolError": Rule.PROTOCOL,
    "ProtocolError": Rule.PROTOCOL,
    "ConnectionNotAvailable": Outcome.INTERNAL,
}
H11: Final[Mapping[str, Outcome | Rule]] = {
    "LocalProtocolError": Outcome.BAD_REQUEST,
    "RemoteProtocolError": Rule.PROTOCOL,
    "ProtocolError": Rule.PROTOCOL,
}
STANDARD: Final[Mapping[str, Outcome | Rule]] = {  # builtins, socket and ssl
    "gaierror": Outcome.DNS_ERROR,
    "SSLError": Rule.STEP,
    "ConnectionRefusedError": Outcome.CONNECT_REFUSED,
    "TimeoutError": Outcome.CONNECT_TIMEOUT,
    "OSError": Rule.STEP,
    "UnicodeEncodeError": Outcome.BAD_REQUEST,  # a key or header that HTTP cannot carry
}
OURS: Final[Mapping[str, Outcome | Rule]] = {
    "BadPayloadError": Outcome.BAD_PAYLOAD,
    "EventTooLargeError": Outcome.BAD_PAYLOAD,
    "ReceiverLostError": Outcome.INTERNAL,
    "ResponseTooLargeError": Outcome.BAD_PAYLOAD,
    "UnsupportedProxyError": Outcome.BAD_REQUEST,
}
TABLES: Final[Mapping[str, Mapping[str, Outcome | Rule]]] = {
    "openai": OPENAI,
    "anthropic": ANTHROPIC,
    "httpx2": HTTPX2,
    "httpcore2": HTTPCORE2,
    "h11": H11,
    "builtins": STANDARD,
    "socket": STANDARD,
    "ssl": STANDARD,
    "probes": OURS,
}
_BY_STEP: Final = {
    Step.IDLE: Outcome.INTERNAL,  # nothing was tried yet
    Step.LOOKUP: Outcome.DNS_ERROR,
    Step.CONNECT: Outcome.CONNECT_ERROR,
    Step.TLS: Outcome.TLS_ERROR,
    Step.REQUEST: Outcome.CONNECTION_RESET,
}
_NOT_HTTP: Final = "the answer is not HTTP"
_OUR_SHORTAGE: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL)


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def rule_for(kind: type[BaseException]) -> Outcome | Rule | None:
    """The table's word on a class, or on its nearest ancestor that has one."""
    for ancestor in kind.__mro__:
        table = TABLES.get(ancestor.__module__.partition(".")[0], {})
        if ancestor.__name__ in table:
            return table[ancestor.__name__]
    return None


def classify(error: BaseException, journal: Journal, status: int | None = None) -> Failure:
    """What an exception of an attempt means; `status` is that of the response, if one began.

    What no table knows is our bug until somebody maps it.
    """
    links = list(chain(error))
    for link in links:
        response = getattr(link, "response", None)
        if rule_for(type(link)) is Rule.RESPONSE and isinstance(response, httpx2.Response):
            return failure_of_response(response.status_code, _body(response))
    if status is not None and status >= 400:  # the server said no; that its words broke off is secondary
        return failure_of_response(status, b"")
    for link in reversed(links):
        rule = rule_for(type(link))
        if rule is not None and rule is not Rule.RESPONSE:
            return Failure(_outcome(link, rule, journal), _text(link) if journal.is_http else _NOT_HTTP)
    return Failure(Outcome.INTERNAL, f"{type(error).__name__}: {error}")


def failure_of_response(status: int, body: bytes) -> Failure:
    """What a response with an error status means."""
    error: UpstreamError | None = error_of_body(body)
    words = (error.message or error.code or error.type) if error is not None else None
    return Failure(
        outcome_of_response(status, error),
        f"HTTP {status}: {words}" if words else f"HTTP {status}",
        error.retry_delay if error is not None else None,
    )


def _body(response: httpx2.Response) -> bytes:
    """The body, empty where reading it failed: then the status alone has to tell."""
    try:
        return response.content
    except httpx2.ResponseNotRead:
        return b""


def _outcome(link: BaseException, rule: Outcome | Rule, journal: Journal) -> Outcome:
    if isinstance(link, OSError) and link.errno in _OUR_SHORTAGE:
        return Outcome.INTERNAL
    if rule is Rule.PROTOCOL:
        return Outcome.CONNECTION_RESET if journal.saw_end and journal.is_http else Outcome.BAD_PAYLOAD
    if isinstance(link, OSError) and journal.step is Step.REQUEST:
        return Outcome.CONNECTION_RESET  # refusals and time-outs of an established connection too
    if isinstance(rule, Rule):
        return _BY_STEP[journal.step]
    return rule


def _text(link: BaseException) -> str:
    name, words = type(link).__name__, str(link)
    return f"{name}: {words}" if words else name
