"""A refusal becomes a proposal only when it names something that was sent. Texts are worded as servers word them."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from probes.domain.outcome import Outcome
from probes.domain.target import Protocol, RequestOptions, TokenParameter
from probes.settings.options import ModelOptions
from probes.settings.proposals import REASONS, Proposal, Refused, Sent, proposals, proposals_after
from tests.examples import a_result, a_target

OPENAI_TOKENS = (
    "HTTP 400: Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead."
)
OPENAI_TEMPERATURE = (
    "HTTP 400: Unsupported value: 'temperature' does not support 0 with this model. "
    "Only the default (1) value is supported."
)


def sent(protocol: Protocol = Protocol.OPENAI_CHAT, **options: Any) -> Sent:
    return Sent.by_target(a_target("o9", protocol=protocol, options=RequestOptions(**options)))


def shown(found: tuple[Proposal, ...]) -> list[str]:
    return [proposal.line for proposal in found]


CASES: dict[str, tuple[Protocol, dict[str, Any], str, str]] = {
    "openai, old name of the limit": (
        Protocol.OPENAI_CHAT,
        {},
        OPENAI_TOKENS,
        "token_parameter: max_completion_tokens",
    ),
    "azure, new name of the limit": (
        Protocol.AZURE_OPENAI_CHAT,
        {"token_parameter": TokenParameter.MAX_COMPLETION_TOKENS},
        "HTTP 400: Unrecognized request argument supplied: max_completion_tokens",
        "token_parameter: max_tokens",
    ),
    "openai, temperature": (Protocol.OPENAI_CHAT, {}, OPENAI_TEMPERATURE, "temperature: null"),
    "responses, temperature": (
        Protocol.OPENAI_RESPONSES,
        {},
        "HTTP 400: Unsupported parameter: 'temperature' is not supported with this model.",
        "temperature: null",
    ),
    "kimi, temperature": (
        Protocol.OPENAI_CHAT,
        {},
        "HTTP 400: invalid temperature: only 1 is allowed for this model",
        "temperature: null",
    ),
    "anthropic, temperature": (
        Protocol.ANTHROPIC_MESSAGES,
        {"temperature": 0.0},
        "HTTP 400: `temperature` is deprecated for this model.",
        "temperature: null",
    ),
    "anthropic, temperature beside thinking": (
        Protocol.ANTHROPIC_MESSAGES,
        {"temperature": 0.0, "extra_body": {"thinking": {"type": "enabled"}}},
        "HTTP 400: `temperature` may only be set to 1 when thinking is enabled.",
        "temperature: null",
    ),
    "mistral, usage": (
        Protocol.OPENAI_CHAT,
        {},
        'HTTP 422: {"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],'
        '"msg":"Extra inputs are not permitted","input":{"include_usage":true}}]}',
        "include_usage: false",
    ),
    "azure inference, usage": (
        Protocol.OPENAI_CHAT,
        {},
        "HTTP 400: Validation error at #/stream_options: Extra inputs are not permitted",
        "include_usage: false",
    ),
    "responses, too few tokens": (
        Protocol.OPENAI_RESPONSES,
        {"max_tokens": 16},
        "HTTP 400: Invalid 'max_output_tokens': integer below minimum value. "
        "Expected a value >= 32, but got 16 instead.",
        "max_tokens: 32",
    ),
    "a server with a floor": (
        Protocol.OPENAI_CHAT,
        {},
        "HTTP 400: max_tokens must be at least 128",
        "max_tokens: 128",
    ),
    "openai, effort not among those of the model": (
        Protocol.OPENAI_CHAT,
        {"extra_body": {"reasoning_effort": "minimal"}},
        "HTTP 400: Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. "
        "Supported values are: 'low', 'medium', and 'high'.",
        "extra_body: {reasoning_effort: low}",
    ),
    "a model without efforts": (
        Protocol.OPENAI_CHAT,
        {"extra_body": {"reasoning_effort": "low"}},
        "HTTP 400: Unrecognized request argument supplied: reasoning_effort",
        "extra_body: {reasoning_effort: null}",
    ),
    "responses, a model without efforts": (
        Protocol.OPENAI_RESPONSES,
        {"extra_body": {"reasoning": {"effort": "low"}}},
        "HTTP 400: Unsupported parameter: 'reasoning.effort' is not supported with this model.",
        "extra_body: {reasoning: null}",
    ),
    "ollama, a model that does not think": (
        Protocol.OLLAMA_CHAT,
        {"extra_body": {"think": "low"}},
        'HTTP 400: "qwen2.5:0.5b" does not support thinking',
        "extra_body: {think: null}",
    ),
    "litellm, a relayed refusal": (
        Protocol.OPENAI_CHAT,
        {},
        "HTTP 400: litellm.BadRequestError: OpenAIException - Unsupported parameter: 'max_tokens' is not supported "
        "with this model. Use 'max_completion_tokens' instead.. Received Model Group=o9",
        "token_parameter: max_completion_tokens",
    ),
    "litellm, a refusal of its own": (
        Protocol.OPENAI_CHAT,
        {},
        "HTTP 400: litellm.UnsupportedParamsError: gpt-5 models (including gpt-5-codex) don't support temperature=0.0. "
        "Only temperature=1 is supported.",
        "temperature: null",
    ),
    "litellm, efforts": (
        Protocol.OPENAI_CHAT,
        {"extra_body": {"reasoning_effort": "low"}},
        "HTTP 400: litellm.UnsupportedParamsError: openai does not support parameters: ['reasoning_effort'], for "
        "model=o9. To drop these, set `litellm.drop_params=True`",
        "extra_body: {reasoning_effort: null}",
    ),
    "gemini, a key": (
        Protocol.GEMINI_GENERATE_CONTENT,
        {"extra_body": {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}}},
        'HTTP 400: Invalid JSON payload received. Unknown name "thinkingLevel" at '
        "'generationConfig.thinkingConfig': Cannot find field.",
        "extra_body: {generationConfig: null}",
    ),
    "vllm, a key of the operator": (
        Protocol.OPENAI_CHAT,
        {"extra_body": {"top_k": 5}},
        "HTTP 400: [{'type': 'extra_forbidden', 'loc': ('body', 'top_k'), 'msg': 'Extra inputs are not permitted'}]",
        "extra_body: {top_k: null}",
    ),
}


@pytest.mark.parametrize(("protocol", "options", "error", "line"), CASES.values(), ids=CASES)
def test_a_refusal_that_names_what_was_sent_proposes_the_cure(
    protocol: Protocol, options: dict[str, Any], error: str, line: str
) -> None:
    assert shown(proposals(sent(protocol, **options), error)) == [line]


@pytest.mark.parametrize(("protocol", "options", "error", "line"), CASES.values(), ids=CASES)
def test_a_proposal_is_a_line_that_the_configuration_accepts(
    protocol: Protocol, options: dict[str, Any], error: str, line: str
) -> None:
    (proposal,) = proposals(sent(protocol, **options), error)

    ModelOptions.model_validate({"model": "o9", **yaml.safe_load(proposal.line)})

    assert proposal.place == "apis.acme.main.models[o9]"
    assert proposal.reason == REASONS[proposal.refused]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        pytest.param(
            sent(token_parameter=TokenParameter.MAX_COMPLETION_TOKENS), OPENAI_TOKENS, id="already cured"
        ),
        pytest.param(sent(temperature=None), OPENAI_TEMPERATURE, id="temperature not sent"),
        pytest.param(
            sent(include_usage=False), "HTTP 422: stream_options: Extra inputs are not permitted", id="usage"
        ),
        pytest.param(sent(Protocol.ANTHROPIC_MESSAGES), OPENAI_TOKENS, id="one name only in this protocol"),
        pytest.param(
            sent(), "HTTP 400: Unrecognized request argument supplied: reasoning_effort", id="effort not sent"
        ),
        pytest.param(
            sent(),
            "HTTP 400: This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
            id="names nothing",
        ),
        pytest.param(sent(), "HTTP 400: Invalid request.", id="says nothing"),
        pytest.param(sent(), "HTTP 400: messages: at least one message is required", id="another floor"),
        pytest.param(sent(), "", id="empty"),
    ],
)
def test_nothing_is_proposed_for_what_was_not_sent_or_not_named(given: Sent, error: str) -> None:
    assert proposals(given, error) == ()


def test_a_body_that_refuses_two_things_proposes_both() -> None:
    error = "HTTP 422: temperature: Extra inputs are not permitted; stream_options: Extra inputs are not permitted"

    assert shown(proposals(sent(), error)) == ["temperature: null", "include_usage: false"]


def test_only_a_refused_request_of_the_present_settings_proposes_anything() -> None:
    given, newest = (
        sent(),
        a_result(Outcome.BAD_REQUEST, error=OPENAI_TOKENS, spec_version="s1"),
    )

    assert shown(proposals_after(given, "s1", newest)) == ["token_parameter: max_completion_tokens"]
    assert proposals_after(given, "s2", newest) == (), "the settings changed since"
    assert proposals_after(given, "s1", None) == ()
    assert proposals_after(given, "s1", replace(newest, error=None)) == ()
    assert proposals_after(given, "s1", a_result(Outcome.SERVER_ERROR, error=OPENAI_TOKENS)) == ()


def test_hostile_text_costs_no_time_and_does_no_harm() -> None:
    error = "max_tokens " + "a" * 50_000 + " must be 'use x instead" * 2000

    assert len(proposals(sent(), error)) <= 1


def test_every_refusal_has_its_reason() -> None:
    assert set(REASONS) == set(Refused)
