import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.outcome import Outcome
from probes.log import Redactor
from probes.prober.progress import Span, Stage
from probes.terminal.cures import CURES
from probes.terminal.figures import Figures, Metric
from probes.terminal.text import (
    aligned,
    estimate_text,
    fitting,
    joined,
    money_text,
    outcomes_text,
    seconds_text,
    spent_text,
)
from probes.terminal.waterfall import bar, in_ascii, ribbon
from tests.examples import a_result

SPANS = (
    Span(Stage.DNS, 0.0, 0.01),
    Span(Stage.CONNECT, 0.01, 0.03),
    Span(Stage.FIRST_BYTE, 0.03, 0.2),
    Span(Stage.FIRST_TOKEN, 0.2, 0.5),
    Span(Stage.END, 0.5, 1.0),
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0, "0 s"),
        (0.00021, "0.00021 s"),
        (0.0123, "0.0123 s"),
        (0.4213, "0.421 s"),
        (8.531, "8.53 s"),
    ],
)
def test_seconds_keep_three_digits(seconds: float | None, text: str) -> None:
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("cost", "text"), [(None, "-"), (0.0, "0.0000"), (0.000395, "0.000395"), (1234.5, "1,234.5000")]
)
def test_money_that_is_unknown_is_not_nought(cost: float | None, text: str) -> None:
    assert money_text(cost) == text


def test_an_estimate_names_its_n_where_it_has_no_interval() -> None:
    assert estimate_text([], Metric.TTFT) == "-"
    assert estimate_text([0.2, 0.3], Metric.TTFT) == "0.200 s (n = 2)"
    assert estimate_text([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], Metric.TTFT) == "0.300 s [0.100-0.600]"


def test_lists_read_as_sentences_do() -> None:
    assert [joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"], "or")] == ["a", "a and b", "a, b or c"]


def test_outcomes_begin_with_ok() -> None:
    counts = {Outcome.RATE_LIMITED: 3, Outcome.OK: 1, Outcome.STALLED: 4}
    assert outcomes_text(counts) == "1 ok, 4 stalled, 3 rate_limited"
    assert outcomes_text({}) == "nothing yet"


def test_figures_keep_failures_out_of_times_but_not_out_of_the_bill() -> None:
    figures = Figures()
    figures.add(a_result(input_tokens=50, cost=0.25))
    figures.add(a_result(Outcome.STALLED, ttft_seconds=9.0, input_tokens=50, output_tokens=3, cost=None))
    assert figures.values[Metric.TTFT] == [0.25]
    assert (figures.n, figures.ok) == (2, 1)
    assert spent_text(figures) == "100 + 35 tokens, cost 0.2500 without 1 unpriced"


def test_only_the_newest_failures_are_kept() -> None:
    figures = Figures()
    for number in range(10):
        figures.add(a_result(Outcome.STALLED, error=f"no. {number}"))
    assert [failure.error for failure in figures.failures] == ["no. 7", "no. 8", "no. 9"]


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OK])
def test_every_failure_has_a_cure(outcome: Outcome) -> None:
    assert CURES[outcome].endswith(".")


def test_a_narrow_table_leaves_out_columns_from_the_right() -> None:
    rows = [("target", "ok", "TTFT"), ("acme/main/x", "9/9", "0.421 s")]
    assert fitting(rows, 80) == aligned(rows)
    assert "TTFT" not in fitting(rows, 20)
    assert "9/9" in fitting(rows, 20)


def test_each_stage_has_its_own_shade() -> None:
    assert ribbon(SPANS, 1.0, 20) == "░" + "▒" * 3 + "▓" * 6 + "█" * 10
    assert in_ascii(ribbon(SPANS, 1.0, 20)) == "." + "-" * 3 + "=" * 6 + "#" * 10


@given(st.floats(0, 5), st.floats(0, 5), st.integers(1, 200))
def test_a_bar_lies_within_its_axis_and_is_never_invisible(start: float, length: float, width: int) -> None:
    drawn = bar(Span(Stage.TLS, start, start + length), max(start + length, 0.001), width)
    assert 1 <= len(drawn) <= width
    assert drawn.endswith("█")


def test_nothing_is_drawn_of_no_time() -> None:
    assert bar(Span(Stage.DNS, 0, 0), 0.0, 20) == ribbon((), 0.0, 20) == ""


def test_a_key_is_not_shown_before_it_can_be_recognised() -> None:
    from probes.terminal.watch_view import whole_words

    redact = Redactor(["sk-cli-0123456789abcdef"])
    whole = "your key is sk-cli-0123456789abcdef, dear"
    for end in range(len(whole)):
        assert "sk-" not in redact(whole_words(whole[:end]))
    assert whole_words("完成了") == "完成了", "a script without spaces still shows"
