"""Query strings: what is read, what is refused, and that nothing but checked values comes out."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from probes.domain.outcome import Outcome
from probes.domain.result import Category, Trigger
from probes.domain.state import State
from probes.store.base import ResultQuery
from probes.web.params import (
    MAX_VALUE_LENGTH,
    RESULT_PARAMETERS,
    STATS_PARAMETERS,
    ParameterError,
    Parameters,
    period_of,
    result_query,
    stats_query,
    window_of,
)
from probes.web.queries.stats import StatsColumn
from probes.web.windows import Window

KNOWN = ("acme/main/quick", "acme/spare/quick", "other/main/vision/large")


def given_values(*pairs: tuple[str, str]) -> Parameters:
    return Parameters(MultiDict(pairs))


def results_of(*pairs: tuple[str, str]) -> ResultQuery:
    return result_query(given_values(*pairs), KNOWN)


def test_an_empty_query_string_means_the_defaults() -> None:
    assert results_of() == ResultQuery()
    assert window_of(given_values()) is Window.DAY
    assert period_of(given_values()) is None


def test_empty_fields_of_a_form_are_absent() -> None:
    assert results_of(("provider", ""), ("since", " "), ("limit", "")) == ResultQuery()


def test_every_filter_of_results_arrives_typed() -> None:
    query = results_of(
        ("since", "2026-11-20T00:00:00Z"),
        ("until", "2026-11-21T00:00:00+02:00"),
        ("target", "acme/main/quick"),
        ("provider", "acme"),
        ("provider", "other"),
        ("location", "here"),
        ("category", "smooth"),
        ("outcome", "stalled"),
        ("trigger", "manual"),
        ("limit", "7"),
        ("cursor", "abc"),
    )
    assert query == ResultQuery(
        since=datetime(2026, 11, 20, tzinfo=UTC),
        until=datetime(2026, 11, 20, 22, tzinfo=UTC),
        targets=("acme/main/quick",),
        providers=("acme", "other"),
        locations=("here",),
        categories=(Category.SMOOTH,),
        outcomes=(Outcome.STALLED,),
        triggers=(Trigger.MANUAL,),
        limit=7,
        cursor="abc",
    )


def test_after_asks_for_what_is_newer() -> None:
    assert results_of(("after", "abc")) == ResultQuery(cursor="abc", oldest_first=True)


def test_a_model_is_every_target_of_that_name() -> None:
    assert results_of(("model", "quick")).targets == ("acme/main/quick", "acme/spare/quick")
    assert results_of(("model", "vision/large")).targets == ("other/main/vision/large",)


def test_model_and_target_together_narrow() -> None:
    assert results_of(("model", "quick"), ("target", "acme/main/quick")).targets == ("acme/main/quick",)


def test_an_unknown_model_matches_nothing_rather_than_everything() -> None:
    targets = results_of(("model", "no-such")).targets
    assert targets
    assert not set(targets) & set(KNOWN)


def test_statistics_are_filtered_and_sorted_by_name() -> None:
    query = stats_query(
        given_values(
            ("window", "7d"),
            ("q", " gpt   mini "),
            ("provider", "acme"),
            ("category", "lagging"),
            ("state", "down"),
            ("sort", "-ttft_p95"),
        )
    )
    assert (query.window, query.search, query.providers) == (Window.WEEK, "gpt mini", ("acme",))
    assert (query.categories, query.states) == ((Category.LAGGING,), (State.DOWN,))
    assert (query.sort.column, query.sort.is_descending) == (StatsColumn.TTFT_P95, True)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-21T09:30", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21 09:30", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21T09:30:00.250Z", datetime(2026, 11, 21, 9, 30, 0, 250_000, tzinfo=UTC)),
        ("2026-11-21T09:30:00 01:00", datetime(2026, 11, 21, 8, 30, tzinfo=UTC)),
    ],
    ids=["day", "form field", "with a space", "milliseconds", "unescaped plus"],
)
def test_times_are_read_as_people_and_forms_write_them(text: str, moment: datetime) -> None:
    assert results_of(("since", text)).since == moment


@pytest.mark.parametrize(
    "pair",
    [
        ("since", "yesterday"),
        ("since", "0001-01-01T00:00:00+14:00"),
        ("since", "9999-12-31T23:59:59-14:00"),
        ("since", "1970-01-01"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "-5"),
        ("limit", "1e3"),
        ("limit", "٣"),
        ("limit", "9" * 200),
        ("outcome", "Stalled"),
        ("outcome", "$ne"),
        ("category", "{'$gt': ''}"),
        ("trigger", "*"),
        ("provider", "a\0b"),
        ("provider", "a\u202eb"),
        ("target", "x" * (MAX_VALUE_LENGTH + 1)),
        ("cursor", "\x1b[31m"),
    ],
    ids=lambda pair: f"{pair[0]}={pair[1][:12]!r}",
)
def test_a_value_that_cannot_be_used_is_refused_by_name(pair: tuple[str, str]) -> None:
    with pytest.raises(ParameterError) as refused:
        results_of(pair)
    assert refused.value.name == pair[0]
    assert len(refused.value.value) <= 60
    assert refused.value.value.isprintable()


def test_a_value_given_twice_where_one_counts_is_refused() -> None:
    with pytest.raises(ParameterError):
        results_of(("limit", "5"), ("limit", "6"))


def test_more_values_than_anyone_needs_are_refused() -> None:
    with pytest.raises(ParameterError):
        results_of(*(("provider", f"p{n}") for n in range(51)))


def test_an_end_before_the_beginning_is_refused() -> None:
    with pytest.raises(ParameterError) as refused:
        results_of(("since", "2026-11-21"), ("until", "2026-11-20"))
    assert refused.value.name == "until"


def test_two_directions_of_paging_at_once_are_refused() -> None:
    with pytest.raises(ParameterError):
        results_of(("cursor", "a"), ("after", "b"))


def test_a_near_miss_is_told_what_was_meant() -> None:
    with pytest.raises(ParameterError) as refused:
        results_of(("outcome", "staled"))
    assert "stalled" in repr(refused.value.cure) or "stalled" in str(refused.value.allowed)


def test_an_unknown_parameter_is_refused_where_strictness_is_asked_for() -> None:
    given_values(("window", "7d"), ("lang", "zh")).refuse_unknown(STATS_PARAMETERS)
    with pytest.raises(ParameterError) as refused:
        given_values(("provder", "acme")).refuse_unknown(RESULT_PARAMETERS)
    assert refused.value.name == "provder"
    assert "provider" in refused.value.allowed


@given(st.lists(st.tuples(st.sampled_from(RESULT_PARAMETERS), st.text(max_size=400)), max_size=6))
def test_any_text_gives_a_query_or_a_parameter_error(pairs: list[tuple[str, str]]) -> None:
    try:
        query = results_of(*pairs)
    except ParameterError:
        return
    for texts in (query.targets, query.providers, query.locations):
        assert all(
            type(text) is str and text.isprintable() and len(text) <= MAX_VALUE_LENGTH for text in texts
        )
    assert 1 <= query.limit <= 1000


@given(st.lists(st.tuples(st.sampled_from(STATS_PARAMETERS), st.text(max_size=400)), max_size=6))
def test_any_text_gives_statistics_or_a_parameter_error(pairs: list[tuple[str, str]]) -> None:
    try:
        query = stats_query(given_values(*pairs))
    except ParameterError:
        return
    assert query.search.isprintable()
