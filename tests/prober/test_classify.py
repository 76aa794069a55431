"""Every exception of every library has a meaning; body types beat statuses, most specific first."""

import errno
import itertools
import socket
import ssl
from collections.abc import Iterator
from types import ModuleType

import anthropic
import h11
import httpcore2
import httpx2
import openai
import pytest

from probes.domain.outcome import Outcome
from probes.prober.classify import TABLES, Rule, chain, classify, failure_of_response, rule_for
from probes.prober.error_bodies import error_of_body, outcome_of_error, outcome_of_response, stated_error
from probes.prober.events import BadPayloadError, UpstreamError
from probes.prober.network import ResponseTooLargeError
from probes.prober.sse import EventTooLargeError
from probes.prober.stamps import Journal, Step
from probes.prober.transport import TRANSPORT_ERRORS, UnsupportedProxyError

O = Outcome  # noqa: E741  # a table reads better narrow
REQUEST = httpx2.Request("POST", "http://upstream.example")


def exceptions_of(module: ModuleType) -> Iterator[type[Exception]]:
    for name in (name for name in dir(module) if not name.startswith("_")):
        found = getattr(module, name)
        if isinstance(found, type) and issubclass(found, Exception) and not issubclass(found, Warning):
            yield found


@pytest.mark.parametrize(
    "kind",
    [kind for module in (openai, anthropic, httpx2, httpcore2, h11) for kind in exceptions_of(module)],
    ids=lambda kind: f"{kind.__module__.partition('.')[0]}.{kind.__name__}",
)
def test_every_public_exception_of_a_library_is_mapped_by_name(kind: type[Exception]) -> None:
    table = TABLES[kind.__module__.partition(".")[0]]
    is_status = rule_for(kind) is Rule.RESPONSE  # the SDK generates one class for each error code
    assert kind.__name__ in table or is_status, f"{kind} has no row in classify.py"


def test_every_transport_exception_has_its_httpx2_twin() -> None:
    assert {theirs for theirs, _ours in TRANSPORT_ERRORS} == set(exceptions_of(httpcore2))


def test_no_row_names_a_class_that_no_longer_exists() -> None:
    for library in (httpx2, httpcore2, h11):
        known = {kind.__name__ for kind in exceptions_of(library)} | {"TransportError"}
        assert set(TABLES[library.__name__]) <= known


def journal(step: Step = Step.REQUEST, answer: bytes = b"HTTP/1.1 200", *, saw_end: bool = False) -> Journal:
    return Journal(step=step, answer_start=answer, saw_end=saw_end)


def caused(*errors: BaseException) -> BaseException:
    """The first error, with the others as its chain of causes."""
    for outer, inner in itertools.pairwise(errors):
        outer.__cause__ = inner
    return errors[0]


@pytest.mark.parametrize(
    ("error", "step", "outcome"),
    [
        (socket.gaierror(-2, "Name or service not known"), Step.LOOKUP, O.DNS_ERROR),
        (ConnectionRefusedError(111, "refused"), Step.CONNECT, O.CONNECT_REFUSED),
        (TimeoutError(110, "timed out"), Step.CONNECT, O.CONNECT_TIMEOUT),
        (OSError(101, "Network is unreachable"), Step.CONNECT, O.CONNECT_ERROR),
        (ConnectionResetError(104, "reset"), Step.CONNECT, O.CONNECT_ERROR),
        (ssl.SSLCertVerificationError(1, "self-signed"), Step.TLS, O.TLS_ERROR),
        (ConnectionResetError(104, "reset"), Step.TLS, O.TLS_ERROR),
        (ConnectionResetError(104, "reset"), Step.REQUEST, O.CONNECTION_RESET),
        (BrokenPipeError(32, "broken pipe"), Step.REQUEST, O.CONNECTION_RESET),
        (TimeoutError(110, "timed out"), Step.REQUEST, O.CONNECTION_RESET),
        (ssl.SSLError(1, "bad record mac"), Step.REQUEST, O.CONNECTION_RESET),
        (OSError(errno.EMFILE, "Too many open files"), Step.CONNECT, O.INTERNAL),
        (UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range"), Step.IDLE, O.BAD_REQUEST),
        (BadPayloadError("x"), Step.REQUEST, O.BAD_PAYLOAD),
        (EventTooLargeError("x"), Step.REQUEST, O.BAD_PAYLOAD),
        (ResponseTooLargeError("x"), Step.REQUEST, O.BAD_PAYLOAD),
        (UnsupportedProxyError("x"), Step.IDLE, O.BAD_REQUEST),
        (httpx2.ProxyError("407"), Step.REQUEST, O.CONNECT_ERROR),
        (httpx2.InvalidURL("x"), Step.IDLE, O.BAD_REQUEST),
        (h11.LocalProtocolError("illegal header value"), Step.REQUEST, O.BAD_REQUEST),
        (KeyError("our mistake"), Step.REQUEST, O.INTERNAL),
    ],
)
def test_the_leaf_tells_what_happened(error: Exception, step: Step, outcome: Outcome) -> None:
    assert classify(error, journal(step)).outcome is outcome


def test_wrappers_do_not_hide_the_leaf() -> None:
    refused = ConnectionRefusedError(111, "Connection refused")
    for sdk in (openai, anthropic):
        wrapped = caused(
            sdk.APIConnectionError(request=REQUEST),
            httpx2.ConnectError("x"),
            httpcore2.ConnectError("x"),
            refused,
        )
        failure = classify(wrapped, journal(Step.CONNECT))
        assert failure.outcome is O.CONNECT_REFUSED
        assert "Connection refused" in failure.text


def test_a_suppressed_context_is_walked_too() -> None:
    outer = httpx2.ConnectError("x")
    outer.__context__ = socket.gaierror(-2, "unknown")
    outer.__suppress_context__ = True  # the pool raises `from None`
    assert classify(outer, journal(Step.LOOKUP)).outcome is O.DNS_ERROR


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert list(chain(first)) == [first, second]


@pytest.mark.parametrize(
    ("answer", "saw_end", "outcome"),
    [
        (b"HTTP/1.1 200", True, O.CONNECTION_RESET),
        (b"", True, O.CONNECTION_RESET),
        (b"SSH-2.0-x", True, O.BAD_PAYLOAD),
        (b"HTTP/1.1 200", False, O.BAD_PAYLOAD),
    ],
)
def test_a_broken_protocol_is_a_cut_or_no_http(answer: bytes, saw_end: bool, outcome: Outcome) -> None:
    error = caused(httpx2.RemoteProtocolError("x"), h11.RemoteProtocolError("x"))
    assert classify(error, journal(answer=answer, saw_end=saw_end)).outcome is outcome


def test_an_sdk_status_error_is_read_by_its_response() -> None:
    response = httpx2.Response(429, json={"error": {"code": "insufficient_quota"}}, request=REQUEST)
    error = openai.RateLimitError("x", response=response, body=None)
    assert classify(error, journal()).outcome is O.QUOTA_EXHAUSTED


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, '{"error":{"message":"bad","type":"invalid_request_error"}}', O.BAD_REQUEST),
        (400, '{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}', O.AUTH),
        (400, '{"error":{"type":"invalid_request_error","message":"Your credit balance is low"}}', O.QUOTA_EXHAUSTED),
        (400, '{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"Invalid value"}}', O.BAD_REQUEST),
        (400, '{"error":{"code":400,"status":"FAILED_PRECONDITION","message":"Not in your region"}}', O.PERMISSION),
        (
            400,
            '[{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"API key expired. Please renew it.",'
            '"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}]',
            O.AUTH,
        ),
        (403, '{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Lacks the scope"}}', O.PERMISSION),
        (403, '{"error":{"status":"PERMISSION_DENIED","details":[{"reason":"BILLING_DISABLED"}]}}', O.QUOTA_EXHAUSTED),
        (404, '{"error":{"code":404,"status":"NOT_FOUND","message":"models/x is not found"}}', O.MODEL_NOT_FOUND),
        (404, '{"error":"model \'x\' not found"}', O.MODEL_NOT_FOUND),
        (400, '{"error":"\\"x\\" does not support thinking"}', O.BAD_REQUEST),
        (401, '{"error":"unauthorized"}', O.AUTH),
        (500, '{"error":"model requires more system memory (5.6 GiB) than is available (1.2 GiB)"}', O.SERVER_ERROR),
        (503, '{"error":"server busy, please try again. maximum pending requests exceeded"}', O.OVERLOADED),
        (401, '{"detail":"Unauthorized"}', O.AUTH),
        (401, "", O.AUTH),
        (402, "", O.QUOTA_EXHAUSTED),
        (403, '{"error":{"code":"unsupported_country_region_territory"}}', O.PERMISSION),
        (404, '{"error":{"code":"model_not_found"}}', O.MODEL_NOT_FOUND),
        (404, '{"error":{"code":"DeploymentNotFound"}}', O.MODEL_NOT_FOUND),
        (404, '{"type":"error","error":{"type":"not_found_error","message":"model: x"}}', O.MODEL_NOT_FOUND),
        (404, '{"detail":"Not Found"}', O.BAD_REQUEST),
        (404, "404 page not found", O.BAD_REQUEST),
        (404, "<html><body>Not Found</body></html>", O.BAD_REQUEST),
        (404, "", O.MODEL_NOT_FOUND),
        (302, "", O.BAD_REQUEST),
        (408, "", O.SERVER_TIMEOUT),
        (413, '{"error":{"type":"request_too_large"}}', O.BAD_REQUEST),
        (429, "", O.RATE_LIMITED),
        (429, '{"error":{"message":"Rate limit reached; add credits under billing","type":"tokens"}}', O.RATE_LIMITED),
        (429, '{"error":{"message":"You exceeded your current quota","type":"insufficient_quota"}}', O.QUOTA_EXHAUSTED),
        (429, '{"error":{"type":"rate_limit_error","message":"monthly spend limit reached"}}', O.QUOTA_EXHAUSTED),
        (429, '{"error":{"details":{"error_code":"contract_spend_limit_reached"}}}', O.QUOTA_EXHAUSTED),
        (
            429,
            '[{"error":{"status":"RESOURCE_EXHAUSTED","message":"You exceeded your quota. Please retry in 7s."}}]',
            O.RATE_LIMITED,
        ),
        (429, '{"error":{"status":"RESOURCE_EXHAUSTED","message":"Resource has been exhausted"}}', O.RATE_LIMITED),
        (
            429,
            '{"error":{"status":"RESOURCE_EXHAUSTED","message":"Your prepayment credits are depleted."}}',
            O.QUOTA_EXHAUSTED,
        ),
        (429, '{"error":"you have reached your weekly usage limit, please upgrade"}', O.QUOTA_EXHAUSTED),
        (499, '{"error":{"code":499,"status":"CANCELLED"}}', O.SERVER_ERROR),
        (500, '{"error":{"code":500,"status":"INTERNAL"}}', O.SERVER_ERROR),
        (503, '{"error":{"code":503,"status":"UNAVAILABLE","message":"The model is overloaded."}}', O.OVERLOADED),
        (504, '{"error":{"code":504,"status":"DEADLINE_EXCEEDED"}}', O.SERVER_TIMEOUT),
        (499, "", O.SERVER_ERROR),
        (500, '{"error":{"type":"overloaded_error"}}', O.OVERLOADED),
        (500, "<html>oops</html>", O.SERVER_ERROR),
        (501, "", O.SERVER_ERROR),
        (503, "", O.OVERLOADED),
        (503, '{"error":{"type":"rate_limit_error"}}', O.RATE_LIMITED),
        (504, "", O.SERVER_TIMEOUT),
        (524, "", O.SERVER_TIMEOUT),
        (529, "", O.OVERLOADED),
        (418, "", O.BAD_REQUEST),
        (400, '{"error":{"message":"filtered due to the content management policy"}}', O.CONTENT_FILTERED),
    ],
)  # fmt: skip
def test_the_body_beats_the_status(status: int, body: str, outcome: Outcome) -> None:
    assert failure_of_response(status, body.encode()).outcome is outcome


def test_every_error_status_has_an_outcome_that_is_no_success() -> None:
    for status in range(300, 600):
        assert outcome_of_response(status, None) not in (O.OK, O.INTERNAL)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (UpstreamError(code="overloaded_error"), O.OVERLOADED),
        (UpstreamError(type="api_error", message="Internal server error"), None),
        (UpstreamError(code="502", message="Provider returned error"), None),
        (UpstreamError(code="429", message="Provider returned error"), O.RATE_LIMITED),
        (UpstreamError(code="Throttling.RateQuota"), O.RATE_LIMITED),
        (UpstreamError("503", "UNAVAILABLE", "The model is overloaded."), O.OVERLOADED),
        (UpstreamError("500", "INTERNAL", "An internal error has occurred."), None),
        (UpstreamError("400", message="the output was flagged as unsafe"), O.CONTENT_FILTERED),
        (UpstreamError(), None),
    ],
)
def test_an_error_event_is_read_by_its_own_words(error: UpstreamError, outcome: Outcome | None) -> None:
    assert outcome_of_error(error) is outcome


def test_an_error_page_is_shown_by_its_words() -> None:
    page = b"<html><head><style>p{}</style></head><body><h1>502 Bad Gateway</h1><script>x()</script></body></html>"
    assert error_of_body(page) == UpstreamError(message="502 Bad Gateway")
    assert error_of_body(b"  ") is None
    assert error_of_body(b"\xff\xfe") == UpstreamError(message="\ufffd\ufffd")


def test_only_a_stated_error_counts_beside_a_good_status() -> None:
    assert stated_error(b'{"error":{"code":"insufficient_quota"}}') == UpstreamError("insufficient_quota")
    assert stated_error(b'{"id":"x","choices":[]}') is None
    assert stated_error(b'{"message":"credit balance"}') is None
    assert stated_error(b"<html>credit balance</html>") is None
