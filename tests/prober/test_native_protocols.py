"""Gemini's and Ollama's own protocols: how a request is worded, and which bodies are taken for a stream."""

import json
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.outcome import Outcome
from probes.domain.target import Protocol
from probes.prober.clients import gemini_generate_content, ollama_chat
from probes.prober.events import BadPayloadError, StreamEvent, UpstreamError
from probes.prober.sse import ServerEvent
from tests.prober.asking import (
    GEMINI,
    KEY,
    OLLAMA,
    CannedServer,
    RunningProber,
    a_target,
    response,
    says,
    serving,
)

LINES = (
    b'{"model":"m","message":{"role":"assistant","content":"one two "},"done":false}\n'
    b'{"model":"m","message":{"role":"assistant","content":"three"},"done":false}\n'
    b'{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","eval_count":3}\n'
)
WHOLE = b'{"model":"m","message":{"role":"assistant","content":"one two three"},"done":true,"eval_count":3}'


def asked(server: CannedServer) -> tuple[str, dict[str, str], Any]:
    """Request line, headers in lower case, and body of the one request."""
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    return line, {n.lower(): v for n, _, v in (field.partition(": ") for field in fields)}, json.loads(body)


def sent(prober: RunningProber, protocol: Protocol, **changes: Any) -> tuple[str, dict[str, str], Any]:
    with serving(says(response(LINES))) as server:
        prober.probe(a_target(server.base_url, protocol=protocol, **{"model": "model-1", **changes}))
        return asked(server)


def test_a_gemini_request_names_model_key_and_limits(prober: RunningProber) -> None:
    line, headers, body = sent(prober, GEMINI, max_tokens=64)
    assert line == "POST /v1beta/models/model-1:streamGenerateContent?alt=sse HTTP/1.1"
    assert headers["x-goog-api-key"] == KEY
    assert "authorization" not in headers
    assert headers["accept-encoding"] == "identity"
    (content,) = body.pop("contents")
    assert content["role"] == "user"
    assert "Count upward" in content["parts"][0]["text"]
    assert body == {"generationConfig": {"maxOutputTokens": 64, "temperature": 0.0}}


def test_an_ollama_request_streams_by_options(prober: RunningProber) -> None:
    line, headers, body = sent(prober, OLLAMA, max_tokens=64)
    assert line == "POST /api/chat HTTP/1.1"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert body.pop("messages")[0]["role"] == "user"
    assert body == {"model": "model-1", "stream": True, "options": {"num_predict": 64, "temperature": 0.0}}


@pytest.mark.parametrize("protocol", [GEMINI, OLLAMA])
def test_without_a_key_none_is_sent(protocol: Protocol, prober: RunningProber) -> None:
    _line, headers, _body = sent(prober, protocol, api_key=None)
    assert not {"authorization", "x-goog-api-key"} & set(headers)


@pytest.mark.parametrize(("protocol", "header"), [(GEMINI, "X-Goog-Api-Key"), (OLLAMA, "AUTHORIZATION")])
def test_a_key_among_the_targets_own_headers_replaces_ours(
    protocol: Protocol, header: str, prober: RunningProber
) -> None:
    with serving(says(response(LINES))) as server:
        prober.probe(a_target(server.base_url, protocol=protocol, headers={header: "own"}))
        assert server.requests[0].lower().count(header.lower().encode()) == 1
        assert asked(server)[1][header.lower()] == "own"


@pytest.mark.parametrize(
    ("protocol", "name", "limit"), [(GEMINI, "generationConfig", "maxOutputTokens"), (OLLAMA, "options", "num_predict")]
)  # fmt: skip
def test_more_settings_join_ours_and_never_the_recorded_ones(
    protocol: Protocol, name: str, limit: str, prober: RunningProber
) -> None:
    extra = {name: {limit: 9, "seed": 7, "thinkingConfig": None}, "think": False}
    _line, _headers, body = sent(prober, protocol, temperature=None, extra_body=extra)
    assert body[name] == {limit: 16, "seed": 7}
    assert body["think"] is False


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("models/gemini-x", "models/gemini-x"),
        ("tunedModels/mine", "tunedModels/mine"),
        ("a b?c#d", "models/a%20b%3Fc%23d"),
    ],
)
def test_a_models_name_makes_its_path(model: str, path: str, prober: RunningProber) -> None:
    line, _headers, _body = sent(prober, GEMINI, model=model)
    assert line.split(" ")[1] == f"/v1beta/{path}:streamGenerateContent?alt=sse"


# Which bodies are a stream.


@pytest.mark.parametrize(
    ("media_type", "body", "outcome"),
    [
        pytest.param("application/x-ndjson", LINES, Outcome.OK, id="its own type"),
        pytest.param("application/x-ndjson; charset=utf-8", LINES, Outcome.OK, id="with a parameter"),
        pytest.param("application/json", LINES, Outcome.OK, id="a stream called JSON"),
        pytest.param("text/plain", LINES, Outcome.OK, id="a stream called text"),
        pytest.param("application/json", WHOLE, Outcome.NOT_SSE, id="a whole answer"),
        pytest.param("application/json", b"{malformed", Outcome.NOT_SSE, id="broken JSON"),
        pytest.param("application/json", b'{"error":"usage limit"}', Outcome.QUOTA_EXHAUSTED, id="an error with 200"),
        pytest.param("text/html", LINES, Outcome.NOT_SSE, id="a page's type"),
        pytest.param("text/event-stream", LINES, Outcome.NOT_SSE, id="the other framing"),
        pytest.param("application/x-ndjson", b"", Outcome.EMPTY_RESPONSE, id="nothing"),
    ],
)  # fmt: skip
def test_json_lines_are_told_from_whole_answers(
    media_type: str, body: bytes, outcome: Outcome, prober: RunningProber
) -> None:
    with serving(says(response(body, media_type))) as server:
        result = prober.probe(a_target(server.base_url, protocol=OLLAMA))
    assert result.outcome is outcome, result.error


def test_a_stream_that_goes_on_after_its_last_line_ends_with_it(prober: RunningProber) -> None:
    def answer(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n" + LINES
        )
        sock.recv(1)  # until the client leaves

    with serving(answer) as server:
        result = prober.probe(a_target(server.base_url, protocol=OLLAMA))
    assert result.outcome is Outcome.OK
    assert result.response_seconds is not None


def test_a_gemini_body_that_never_ends_is_a_stall_though_it_has_a_finish_reason(
    prober: RunningProber,
) -> None:
    chunk = (
        b'data: {"candidates":[{"content":{"parts":[{"text":"one two three"}]},"finishReason":"STOP"}]}\n\n'
    )

    def answer(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + chunk
        )
        sock.recv(1)

    with serving(answer) as server:
        result = prober.probe(a_target(server.base_url, protocol=GEMINI))
    assert result.outcome is Outcome.STALLED


# What is no good JSON.


@pytest.mark.parametrize("interpret", [gemini_generate_content.interpret, ollama_chat.interpret])
@pytest.mark.parametrize("data", [b"{", b"[]", b"7", b'"x"', b"\xff\xfe", b"{" * 100_000, b"null"])
def test_what_is_no_json_object_is_a_bad_payload(interpret: Any, data: bytes) -> None:
    with pytest.raises(BadPayloadError):
        interpret(ServerEvent("", data))


def test_an_error_is_read_from_either_vendors_event() -> None:
    gemini = {"error": {"code": 503, "status": "UNAVAILABLE", "message": "m"}}
    said = gemini_generate_content.interpret(ServerEvent("", json.dumps(gemini).encode()))
    assert said.error == UpstreamError("503", "UNAVAILABLE", "m")
    assert ollama_chat.interpret(ServerEvent("", b'{"error":"m"}')).error == UpstreamError(message="m")


KEYS = (
    "error",
    "candidates",
    "content",
    "parts",
    "text",
    "thought",
    "functionCall",
    "executableCode",
    "finishReason",
    "promptFeedback",
    "blockReason",
    "usageMetadata",
    "promptTokenCount",
    "message",
    "thinking",
    "tool_calls",
    "function",
    "done",
    "done_reason",
    "eval_count",
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(KEYS), DOCUMENTS))
def test_no_object_whatever_breaks_an_interpreter(document: dict[str, object]) -> None:
    for interpret in (gemini_generate_content.interpret, ollama_chat.interpret):
        assert isinstance(interpret(ServerEvent("", json.dumps(document).encode())), StreamEvent)
