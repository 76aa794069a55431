"""One probe from end to end: every field as the methodology says, no exception, nothing left behind."""

import asyncio
import contextlib
import gc
import itertools
import json
import socket
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from probes.clock import SystemClock
from probes.domain.outcome import Fault, Outcome
from probes.domain.result import Category, Observer, Phase, ProbeResult, Quality, Slot, Trigger
from probes.domain.target import Deadlines, Prices, Protocol
from probes.log import Redactor
from probes.prober import Prober
from probes.prober.prompts import PROMPT_VERSION
from probes.simulator import RunningSimulator
from tests.prober.asking import (
    ANTHROPIC,
    CHAT_STREAM,
    KEY,
    OPENAI,
    RESPONSES,
    CannedServer,
    RunningProber,
    a_target,
    response,
    running_prober,
    says,
    serving,
    slot_of,
)
from tests.waiting import wait_until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def chat(content: str) -> bytes:
    return (
        b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": content}}]}).encode() + b"\n\n"
    )


# The record.


def test_a_good_probe_fills_its_record(prober: RunningProber, truth_url: str) -> None:
    target = a_target(truth_url, "t80-g10-n12-record", max_tokens=12, prices=Prices(1.0, 5.0))
    due_at = datetime.now(UTC) - timedelta(seconds=3)
    slot = Slot(target.id, due_at, Trigger.MANUAL, "request-1")
    result = prober.run(prober.prober.probe(target, slot, in_flight=7))
    assert result.id == slot.result_id("here")
    assert (result.target, result.provider, result.client, result.model) == (
        target.id,
        "acme",
        "main",
        target.model,
    )
    assert (result.location, result.agent, result.trigger) == ("here", "here@test", Trigger.MANUAL)
    assert (result.outcome, result.fault, result.phase) == (Outcome.OK, Fault.NONE, Phase.END)
    assert (result.category, result.error) == (Category.SMOOTH, None)
    assert result.sdk_version is not None
    assert result.sdk_version.startswith("openai ")
    assert (result.in_flight, result.prompt_version, result.max_tokens) == (7, PROMPT_VERSION, 12)
    assert (result.spec_version, result.http_status, result.content_type) == (
        "spec-1",
        200,
        "text/event-stream",
    )
    assert (result.output_tokens, result.input_tokens, result.chunks) == (12, 10, 12)
    assert (result.tokens_source, result.finish_reason) == ("usage", "length")
    assert (result.answer_ok, result.served_model, result.request_id) == (True, "truth", "truth")
    assert result.cost == pytest.approx((10 * 1 + 12 * 5) / 1e6)
    assert result.lag_seconds == pytest.approx((result.started_at - due_at).total_seconds())
    assert result.lag_seconds >= 3


def known(*values: float | None) -> list[float]:
    assert None not in values, values
    return [value for value in values if value is not None]


def test_the_moments_of_a_probe_are_in_order(prober: RunningProber, truth_url: str) -> None:
    result = prober.probe(a_target(truth_url, "t80-g10-n12-order"))
    moments = known(
        0.0,
        result.first_byte_seconds,
        result.first_event_seconds,
        result.ttft_seconds,
        result.ttft_visible_seconds,
        result.response_seconds,
    )
    assert moments == sorted(moments)
    gaps = known(0.0, result.gap_p50_seconds, result.gap_p95_seconds, result.gap_max_seconds)
    assert gaps == sorted(gaps)
    assert result.ttft_seconds is not None
    assert result.first_event_seconds is not None
    assert result.ttft_seconds > result.first_event_seconds  # the role frame is no token
    assert result.generation_seconds is not None
    assert result.tpot_seconds is not None
    assert result.generation_seconds == pytest.approx(result.tpot_seconds * 11)
    assert result.throughput == pytest.approx(1 / result.tpot_seconds)
    assert result.overhead_seconds is not None
    assert result.overhead_seconds >= 0


@pytest.mark.parametrize("protocol", [OPENAI, ANTHROPIC, RESPONSES])
def test_the_figures_follow_the_servers_schedule(
    protocol: Protocol, prober: RunningProber, truth_url: str
) -> None:
    """The server's own stamps, not a wall of milliseconds: a token cannot arrive before it was sent."""
    name = f"t150-g20-n10-truth-{protocol.value}"
    result = prober.probe(a_target(truth_url, name, protocol))
    with urllib.request.urlopen(f"{truth_url}/truth") as answer:
        sent = json.load(answer)[name]
    true_ttft = (sent["tokens_ns"][0] - sent["request_ns"]) / 1e9
    true_gaps = sorted((b - a) / 1e9 for a, b in itertools.pairwise(sent["tokens_ns"]))
    assert result.ttft_seconds is not None
    assert result.gap_max_seconds is not None
    assert result.ttft_seconds >= true_ttft - 0.001  # the clocks' conversion may be off by less
    assert result.ttft_seconds < sum(true_gaps) + true_ttft
    assert result.chunks == 10
    if result.quality is Quality.EXACT:
        assert result.ttft_seconds == pytest.approx(true_ttft, abs=0.01)


def test_failures_keep_what_was_seen_and_nothing_else(
    prober: RunningProber, simulator: RunningSimulator
) -> None:
    refused = prober.probe(a_target(simulator.base_url, "error-500"))
    assert (refused.http_status, refused.phase) == (500, Phase.HEADERS)
    assert refused.first_byte_seconds is not None
    assert refused.response_seconds is None or refused.response_seconds > 0
    assert (refused.ttft_seconds, refused.throughput, refused.chunks, refused.quality) == (None,) * 4
    cut = prober.probe(a_target(simulator.base_url, "cut"))
    assert cut.phase is Phase.STREAM
    assert cut.ttft_seconds is not None
    assert (cut.response_seconds, cut.finish_reason, cut.cost) == (None, None, None)


def test_the_running_configuration_is_written_into_the_record(truth_url: str) -> None:
    versions = iter(["v1", "v2"])
    with running_prober(config_version=lambda: next(versions)) as running:
        target = a_target(truth_url, "t5-g1-n3-version")
        assert [running.probe(target).config_version for _ in range(2)] == ["v1", "v2"]


# Streams by hand.


@pytest.mark.parametrize(
    ("payload", "outcome"),
    [
        pytest.param(response(CHAT_STREAM), Outcome.OK, id="orderly"),
        pytest.param(HEAD + CHAT_STREAM, Outcome.OK, id="ended by the connection's end"),
        pytest.param(HEAD + CHAT_STREAM.removesuffix(b"\n\n"), Outcome.OK, id="no blank line after the last event"),
        pytest.param(HEAD + CHAT_STREAM.removesuffix(b"data: [DONE]\n\n"), Outcome.OK, id="no [DONE]"),
        pytest.param(HEAD + chat("one two three") + b'data: {"cho', Outcome.TRUNCATED_STREAM, id="cut in an event"),
        pytest.param(HEAD + chat("one") + b"data: [DONE]\n\n", Outcome.TRUNCATED_STREAM, id="[DONE] alone"),
        pytest.param(HEAD + b": hello\n\n", Outcome.EMPTY_RESPONSE, id="a comment only"),
        pytest.param(response(CHAT_STREAM, "text/plain"), Outcome.OK, id="a stream called text"),
        pytest.param(response(b"one two three", "text/plain"), Outcome.NOT_SSE, id="text"),
        pytest.param(response(CHAT_STREAM, "application/json"), Outcome.NOT_SSE, id="a stream called JSON"),
        pytest.param(
            response(b'{"error":{"code":"insufficient_quota"}}', "application/json"),
            Outcome.QUOTA_EXHAUSTED,
            id="a quota error with status 200",
        ),
        pytest.param(
            response(CHAT_STREAM, extra="Content-Encoding: gzip\r\n"), Outcome.BAD_PAYLOAD, id="compressed"
        ),
        pytest.param(response(b"", status="204 No Content"), Outcome.EMPTY_RESPONSE, id="204"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", Outcome.CONNECTION_RESET, id="cut in the headers"),
        pytest.param(b"HTTP/1.1 abc\r\n\r\n", Outcome.BAD_PAYLOAD, id="a broken status line"),
        pytest.param(b"\x00\x01\x02\x03\x04\x05\r\n\r\n", Outcome.BAD_PAYLOAD, id="bytes of anything"),
    ],
)  # fmt: skip
def test_a_stream_written_by_hand(payload: bytes, outcome: Outcome, prober: RunningProber) -> None:
    def answer(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(payload)
        sock.shutdown(socket.SHUT_WR)

    with serving(answer) as server:
        result = prober.probe(a_target(server.base_url))
    assert result.outcome is outcome, result.error


def endless(first: bytes, part: bytes) -> Callable[[socket.socket, bytes], None]:
    def answer(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(first)
        while True:
            sock.sendall(part)

    return answer


@pytest.mark.parametrize(
    ("first", "part", "error"),
    [
        pytest.param(HEAD, b"data: " + b"x" * 65536, "event of more than 4194304 bytes", id="one event"),
        pytest.param(
            HEAD + chat("one"), b": " + b"x" * 5000 + b"\n\n", "more than 8388608 bytes", id="comments"
        ),
        pytest.param(HEAD, chat("one two three ") * 500, "more than 20000 events", id="tokens"),
    ],
)
def test_an_endless_answer_is_cut_off(first: bytes, part: bytes, error: str, prober: RunningProber) -> None:
    with serving(endless(first, part)) as server:
        result = prober.probe(a_target(server.base_url))
    assert (result.outcome, error in (result.error or "")) == (Outcome.BAD_PAYLOAD, True), result.error


@pytest.mark.parametrize("protocol", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize(
    "ending", [endless(b"", b"x" * 65536), says(b"x"), says(b"")], ids=["endless", "cut", "none"]
)
def test_an_error_whose_body_cannot_be_read_is_judged_by_its_status(
    ending: Callable[[socket.socket, bytes], None], protocol: Protocol, prober: RunningProber
) -> None:
    def answer(sock: socket.socket, request: bytes) -> None:
        sock.sendall(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 100000000\r\n\r\n")
        ending(sock, request)
        sock.shutdown(socket.SHUT_RDWR)

    with serving(answer) as server:
        result = prober.probe(a_target(server.base_url, protocol=protocol))
    assert (result.outcome, result.error) == (Outcome.OVERLOADED, "HTTP 503")


def test_endless_headers_are_cut_off(prober: RunningProber) -> None:
    with serving(endless(b"HTTP/1.1 200 OK\r\n", b"X-Header: " + b"x" * 4000 + b"\r\n")) as server:
        assert prober.probe(a_target(server.base_url)).outcome is Outcome.BAD_PAYLOAD


def test_an_error_page_that_never_ends_is_judged_by_its_status(prober: RunningProber) -> None:
    answer = says(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 1000\r\nRetry-After: 7\r\n\r\nslow")
    hasty = Deadlines(first_token_seconds=0.4, total_seconds=5.0)
    with serving(answer) as server:
        result = prober.probe(a_target(server.base_url, deadlines=hasty))
    assert (result.outcome, result.retry_after_seconds) == (Outcome.RATE_LIMITED, 7.0)


@pytest.mark.parametrize(
    ("header", "delay", "seconds"),
    [
        ("", '"34.5s"', 34.5),
        ("Retry-After: 7\r\n", '"34.5s"', 7.0),
        ("", '"soon"', None),
        ("", "34", None),
        ("", '"' + "9" * 5000 + 's"', None),
    ],
    ids=["body", "header first", "no duration", "a number", "a long one"],
)
def test_googles_wait_is_read_from_the_body(
    header: str, delay: str, seconds: float | None, prober: RunningProber
) -> None:
    info = f'{{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":{delay}}}'
    quota = '{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[]}'
    body = f'[{{"error":{{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{quota},{info}]}}}}]'
    answer = says(
        f"HTTP/1.1 429 Too Many Requests\r\nContent-Length: {len(body)}\r\n{header}\r\n{body}".encode()
    )
    with serving(answer) as server:
        result = prober.probe(a_target(server.base_url))
    assert (result.outcome, result.retry_after_seconds) == (Outcome.RATE_LIMITED, seconds)


def test_keep_alives_do_not_put_off_a_deadline(prober: RunningProber, simulator: RunningSimulator) -> None:
    hasty = Deadlines(first_token_seconds=0.6, stall_seconds=0.6, total_seconds=5.0)
    silent = prober.probe(
        a_target(simulator.base_url, "no-first-token-pings?keepalive=0.05", deadlines=hasty)
    )
    assert silent.outcome is Outcome.FIRST_TOKEN_TIMEOUT
    stalled = prober.probe(a_target(simulator.base_url, "stalled-pings?keepalive=0.05", deadlines=hasty))
    assert stalled.outcome is Outcome.STALLED


# Safety.


class BrokenVersionError(Exception):
    pass


def broken_version() -> str | None:
    raise BrokenVersionError(f"with {KEY}")


def test_our_own_bug_is_internal_and_told_to_the_log(
    truth_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_prober(config_version=broken_version) as running:
        result = running.probe(a_target(truth_url, "t5-g1-n3-bug"))
    assert (result.outcome, result.fault) == (Outcome.INTERNAL, Fault.OURS)
    assert result.error == "BrokenVersionError: with [redacted]"
    assert "acme/main/t5-g1-n3-bug for slot" in caplog.text


def connections_to(port: int) -> int:
    """Sockets of this process that are connected to the port."""
    gc.collect()
    count = 0
    for one in gc.get_objects():
        if isinstance(one, socket.socket) and one.fileno() >= 0:
            with contextlib.suppress(OSError):
                count += one.getpeername()[1] == port
    return count


@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize("start", [b"", HEAD, HEAD + chat("one ")], ids=["headers", "first token", "stream"])
def test_a_cancelled_probe_leaves_nothing_behind(start: bytes, protocol: Protocol) -> None:
    left = threading.Event()

    def answer(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(start)
        while sock.recv(1000):
            pass
        left.set()

    async def cancel_when_asked(server: CannedServer) -> None:
        prober = Prober(Observer("here", "here@test"), SystemClock(), Redactor())
        await prober.warm({protocol})
        target = a_target(server.base_url, protocol=protocol)
        probing = asyncio.create_task(prober.probe(target, slot_of(target), in_flight=1))
        await asyncio.to_thread(wait_until, "a request", lambda: server.requests)
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):  # the one thing that a probe raises
            await probing
        assert connections_to(server.port) == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await prober.aclose()

    with serving(answer) as server:
        asyncio.run(cancel_when_asked(server))
        assert left.wait(10), "the server never saw the connection close"


def test_a_finished_probe_leaves_no_socket_open(prober: RunningProber) -> None:
    with serving(says(response(CHAT_STREAM))) as server:
        assert prober.probe(a_target(server.base_url)).outcome is Outcome.OK
        assert connections_to(server.port) == 0


def test_probes_beside_each_other_do_not_mix(prober: RunningProber, truth_url: str) -> None:
    async def probe_all() -> list[ProbeResult]:
        targets = [a_target(truth_url, f"t{20 + 10 * n}-g5-n{n + 3}-beside") for n in range(20)]
        return await asyncio.gather(
            *(prober.prober.probe(target, slot_of(target), in_flight=20) for target in targets)
        )

    results = prober.run(probe_all())
    assert [result.chunks for result in results] == [n + 3 for n in range(20)]
    for n, result in enumerate(results):
        assert result.ttft_seconds is not None
        assert result.ttft_seconds >= (20 + 10 * n) / 1000 - 0.001


def test_the_sdks_are_not_loaded_before_they_are_needed() -> None:
    import subprocess
    import sys

    code = (
        "import sys, probes.prober; print({'openai', 'anthropic', 'httpx2', 'httpcore2'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


def test_the_answer_of_a_reused_target_is_not_checked_against_another_prompt(
    prober: RunningProber, simulator: RunningSimulator
) -> None:
    target = a_target(simulator.base_url, "wrong-answer?tokens=10")
    assert prober.probe(target).answer_ok is False
    custom = replace(target, options=replace(target.options, prompt="Say anything."))
    result = prober.probe(custom)
    assert (result.outcome, result.answer_ok) == (Outcome.OK, None)
