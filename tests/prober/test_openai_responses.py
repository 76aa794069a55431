"""OpenAI's Responses API: what each event means, and what each ending comes to as a record.

The bodies in fixtures/openai_responses are written from the public description of the stream, or recorded from servers
that nobody here wrote (`recorded_`: aimock, LiteLLM in front of it, llama.cpp).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, TokensSource
from probes.prober.clients.openai_responses import interpret
from probes.prober.events import Generated, StreamEvent, UpstreamError, Usage
from probes.prober.sse import ServerEvent
from tests.prober.asking import RESPONSES, RunningProber, a_target, response, says, serving

T, R, F, C = Generated.TEXT, Generated.REASONING, Generated.REFUSAL, Generated.TOOL
O = Outcome  # noqa: E741  # a table reads better narrow
BODIES = Path(__file__).parent / "fixtures" / "openai_responses"


def said(document: object, name: str = "") -> StreamEvent:
    return interpret(ServerEvent(name, json.dumps(document).encode()))


# One event.


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("response.output_text.delta", T),
        ("response.refusal.delta", F),
        ("response.reasoning_summary_text.delta", R),
        ("response.reasoning_text.delta", R),
        ("response.reasoning.delta", R),
        ("response.function_call_arguments.delta", C),
        ("response.custom_tool_call_input.delta", C),
        ("response.mcp_call_arguments.delta", C),
        ("response.code_interpreter_call_code.delta", C),
    ],
)
def test_a_delta_is_one_piece_of_its_kind(kind: str, expected: Generated) -> None:
    for event in (said({"type": kind, "delta": " one"}), said({"delta": " one"}, name=kind)):
        assert [(piece.kind, piece.text) for piece in event.pieces] == [(expected, " one")]


@pytest.mark.parametrize("delta", ["", None, 7, {}, ["one"]])
def test_a_delta_without_text_generates_nothing(delta: Any) -> None:
    assert said({"type": "response.output_text.delta", "delta": delta}) == StreamEvent()


@pytest.mark.parametrize(
    "document",
    [
        {"type": "response.output_item.added", "item": {"type": "message", "content": []}},
        {"type": "response.content_part.added", "part": {"type": "output_text", "text": ""}},
        {"type": "response.output_text.done", "text": "one two"},
        {"type": "response.output_text.annotation.added", "annotation": {"text": "x"}},
        {"type": "response.refusal.done", "refusal": "no"},
        {"type": "response.reasoning_summary_part.added", "part": {"text": ""}},
        {"type": "response.reasoning_summary_text.done", "text": "hm"},
        {"type": "response.function_call_arguments.done", "arguments": "{}"},
        {"type": "response.content_part.done", "part": {"type": "output_text", "text": "one two"}},
        {"type": "response.output_item.done", "item": {"content": [{"text": "one two"}]}},
        {"type": "response.web_search_call.searching"},
        {"type": "response.something_new.delta", "delta": "x", "error": None},
        {},
    ],
)
def test_what_begins_repeats_or_is_unknown_says_nothing(document: Any) -> None:
    assert said(document) == StreamEvent()


def test_a_running_response_says_who_answers() -> None:
    response = {"id": "resp_1", "model": "gpt-x-2026", "service_tier": "auto", "usage": None}
    for kind in ("response.created", "response.queued", "response.in_progress"):
        event = said({"type": kind, "response": response})
        assert (event.response_id, event.served_model, event.service_tier) == ("resp_1", "gpt-x-2026", "auto")
        assert (event.is_end, event.is_complete, event.usage) == (False, False, None)


def test_an_end_tells_reason_usage_and_tier() -> None:
    usage = {
        "input_tokens": 30,
        "input_tokens_details": {"cached_tokens": 16, "cache_write_tokens": 4},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 12},
    }
    ended = said({"type": "response.completed", "response": {"usage": usage, "service_tier": "flex"}})
    assert (ended.finish_reason, ended.is_end, ended.is_complete) == ("completed", True, True)
    assert ended.service_tier == "flex"
    assert ended.usage == Usage(30, 20, reasoning_tokens=12, cached_tokens=16, cache_written_tokens=4)
    assert ended.usage.whole_input_tokens == 30  # the cached ones are inside


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({"incomplete_details": {"reason": "max_output_tokens"}}, "max_output_tokens"),
        ({"incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"incomplete_details": None}, "incomplete"),
        (None, "incomplete"),
    ],
)
def test_an_incomplete_response_ends_for_its_reason(response: Any, expected: str) -> None:
    event = said({"type": "response.incomplete", "response": response})
    assert (event.finish_reason, event.is_end, event.is_complete) == (expected, True, True)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(
            {"type": "error", "code": "server_error", "message": "m", "sequence_number": 3},
            UpstreamError("server_error", None, "m"),
            id="as documented",
        ),
        pytest.param(
            {"type": "error", "error": {"type": "t", "code": "c", "message": "m"}},
            UpstreamError("c", "t", "m"),
            id="as OpenAI sends it",
        ),
        pytest.param({"type": "error"}, UpstreamError(), id="without a word"),
        pytest.param({"type": "error", "error": ["?"]}, UpstreamError(), id="of no shape"),
        pytest.param(
            {"error": {"message": "m", "code": "500"}}, UpstreamError("500", None, "m"), id="a gateway's"
        ),
        pytest.param({"type": "response.error", "error": "m"}, UpstreamError(message="m"), id="text alone"),
        pytest.param(
            {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "m"}}},
            UpstreamError("server_error", None, "m"),
            id="failed",
        ),
        pytest.param(
            {"type": "response.failed", "error": {"message": "m"}}, UpstreamError(message="m"), id="beside"
        ),
        pytest.param(
            {"type": "response.failed", "response": {"error": None}},
            UpstreamError(message="the response failed"),
            id="failed for no reason",
        ),
    ],
)
def test_an_error_is_found_in_every_form(document: Any, expected: UpstreamError) -> None:
    event = said(document)
    assert event.error == expected
    assert not event.is_complete


def test_a_gateways_done_ends_the_stream_without_completing_it() -> None:
    event = interpret(ServerEvent("", b"[DONE]"))
    assert (event.is_end, event.is_complete) == (True, False)


# Whole bodies.

GOOD = {
    "completed": "completed",
    "completed_crlf_comments": "completed",
    "completed_then_done": "completed",
    "limit_reached": "max_output_tokens",
    "reasoning_summary": "completed",
    "reasoning_text": "completed",
    "reasoning_hidden": "completed",
    "usage_missing": "completed",
    "usage_early": "completed",
    "usage_repeated": "completed",
    "unknown_events": "completed",
    "recorded_aimock_counting": "completed",
    "recorded_aimock_reasoning": "completed",
    "recorded_litellm_relayed": "completed",
}
BAD = {
    "content_filter": O.CONTENT_FILTERED,
    "refusal": O.CONTENT_FILTERED,
    "reasoning_only": O.REASONING_ONLY,
    "tool_call": O.EMPTY_RESPONSE,
    "silent": O.EMPTY_RESPONSE,
    "failed": O.STREAM_ERROR,
    "failed_rate_limit": O.RATE_LIMITED,
    "failed_without_error": O.STREAM_ERROR,
    "error_flat": O.STREAM_ERROR,
    "error_nested": O.RATE_LIMITED,
    "error_quota": O.QUOTA_EXHAUSTED,
    "clean_early_end": O.TRUNCATED_STREAM,
    "done_without_end": O.TRUNCATED_STREAM,
    "recorded_aimock_tool": O.EMPTY_RESPONSE,
    "recorded_litellm_failed": O.STREAM_ERROR,
    "recorded_llamacpp_limit": O.WRONG_ANSWER,  # random weights cannot count
}


def probed(prober: RunningProber, name: str) -> ProbeResult:
    body = (BODIES / f"{name}.sse").read_bytes()
    with serving(says(response(body))) as server:
        return prober.probe(a_target(server.base_url, protocol=RESPONSES))


def test_every_body_is_in_a_table() -> None:
    assert {path.stem for path in BODIES.glob("*.sse")} == set(GOOD) | set(BAD)


@pytest.mark.parametrize(("name", "reason"), GOOD.items())
def test_a_good_body_is_ok_with_its_reason(name: str, reason: str, prober: RunningProber) -> None:
    result = probed(prober, name)
    assert (result.outcome, result.finish_reason) == (Outcome.OK, reason), result.error
    assert result.answer_ok is True
    assert result.protocol == "openai_responses"


@pytest.mark.parametrize(("name", "outcome"), BAD.items())
def test_a_bad_body_has_its_outcome(name: str, outcome: Outcome, prober: RunningProber) -> None:
    result = probed(prober, name)
    assert result.outcome is outcome, result.error
    assert result.error


@pytest.mark.parametrize(
    ("name", "kind", "reasoning_tokens", "chunks"),
    [
        ("completed", "text", 0, 10),
        ("reasoning_summary", "reasoning", 8, 12),
        ("reasoning_text", "reasoning", 8, 12),
        ("reasoning_hidden", "text", 10, 10),
        ("reasoning_only", "reasoning", 16, 3),
        ("refusal", "refusal", 0, 3),
        ("tool_call", "tool", 0, 2),
    ],
)
def test_first_generated_and_first_visible_are_told_apart(
    name: str, kind: str, reasoning_tokens: int, chunks: int, prober: RunningProber
) -> None:
    result = probed(prober, name)
    assert (result.ttft_kind, result.reasoning_tokens, result.chunks) == (kind, reasoning_tokens, chunks)
    assert (result.ttft_visible_seconds is None) == (kind == "tool" or name == "reasoning_only")


@pytest.mark.parametrize("name", ["completed", "usage_early", "usage_repeated", "limit_reached"])
def test_the_last_usage_that_says_something_counts(name: str, prober: RunningProber) -> None:
    result = probed(prober, name)
    assert (result.input_tokens, result.output_tokens, result.cached_tokens) == (30, 20, 16)
    assert result.tokens_source is TokensSource.USAGE


def test_without_usage_chunks_stand_in(prober: RunningProber) -> None:
    result = probed(prober, "usage_missing")
    assert (result.output_tokens, result.tokens_source) == (10, TokensSource.CHUNKS)
    assert (result.input_tokens, result.cost) == (None, None)


def test_the_record_names_who_answered(prober: RunningProber) -> None:
    result = probed(prober, "completed")
    assert (result.served_model, result.service_tier, result.request_id) == (
        "gpt-x-2026",
        "default",
        "resp_1",
    )
    assert result.fingerprint is None
