"""Gemini's and Ollama's own protocols on servers of others, probed directly."""

import json
import urllib.request
from typing import Any

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, TokensSource
from probes.domain.target import Deadlines, Protocol, Secret
from tests.peers.servers import Relay
from tests.prober.asking import GEMINI, OLLAMA, a_target, running_prober

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("peers")]

TWENTY = "one two three four five six seven eight nine ten eleven twelve"


def asked(url: str, body: dict[str, Any]) -> tuple[str, bytes]:
    """Content type and body of the answer to a plain request."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return response.headers["content-type"], response.read()


def test_aimock_streams_as_gemini_and_puts_usage_on_the_last_chunk(aimock: str) -> None:
    contents = [{"role": "user", "parts": [{"text": "Count upward in words."}]}]
    url = f"{aimock}/v1beta/models/counting:streamGenerateContent?alt=sse"
    media_type, body = asked(url, {"contents": contents})

    events = [json.loads(block.removeprefix("data: ")) for block in body.decode().split("\n\n") if block]
    assert media_type == "text/event-stream"
    assert "".join(event["candidates"][0]["content"]["parts"][0]["text"] for event in events).startswith(
        TWENTY
    )
    assert ["usageMetadata" in event for event in events] == [False] * (len(events) - 1) + [True]
    assert events[-1]["candidates"][0]["finishReason"] == "STOP"


def test_aimock_streams_as_ollama_and_counts_nothing(aimock: str) -> None:
    messages = [{"role": "user", "content": "Count upward in words."}]
    media_type, body = asked(f"{aimock}/api/chat", {"model": "counting", "messages": messages})

    lines = [json.loads(line) for line in body.splitlines()]
    assert media_type == "application/x-ndjson"
    assert "".join(line["message"]["content"] for line in lines).startswith(TWENTY)
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1]["eval_count"] == 0


@pytest.mark.parametrize(
    ("protocol", "source"), [(GEMINI, TokensSource.USAGE), (OLLAMA, TokensSource.CHUNKS)]
)
def test_reasoning_is_seen_before_the_text(protocol: Protocol, source: TokensSource, aimock: str) -> None:
    with running_prober() as prober:
        result = prober.probe(a_target(aimock, "reasoning", protocol))

    assert (result.outcome, result.ttft_kind, result.tokens_source) == (Outcome.OK, "reasoning", source)
    assert result.ttft_seconds is not None
    assert result.ttft_visible_seconds is not None
    assert result.ttft_seconds >= 0.118  # a timer of Node.js may fire too soon
    assert result.ttft_visible_seconds > result.ttft_seconds


def relayed(litellm: Relay, model: str) -> ProbeResult:
    """Its first answer takes it seconds."""
    key, patient = Secret(litellm.api_key), Deadlines()
    with running_prober() as prober:
        return prober.probe(a_target(litellm.url, model, GEMINI, api_key=key, deadlines=patient))


@pytest.mark.parametrize("model", ["relayed-counting", "relayed-messages", "answered-by-the-relay"])
def test_litellm_relays_gemini_without_usage(model: str, litellm: Relay) -> None:
    result = relayed(litellm, model)

    assert (result.outcome, result.finish_reason) == (Outcome.OK, "STOP"), result.error
    assert (result.tokens_source, result.output_tokens) == (TokensSource.CHUNKS, result.chunks)
    assert result.answer_ok


def test_litellm_makes_a_server_error_of_any_refusal_to_gemini(litellm: Relay) -> None:
    result = relayed(litellm, "relayed-unauthorized")

    assert (result.outcome, result.http_status) == (Outcome.SERVER_ERROR, 500), result.error
