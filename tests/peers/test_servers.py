"""The servers of others behave as the tests of the prober assume, seen through the official SDKs.

When a newer version of one of them changes its ways, these tests fail first and say what changed.
"""

import time
from collections.abc import Iterator

import anthropic
import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from tests.peers.servers import Relay

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("peers")]

TWENTY = "one two three four five six seven eight nine ten eleven twelve"


def chat_chunks(base_url: str, model: str, api_key: str = "unused") -> Iterator[ChatCompletionChunk]:
    with (
        openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0, timeout=20.0) as client,
        client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "Count upward in words."}],
            max_tokens=64,
            stream=True,
            stream_options={"include_usage": True},
        ) as stream,
    ):
        yield from stream


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def message_events(
    base_url: str, model: str, api_key: str = "unused"
) -> Iterator[anthropic.types.RawMessageStreamEvent]:
    with (
        anthropic.Anthropic(base_url=base_url, api_key=api_key, max_retries=0, timeout=20.0) as client,
        client.messages.create(
            model=model,
            max_tokens=64,
            messages=[{"role": "user", "content": "Count upward in words."}],
            stream=True,
        ) as stream,
    ):
        yield from stream


def message_text(events: list[anthropic.types.RawMessageStreamEvent]) -> str:
    deltas = [event.delta for event in events if event.type == "content_block_delta"]
    return "".join(delta.text for delta in deltas if delta.type == "text_delta")


def test_aimock_streams_chat_with_usage_at_its_set_pace(aimock: str) -> None:
    started = time.monotonic()
    chunks = chat_chunks(f"{aimock}/v1", "counting")

    seen = [next(chunks)]
    first_seconds = time.monotonic() - started
    seen += chunks

    assert first_seconds >= 0.12
    assert time.monotonic() - started >= 0.12 + 19 / 50
    assert text_of(seen).startswith(TWENTY)
    assert seen[-1].choices == []
    assert seen[-1].usage is not None
    assert seen[-1].usage.completion_tokens == 20


def test_aimock_streams_messages_with_usage(aimock: str) -> None:
    events = list(message_events(aimock, "counting"))

    assert message_text(events).startswith(TWENTY)
    assert events[-1].type == "message_stop"
    assert [event.usage.output_tokens for event in events if event.type == "message_delta"] == [20]


def test_aimock_streams_responses(aimock: str) -> None:
    with (
        openai.OpenAI(base_url=f"{aimock}/v1", api_key="unused", max_retries=0) as client,
        client.responses.create(model="counting", input="Count upward in words.", stream=True) as stream,
    ):
        last = list(stream)[-1]

    assert last.type == "response.completed"
    assert last.response.output_text.startswith(TWENTY)


@pytest.mark.parametrize(
    ("model", "status"),
    [("rate-limited", 429), ("overloaded", 529), ("unauthorized", 401), ("unknown-model", 404)],
)
def test_aimock_refuses_responses(aimock: str, model: str, status: int) -> None:
    with (
        openai.OpenAI(base_url=f"{aimock}/v1", api_key="unused", max_retries=0) as client,
        pytest.raises(openai.APIStatusError) as refusal,
    ):
        client.responses.create(model=model, input="Count upward in words.", stream=True)

    assert refusal.value.status_code == status


def test_aimock_answers_as_an_azure_deployment(aimock: str) -> None:
    with (
        openai.AzureOpenAI(
            azure_endpoint=aimock, api_key="unused", api_version="2024-10-21", max_retries=0
        ) as client,
        client.chat.completions.create(
            model="counting", messages=[{"role": "user", "content": "Count upward in words."}], stream=True
        ) as stream,
    ):
        chunks = list(stream)

    assert text_of(chunks).startswith(TWENTY)


def test_aimock_reasons_before_it_answers(aimock: str) -> None:
    deltas = [choice.delta for chunk in chat_chunks(f"{aimock}/v1", "reasoning") for choice in chunk.choices]
    kinds = ["reasoning" if getattr(delta, "reasoning_content", None) else "text" for delta in deltas[:-1]]

    assert kinds == sorted(kinds)
    assert set(kinds) == {"reasoning", "text"}


REFUSALS = [
    pytest.param("rate-limited", 429, id="rate limit"),
    pytest.param("out-of-quota", 429, id="spent quota"),
    pytest.param("overloaded", 529, id="overload"),
    pytest.param("unauthorized", 401, id="wrong key"),
    pytest.param("unknown-model", 404, id="unknown model"),
    pytest.param("failing", 500, id="server error"),
]


@pytest.mark.parametrize(("model", "status"), REFUSALS)
def test_aimock_refuses_chat(aimock: str, model: str, status: int) -> None:
    with pytest.raises(openai.APIStatusError) as refusal:
        list(chat_chunks(f"{aimock}/v1", model))

    assert refusal.value.status_code == status


@pytest.mark.parametrize(("model", "status"), REFUSALS)
def test_aimock_refuses_messages(aimock: str, model: str, status: int) -> None:
    with pytest.raises(anthropic.APIStatusError) as refusal:
        list(message_events(aimock, model))

    assert refusal.value.status_code == status


def test_aimock_names_the_seconds_to_wait_after_a_rate_limit(aimock: str) -> None:
    with pytest.raises(openai.RateLimitError) as refusal:
        list(chat_chunks(f"{aimock}/v1", "rate-limited"))

    assert refusal.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize("model", ["truncated", "disconnecting"])
def test_aimock_cuts_the_connection_after_some_text(aimock: str, model: str) -> None:
    seen: list[ChatCompletionChunk] = []

    with pytest.raises(openai.APIConnectionError):
        seen.extend(chat_chunks(f"{aimock}/v1", model))

    assert text_of(seen).startswith("one")


def test_aimock_can_drop_a_request_at_once(aimock: str) -> None:
    with pytest.raises(openai.APIConnectionError):
        list(chat_chunks(f"{aimock}/v1", "dropping-at-once"))


def test_aimock_can_answer_with_something_that_is_no_stream(aimock: str) -> None:
    assert list(chat_chunks(f"{aimock}/v1", "malformed")) == []


def test_litellm_relays_chat_and_puts_usage_beside_choices(litellm: Relay) -> None:
    chunks = list(chat_chunks(f"{litellm.url}/v1", "relayed-counting", litellm.api_key))

    assert text_of(chunks).startswith(TWENTY)
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage and chunk.choices] == [20]


def test_litellm_relays_messages(litellm: Relay) -> None:
    events = list(message_events(litellm.url, "relayed-messages", litellm.api_key))

    assert message_text(events).startswith(TWENTY)
    assert events[-1].type == "message_stop"


def test_litellm_answers_messages_with_plain_json_when_it_answers_itself(litellm: Relay) -> None:
    assert list(message_events(litellm.url, "answered-by-the-relay", litellm.api_key)) == []


@pytest.mark.parametrize("model", ["relayed-counting", "relayed-messages"])
def test_litellm_relays_responses_by_either_protocol(litellm: Relay, model: str) -> None:
    with (
        openai.OpenAI(base_url=f"{litellm.url}/v1", api_key=litellm.api_key, max_retries=0) as client,
        client.responses.create(model=model, input="Count upward in words.", stream=True) as stream,
    ):
        last = list(stream)[-1]

    assert last.type == "response.completed"
    assert last.response.output_text.startswith(TWENTY)
    assert last.response.usage is not None
    assert last.response.usage.output_tokens == 20


def test_litellm_turns_a_cut_connection_into_a_failed_response(litellm: Relay) -> None:
    with (
        openai.OpenAI(base_url=f"{litellm.url}/v1", api_key=litellm.api_key, max_retries=0) as client,
        client.responses.create(
            model="relayed-truncated", input="Count upward in words.", stream=True
        ) as stream,
    ):
        last = list(stream)[-1]

    assert last.type == "response.failed"
    assert last.response.error is not None
    assert last.response.error.code == "server_error"


@pytest.mark.parametrize(
    ("model", "status"),
    [("relayed-rate-limited", 429), ("relayed-unauthorized", 401), ("no-such-model", 400)],
)
def test_litellm_passes_refusals_on(litellm: Relay, model: str, status: int) -> None:
    with pytest.raises(openai.APIStatusError) as refusal:
        list(chat_chunks(f"{litellm.url}/v1", model, litellm.api_key))

    assert refusal.value.status_code == status


def test_litellm_turns_a_cut_connection_into_an_error_event(litellm: Relay) -> None:
    seen: list[ChatCompletionChunk] = []

    with pytest.raises(openai.APIError) as error:
        seen.extend(chat_chunks(f"{litellm.url}/v1", "relayed-truncated", litellm.api_key))

    assert text_of(seen).startswith("one")
    assert not isinstance(error.value, openai.APIStatusError | openai.APIConnectionError)


def test_litellm_takes_no_other_key(litellm: Relay) -> None:
    with pytest.raises(openai.BadRequestError, match="No connected db"):
        list(chat_chunks(f"{litellm.url}/v1", "relayed-counting", "sk-of-somebody-else"))


def test_llamacpp_infers_chat_up_to_the_token_limit(llamacpp: str) -> None:
    chunks = list(chat_chunks(f"{llamacpp}/v1", "tiny-llama"))

    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == [
        "length"
    ]
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [64]
    assert len(text_of(chunks).split()) == 64


def test_llamacpp_infers_messages_up_to_the_token_limit(llamacpp: str) -> None:
    events = list(message_events(llamacpp, "tiny-llama"))

    ends = [event for event in events if event.type == "message_delta"]
    assert [(end.delta.stop_reason, end.usage.output_tokens) for end in ends] == [("max_tokens", 64)]
    assert len(message_text(events).split()) == 64
    assert events[-1].type == "message_stop"


def test_llamacpp_infers_responses(llamacpp: str) -> None:
    with (
        openai.OpenAI(base_url=f"{llamacpp}/v1", api_key="unused", max_retries=0) as client,
        client.responses.create(
            model="tiny-llama", input="Count upward in words.", max_output_tokens=32, stream=True
        ) as stream,
    ):
        last = list(stream)[-1]

    assert last.type == "response.completed"
    assert last.response.usage is not None
    assert last.response.usage.output_tokens == 32
