"""What goes over the wire: one explicit request, and nothing that the environment whispers."""

import json
from typing import Any

import pytest

from probes.domain.outcome import Outcome
from probes.domain.target import Protocol, TokenParameter
from tests.prober.asking import (
    ANTHROPIC,
    AZURE,
    CHAT_STREAM,
    KEY,
    OPENAI,
    RESPONSES,
    CannedServer,
    RunningProber,
    a_target,
    response,
    says,
    serving,
)

HOSTILE_ENVIRONMENT = {
    "OPENAI_API_KEY": "sk-environment-key",
    "OPENAI_ADMIN_KEY": "sk-environment-admin",
    "OPENAI_ORG_ID": "environment-organization",
    "OPENAI_PROJECT_ID": "environment-project",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/environment",
    "OPENAI_CUSTOM_HEADERS": "X-Environment: environment-header\nauthorization: Bearer environment",
    "OPENAI_API_VERSION": "environment-version",
    "AZURE_OPENAI_API_KEY": "environment-azure-key",
    "AZURE_OPENAI_AD_TOKEN": "environment-token",
    "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9/environment",
    "ANTHROPIC_API_KEY": "environment-anthropic-key",
    "ANTHROPIC_AUTH_TOKEN": "environment-anthropic-token",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9/environment",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Environment: environment-header\nx-api-key: environment",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}


def sent(
    prober: RunningProber, protocol: Protocol, **changes: Any
) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Request line, headers (lower case) and JSON body of a probe."""
    with serving(says(response(CHAT_STREAM))) as server:
        prober.probe(a_target(server.base_url, "model-1", protocol, **changes))
        return taken_apart(server)


def taken_apart(server: CannedServer) -> tuple[str, dict[str, str], dict[str, Any]]:
    assert len(server.requests) == 1
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in fields)}
    return line, headers, json.loads(body)


def test_a_chat_request_says_what_the_options_say(prober: RunningProber) -> None:
    line, headers, body = sent(prober, OPENAI, max_tokens=64)
    assert line == "POST /v1/chat/completions HTTP/1.1"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["accept-encoding"] == "identity"
    assert body.pop("messages")[0]["role"] == "user"
    assert body == {
        "model": "model-1",
        "stream": True,
        "max_tokens": 64,
        "temperature": 0.0,
        "stream_options": {"include_usage": True},
    }


def test_every_quirk_of_a_request_is_an_option(prober: RunningProber) -> None:
    _line, _headers, body = sent(
        prober,
        OPENAI,
        max_tokens=512,
        token_parameter=TokenParameter.MAX_COMPLETION_TOKENS,
        include_usage=False,
        temperature=None,
        prompt="Say hello.",
        extra_body={"reasoning_effort": "low"},
    )
    assert body.pop("messages")[0]["content"].endswith("Say hello.")
    assert body == {
        "model": "model-1",
        "stream": True,
        "max_completion_tokens": 512,
        "reasoning_effort": "low",
    }


def test_an_azure_request_names_deployment_and_version(prober: RunningProber) -> None:
    line, headers, body = sent(prober, AZURE, api_version="2025-01-01-preview")
    expected = "/openai/deployments/model-1/chat/completions?api-version=2025-01-01-preview"
    assert line == f"POST {expected} HTTP/1.1"
    assert headers["api-key"] == KEY
    assert "authorization" not in headers
    assert body["max_tokens"] == 16


def test_an_anthropic_request_suits_new_and_old_gateways(prober: RunningProber) -> None:
    line, headers, body = sent(prober, ANTHROPIC)
    assert line == "POST /v1/messages HTTP/1.1"
    assert (headers["authorization"], headers["x-api-key"]) == (f"Bearer {KEY}", KEY)
    assert headers["anthropic-version"] == "2023-06-01"
    assert headers["accept-encoding"] == "identity"
    body.pop("messages")
    assert body == {"model": "model-1", "stream": True, "max_tokens": 16, "temperature": 0.0}


def test_a_responses_request_keeps_nothing_and_names_its_limit(prober: RunningProber) -> None:
    line, headers, body = sent(prober, RESPONSES, max_tokens=64, token_parameter=TokenParameter.MAX_TOKENS)
    assert line == "POST /v1/responses HTTP/1.1"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["accept-encoding"] == "identity"
    assert "Count upward" in body.pop("input")
    assert body == {
        "model": "model-1",
        "stream": True,
        "max_output_tokens": 64,
        "store": False,
        "temperature": 0.0,
    }


def test_a_responses_request_asks_for_effort_and_summary_where_told(prober: RunningProber) -> None:
    reasoning = {"effort": "low", "summary": "auto"}
    _line, _headers, body = sent(prober, RESPONSES, temperature=None, extra_body={"reasoning": reasoning})
    assert body["reasoning"] == reasoning
    assert "temperature" not in body


@pytest.mark.parametrize("protocol", list(Protocol))
def test_nothing_in_the_environment_reaches_the_request(
    protocol: Protocol, prober: RunningProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in HOSTILE_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    line, headers, body = sent(prober, protocol)
    assert "environment" not in repr((line, headers, body)).lower()
    assert KEY in repr(headers)


@pytest.mark.parametrize("protocol", list(Protocol))
def test_the_targets_own_headers_are_sent_and_win(protocol: Protocol, prober: RunningProber) -> None:
    own = {"X-Own": "yes", "Authorization": "Bearer own", "anthropic-version": "2024-01-01"}
    _line, headers, _body = sent(prober, protocol, headers=own)
    assert headers["x-own"] == "yes"
    assert headers["authorization"] == "Bearer own"
    assert headers["anthropic-version"] == "2024-01-01"


@pytest.mark.parametrize("protocol", [OPENAI, ANTHROPIC, RESPONSES])
def test_without_a_key_none_is_sent(protocol: Protocol, prober: RunningProber) -> None:
    _line, headers, _body = sent(prober, protocol, api_key=None)
    assert not {"authorization", "x-api-key", "api-key"} & set(headers)


@pytest.mark.parametrize("protocol", list(Protocol))
def test_a_failure_is_asked_only_once(protocol: Protocol, prober: RunningProber) -> None:
    answer = response(b"", status="500 Internal Server Error", extra="x-should-retry: true\r\n")
    with serving(says(answer)) as server:
        result = prober.probe(a_target(server.base_url, protocol=protocol))
        assert (result.outcome, len(server.requests), server.connections) == (Outcome.SERVER_ERROR, 1, 1)


def test_a_redirect_is_not_followed(prober: RunningProber) -> None:
    answer = response(b"", status="307 Temporary Redirect", extra="Location: /elsewhere\r\n")
    with serving(says(answer)) as server:
        result = prober.probe(a_target(server.base_url))
        assert (result.outcome, len(server.requests)) == (Outcome.BAD_REQUEST, 1)


def test_a_key_that_no_header_can_carry_is_our_mistake(prober: RunningProber) -> None:
    with serving(says(response(CHAT_STREAM))) as server:
        result = prober.probe(a_target(server.base_url, headers={"X-Own": "naïve 名"}))
        assert result.outcome is Outcome.BAD_REQUEST
        assert server.requests == []


def test_the_prompt_differs_from_probe_to_probe(prober: RunningProber) -> None:
    first, second = (sent(prober, OPENAI)[2]["messages"][0]["content"] for _ in range(2))
    assert first != second
