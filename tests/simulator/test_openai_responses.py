"""The Responses dialect: each scenario on the wire, read raw and by the vendor's own SDK and event models."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent

from probes.simulator import RunningSimulator

from .wire import COMPLETE, EOF, RESET, RESPONSES, SILENCE, Exchange, exchange

WORDS = "one two three four five six seven eight"
MODELS = {  # of the vendor's SDK, by event type
    get_args(model.model_fields["type"].annotation)[0]: model
    for model in get_args(get_args(ResponseStreamEvent)[0])
}
ORDERLY = """
    ok short no-role role-with-text reasoning reasoning-field hidden-reasoning reasoning-only refusal content-filter
    content-filter-empty tool-call wrong-answer served-model cached usage-missing usage-early usage-repeated usage-zero
    usage-on-choices usage-then-null crlf comments multiline bom coalesced split-utf8 hostile-html empty-stream
    no-finish stream-error stream-overloaded stream-rate-limited
"""


def asked(simulator: RunningSimulator, model: str, limit: int | None = 8, **changes: Any) -> Exchange:
    body = {
        "model": model,
        "input": "Count upward in words.",
        "stream": True,
        "max_output_tokens": limit,
        **changes,
    }
    body = {key: value for key, value in body.items() if value is not None}
    return exchange(simulator.port, RESPONSES, body, patience_seconds=0.6, total_seconds=3.0)


def types(found: Exchange) -> list[str]:
    return [payload["type"] for payload in found.payloads]


def said(found: Exchange, kind: str = "output_text") -> str:
    deltas = [payload for payload in found.payloads if payload["type"] == f"response.{kind}.delta"]
    return "".join(delta["delta"] for delta in deltas)


def ended(found: Exchange) -> Any:
    """The response as its last event tells it."""
    return found.payloads[-1]["response"]


def usages(found: Exchange) -> list[int | None]:
    """Output tokens by each event that holds a response, None where that has no usage."""
    responses = [payload["response"] for payload in found.payloads if "response" in payload]
    return [response["usage"] and response["usage"]["output_tokens"] for response in responses]


@pytest.fixture
def client(simulator: RunningSimulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{simulator.base_url}/v1", api_key="sk-simulated-0001", max_retries=0
    ) as made:
        yield made


# The form.


@pytest.mark.parametrize("model", ORDERLY.split())
def test_every_event_is_one_of_the_vendors(simulator: RunningSimulator, model: str) -> None:
    nested = (
        "error" if model == "stream-overloaded" else None
    )  # the vendor's service differs from its own models
    found = asked(simulator, model, limit=20)
    assert (found.status, found.end) == (200, COMPLETE)
    assert found.payloads
    for (name, _data), payload in zip(found.events, found.payloads, strict=True):
        assert name == payload["type"]
        if payload["type"] != nested:
            MODELS[payload["type"]].model_validate(payload)


def test_events_are_numbered_from_zero(simulator: RunningSimulator) -> None:
    found = asked(simulator, "reasoning", limit=16)
    assert [payload["sequence_number"] for payload in found.payloads] == list(range(len(found.payloads)))


def test_a_stream_opens_runs_and_closes_in_order(simulator: RunningSimulator) -> None:
    found = asked(simulator, "ok")
    assert types(found) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * 8,
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ]


def test_a_limit_makes_it_incomplete_and_a_natural_end_complete(simulator: RunningSimulator) -> None:
    cut, whole = asked(simulator, "ok"), asked(simulator, "short", limit=20)
    assert (types(cut)[-1], ended(cut)["incomplete_details"]) == (
        "response.incomplete",
        {"reason": "max_output_tokens"},
    )
    assert (types(whole)[-1], ended(whole)["incomplete_details"]) == ("response.completed", None)
    assert said(cut) == said(whole) == WORDS


# The vendor's SDK.


def test_the_sdk_gathers_text_and_usage(client: openai.OpenAI) -> None:
    with client.responses.stream(model="short", input="Count.", max_output_tokens=20) as stream:
        response = stream.get_final_response()
    assert (response.output_text, response.status) == (WORDS, "completed")
    assert response.usage is not None
    assert response.usage.output_tokens == 8


def test_the_sdk_gathers_reasoning_and_message_as_items(client: openai.OpenAI) -> None:
    with client.responses.stream(model="reasoning;tokens=8", input="Count.", max_output_tokens=20) as stream:
        response = stream.get_final_response()
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.usage is not None
    assert response.usage.output_tokens_details.reasoning_tokens == 8


def test_the_sdk_gathers_a_function_call(client: openai.OpenAI) -> None:
    with client.responses.stream(model="tool-call", input="Count.", max_output_tokens=8) as stream:
        (call,) = stream.get_final_response().output
    assert call.type == "function_call"
    assert json.loads(call.arguments) == {"words": "one two three four five six"}


def test_the_sdk_reads_a_whole_answer(client: openai.OpenAI) -> None:
    response = client.responses.create(model="ok", input="Count.", max_output_tokens=8)
    assert (response.output_text, response.status) == (WORDS, "incomplete")


def test_the_sdk_reads_input_as_messages(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Count upward."}]
    response = client.responses.create(model="ok", input=messages, max_output_tokens=8)
    assert response.usage is not None
    assert response.usage.input_tokens == 5


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("error-401", "AuthenticationError"),
        ("error-429", "RateLimitError"),
        ("error-500", "InternalServerError"),
        ("no-such-scenario", "NotFoundError"),
    ],
)
def test_the_sdk_raises_its_own_error_for_a_status(client: openai.OpenAI, model: str, expected: str) -> None:
    with pytest.raises(getattr(openai, expected)):
        client.responses.create(model=model, input="Count.", stream=True)


def test_a_request_without_input_is_refused(simulator: RunningSimulator) -> None:
    found = exchange(simulator.port, RESPONSES, {"model": "ok", "stream": True})
    assert (found.status, found.json["error"]["message"]) == (400, "input: field required")


# What the model says.


def test_reasoning_is_a_summary_or_the_text_itself(simulator: RunningSimulator) -> None:
    summary = asked(simulator, "reasoning", limit=12)
    assert said(summary, "reasoning_summary_text").startswith("Let me think")
    assert said(summary, "reasoning_text") == ""
    plain = asked(simulator, "reasoning-field", limit=12)
    assert said(plain, "reasoning_text").startswith("Let me think")
    assert said(plain) == "one two three four"


def test_reasoning_until_the_limit_leaves_no_text(simulator: RunningSimulator) -> None:
    found = asked(simulator, "reasoning-only")
    assert said(found) == ""
    assert [item["type"] for item in ended(found)["output"]] == ["reasoning"]
    assert ended(found)["incomplete_details"] == {"reason": "max_output_tokens"}


def test_hidden_reasoning_shows_in_the_usage_alone(simulator: RunningSimulator) -> None:
    found = asked(simulator, "hidden-reasoning", limit=20)
    assert "reasoning" not in "".join(types(found))
    assert ended(found)["usage"]["output_tokens_details"] == {"reasoning_tokens": 16}


def test_a_refusal_comes_in_refusal_deltas(simulator: RunningSimulator) -> None:
    found = asked(simulator, "refusal", limit=20)
    assert (said(found, "refusal"), said(found)) == ("I cannot help with that.", "")
    assert types(found)[-1] == "response.completed"


def test_a_content_filter_makes_it_incomplete(simulator: RunningSimulator) -> None:
    found = asked(simulator, "content-filter", limit=20)
    assert said(found) == "one two three four"
    assert ended(found)["incomplete_details"] == {"reason": "content_filter"}


def test_a_silent_answer_is_a_message_without_text(simulator: RunningSimulator) -> None:
    found = asked(simulator, "empty-stream")
    assert not [kind for kind in types(found) if kind.endswith(".delta")]
    assert [item["content"] for item in ended(found)["output"]] == [[]]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("ok", [None, None, 16]),
        ("usage-missing", [None, None, None]),
        ("usage-zero", [None, None, 0]),
        ("usage-early", [16, 16, None]),
        ("usage-repeated", [None, None, 8, 16, 16]),
        ("usage-then-null", [None, None, 16, None]),
    ],
)
def test_usage_is_where_the_scenario_says(
    simulator: RunningSimulator, model: str, expected: list[int | None]
) -> None:
    assert usages(asked(simulator, model, limit=16)) == expected


# What goes wrong.


@pytest.mark.parametrize(
    ("model", "end"),
    [("stalled", SILENCE), ("reset", RESET), ("cut", EOF), ("truncated", COMPLETE)],
)
def test_three_tokens_come_before_a_fault(simulator: RunningSimulator, model: str, end: str) -> None:
    found = asked(simulator, model)
    assert (said(found), found.end) == ("one two three", end)
    assert types(found)[-1] == "response.output_text.delta"


def test_without_a_terminal_event_the_items_are_done_all_the_same(simulator: RunningSimulator) -> None:
    assert types(asked(simulator, "no-terminal"))[-1] == "response.output_item.done"


def test_without_a_finish_the_terminal_event_comes_alone(simulator: RunningSimulator) -> None:
    assert types(asked(simulator, "no-finish"))[-2:] == ["response.output_text.delta", "response.completed"]


def test_an_error_is_flat_nested_or_a_failed_response(simulator: RunningSimulator) -> None:
    flat, nested, failed = (
        asked(simulator, model).payloads[-1]
        for model in ("stream-error", "stream-overloaded", "stream-rate-limited")
    )
    assert (flat["type"], flat["message"]) == ("error", "Simulated internal error.")
    assert (nested["type"], nested["error"]["code"]) == ("error", "overloaded_error")
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize(
    ("model", "needle"),
    [
        ("stalled-pings", b": keep-alive"),
        ("stalled-comments", b": keep-alive"),
        ("stalled-empty", b'"delta":"",'),
    ],
)
def test_a_silence_is_filled(simulator: RunningSimulator, model: str, needle: bytes) -> None:
    found = asked(simulator, model)
    assert said(found) == "one two three"
    assert found.body.count(needle) >= 2


def test_a_json_answer_is_a_whole_response(simulator: RunningSimulator) -> None:
    found = asked(simulator, "json-answer")
    assert found.headers["content-type"] == "application/json"
    assert Response.model_validate(found.json).output_text == WORDS


def test_only_what_is_sent_can_be_refused(simulator: RunningSimulator) -> None:
    assert asked(simulator, "refuses-temperature", temperature=0).status == 400
    assert asked(simulator, "refuses-max-tokens").status == 200
    assert asked(simulator, "minimum-tokens", limit=8).status == 400
    assert asked(simulator, "minimum-tokens", limit=16).status == 200
