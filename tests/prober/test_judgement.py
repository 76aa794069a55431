"""What a stream that ended by itself is worth, how its tokens count, what they cost, and which text is kept."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.outcome import Outcome
from probes.domain.result import TokensSource
from probes.domain.target import Prices
from probes.log import Redactor
from probes.prober.events import Generated, Usage
from probes.prober.foreign_text import error_line, name_line, plain_line
from probes.prober.judgement import Answer, check_answer, judge
from probes.prober.prompts import Prompt
from probes.prober.tokens import Tokens, cost, count_tokens

CHECKED = Prompt("count", "count-1", is_checked=True)
CUSTOM = Prompt("hello", "custom-1", is_checked=False)
TEXT, REASONING = frozenset({Generated.TEXT}), frozenset({Generated.REASONING})


def answer(visible: str = "one two three four", **changes: Any) -> Answer:
    fields = {"kinds": TEXT, "finish_reason": "stop", "is_complete": True, **changes}
    return Answer(visible, **fields)


def outcome(said: Answer, prompt: Prompt = CHECKED) -> Outcome:
    failure = judge(said, check_answer(said, prompt), any_event=True)
    return failure.outcome if failure is not None else Outcome.OK


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (answer(), Outcome.OK),
        (answer(finish_reason="length"), Outcome.OK),
        (answer(finish_reason=None), Outcome.OK),
        (answer(finish_reason="some new word"), Outcome.OK),
        (answer(is_complete=False), Outcome.TRUNCATED_STREAM),
        (answer("I would rather not count."), Outcome.WRONG_ANSWER),
        (answer("We need to count upward. Let me think", finish_reason="length"), Outcome.OK),
        (answer("banana purple weather", finish_reason="length"), Outcome.WRONG_ANSWER),
        (answer("one two"), Outcome.OK),
        (answer("", kinds=REASONING, finish_reason="length"), Outcome.REASONING_ONLY),
        (answer("", kinds=REASONING), Outcome.EMPTY_RESPONSE),
        (answer("", kinds=frozenset(), finish_reason="max_tokens"), Outcome.REASONING_ONLY),
        (answer("", kinds=frozenset()), Outcome.EMPTY_RESPONSE),
        (answer(" \n "), Outcome.EMPTY_RESPONSE),
        (answer("", kinds=frozenset({Generated.TOOL}), finish_reason="tool_calls"), Outcome.EMPTY_RESPONSE),
        (answer(finish_reason="content_filter"), Outcome.CONTENT_FILTERED),
        (answer("", kinds=frozenset(), finish_reason="refusal"), Outcome.CONTENT_FILTERED),
        (answer("I cannot", kinds=frozenset({Generated.REFUSAL})), Outcome.CONTENT_FILTERED),
        (answer(finish_reason="error"), Outcome.STREAM_ERROR),
        (answer(finish_reason="insufficient_system_resource"), Outcome.OVERLOADED),
    ],
)
def test_an_answer_is_judged(said: Answer, expected: Outcome) -> None:
    assert outcome(said) is expected


def test_an_operators_own_prompt_has_no_wrong_answer() -> None:
    said = answer("Hello to you too.")
    assert check_answer(said, CUSTOM) is None
    assert outcome(said, CUSTOM) is Outcome.OK


def test_a_stream_without_any_event_is_empty_not_truncated() -> None:
    failure = judge(Answer(), None, any_event=False)
    assert failure is not None
    assert failure.outcome is Outcome.EMPTY_RESPONSE


def test_the_servers_count_is_used() -> None:
    tokens = count_tokens(answer(usage=Usage(30, 20, cached_tokens=16)), 18)
    assert tokens == Tokens(30, 20, None, 16, streamed=20, source=TokensSource.USAGE)


@pytest.mark.parametrize("usage", [Usage(), Usage(0, 0), Usage(None, 0)])
def test_chunks_stand_in_where_the_server_counts_nothing(usage: Usage) -> None:
    tokens = count_tokens(answer(usage=usage), 18)
    assert (tokens.output, tokens.streamed, tokens.source) == (18, 18, TokensSource.CHUNKS)
    assert tokens.input is None


def test_hidden_reasoning_is_output_but_was_not_streamed() -> None:
    usage = Usage(30, 24, reasoning_tokens=16)
    assert count_tokens(answer(usage=usage), 8).streamed == 8
    assert count_tokens(answer(usage=usage, kinds=TEXT | REASONING), 24).streamed == 24


def test_without_output_and_count_nothing_is_known() -> None:
    assert count_tokens(answer("", kinds=frozenset()), 0) == Tokens()


def test_cost_is_what_the_tokens_cost() -> None:
    tokens = Tokens(30, 32, source=TokensSource.USAGE)
    assert cost(tokens, Prices(1.0, 5.0)) == pytest.approx(0.00019)
    cached = Tokens(100, 0, cached=60, source=TokensSource.USAGE)
    assert cost(cached, Prices(1.0, 5.0, 0.1)) == pytest.approx((40 + 6) / 1e6)
    assert cost(cached, Prices(1.0, 5.0)) == pytest.approx(100 / 1e6)
    assert cost(cached, Prices(0.0, 0.0)) == 0.0


@pytest.mark.parametrize(
    ("tokens", "prices"),
    [
        (Tokens(30, 32, source=TokensSource.USAGE), Prices()),
        (Tokens(30, 32, source=TokensSource.USAGE), Prices(1.0)),
        (Tokens(None, 32, source=TokensSource.USAGE), Prices(1.0, 5.0)),
        (Tokens(30, 32, source=TokensSource.CHUNKS), Prices(1.0, 5.0)),
    ],
)
def test_a_cost_that_is_not_known_is_not_guessed(tokens: Tokens, prices: Prices) -> None:
    assert cost(tokens, prices) is None


SECRET = "sk-live-0123456789abcdefghij"


def test_kept_text_is_one_printable_line() -> None:
    assert plain_line("a\r\n\tb\x00c\x1b[31m\u202e \ud800 d", Redactor(), 100) == "a b c [31m d"
    assert name_line("", Redactor()) is None
    assert name_line("\x00", Redactor()) is None


def test_kept_text_is_short_and_without_secrets() -> None:
    line = error_line(f"wrong key {SECRET} " + "x " * 400_000, Redactor([SECRET]))
    assert len(line) == 300
    assert line.startswith("wrong key [redacted] x x")


@given(st.text(max_size=50), st.integers(0, 20_000))
def test_a_secret_never_survives_wherever_the_text_is_cut(words: str, padding: int) -> None:
    text = "y " * (padding // 2) + f"{words} {SECRET} {words}"
    kept = plain_line(text, Redactor([SECRET]), 100_000)
    assert SECRET not in kept
    assert "0123456789" not in kept
