"""Each named scenario does on the wire what its name says, on both protocols."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from probes.simulator import RunningSimulator, list_scenarios, serve_in_thread

from .wire import (
    ANTHROPIC,
    COMPLETE,
    EOF,
    OPENAI,
    PROTOCOLS,
    RESET,
    SILENCE,
    Exchange,
    exchange,
    request_body,
)

COUNT = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
Check = Callable[[Exchange], None]


def seconds_of_first(found: Exchange, needle: bytes) -> float:
    """When the read came that completed the first occurrence."""
    seen = b""
    for seconds, data in found.reads:
        seen += data
        if needle in seen:
            return seconds
    raise AssertionError(f"{needle!r} never came")


def is_orderly(found: Exchange) -> None:
    assert (found.status, found.end) == (200, COMPLETE)
    assert found.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert found.is_whole
    assert found.has_terminal


def counts(found: Exchange) -> None:
    is_orderly(found)
    assert found.said() == COUNT
    assert found.finish == ("length" if found.protocol == OPENAI else "max_tokens")


def first_token_after(seconds: float) -> Check:
    def check(found: Exchange) -> None:
        counts(found)
        assert seconds_of_first(found, b'"one"') >= seconds

    return check


def finishes(openai: str, anthropic: str, text: str | None = None) -> Check:
    def check(found: Exchange) -> None:
        is_orderly(found)
        assert found.finish == (openai if found.protocol == OPENAI else anthropic)
        if text is not None:
            assert found.said() == text

    return check


def headers_are_late(found: Exchange) -> None:
    counts(found)
    assert found.reads[0][0] >= 0.4


def has_no_role_frame(found: Exchange) -> None:
    counts(found) if found.protocol == ANTHROPIC else is_orderly(found)
    assert found.payloads[0].get("choices", [{}])[0].get("delta", {}) == (
        {"content": "one"} if found.protocol == OPENAI else {}
    )
    assert "message_start" not in [name for name, _ in found.events]


def role_comes_with_text(found: Exchange) -> None:
    counts(found)
    if found.protocol == OPENAI:
        assert found.payloads[0]["choices"][0]["delta"] == {"role": "assistant", "content": "one"}


def reasons_first(found: Exchange) -> None:
    is_orderly(found)
    assert [kind for kind, _ in found.deltas()] == ["reasoning"] * 8 + ["text"] * 8
    assert found.said() == " ".join(COUNT.split()[:8])


def reasoning_field_is_named(name: str) -> Check:
    def check(found: Exchange) -> None:
        reasons_first(found)
        expected = f'"{name}":"' if found.protocol == OPENAI else '"thinking":"'
        assert expected in found.body.decode()

    return check


def only_reasons(found: Exchange) -> None:
    finishes("length", "max_tokens", "")(found)
    assert len(found.deltas()) == 16


def hides_reasoning(found: Exchange) -> None:
    is_orderly(found)
    assert {kind for kind, _ in found.deltas()} == {"text"}
    usage = found.usages[-1]
    if found.protocol == OPENAI:
        assert usage["completion_tokens_details"]["reasoning_tokens"] == 16
        assert usage["completion_tokens"] == 20
    else:
        assert usage["output_tokens_details"]["thinking_tokens"] == 16
        assert usage["output_tokens"] == 20


def refuses(found: Exchange) -> None:
    finishes("stop", "refusal")(found)
    assert found.said("refusal" if found.protocol == OPENAI else "text") == "I cannot help with that."


def calls_a_tool(found: Exchange) -> None:
    finishes("tool_calls", "tool_use", "")(found)
    assert json.loads(found.said("tool"))["words"].startswith("one two")


def answers_wrong(found: Exchange) -> None:
    is_orderly(found)
    assert found.said().startswith("banana purple the")


def serves(field_name: str, value: str) -> Check:
    def check(found: Exchange) -> None:
        counts(found)
        first = found.payloads[0]
        carrier = first if found.protocol == OPENAI else first["message"]
        if found.protocol == OPENAI or field_name == "model":
            assert carrier[field_name] == value

    return check


def counts_cached_input(found: Exchange) -> None:
    counts(found)
    usage = found.usages[-1]
    if found.protocol == OPENAI:
        assert usage["prompt_tokens_details"]["cached_tokens"] == 16
        assert usage["prompt_tokens"] >= 16
    else:
        assert usage["cache_read_input_tokens"] == 16
        assert usage["input_tokens"] == 0


def output_tokens(found: Exchange) -> list[int | None]:
    key = "completion_tokens" if found.protocol == OPENAI else "output_tokens"
    return [None if usage is None else usage[key] for usage in found.usages]


def has_no_usage(found: Exchange) -> None:
    counts(found)
    assert found.usages == []


def usage_comes_early(found: Exchange) -> None:
    counts(found)
    seen = [value for value in output_tokens(found) if value is not None]
    assert seen == [16]
    carrier = next(data for _, data in found.events if '"usage":{' in data)
    assert found.body.index(carrier.encode()) < found.body.index(b'"one"')


def usage_grows(found: Exchange) -> None:
    counts(found)
    seen = [value for value in output_tokens(found) if value is not None]
    assert seen == sorted(seen)
    assert len(seen) >= 3
    assert seen[-1] == 16


def usage_is_zero(found: Exchange) -> None:
    counts(found)
    assert {value for value in output_tokens(found) if value is not None} == {0}


def usage_is_on_choices(found: Exchange) -> None:
    counts(found)
    carriers = [payload for payload in found.payloads if payload.get("usage")]
    assert len(carriers) == 1
    assert output_tokens(found)[-1] == 16
    if found.protocol == OPENAI:
        assert carriers[0]["choices"][0]["finish_reason"] == "length"


def usage_becomes_null(found: Exchange) -> None:
    counts(found)
    assert output_tokens(found)[-2:] == [16, None]


def has_no_limit_headers(found: Exchange) -> None:
    counts(found)
    assert not [name for name in found.headers if "ratelimit" in name]


def resets_are_seconds(found: Exchange) -> None:
    counts(found)
    resets = [value for name, value in found.headers.items() if "ratelimit" in name and "reset" in name]
    assert sorted(resets) == ["0.12", "6"]


def body_has(needle: bytes, *, without: bytes | None = None) -> Check:
    def check(found: Exchange) -> None:
        counts(found)
        assert needle in found.body
        assert without is None or without not in found.body

    return check


def has_crlf_only(found: Exchange) -> None:
    counts(found)
    assert found.body.count(b"\n") == found.body.count(b"\r\n") == found.body.count(b"\r") > 16


def is_multiline(found: Exchange) -> None:
    counts(found)
    assert found.body.count(b',\ndata: "') >= 16


def starts_with_bom(found: Exchange) -> None:
    counts(found)
    assert found.body.startswith(b"\xef\xbb\xbf")


def first_token_shares_its_write(found: Exchange) -> None:
    counts(found)
    first = found.chunks[0]
    assert first.count(b"data: ") == 4
    assert b'"one"' in first


def one_event_comes_in_bytes(found: Exchange) -> None:
    counts(found)
    single = b"".join(chunk for chunk in found.chunks if len(chunk) == 1)
    assert b'"one"' in single
    assert single.count(b"data: ") == 1
    assert len(single) > 100


def cuts_a_character(*, over_chunks: bool) -> Check:
    def check(found: Exchange) -> None:
        is_orderly(found)
        assert found.said().split() == COUNT.split()
        pieces = found.chunks if over_chunks else [data for _, data in found.reads]
        assert any(not is_utf8(piece) for piece in pieces)
        assert over_chunks or all(is_utf8(chunk) for chunk in found.chunks)

    return check


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def has_a_huge_event(found: Exchange) -> None:
    is_orderly(found)
    assert max(map(len, found.chunks)) > 1 << 20


def says(*needles: str) -> Check:
    def check(found: Exchange) -> None:
        is_orderly(found)
        for needle in needles:
            assert needle in found.said()

    return check


def names_are_hostile(found: Exchange) -> None:
    counts(found)
    assert b"<script>alert(1)</script>" in found.body


def fails(status: int, openai_code: str | None = None, anthropic_type: str | None = None) -> Check:
    def check(found: Exchange) -> None:
        assert (found.status, found.end) == (status, COMPLETE)
        if openai_code is None and anthropic_type is None:
            return
        error = found.json["error"]
        if found.protocol == OPENAI:
            assert openai_code in {error["code"], error["type"]}
        else:
            assert (found.json["type"], error["type"]) == ("error", anthropic_type)

    return check


def fails_with(status: int, content_type: str, needle: bytes) -> Check:
    def check(found: Exchange) -> None:
        fails(status)(found)
        assert found.headers["content-type"].startswith(content_type)
        assert needle in found.body

    return check


def retry_after(pattern: str, name: str = "retry-after") -> Check:
    def check(found: Exchange) -> None:
        fails(429, "rate_limit_exceeded", "rate_limit_error")(found)
        assert re.fullmatch(pattern, found.headers[name])

    return check


def has_no_retry_after(found: Exchange) -> None:
    fails(429, "rate_limit_exceeded", "rate_limit_error")(found)
    assert "retry-after" not in found.headers
    remaining = [value for name, value in found.headers.items() if "remaining" in name and "requests" in name]
    remaining += [value for name, value in found.headers.items() if name.endswith("requests-remaining")]
    assert set(remaining) == {"0"}


def is_a_page_with_200(found: Exchange) -> None:
    assert (found.status, found.end) == (200, COMPLETE)
    assert found.headers["content-type"].startswith("text/html")


def is_a_json_error_with_200(found: Exchange) -> None:
    assert (found.status, found.end) == (200, COMPLETE)
    assert found.headers["content-type"] == "application/json"
    assert "message" in found.json["error"]


def is_a_json_answer(found: Exchange) -> None:
    assert (found.status, found.end) == (200, COMPLETE)
    assert found.headers["content-type"] == "application/json"
    assert COUNT in found.body.decode()


def is_an_empty_event_stream(found: Exchange) -> None:
    assert (found.status, found.end, found.body) == (200, COMPLETE, b"")
    assert found.headers["content-type"].startswith("text/event-stream")


def has_no_token(found: Exchange) -> None:
    is_orderly(found)
    assert found.deltas() == []
    assert found.finish is not None


def sends_nothing(end: str) -> Check:
    def check(found: Exchange) -> None:
        assert (found.raw, found.end) == (b"", end)

    return check


def speaks_no_http(found: Exchange) -> None:
    assert (found.raw, found.end) == (b"SSH-2.0-simulated\r\n", EOF)


def only_headers_come(found: Exchange) -> None:
    assert (found.status, found.end, found.body) == (200, SILENCE, b"")


def no_token_comes(found: Exchange) -> None:
    assert (found.status, found.end) == (200, SILENCE)
    assert found.events
    assert found.deltas() == []


def three_tokens_then(end: str) -> Check:
    def check(found: Exchange) -> None:
        assert (found.status, found.end, found.said()) == (200, end, "one two three")
        assert not found.has_terminal
        assert found.is_whole == (end == COMPLETE)

    return check


def keeps_alive_with(openai: bytes, anthropic: bytes, before: Check) -> Check:
    def check(found: Exchange) -> None:
        before(found)
        assert found.body.count(openai if found.protocol == OPENAI else anthropic) >= 2

    return check


def resumes(found: Exchange) -> None:
    counts(found)
    assert seconds_of_first(found, b'" four"') >= 0.05 + 3 * 0.01 + 0.5


def trickles(found: Exchange) -> None:
    assert (found.status, found.end) == (200, SILENCE)
    assert found.said().split() == COUNT.split()[: len(found.said().split())]
    assert not found.has_terminal


def lacks_terminal(found: Exchange) -> None:
    assert (found.status, found.end, found.is_whole) == (200, COMPLETE, True)
    assert found.finish in {"stop", "end_turn"}
    assert not found.has_terminal


def lacks_finish(found: Exchange) -> None:
    is_orderly(found)
    assert found.finish is None


def error_event(openai_type: str, anthropic_type: str, text: str = "one two three") -> Check:
    def check(found: Exchange) -> None:
        assert (found.status, found.end, found.said()) == (200, COMPLETE, text)
        name, data = found.events[-1]
        error = json.loads(data)["error"]
        if found.protocol == OPENAI:
            assert (name, error["type"]) == (None, openai_type)
        else:
            assert (name, error["type"]) == ("error", anthropic_type)

    return check


def one_payload_is_no_json(found: Exchange) -> None:
    is_orderly(found)
    terminal = 1 if found.protocol == OPENAI else 0
    assert len(found.events) - len(found.payloads) == 1 + terminal
    assert "three five" in found.said()


def has_invalid_utf8(found: Exchange) -> None:
    is_orderly(found)
    assert b"four\xff\xfe" in found.body


def is_ok_or_500(found: Exchange) -> None:
    (counts if found.status == 200 else fails(500, "server_error", "api_error"))(found)


@dataclass
class Row:
    """What to ask and what must hold; `suffix` shortens waits."""

    check: Check
    suffix: str = ""
    changes: dict[str, object] = field(default_factory=dict)
    total_seconds: float = 8.0
    patience_seconds: float = 2.0


LIMITED = fails(429, "rate_limit_exceeded", "rate_limit_error")
OVERLOADED = ("overloaded_error", "overloaded_error")
QUIET = {"patience_seconds": 0.4}
BRIEF = {"total_seconds": 0.9}

TABLE: dict[str, Row] = {
    "ok": Row(first_token_after(0.04)),
    "fast": Row(counts),
    "slow": Row(first_token_after(0.95), ";gap=0.01"),
    "slow-first-token": Row(first_token_after(0.4), ";ttft=0.45"),
    "slow-headers": Row(headers_are_late, ";header_delay=0.45"),
    "short": Row(finishes("stop", "end_turn", " ".join(COUNT.split()[:8]))),
    "role-with-text": Row(role_comes_with_text),
    "no-role": Row(has_no_role_frame),
    "reasoning": Row(reasoning_field_is_named("reasoning_content")),
    "reasoning-field": Row(reasoning_field_is_named("reasoning")),
    "hidden-reasoning": Row(hides_reasoning, changes={"max_tokens": 20}),
    "reasoning-only": Row(only_reasons),
    "refusal": Row(refuses),
    "content-filter": Row(finishes("content_filter", "refusal", "one two three four")),
    "content-filter-empty": Row(finishes("content_filter", "refusal", "")),
    "tool-call": Row(calls_a_tool),
    "wrong-answer": Row(answers_wrong),
    "served-model": Row(serves("model", "other-model-2")),
    "fingerprint": Row(serves("system_fingerprint", "fp_changed")),
    "cached": Row(counts_cached_input),
    "usage-missing": Row(has_no_usage),
    "usage-early": Row(usage_comes_early),
    "usage-repeated": Row(usage_grows),
    "usage-zero": Row(usage_is_zero),
    "usage-on-choices": Row(usage_is_on_choices),
    "usage-then-null": Row(usage_becomes_null),
    "no-rate-limits": Row(has_no_limit_headers),
    "resets-in-seconds": Row(resets_are_seconds),
    "crlf": Row(has_crlf_only),
    "cr": Row(body_has(b"\r\r", without=b"\n")),
    "comments": Row(body_has(b": still here\n\n")),
    "no-space": Row(body_has(b"data:{", without=b"data: ")),
    "multiline": Row(is_multiline),
    "bom": Row(starts_with_bom),
    "coalesced": Row(first_token_shares_its_write),
    "byte-by-byte": Row(one_event_comes_in_bytes),
    "split-utf8": Row(cuts_a_character(over_chunks=False)),
    "split-utf8-chunks": Row(cuts_a_character(over_chunks=True)),
    "huge-event": Row(has_a_huge_event),
    "hostile": Row(says("<script>", "\x1b[2J", "\x00", "\ud800", "w" * 100_000), changes={"max_tokens": 20}),
    "hostile-html": Row(says("<script>", "<img src=x onerror=alert(1)>")),
    "hostile-ansi": Row(says("\x1b[31m")),
    "hostile-nul": Row(says("a\x00b")),
    "hostile-surrogate": Row(says("\ud800")),
    "hostile-long-word": Row(says("w" * 100_000)),
    "hostile-names": Row(names_are_hostile),
    "hostile-error": Row(fails_with(500, "application/json", b"<script>")),
    "error-400": Row(fails(400, "invalid_request_error", "invalid_request_error")),
    "error-401": Row(fails(401, "invalid_api_key", "authentication_error")),
    "error-402": Row(fails(402, "payment_required", "billing_error")),
    "error-403": Row(fails(403, "permission_denied", "permission_error")),
    "error-404": Row(fails(404, "model_not_found", "not_found_error")),
    "error-408": Row(fails(408, "timeout", "timeout_error")),
    "error-422": Row(fails(422, "invalid_request_error", "invalid_request_error")),
    "error-429": Row(has_no_retry_after),
    "error-499": Row(fails_with(499, "text/plain", b"Simulated")),
    "error-500": Row(fails(500, "server_error", "api_error")),
    "error-502": Row(fails_with(502, "text/html", b"502 Bad Gateway")),
    "error-503": Row(fails(503, *OVERLOADED)),
    "error-504": Row(fails_with(504, "text/html", b"504 Gateway")),
    "error-520": Row(fails_with(520, "text/plain", b"Simulated")),
    "error-529": Row(fails(529, *OVERLOADED)),
    "rate-limited": Row(retry_after("20")),
    "rate-limited-rfc3339": Row(retry_after(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")),
    "rate-limited-duration": Row(retry_after("6m0s")),
    "rate-limited-date": Row(retry_after(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")),
    "rate-limited-ms": Row(retry_after("20000", "retry-after-ms")),
    "insufficient-quota": Row(fails(429, "insufficient_quota", "insufficient_quota")),
    "spend-limit": Row(fails(429, "billing_hard_limit_reached", "rate_limit_error")),
    "credit-too-low": Row(fails(400, "billing_hard_limit_reached", "invalid_request_error")),
    "bare-401": Row(fails_with(401, "application/json", b'{"detail":"Unauthorized"}')),
    "echoes-key": Row(fails(401, "invalid_api_key", "authentication_error")),
    "content-filter-400": Row(fails(400, "content_filter", "invalid_request_error")),
    "overloaded-as-500": Row(fails(500, *OVERLOADED)),
    "rate-limit-as-503": Row(fails(503, "rate_limit_exceeded", "rate_limit_error")),
    "error-500-html": Row(fails_with(500, "text/html", b"<h1>500 Internal Server Error</h1>")),
    "error-500-text": Row(fails_with(500, "text/plain", b"Simulated internal error.")),
    "error-500-empty": Row(fails_with(500, "text/plain", b"")),
    "error-500-string": Row(fails_with(500, "application/json", b'{"error":"Simulated internal error."}')),
    "error-500-detail": Row(fails_with(500, "application/json", b'{"detail":"Internal Server Error"}')),
    "error-500-gemini": Row(fails_with(500, "application/json", b'[{"error":{"code":500,')),
    "error-500-openrouter": Row(fails_with(500, "application/json", b'{"error":{"code":500,')),
    "refuses-stream-options": Row(
        fails(400, "unsupported_parameter", "invalid_request_error"),
        changes={"stream_options": {"include_usage": True}},
    ),
    "refuses-max-tokens": Row(fails_with(400, "application/json", b"max_completion_tokens")),
    "refuses-temperature": Row(
        fails_with(400, "application/json", b"'temperature'"), changes={"temperature": 0}
    ),
    "minimum-tokens": Row(
        fails_with(400, "application/json", b"minimum value of 16"), changes={"max_tokens": 1}
    ),
    "json-error-200": Row(is_a_json_error_with_200),
    "html-200": Row(is_a_page_with_200),
    "json-answer": Row(is_a_json_answer),
    "empty-body": Row(is_an_empty_event_stream),
    "empty-stream": Row(has_no_token),
    "never-answers": Row(sends_nothing(SILENCE), **QUIET),
    "closed-at-once": Row(sends_nothing(EOF)),
    "reset-at-once": Row(sends_nothing(RESET)),
    "not-http": Row(speaks_no_http),
    "headers-then-silence": Row(only_headers_come, **QUIET),
    "no-first-token": Row(no_token_comes, **QUIET),
    "no-first-token-pings": Row(
        keeps_alive_with(b": keep-alive", b'{"type":"ping"}', no_token_comes), **BRIEF
    ),
    "stalled": Row(three_tokens_then(SILENCE), **QUIET),
    "stalled-pings": Row(
        keeps_alive_with(b": keep-alive", b'{"type":"ping"}', three_tokens_then(SILENCE)), **BRIEF
    ),
    "stalled-comments": Row(
        keeps_alive_with(b": keep-alive", b": keep-alive", three_tokens_then(SILENCE)), **BRIEF
    ),
    "stalled-empty": Row(
        keeps_alive_with(b'{"content":""}', b'"text":""}', three_tokens_then(SILENCE)), **BRIEF
    ),
    "stall-recovers": Row(resumes),
    "trickle": Row(trickles, ";gap=0.2", **BRIEF),
    "reset": Row(three_tokens_then(RESET)),
    "cut": Row(three_tokens_then(EOF)),
    "truncated": Row(three_tokens_then(COMPLETE)),
    "no-terminal": Row(lacks_terminal),
    "no-finish": Row(lacks_finish),
    "stream-error": Row(error_event("server_error", "api_error")),
    "stream-error-first": Row(error_event("server_error", "api_error", "")),
    "stream-overloaded": Row(error_event("server_error", "overloaded_error")),
    "stream-rate-limited": Row(error_event("requests", "rate_limit_error")),
    "stream-quota": Row(error_event("insufficient_quota", "insufficient_quota")),
    "invalid-json": Row(one_payload_is_no_json),
    "invalid-utf8": Row(has_invalid_utf8),
    "500-500-200": Row(fails(500, "server_error", "api_error")),
    "500-500-200-connection": Row(fails(500, "server_error", "api_error")),
    "flaky": Row(is_ok_or_500),
}


class Exchanges:
    """All rows of the table asked at once, since most of their time is waiting."""

    def __init__(self, simulator: RunningSimulator, pool: ThreadPoolExecutor) -> None:
        self._futures: dict[tuple[str, str], Future[Exchange]] = {
            (name, protocol): pool.submit(self._ask, simulator.port, name, row, protocol)
            for protocol in PROTOCOLS
            for name, row in TABLE.items()
        }

    @staticmethod
    def _ask(port: int, name: str, row: Row, protocol: str) -> Exchange:
        usage = {"stream_options": {"include_usage": True}} if protocol == OPENAI else {}
        usage = {} if name.startswith("refuses-") else usage
        body = request_body(name + row.suffix, **usage, **row.changes)
        return exchange(port, protocol, body, row.patience_seconds, row.total_seconds)

    def of(self, name: str, protocol: str) -> Exchange:
        return self._futures[name, protocol].result()


@pytest.fixture(scope="module")
def exchanges() -> Iterator[Exchanges]:
    with serve_in_thread() as simulator, ThreadPoolExecutor(16) as pool:
        yield Exchanges(simulator, pool)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", TABLE)
def test_scenario_does_what_its_name_says(exchanges: Exchanges, name: str, protocol: str) -> None:
    TABLE[name].check(exchanges.of(name, protocol))


def test_the_table_knows_every_scenario() -> None:
    assert set(TABLE) == {name for name, _ in list_scenarios()}
