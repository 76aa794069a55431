"""Streams of Gemini's and Ollama's own protocols, recorded from servers of others or written from documentation."""

from pathlib import Path
from typing import Final

import pytest

from probes.domain.outcome import Outcome
from probes.domain.target import Protocol
from probes.prober.clients.registry import WIRE_PROTOCOLS
from tests.prober.asking import GEMINI, OLLAMA, RunningProber, a_target, response, says, serving

FIXTURES: Final = Path(__file__).parent / "fixtures"
O = Outcome  # noqa: E741  # a table reads better narrow

# name: outcome, finish reason, (input, output, reasoning, cached) tokens, kind of the first token, generated chunks
Row = tuple[Outcome, str | None, tuple[int | None, ...], str | None, int]
GEMINI_ROWS: Final[dict[str, Row]] = {
    "stop": (O.OK, "STOP", (40, 10, None, None), "text", 5),
    "stop_crlf_comments": (O.OK, "STOP", (40, 10, None, None), "text", 5),
    "stop_then_done": (O.OK, "STOP", (40, 10, None, None), "text", 5),
    "limit_reached": (O.OK, "MAX_TOKENS", (40, 9, None, None), "text", 5),
    "finish_in_every_chunk": (O.OK, "STOP", (40, 10, None, None), "text", 5),
    "finish_apart": (O.OK, "STOP", (40, 8, None, None), "text", 4),
    "usage_after_finish": (O.OK, "STOP", (40, 8, None, None), "text", 4),
    "usage_missing": (O.OK, "STOP", (None, 4, None, None), "text", 4),
    "usage_early": (O.OK, "STOP", (40, 8, None, None), "text", 4),
    "thoughts": (O.OK, "STOP", (40, 20, 12, None), "reasoning", 6),
    "thoughts_hidden": (O.OK, "STOP", (40, 20, 12, None), "text", 4),
    "thoughts_only": (O.REASONING_ONLY, "MAX_TOKENS", (40, 61, 61, None), "reasoning", 2),
    "cached_and_tool_prompt": (O.OK, "STOP", (45, 10, None, 32), "text", 5),
    "tool_call": (O.EMPTY_RESPONSE, "STOP", (40, 7, None, None), "tool", 1),
    "malformed_tool_call": (O.STREAM_ERROR, "MALFORMED_FUNCTION_CALL", (40, None, None, None), None, 0),
    "safety": (O.CONTENT_FILTERED, "SAFETY", (40, 3, None, None), "text", 2),
    "recitation": (O.CONTENT_FILTERED, "RECITATION", (40, 2, None, None), "text", 1),
    "spii": (O.CONTENT_FILTERED, "SPII", (40, None, None, None), None, 0),
    "prompt_blocked": (O.CONTENT_FILTERED, "OTHER", (40, None, None, None), None, 0),
    "other_without_text": (O.EMPTY_RESPONSE, "OTHER", (40, None, None, None), None, 0),
    "clean_early_end": (O.TRUNCATED_STREAM, None, (40, 6, None, None), "text", 3),
    "cut_in_an_event": (O.TRUNCATED_STREAM, None, (40, 8, None, None), "text", 4),
    "silent": (O.EMPTY_RESPONSE, "STOP", (40, None, None, None), None, 0),
    "error_unavailable": (O.OVERLOADED, None, (40, 4, None, None), "text", 2),
    "error_internal": (O.STREAM_ERROR, None, (40, 2, None, None), "text", 1),
    "error_exhausted": (O.RATE_LIMITED, None, (None, None, None, None), None, 0),
    "unknown_fields": (O.OK, "STOP", (40, 3, None, None), "text", 1),
    "recorded_aimock_counting": (O.OK, "STOP", (30, 20, None, None), "text", 19),
    "recorded_aimock_reasoning": (O.OK, "STOP", (30, 25, None, None), "reasoning", 15),
    "recorded_aimock_tool": (O.EMPTY_RESPONSE, "FUNCTION_CALL", (None, 1, None, None), "tool", 1),
}
OLLAMA_ROWS: Final[dict[str, Row]] = {
    "stop": (O.OK, "stop", (40, 8, None, None), "text", 4),
    "stop_crlf_blank_lines": (O.OK, "stop", (40, 8, None, None), "text", 4),
    "stop_without_last_line_end": (O.OK, "stop", (40, 8, None, None), "text", 4),
    "limit_reached": (O.OK, "length", (40, 8, None, None), "text", 4),
    "old_without_reason": (O.OK, None, (40, 8, None, None), "text", 4),
    "prompt_from_cache": (O.OK, "stop", (None, 8, None, None), "text", 4),
    "usage_missing": (O.OK, "stop", (None, 4, None, None), "text", 4),
    "thinking": (O.OK, "stop", (40, 12, None, None), "reasoning", 6),
    "thinking_only": (O.REASONING_ONLY, "length", (40, 60, None, None), "reasoning", 2),
    "tool_call": (O.EMPTY_RESPONSE, "stop", (40, 9, None, None), "tool", 1),
    "loaded_only": (O.EMPTY_RESPONSE, "load", (None, None, None, None), None, 0),
    "silent": (O.EMPTY_RESPONSE, "stop", (40, 1, None, None), None, 0),
    "clean_early_end": (O.TRUNCATED_STREAM, None, (None, 3, None, None), "text", 3),
    "cut_in_a_line": (O.TRUNCATED_STREAM, None, (None, 4, None, None), "text", 4),
    "broken_line": (O.BAD_PAYLOAD, None, (None, 2, None, None), "text", 2),
    "error_line": (O.STREAM_ERROR, None, (None, 2, None, None), "text", 2),
    "error_line_first": (O.STREAM_ERROR, None, (None, None, None, None), None, 0),
    "error_line_limit": (O.QUOTA_EXHAUSTED, None, (None, 1, None, None), "text", 1),
    "remote_model": (O.OK, "stop", (40, 8, None, None), "text", 4),
    "unknown_fields": (O.OK, "stop", (40, 3, None, None), "text", 1),
    "recorded_aimock_counting": (O.OK, "stop", (None, 19, None, None), "text", 19),
    "recorded_aimock_reasoning": (O.OK, "stop", (None, 15, None, None), "reasoning", 15),
    "recorded_aimock_tool": (O.EMPTY_RESPONSE, "stop", (None, 1, None, None), "tool", 1),
}
ENDS: Final = {GEMINI: ".sse", OLLAMA: ".ndjson"}
ROWS: Final = {GEMINI: GEMINI_ROWS, OLLAMA: OLLAMA_ROWS}
CASES: Final = [
    pytest.param(protocol, name, row, id=f"{protocol.value}-{name}")
    for protocol, rows in ROWS.items()
    for name, row in rows.items()
]


def body_of(protocol: Protocol, name: str) -> bytes:
    return (FIXTURES / protocol.value / f"{name}{ENDS[protocol]}").read_bytes()


@pytest.mark.parametrize(("protocol", "name", "row"), CASES)
def test_a_stream_has_its_documented_outcome_and_counts(
    protocol: Protocol, name: str, row: Row, prober: RunningProber
) -> None:
    media_type = min(WIRE_PROTOCOLS[protocol].framing.media_types)
    with serving(says(response(body_of(protocol, name), media_type))) as server:
        result = prober.probe(a_target(server.base_url, protocol=protocol))
    outcome, finish, tokens, kind, chunks = row
    assert (result.outcome, result.finish_reason) == (outcome, finish), result.error
    counted = (result.input_tokens, result.output_tokens, result.reasoning_tokens, result.cached_tokens)
    assert counted == tokens
    assert (result.ttft_kind, result.chunks or 0) == (kind, chunks)


@pytest.mark.parametrize("protocol", [GEMINI, OLLAMA])
def test_every_fixture_has_its_row(protocol: Protocol) -> None:
    assert {path.stem for path in (FIXTURES / protocol.value).iterdir()} == set(ROWS[protocol])


def test_a_server_says_which_model_answered_and_names_its_answer(prober: RunningProber) -> None:
    with serving(says(response(body_of(GEMINI, "stop")))) as server:
        result = prober.probe(a_target(server.base_url, protocol=GEMINI))
    assert (result.served_model, result.request_id) == ("gemini-x-001", "resp-1")
    with serving(says(response(body_of(OLLAMA, "remote_model"), "application/x-ndjson"))) as server:
        result = prober.probe(a_target(server.base_url, protocol=OLLAMA))
    assert result.served_model == "gpt-oss:120b"
