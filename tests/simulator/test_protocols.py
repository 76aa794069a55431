"""The vendors' own SDKs read the simulator's streams."""

import json
from typing import Any

import anthropic
import openai
import pytest

from probes.simulator import RunningSimulator

WORDS = "one two three four five six seven eight"
MESSAGES: Any = [{"role": "user", "content": "Count upward in words."}]


@pytest.fixture
def openai_client(simulator: RunningSimulator) -> Any:
    with openai.OpenAI(
        base_url=f"{simulator.base_url}/v1", api_key="sk-simulated-0001", max_retries=0
    ) as client:
        yield client


@pytest.fixture
def anthropic_client(simulator: RunningSimulator) -> Any:
    with anthropic.Anthropic(
        base_url=simulator.base_url, api_key="sk-simulated-0002", max_retries=0
    ) as client:
        yield client


def openai_chunks(client: Any, model: str, limit: int = 8, **changes: Any) -> list[Any]:
    options = {"include_usage": True}
    stream = client.chat.completions.create(
        model=model, messages=MESSAGES, stream=True, stream_options=options, max_tokens=limit, **changes
    )
    return list(stream)


def openai_text(chunks: list[Any]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def anthropic_events(client: Any, model: str, limit: int = 8) -> list[Any]:
    return list(client.messages.create(model=model, messages=MESSAGES, stream=True, max_tokens=limit))


def anthropic_text(events: list[Any]) -> str:
    deltas = [event.delta for event in events if event.type == "content_block_delta"]
    return "".join(delta.text for delta in deltas if delta.type == "text_delta")


def test_openai_sdk_reads_words_finish_and_usage(openai_client: Any) -> None:
    chunks = openai_chunks(openai_client, "ok")
    assert openai_text(chunks) == WORDS
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "length"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 8


def test_openai_sdk_reads_max_completion_tokens_before_max_tokens(openai_client: Any) -> None:
    chunks = openai_chunks(openai_client, "ok", limit=8, max_completion_tokens=3)
    assert openai_text(chunks) == "one two three"


def test_openai_sdk_reads_a_whole_answer(openai_client: Any) -> None:
    answer = openai_client.chat.completions.create(model="ok", messages=MESSAGES, max_tokens=8)
    assert answer.choices[0].message.content == WORDS
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 8


def test_openai_sdk_reads_tool_calls(openai_client: Any) -> None:
    chunks = openai_chunks(openai_client, "tool-call")
    calls = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or []]
    assert calls[0].function.name == "count"
    assert json.loads("".join(call.function.arguments for call in calls)) == {
        "words": "one two three four five six"
    }


def test_openai_sdk_lists_the_scenarios_as_models(openai_client: Any) -> None:
    assert "ok" in {model.id for model in openai_client.models.list()}


def test_azure_sdk_finds_its_deployment_path(simulator: RunningSimulator) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=simulator.base_url, api_key="azure-simulated", api_version="2024-10-21", max_retries=0
    ) as client:
        chunks = openai_chunks(client, "ok;gap=0.001")
    assert chunks[0].choices == []
    assert openai_text(chunks) == WORDS
    assert "/openai/deployments/ok;gap=0.001/chat/completions?api-version=2024-10-21" in {
        record.target for record in simulator.truth.records("ok;gap=0.001")
    }


def test_any_base_path_leads_to_the_protocol(simulator: RunningSimulator) -> None:
    with openai.OpenAI(
        base_url=f"{simulator.base_url}/openai/v1", api_key="sk-simulated", max_retries=0
    ) as client:
        assert openai_text(openai_chunks(client, "fast")) == WORDS


def test_anthropic_sdk_reads_words_stop_reason_and_usage(anthropic_client: Any) -> None:
    events = anthropic_events(anthropic_client, "ok")
    assert anthropic_text(events) == WORDS
    assert [event.type for event in events[:2]] == ["message_start", "content_block_start"]
    assert events[-2].delta.stop_reason == "max_tokens"
    assert events[-2].usage.output_tokens == 8
    assert events[-1].type == "message_stop"


def test_anthropic_sdk_gathers_thinking_and_text_in_blocks(anthropic_client: Any) -> None:
    with anthropic_client.messages.stream(model="reasoning", messages=MESSAGES, max_tokens=16) as stream:
        message = stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking.startswith("Let me think")
    assert message.content[0].signature
    assert message.content[1].text == WORDS


def test_anthropic_sdk_gathers_a_tool_call(anthropic_client: Any) -> None:
    with anthropic_client.messages.stream(model="tool-call", messages=MESSAGES, max_tokens=8) as stream:
        message = stream.get_final_message()
    assert message.stop_reason == "tool_use"
    assert message.content[0].input == {"words": "one two three four five six"}


def test_anthropic_sdk_reads_a_whole_answer(anthropic_client: Any) -> None:
    message = anthropic_client.messages.create(model="ok", messages=MESSAGES, max_tokens=8)
    assert message.content[0].text == WORDS
    assert message.usage.output_tokens == 8


def test_anthropic_sdk_lists_the_scenarios_as_models(anthropic_client: Any) -> None:
    assert "ok" in {model.id for model in anthropic_client.models.list()}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("error-401", "AuthenticationError"),
        ("error-403", "PermissionDeniedError"),
        ("error-404", "NotFoundError"),
        ("error-429", "RateLimitError"),
        ("error-400", "BadRequestError"),
        ("error-500", "InternalServerError"),
        ("no-such-scenario", "NotFoundError"),
        ("ok?ttft=soon", "NotFoundError"),
    ],
)
def test_sdks_raise_their_own_error_for_a_status(
    openai_client: Any, anthropic_client: Any, model: str, expected: str
) -> None:
    with pytest.raises(getattr(openai, expected)):
        openai_chunks(openai_client, model)
    with pytest.raises(getattr(anthropic, expected)):
        anthropic_events(anthropic_client, model)


def test_sdks_differ_on_529(openai_client: Any, anthropic_client: Any) -> None:
    with pytest.raises(openai.InternalServerError):
        openai_chunks(openai_client, "error-529")
    with pytest.raises(anthropic.APIStatusError) as caught:
        anthropic_events(anthropic_client, "error-529")
    assert caught.value.status_code == 529


def test_sdks_raise_an_error_event_without_a_telling_status(
    openai_client: Any, anthropic_client: Any
) -> None:
    with pytest.raises(openai.APIError) as from_openai:
        openai_chunks(openai_client, "stream-overloaded")
    assert from_openai.value.code == "overloaded_error"
    with pytest.raises(anthropic.APIStatusError) as from_anthropic:
        anthropic_events(anthropic_client, "stream-overloaded")
    assert from_anthropic.value.status_code == 200


def test_sdks_are_silent_about_a_truncated_stream(openai_client: Any, anthropic_client: Any) -> None:
    assert openai_text(openai_chunks(openai_client, "truncated")) == "one two three"
    assert anthropic_text(anthropic_events(anthropic_client, "truncated")) == "one two three"


def test_sdk_retries_hide_two_500s(simulator: RunningSimulator) -> None:
    model = "500-500-200;retry_after=0.01;retry_after_format=milliseconds"
    with openai.OpenAI(base_url=f"{simulator.base_url}/v1", api_key="sk-simulated", max_retries=2) as client:
        assert openai_text(openai_chunks(client, model)) == WORDS
    assert [record.scenario for record in simulator.truth.records(model)] == ["error-500", "error-500", "ok"]
