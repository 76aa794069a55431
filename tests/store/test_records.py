"""Stored values of a result."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.result import RESULT_FIELDS, ProbeResult, RateLimit
from probes.store.base import StoreError
from probes.store.records import (
    cut,
    document_of,
    milliseconds,
    moment_of,
    result_of,
    result_of_document,
    storable,
    values_of,
)
from tests.examples import NOON, a_result


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_are_cut_to_milliseconds_and_never_moved(moment: datetime) -> None:
    again = moment_of(milliseconds(moment))

    assert timedelta(0) <= moment - again < timedelta(milliseconds=1)
    assert milliseconds(again) == milliseconds(moment)


def test_a_moment_of_another_zone_is_the_same_moment() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=8)))

    assert cut(there) == NOON
    assert cut(there).tzinfo is UTC


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        milliseconds(datetime(2026, 1, 1))  # noqa: DTZ001


def test_values_come_back_as_the_same_result() -> None:
    result = a_result(rate_limits=(RateLimit("tokens", 5, None, 1.5),), answer_ok=False)

    read = result_of(values_of(result))

    assert read == result
    assert type(read.trigger) is type(result.trigger)
    assert hash(read) == hash(result)


def test_reading_passes_over_nothing_that_the_constructor_would_do() -> None:
    assert not hasattr(ProbeResult, "__post_init__")


def test_documents_leave_out_what_was_not_observed_and_survive_json() -> None:
    result = a_result()

    document = document_of(result)

    assert None not in document.values()
    assert result_of_document(json.loads(json.dumps(document))) == result


def test_fields_and_values_of_other_versions() -> None:
    document = document_of(a_result())

    assert result_of_document(document | {"field_of_tomorrow": 1}) == result_of_document(document)
    with pytest.raises(StoreError, match="another version"):
        result_of_document(document | {"outcome": "outcome_of_tomorrow"})


def test_numbers_that_no_store_holds_become_unknown() -> None:
    result = a_result(cost=float("nan"), throughput=float("inf"), output_tokens=2**63, input_tokens=2**62)

    kept = storable(result)

    assert (kept.cost, kept.throughput, kept.output_tokens, kept.input_tokens) == (None, None, None, 2**62)
    assert storable(a_result(id="plain")) == a_result(id="plain")


def test_text_from_servers_is_cut_and_names_of_ours_are_not() -> None:
    name = "acme/main/" + "m" * 3000

    kept = result_of(values_of(a_result(target=name, request_id="r" * 3000)))

    assert kept.target == name
    assert kept.request_id == "r" * 1000


def test_every_field_has_a_place() -> None:
    assert len(values_of(a_result())) == len(RESULT_FIELDS)
