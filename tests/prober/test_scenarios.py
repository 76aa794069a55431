"""Every misbehaviour that the simulator knows has its documented outcome, on each protocol, within its deadline."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import Category, ProbeResult
from probes.domain.target import Deadlines, Protocol
from probes.simulator import RunningSimulator, list_scenarios
from tests.prober.asking import (
    ANTHROPIC,
    AZURE,
    GEMINI,
    KEY,
    OLLAMA,
    OPENAI,
    RESPONSES,
    RunningProber,
    a_target,
    slot_of,
)

DEADLINES = Deadlines(
    connect_seconds=3.0, tls_seconds=3.0, first_token_seconds=2.0, stall_seconds=1.5, total_seconds=5.0
)
GRACE_SECONDS = 1.5  # a loaded machine's lateness, far from the next deadline
AT_ONCE = 8

O = Outcome  # noqa: E741  # a table reads better narrow
OK_SCENARIOS = """
    ok fast slow-headers short role-with-text no-role reasoning reasoning-field hidden-reasoning served-model
    fingerprint cached usage-missing usage-early usage-repeated usage-zero usage-on-choices usage-then-null
    no-rate-limits resets-in-seconds crlf cr comments no-space multiline bom coalesced byte-by-byte split-utf8
    split-utf8-chunks huge-event hostile-names minimum-tokens stall-recovers
"""
FAILURES: Mapping[str, Outcome] = {
    "slow-first-token": O.FIRST_TOKEN_TIMEOUT,
    "reasoning-only": O.REASONING_ONLY,
    "refusal": O.CONTENT_FILTERED,
    "content-filter": O.CONTENT_FILTERED,
    "content-filter-empty": O.CONTENT_FILTERED,
    "tool-call": O.EMPTY_RESPONSE,
    "wrong-answer?tokens=12": O.WRONG_ANSWER,
    "hostile-error": O.SERVER_ERROR,
    "error-400": O.BAD_REQUEST,
    "error-401": O.AUTH,
    "error-402": O.QUOTA_EXHAUSTED,
    "error-403": O.PERMISSION,
    "error-404": O.MODEL_NOT_FOUND,
    "error-408": O.SERVER_TIMEOUT,
    "error-422": O.BAD_REQUEST,
    "error-429": O.RATE_LIMITED,
    "error-499": O.SERVER_ERROR,
    "error-500": O.SERVER_ERROR,
    "error-502": O.SERVER_ERROR,
    "error-503": O.OVERLOADED,
    "error-504": O.SERVER_TIMEOUT,
    "error-520": O.SERVER_ERROR,
    "error-529": O.OVERLOADED,
    "rate-limited": O.RATE_LIMITED,
    "rate-limited-rfc3339": O.RATE_LIMITED,
    "rate-limited-duration": O.RATE_LIMITED,
    "rate-limited-date": O.RATE_LIMITED,
    "rate-limited-ms": O.RATE_LIMITED,
    "insufficient-quota": O.QUOTA_EXHAUSTED,
    "spend-limit": O.QUOTA_EXHAUSTED,
    "credit-too-low": O.QUOTA_EXHAUSTED,
    "bare-401": O.AUTH,
    "echoes-key": O.AUTH,
    "content-filter-400": O.CONTENT_FILTERED,
    "overloaded-as-500": O.OVERLOADED,
    "rate-limit-as-503": O.RATE_LIMITED,
    "error-500-html": O.SERVER_ERROR,
    "error-500-text": O.SERVER_ERROR,
    "error-500-empty": O.SERVER_ERROR,
    "error-500-string": O.SERVER_ERROR,
    "error-500-detail": O.SERVER_ERROR,
    "error-500-gemini": O.SERVER_ERROR,
    "error-500-openrouter": O.SERVER_ERROR,
    "refuses-max-tokens": O.BAD_REQUEST,
    "refuses-temperature": O.BAD_REQUEST,
    "json-error-200": O.NOT_SSE,
    "html-200": O.NOT_SSE,
    "json-answer": O.NOT_SSE,
    "empty-body": O.EMPTY_RESPONSE,
    "empty-stream": O.EMPTY_RESPONSE,
    "never-answers": O.FIRST_TOKEN_TIMEOUT,
    "closed-at-once": O.CONNECTION_RESET,
    "reset-at-once": O.CONNECTION_RESET,
    "not-http": O.BAD_PAYLOAD,
    "headers-then-silence": O.FIRST_TOKEN_TIMEOUT,
    "no-first-token": O.FIRST_TOKEN_TIMEOUT,
    "no-first-token-pings": O.FIRST_TOKEN_TIMEOUT,
    "stalled": O.STALLED,
    "stalled-pings": O.STALLED,
    "stalled-comments": O.STALLED,
    "stalled-empty": O.STALLED,
    "trickle?gap=0.5": O.TOTAL_TIMEOUT,
    "reset": O.CONNECTION_RESET,
    "cut": O.CONNECTION_RESET,
    "truncated": O.TRUNCATED_STREAM,
    "stream-error": O.STREAM_ERROR,
    "stream-error-first": O.STREAM_ERROR,
    "stream-overloaded": O.OVERLOADED,
    "stream-rate-limited": O.RATE_LIMITED,
    "stream-quota": O.QUOTA_EXHAUSTED,
    "invalid-json": O.BAD_PAYLOAD,
    "invalid-utf8": O.BAD_PAYLOAD,
    "500-500-200": O.SERVER_ERROR,
}
# Where the protocols differ: what ends a stream, and what the vendor lets a request say.
BY_PROTOCOL: dict[tuple[str, Protocol], Outcome] = {
    ("no-terminal", OPENAI): O.OK,
    ("no-terminal", ANTHROPIC): O.TRUNCATED_STREAM,
    ("no-finish", OPENAI): O.TRUNCATED_STREAM,
    ("no-finish", ANTHROPIC): O.OK,
    ("refuses-stream-options", OPENAI): O.BAD_REQUEST,
    ("refuses-stream-options", ANTHROPIC): O.OK,
    ("no-terminal", RESPONSES): O.TRUNCATED_STREAM,
    ("no-finish", RESPONSES): O.OK,
    ("refuses-stream-options", RESPONSES): O.OK,  # it knows none, nor max_tokens
    ("refuses-max-tokens", RESPONSES): O.OK,
}
# Google's statuses follow the HTTP status, and no header or field of a request is refused by OpenAI's names.
BY_PROTOCOL |= {
    ("no-terminal", GEMINI): O.OK,
    ("no-finish", GEMINI): O.TRUNCATED_STREAM,
    ("refuses-stream-options", GEMINI): O.OK,
    ("refuses-max-tokens", GEMINI): O.OK,
    ("overloaded-as-500", GEMINI): O.SERVER_ERROR,
    ("rate-limit-as-503", GEMINI): O.OVERLOADED,
}
# Ollama's last line is finish and terminal in one; its errors are text alone, and it knows no filter.
BY_PROTOCOL |= {
    ("no-terminal", OLLAMA): O.OK,
    ("no-finish", OLLAMA): O.TRUNCATED_STREAM,
    ("refuses-stream-options", OLLAMA): O.OK,
    ("refuses-max-tokens", OLLAMA): O.OK,
    ("overloaded-as-500", OLLAMA): O.SERVER_ERROR,
    ("rate-limit-as-503", OLLAMA): O.OVERLOADED,
    ("refusal", OLLAMA): O.WRONG_ANSWER,
    ("content-filter", OLLAMA): O.OK,
    ("content-filter-empty", OLLAMA): O.EMPTY_RESPONSE,
    ("stream-overloaded", OLLAMA): O.STREAM_ERROR,
    ("stream-rate-limited", OLLAMA): O.STREAM_ERROR,
}
WHOLE = (OPENAI, ANTHROPIC, RESPONSES, GEMINI)
EVERY = (*WHOLE, OLLAMA)  # it tells neither reasoning from output nor cached from input
# Hostile text has tests of its own; slow needs longer than these deadlines.
NOT_HERE = {
    "slow",
    "hostile",
    "hostile-html",
    "hostile-ansi",
    "hostile-nul",
    "hostile-surrogate",
    "hostile-long-word",
}
NOT_HERE |= {"500-500-200-connection", "flaky", "wrong-answer", "trickle"}

EXPECTED: dict[tuple[str, Protocol], Outcome] = {
    **{(name, protocol): O.OK for name in OK_SCENARIOS.split() for protocol in EVERY},
    **{(name, protocol): outcome for name, outcome in FAILURES.items() for protocol in EVERY},
    **BY_PROTOCOL,
    **{(name, AZURE): FAILURES.get(name, O.OK) for name in ("ok", "error-404", "error-429", "stalled")},
}
# Its closing events say everything four times more: a quarter of the size is as many bytes.
EXPECTED["huge-event?huge_bytes=262144", RESPONSES] = EXPECTED.pop(("huge-event", RESPONSES))


@dataclass(frozen=True)
class Probed:
    result: ProbeResult
    took_seconds: float


@pytest.fixture(scope="module")
def probed(prober: RunningProber, simulator: RunningSimulator) -> dict[tuple[str, Protocol], Probed]:
    """Every case, a few at a time on one loop."""

    async def probe(case: tuple[str, Protocol], room: asyncio.Semaphore) -> Probed:
        name, protocol = case
        model = f"{name}{'&' if '?' in name else '?'}id={protocol.value}"  # request numbers of its own
        target = replace(a_target(simulator.base_url, model, protocol, max_tokens=20), deadlines=DEADLINES)
        async with room:
            began = time.monotonic()
            result = await prober.prober.probe(target, slot_of(target), in_flight=1)
            return Probed(result, time.monotonic() - began)

    async def probe_all() -> dict[tuple[str, Protocol], Probed]:
        await prober.prober.warm(list(Protocol))
        room = asyncio.Semaphore(AT_ONCE)
        done = await asyncio.gather(*(probe(case, room) for case in EXPECTED))
        return dict(zip(EXPECTED, done, strict=True))

    return prober.run(probe_all())


CASES = [pytest.param(case, id=f"{case[0]}-{case[1].value}") for case in EXPECTED]


@pytest.mark.parametrize("case", CASES)
def test_a_scenario_has_its_outcome(
    case: tuple[str, Protocol], probed: dict[tuple[str, Protocol], Probed]
) -> None:
    result = probed[case].result
    assert (result.outcome, result.fault) == (EXPECTED[case], EXPECTED[case].fault), result.error
    assert (result.error is None) == (result.outcome is O.OK)
    assert (result.category is Category.UNKNOWN) == (result.outcome is not O.OK)


def test_no_scenario_outlives_its_deadline(probed: dict[tuple[str, Protocol], Probed]) -> None:
    late = {case: one.took_seconds for case, one in probed.items() if one.took_seconds > 5.0 + GRACE_SECONDS}
    assert not late


def test_no_scenario_is_taken_for_our_bug(probed: dict[tuple[str, Protocol], Probed]) -> None:
    assert not [case for case, one in probed.items() if one.result.outcome is O.INTERNAL]


def test_every_scenario_of_the_simulator_is_probed_or_named_as_left_out() -> None:
    known = {name for name, _description in list_scenarios()}
    assert known - {name for name, _protocol in EXPECTED} == NOT_HERE


def test_no_key_comes_back_in_an_error(probed: dict[tuple[str, Protocol], Probed]) -> None:
    assert "[redacted]" in (probed["echoes-key", OPENAI].result.error or "")
    assert not [case for case, one in probed.items() if KEY in repr(one.result)]


def test_what_upstream_says_is_kept_on_one_short_printable_line(
    probed: dict[tuple[str, Protocol], Probed],
) -> None:
    for one in probed.values():
        error = one.result.error or ""
        assert len(error) <= 300
        assert error.isprintable()
        assert (one.result.served_model or "").isprintable()


@pytest.mark.parametrize("protocol", WHOLE)
@pytest.mark.parametrize("form", ["", "-rfc3339", "-date", "-ms"])
def test_retry_after_is_seconds_in_every_form(
    form: str, protocol: Protocol, probed: dict[tuple[str, Protocol], Probed]
) -> None:
    waited = probed[f"rate-limited{form}", protocol].result.retry_after_seconds
    assert waited is not None
    assert waited == pytest.approx(20, abs=1.5)  # dates have whole seconds


@pytest.mark.parametrize("protocol", WHOLE)
def test_reasoning_comes_before_what_a_reader_sees(
    protocol: Protocol, probed: dict[tuple[str, Protocol], Probed]
) -> None:
    result = probed["reasoning", protocol].result
    assert result.ttft_kind == "reasoning"
    assert result.ttft_seconds is not None
    assert result.ttft_visible_seconds is not None
    assert result.ttft_visible_seconds > result.ttft_seconds
    assert result.reasoning_tokens == 8


@pytest.mark.parametrize("protocol", WHOLE)
def test_the_counts_agree_with_what_the_server_sent(
    protocol: Protocol, probed: dict[tuple[str, Protocol], Probed]
) -> None:
    for name in (
        "ok",
        "usage-repeated",
        "usage-then-null",
        "usage-on-choices",
        "cached",
        "split-utf8-chunks",
    ):
        result = probed[name, protocol].result
        assert (result.output_tokens, result.chunks) == (20, 20), name
    assert probed["cached", protocol].result.input_tokens == probed["ok", protocol].result.input_tokens
    assert probed["cached", protocol].result.cached_tokens == 16
    assert probed["usage-zero", protocol].result.tokens_source == "chunks"


def test_only_fault_and_outcome_tell_whom_to_blame(probed: dict[tuple[str, Protocol], Probed]) -> None:
    assert probed["insufficient-quota", OPENAI].result.fault is Fault.OURS
    assert probed["error-429", OPENAI].result.fault is Fault.THROTTLING
    assert probed["refusal", OPENAI].result.fault is Fault.ANSWER
    assert not probed["error-401", OPENAI].result.outcome.counts_against_availability
