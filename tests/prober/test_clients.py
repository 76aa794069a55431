"""What each protocol's events mean, written from the public descriptions of the streams."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.target import Protocol
from probes.prober.clients import anthropic_messages, openai_chat
from probes.prober.clients.reading import error_in
from probes.prober.clients.registry import WIRE_PROTOCOLS
from probes.prober.events import BadPayloadError, Generated, StreamEvent, UpstreamError, Usage
from probes.prober.sse import ServerEvent

T, R, F, C = Generated.TEXT, Generated.REASONING, Generated.REFUSAL, Generated.TOOL


def chunk(delta: Any = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta or {}, "finish_reason": None}], **fields}


def openai_says(document: object, name: str = "") -> StreamEvent:
    return openai_chat.interpret(ServerEvent(name, json.dumps(document).encode()))


def anthropic_says(document: object) -> StreamEvent:
    return anthropic_messages.interpret(ServerEvent("", json.dumps(document).encode()))


def pieces(event: StreamEvent) -> list[tuple[Generated, str]]:
    return [(piece.kind, piece.text) for piece in event.pieces]


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        pytest.param({"role": "assistant", "content": ""}, [], id="role frame"),
        pytest.param({"content": None}, [], id="null content"),
        pytest.param({"content": " one"}, [(T, " one")], id="text"),
        pytest.param({"reasoning_content": "hm"}, [(R, "hm")], id="DeepSeek reasoning"),
        pytest.param({"reasoning": "hm", "content": ""}, [(R, "hm")], id="OpenRouter reasoning"),
        pytest.param(
            {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, [(R, "hm")], id="details"
        ),
        pytest.param({"reasoning_details": [{"summary": "s"}, {"data": "x"}]}, [(R, "s")], id="summary"),
        pytest.param({"reasoning_content": "hm", "content": "one"}, [(R, "hm"), (T, "one")], id="both"),
        pytest.param({"refusal": "I cannot"}, [(F, "I cannot")], id="refusal"),
        pytest.param(
            {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": ""}}]}, [], id="tool name"
        ),
        pytest.param({"tool_calls": [{"function": {"arguments": "{"}}]}, [(C, "{")], id="tool arguments"),
        pytest.param({"function_call": {"arguments": "{"}}, [(C, "{")], id="old function call"),
        pytest.param(
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
            [(R, "hm")],
            id="Mistral thinking",
        ),
        pytest.param({"content": [{"type": "text", "text": "one"}]}, [(T, "one")], id="Mistral text part"),
        pytest.param({"content": 7, "tool_calls": "x", "reasoning": {}}, [], id="nonsense types"),
    ],
)
def test_a_chat_delta_gives_its_pieces(delta: Any, expected: list[tuple[Generated, str]]) -> None:
    assert pieces(openai_says(chunk(delta))) == expected


def test_a_chat_chunk_gives_what_the_server_says_of_itself() -> None:
    event = openai_says(
        {
            "id": "chatcmpl-1",
            "model": "gpt-x-2026",
            "system_fingerprint": "fp_1",
            "service_tier": "default",
            "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}],
            "usage": {
                "prompt_tokens": 30,
                "completion_tokens": 20,
                "prompt_tokens_details": {"cached_tokens": 16},
                "completion_tokens_details": {"reasoning_tokens": 12},
            },
        }
    )
    assert (event.served_model, event.fingerprint, event.service_tier) == ("gpt-x-2026", "fp_1", "default")
    assert (event.finish_reason, event.is_complete, event.is_end) == ("length", True, False)
    assert event.response_id == "chatcmpl-1"
    assert event.usage == Usage(30, 20, reasoning_tokens=12, cached_tokens=16)


def test_done_ends_a_chat_without_completing_it() -> None:
    event = openai_chat.interpret(ServerEvent("", b"[DONE]"))
    assert (event.is_end, event.is_complete) == (True, False)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param({"usage": None}, None, id="null"),
        pytest.param({"usage": {}}, None, id="empty"),
        pytest.param({"usage": {"prompt_tokens": -1, "completion_tokens": True}}, Usage(), id="no counts"),
        pytest.param({"usage": {"completion_tokens": 10**30}}, Usage(), id="beyond any count"),
        pytest.param({"x_groq": {"usage": {"prompt_tokens": 3}}}, Usage(3), id="Groq"),
        pytest.param(
            {"usage": {"prompt_tokens": 9, "prompt_cache_hit_tokens": 4}},
            Usage(9, cached_tokens=4),
            id="DeepSeek",
        ),
    ],
)
def test_chat_usage_is_read_without_trust(usage: dict[str, Any], expected: Usage | None) -> None:
    assert openai_says(chunk(**usage)).usage == expected


@pytest.mark.parametrize("data", [b"{", b"[]", b"7", b'"x"', b"\xff\xfe", b"{" * 100_000, b"null"])
@pytest.mark.parametrize("interpret", [wire.interpret for wire in WIRE_PROTOCOLS.values()])
def test_what_is_no_json_object_is_a_bad_payload(interpret: Any, data: bytes) -> None:
    with pytest.raises(BadPayloadError):
        interpret(ServerEvent("", data))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"error": {"message": "m", "type": "t", "code": "c"}}, UpstreamError("c", "t", "m")),
        ({"error": {"message": "m", "code": 502}}, UpstreamError("502", None, "m")),
        (
            {"error": {"message": "m", "status": "UNAVAILABLE", "code": 503}},
            UpstreamError("503", "UNAVAILABLE", "m"),
        ),
        ([{"error": {"message": "m"}}], UpstreamError(message="m")),
        ({"error": "text"}, UpstreamError(message="text")),
        ({"detail": "Not Found"}, UpstreamError(message="Not Found")),
        ({"detail": [{"loc": ["body"]}]}, UpstreamError(message='[{"loc": ["body"]}]')),
        ({"code": "InvalidApiKey", "message": "m"}, UpstreamError("InvalidApiKey", None, "m")),
        (
            {"type": "error", "error": {"type": "t", "message": "m", "details": {"error_code": "e"}}},
            UpstreamError("e", "t", "m"),
        ),
        ({"choices": []}, None),
        ([], None),
        (None, None),
    ],
)
def test_an_error_is_found_in_any_gateways_shape(document: object, expected: UpstreamError | None) -> None:
    assert error_in(document) == expected


def test_an_error_in_a_chat_stream_is_seen_by_field_or_by_name() -> None:
    assert openai_says({"error": {"message": "m"}}).error == UpstreamError(message="m")
    assert openai_says({"message": "m"}, name="error").error == UpstreamError(message="m")
    assert openai_says(chunk({"content": "x"}, error=None)).error is None


def test_an_anthropic_stream_is_read_event_by_event() -> None:
    start = {"type": "message_start", "message": {"id": "msg_1", "model": "claude-x", "usage": {}}}
    start["message"]["usage"] = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}  # type: ignore[index]
    opened = anthropic_says(start)
    assert (opened.served_model, opened.response_id, opened.pieces) == ("claude-x", "msg_1", ())
    assert opened.usage is not None
    assert (opened.usage.whole_input_tokens, opened.usage.output_tokens) == (15, None)  # 1 is a placeholder
    assert anthropic_says({"type": "ping"}) == StreamEvent()
    thought = {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}}
    assert pieces(anthropic_says(thought)) == [(R, "hm")]
    signature = {"type": "content_block_delta", "delta": {"type": "signature_delta", "signature": "abc"}}
    assert pieces(anthropic_says(signature)) == []
    text = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "one"}}
    assert pieces(anthropic_says(text)) == [(T, "one")]
    tool = {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{"}}
    assert pieces(anthropic_says(tool)) == [(C, "{")]
    hidden = {"type": "content_block_start", "content_block": {"type": "redacted_thinking", "data": "x"}}
    assert pieces(anthropic_says(hidden)) == [(R, "x")]
    stop = {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 20}}
    stopped = anthropic_says(stop)
    assert (stopped.finish_reason, stopped.is_complete) == ("max_tokens", False)
    end = anthropic_says({"type": "message_stop"})
    assert (end.is_end, end.is_complete) == (True, True)


def test_an_anthropic_error_event_is_seen() -> None:
    event = anthropic_says({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    assert event.error == UpstreamError(None, "overloaded_error", "Overloaded")


def test_events_that_the_api_may_add_say_nothing() -> None:
    assert anthropic_says({"type": "something_new", "delta": {"text": "x"}}) == StreamEvent()


def test_usage_that_comes_in_parts_is_put_together() -> None:
    start = Usage(10, cached_tokens=4, cache_written_tokens=1, is_cache_apart=True)
    end = Usage(output_tokens=20, is_cache_apart=True)
    assert start.then(end).whole_input_tokens == 15
    assert start.then(end).output_tokens == 20
    assert Usage(1, 2).then(Usage(None, 3)) == Usage(1, 3)  # the last non-null value wins


def test_every_protocol_of_the_domain_has_a_row() -> None:
    assert set(WIRE_PROTOCOLS) == set(Protocol)


KEYS = (
    "type",
    "error",
    "choices",
    "delta",
    "content",
    "usage",
    "message",
    "finish_reason",
    "tool_calls",
    "details",
    "response",
    "incomplete_details",
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(KEYS), DOCUMENTS))
def test_no_object_whatever_breaks_an_interpreter(document: dict[str, object]) -> None:
    for wire in WIRE_PROTOCOLS.values():
        assert isinstance(wire.interpret(ServerEvent("", json.dumps(document).encode())), StreamEvent)
