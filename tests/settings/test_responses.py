"""OpenAI's Responses API in the configuration: who speaks it, where, and how a model's effort is worded there."""

from collections.abc import Callable
from textwrap import dedent

import pytest

from probes.domain.target import Protocol, Readiness, Target, TokenParameter
from probes.settings.presets import PRESETS, Preset
from tests.settings.conftest import Load

One = Callable[..., Target]
SPEAKERS = [preset for preset in PRESETS if preset.has_responses]


def client_of(provider: str, more: str, model: str = "m") -> str:
    given = f"{{api_key: k-12345678, protocol: openai_responses, {more} models: ['{model}']}}"
    return f"apis: {{{provider}: {{main: {given}}}}}"


@pytest.mark.parametrize("preset", SPEAKERS, ids=lambda preset: preset.name)
def test_a_provider_that_speaks_it_does_so_at_its_own_address(preset: Preset, one: One) -> None:
    target = one(client_of(preset.name, ""))
    assert (target.protocol, target.base_url) == (Protocol.OPENAI_RESPONSES, preset.base_url)
    assert target.readiness is Readiness.READY


def test_the_asked_for_speakers_are_known() -> None:
    assert {"openai", "xai", "groq", "openrouter", "ollama", "vllm", "litellm"} <= {p.name for p in SPEAKERS}


def test_any_server_can_be_named_by_its_address(one: One) -> None:
    target = one(client_of("mine", "base_url: 'https://llm.example.com/v1',"))
    assert (target.protocol, target.base_url) == (Protocol.OPENAI_RESPONSES, "https://llm.example.com/v1")


@pytest.mark.parametrize("key", ["base_url", "endpoint"])
def test_azure_speaks_it_at_its_v1_address(key: str, one: One) -> None:
    target = one(client_of("azure", f"{key}: 'https://unit.openai.azure.com/openai/v1',", "my-deployment"))
    assert (target.protocol, target.api_version) == (Protocol.OPENAI_RESPONSES, None)
    assert target.base_url == "https://unit.openai.azure.com/openai/v1"


def test_the_name_of_the_limit_is_the_protocols_own(one: One) -> None:
    options = one(client_of("openai", "token_parameter: max_completion_tokens,", "o3-mini")).options
    assert options.token_parameter is TokenParameter.MAX_TOKENS
    assert options.max_tokens == 512


@pytest.mark.parametrize(
    ("extra_body", "expected"),
    [
        ("", {"reasoning": {"effort": "low"}}),
        ("extra_body: {reasoning: {summary: auto}},", {"reasoning": {"effort": "low", "summary": "auto"}}),
        ("extra_body: {reasoning: {effort: high}},", {"reasoning": {"effort": "high"}}),
        ("extra_body: {reasoning: null},", {}),
        ("extra_body: {top_p: 1},", {"top_p": 1, "reasoning": {"effort": "low"}}),
    ],
)
def test_a_reasoning_model_is_asked_for_its_lowest_effort_inside_reasoning(
    extra_body: str, expected: dict[str, object], one: One
) -> None:
    options = one(client_of("openai", extra_body, "gpt-5-mini")).options
    assert options.extra_body == expected
    assert options.temperature is None


def test_a_plain_model_is_asked_for_no_effort(one: One) -> None:
    options = one(client_of("openai", "", "gpt-4o-mini")).options
    assert (options.extra_body, options.temperature, options.max_tokens) == ({}, 0.0, 64)


def test_an_account_over_two_protocols_is_two_series(load: Load) -> None:
    text = """
        apis:
          openai:
            chat: {api_key: k-12345678, models: [gpt-4o]}
            responses: {api_key: k-12345678, protocol: openai_responses, models: [gpt-4o]}
    """
    chat, responses = load(dedent(text)).targets
    assert chat.spec_version != responses.spec_version
