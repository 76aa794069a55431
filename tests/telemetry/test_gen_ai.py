"""What a result is called in OpenTelemetry's words, and what is left out."""

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import TokensSource, Trigger
from probes.settings.presets import preset_names, preset_of
from probes.telemetry.gen_ai import (
    PROVIDER_NAMES,
    TOKENS_LIMITS,
    Instrument,
    attributes,
    measurements,
    provider_name,
)
from tests.examples import a_result

URL = "https://api.example.com/v1"


def told(result: object, instrument: Instrument) -> list[float]:
    return [m.value for m in measurements(result, URL) if m.instrument is instrument]  # type: ignore[arg-type]


def test_an_answer_has_all_its_times() -> None:
    result = a_result(first_event_seconds=0.2, ttft_seconds=0.25, response_seconds=1.5)
    assert told(result, Instrument.FIRST_CHUNK) == [0.2]
    assert told(result, Instrument.FIRST_TOKEN) == [0.25]
    assert told(result, Instrument.DURATION) == [1.5]
    assert told(result, Instrument.PROBES) == [1]


def test_what_was_not_observed_is_left_out() -> None:
    assert [m.instrument for m in measurements(a_result(Outcome.CONNECT_TIMEOUT), URL)] == [Instrument.PROBES]


@pytest.mark.parametrize("outcome", [Outcome.MISSED, Outcome.SKIPPED])
def test_a_slot_that_did_not_run_says_nothing(outcome: Outcome) -> None:
    assert list(measurements(a_result(outcome), URL)) == []


def test_tokens_are_told_by_type_and_only_if_the_provider_counted_them() -> None:
    known = a_result(tokens_source=TokensSource.USAGE, input_tokens=30, output_tokens=32)
    found = [m for m in measurements(known, URL) if m.instrument is Instrument.TOKENS]
    assert [(m.attributes["gen_ai.token.type"], m.value) for m in found] == [("input", 30), ("output", 32)]
    counted = a_result(tokens_source=TokensSource.CHUNKS, input_tokens=30, output_tokens=32)
    assert told(counted, Instrument.TOKENS) == []


def test_attributes_say_who_was_asked_and_how_it_ended() -> None:
    found = attributes(a_result(Outcome.OVERLOADED, trigger=Trigger.CONFIRM), "http://10.0.0.1:8000/v1")
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "acme",
        "gen_ai.request.model": "quick",
        "error.type": "overloaded",
        "server.address": "10.0.0.1",
        "server.port": 8000,
        "firsttoken.target": "acme/main/quick",
        "firsttoken.location": "here",
        "firsttoken.trigger": "confirm",
    }


def test_an_answer_has_no_error_and_names_the_model_that_served_it() -> None:
    found = attributes(a_result(served_model="quick-0501" * 100), URL)
    assert "error.type" not in found
    assert str(found["gen_ai.response.model"]).startswith("quick-0501")
    assert len(str(found["gen_ai.response.model"])) == 200
    assert found["server.port"] == 443


def test_without_an_address_none_is_told() -> None:
    assert not {"server.address", "server.port"} & attributes(a_result(), None).keys()


def test_gemini_generates_content() -> None:
    found = attributes(a_result(protocol="gemini_generate_content"), URL)
    assert found["gen_ai.operation.name"] == "generate_content"


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("OpenAI", "openai"),
        ("azure", "azure.ai.openai"),
        ("google", "gcp.gemini"),
        ("grok", "x_ai"),
        ("kimi", "moonshot_ai"),
        ("mistral", "mistral_ai"),
        ("bedrock", "aws.bedrock"),
        ("My gateway", "My gateway"),
    ],
)
def test_providers_go_by_the_conventions_names(here: str, there: str) -> None:
    assert provider_name(here) == there


def test_every_renamed_provider_is_a_preset() -> None:
    known = {preset.name for name in preset_names() if (preset := preset_of(name)) is not None}
    assert PROVIDER_NAMES.keys() <= known


def test_the_limits_of_tokens_are_the_conventions() -> None:
    assert (TOKENS_LIMITS[:3], TOKENS_LIMITS[-1]) == ((1, 4, 16), 67_108_864)
