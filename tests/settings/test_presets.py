"""What is known of providers and of models that reason, as it arrives in a target."""

from collections.abc import Callable

import pytest

from probes.domain.target import Protocol, Readiness, RequestOptions, Target, TokenParameter
from probes.settings.presets import PRESETS, Preset, preset_names, trait_of
from tests.settings.conftest import Load, Refuse

One = Callable[..., Target]

ASKED_FOR = """
openai azure anthropic openrouter deepseek kimi moonshot volcengine siliconflow grok xai qwen dashscope glm zhipu
gemini mistral groq cohere together fireworks huggingface ollama vllm lmstudio litellm
"""


def config_for(name: str, model: str = "m") -> str:
    endpoint = ", endpoint: 'https://unit.openai.azure.com'" if "azure" in name.lower() else ""
    if "bedrock" in name.lower():
        endpoint = ", base_url: 'https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1'"
    return f"apis: {{'{name}': {{main: {{api_key: k-0123456789{endpoint}, models: ['{model}']}}}}}}"


@pytest.mark.parametrize("name", ASKED_FOR.split())
def test_every_provider_asked_for_is_known(one: One, name: str) -> None:
    assert one(config_for(name)).readiness is Readiness.READY


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("change", [str.upper, str.title, str.lower])
def test_a_name_works_in_any_case(one: One, name: str, change: Callable[[str], str]) -> None:
    target = one(config_for(change(name)))
    assert target.provider == change(name)
    assert target.readiness is Readiness.READY


def test_no_name_means_two_providers() -> None:
    names = [name.casefold() for preset in PRESETS for name in (preset.name, *preset.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_addresses_are_complete_and_without_a_slash_at_the_end(preset: Preset) -> None:
    native = preset.native[1] if preset.native else None
    for url in (preset.base_url, preset.anthropic_url, native, *preset.other_urls):
        assert url is None or (url.startswith(("https://", "http://127.0.0.1:")) and not url.endswith("/"))
    assert not (preset.anthropic_url or "").endswith("/v1")
    assert preset.needs_key != (preset.base_url or "").startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("openai", "https://api.openai.com/v1"),
        ("anthropic", "https://api.anthropic.com"),
        ("kimi", "https://api.moonshot.cn/v1"),
        ("volcengine", "https://ark.cn-beijing.volces.com/api/v3"),
        ("grok", "https://api.x.ai/v1"),
        ("dashscope", "https://dashscope.aliyuncs.com/compatible-mode/v1"),
        ("glm", "https://open.bigmodel.cn/api/paas/v4"),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("cohere", "https://api.cohere.ai/compatibility/v1"),
        ("huggingface", "https://router.huggingface.co/v1"),
        ("ollama", "http://127.0.0.1:11434/v1"),
    ],
)
def test_a_preset_gives_the_address(one: One, name: str, url: str) -> None:
    assert one(config_for(name)).base_url == url


@pytest.mark.parametrize("name", ["ollama", "vllm", "lmstudio", "litellm"])
def test_a_local_server_is_ready_without_a_key(one: One, name: str) -> None:
    target = one(f"apis: {{{name}: {{main: {{models: [m]}}}}}}")
    assert (target.readiness, target.api_key) == (Readiness.READY, None)


def test_azure_speaks_its_protocol_with_the_newest_released_version(one: One) -> None:
    target = one(config_for("azure", "my-deployment"))
    assert target.protocol is Protocol.AZURE_OPENAI_CHAT
    assert (target.base_url, target.api_version) == ("https://unit.openai.azure.com", "2024-10-21")
    assert target.options.token_parameter is TokenParameter.MAX_COMPLETION_TOKENS


@pytest.mark.parametrize(
    ("name", "parameter", "usage", "temperature"),
    [
        ("openai", TokenParameter.MAX_COMPLETION_TOKENS, True, 0.0),
        ("groq", TokenParameter.MAX_TOKENS, True, 0.0),
        ("mistral", TokenParameter.MAX_TOKENS, False, 0.0),
        ("cohere", TokenParameter.MAX_TOKENS, False, 0.0),
        ("anthropic", TokenParameter.MAX_TOKENS, True, None),
        ("kimi", TokenParameter.MAX_TOKENS, True, None),
    ],
)
def test_a_request_is_worded_as_the_provider_insists(
    one: One, name: str, parameter: TokenParameter, usage: bool, temperature: float | None
) -> None:
    options = one(config_for(name)).options
    assert (options.token_parameter, options.include_usage, options.temperature) == (
        parameter,
        usage,
        temperature,
    )


def test_what_a_provider_insists_on_beats_global_defaults_and_yields_to_the_provider_and_below(
    load: Load,
) -> None:
    settings = load(
        """
        defaults: {temperature: 0.5, include_usage: true}
        providers: {kimi: {temperature: 1}}
        apis:
          anthropic: {main: {api_key: k-12345678, models: [a, {model: b, temperature: 0.7}]}}
          mistral: {main: {api_key: k-12345678, include_usage: true, models: [c]}, other: {models: [d]}}
          kimi: {main: {api_key: k-12345678, models: [e]}}
        """
    )
    found = {t.model: (t.options.temperature, t.options.include_usage) for t in settings.targets}
    assert found == {
        "a": (None, True),
        "b": (0.7, True),
        "c": (0.5, True),
        "d": (0.5, False),
        "e": (1.0, True),
    }


def test_another_server_under_a_known_name_gets_the_words_that_every_server_knows(one: One) -> None:
    target = one(
        "apis: {openai: {relay: {api_key: k-12345678, base_url: 'https://relay.example.com/v1', models: [m]}}}"
    )
    assert target.options.token_parameter is TokenParameter.MAX_TOKENS


def test_another_region_of_a_provider_is_the_same_provider(one: One) -> None:
    target = one(
        "apis: {kimi: {main: {api_key: k-12345678, base_url: 'https://api.moonshot.ai/v1', models: [m]}}}"
    )
    assert target.options.temperature is None


def test_a_vendor_speaks_another_protocol_at_another_address(one: One) -> None:
    target = one("apis: {deepseek: {main: {api_key: k-12345678, protocol: anthropic_messages, models: [m]}}}")
    assert (target.protocol, target.base_url) == (
        Protocol.ANTHROPIC_MESSAGES,
        "https://api.deepseek.com/anthropic",
    )
    assert target.options.temperature is None


@pytest.mark.parametrize(
    ("name", "protocol", "url"),
    [
        ("google", Protocol.GEMINI_GENERATE_CONTENT, "https://generativelanguage.googleapis.com/v1beta"),
        ("ollama", Protocol.OLLAMA_CHAT, "http://127.0.0.1:11434"),
    ],
)
def test_a_vendors_own_protocol_has_an_address_of_its_own(
    one: One, name: str, protocol: Protocol, url: str
) -> None:
    target = one(
        f"apis: {{{name}: {{main: {{api_key: k-12345678, protocol: {protocol.value}, models: [m]}}}}}}"
    )
    assert (target.protocol, target.base_url, target.readiness) == (protocol, url, Readiness.READY)
    assert target.options == RequestOptions()


def test_bedrock_needs_the_address_of_a_region(refuse: Refuse, one: One) -> None:
    assert "Add base_url:" in refuse("apis: {bedrock: {main: {api_key: k-12345678, models: [m]}}}")
    url = "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1"
    target = one(f"apis: {{bedrock: {{main: {{api_key: k-12345678, base_url: '{url}', models: [m]}}}}}}")
    assert (target.protocol, target.base_url) == (Protocol.OPENAI_CHAT, url)


def native(provider: str, model: str, extra: str = "") -> str:
    protocol = "gemini_generate_content" if provider == "gemini" else "ollama_chat"
    return f"apis: {{{provider}: {{main: {{api_key: k-12345678, protocol: {protocol}{extra}, models: ['{model}']}}}}}}"


@pytest.mark.parametrize(
    ("provider", "model", "body"),
    [
        ("gemini", "gemini-2.5-flash", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}),
        ("gemini", "models/gemini-2.5-flash-lite", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}),
        ("gemini", "gemini-2.5-pro", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 128}}}),
        ("gemini", "gemini-3-pro-preview", {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}}),
        ("ollama", "gpt-oss:20b", {"think": "low"}),
        ("ollama", "deepseek-r1", {}),
    ],
)  # fmt: skip
def test_a_thinking_model_is_told_to_think_little_in_its_own_protocol(
    one: One, provider: str, model: str, body: dict[str, object]
) -> None:
    options = one(native(provider, model)).options
    assert (options.extra_body, options.max_tokens) == (body, 512)
    assert options.token_parameter is TokenParameter.MAX_TOKENS


@pytest.mark.parametrize(
    ("provider", "model", "extra", "body"),
    [
        ("gemini", "gemini-2.5-pro", "generationConfig: {topP: 0.9}",
         {"generationConfig": {"thinkingConfig": {"thinkingBudget": 128}, "topP": 0.9}}),
        ("gemini", "gemini-3-flash", "generationConfig: {thinkingConfig: {thinkingLevel: high}}",
         {"generationConfig": {"thinkingConfig": {"thinkingLevel": "high"}}}),
        ("gemini", "gemini-3-flash", "generationConfig: null", {}),
        ("ollama", "gpt-oss", "think: high", {"think": "high"}),
        ("ollama", "gpt-oss", "think: null", {}),
    ],
)  # fmt: skip
def test_what_the_operator_says_of_thinking_wins(
    one: One, provider: str, model: str, extra: str, body: dict[str, object]
) -> None:
    target = one(native(provider, model, f", extra_body: {{{extra}}}"))
    assert target.options.extra_body == body


def test_the_compatible_protocol_is_asked_as_before(one: One) -> None:
    assert one(config_for("gemini", "gemini-2.5-flash")).options.extra_body == {}


def test_protocol_and_address_can_both_be_given(one: One) -> None:
    target = one(
        "apis: {mine: {main: {protocol: anthropic_messages, base_url: 'https://llm.example.com/claude/', "
        "token_parameter: max_completion_tokens, models: [m]}}}"
    )
    assert (target.protocol, target.base_url) == (
        Protocol.ANTHROPIC_MESSAGES,
        "https://llm.example.com/claude",
    )
    assert target.options.token_parameter is TokenParameter.MAX_TOKENS


def test_an_unknown_name_needs_an_address_and_gets_a_guess(refuse: Refuse) -> None:
    assert "Did you mean deepseek? Otherwise add base_url:" in refuse(
        "apis: {deepseak: {main: {models: [m]}}}"
    )


# Models that reason.

REASONING = [
    "o1",
    "o1-mini",
    "o3",
    "o3-mini-2025-01-31",
    "o4-mini",
    "gpt-5",
    "GPT-5-mini",
    "gpt-5.2",
    "gpt-5-pro",
    "openai/o3",
    "gpt-oss-120b",
    "kimi-k2.5",
    "kimi-k2-thinking",
    "gemini-2.5-pro",
    "gemini-3-flash",
    "glm-4.6",
    "zai-org/GLM-4.6",
    "grok-3-mini",
    "grok-4",
    "deepseek-reasoner",
    "deepseek-ai/DeepSeek-R1",
    "qwq-32b",
    "qwen3-235b-a22b-thinking-2507",
    "magistral-medium",
    "grok-4-fast-reasoning",
]
PLAIN = [
    "gpt-4o",
    "gpt-4.1-mini",
    "gpt-5-chat-latest",
    "claude-haiku-4-5",
    "deepseek-chat",
    "gemini-2.0-flash",
    "glm-4-flash",
    "grok-3",
    "grok-4-fast-non-reasoning",
    "kimi-k2-0905-preview",
    "qwen-max",
    "o365-helper",
    "llama-3.3-70b",
    "demo-r100",
    "turbo1",
]


@pytest.mark.parametrize("model", REASONING)
def test_a_reasoning_model_is_recognised_and_gets_room_to_reason(one: One, model: str) -> None:
    trait = trait_of(model)
    assert trait is not None
    assert trait.reason
    assert one(config_for("openrouter", model)).options.max_tokens == 512


@pytest.mark.parametrize("model", PLAIN)
def test_another_model_keeps_the_usual_limit(one: One, model: str) -> None:
    assert trait_of(model) is None
    assert one(config_for("openrouter", model)).options.max_tokens == 64


def test_openais_reasoning_models_get_no_temperature_and_the_lowest_common_effort(load: Load) -> None:
    settings = load(
        """
        defaults: {temperature: 0, max_tokens: 32}
        apis: {openai: {main: {api_key: k-12345678, max_tokens: 1024, models: [o3-mini, o1-mini, gpt-5-chat-latest]}}}
        """
    )
    o3, o1_mini, chat = (target.options for target in settings.targets)
    assert (o3.temperature, o3.max_tokens, o3.extra_body) == (None, 1024, {"reasoning_effort": "low"})
    assert (o1_mini.temperature, o1_mini.extra_body) == (None, {})
    assert (chat.temperature, chat.max_tokens, chat.extra_body) == (0.0, 1024, {})


def test_the_models_own_entry_overrides_what_is_known_of_its_family(one: One) -> None:
    options = one(
        """
        apis:
          openai:
            main:
              api_key: k-12345678
              models:
                - model: o3
                  max_tokens: 100
                  temperature: 1
                  token_parameter: max_tokens
                  extra_body: {reasoning_effort: high}
        """
    ).options
    assert (options.max_tokens, options.temperature) == (100, 1.0)
    assert options.token_parameter is TokenParameter.MAX_TOKENS
    assert options.extra_body == {"reasoning_effort": "high"}


def test_an_effort_can_be_taken_out(one: One) -> None:
    target = one(
        "apis: {openai: {main: {api_key: k-12345678, extra_body: {reasoning_effort: null}, models: [o3]}}}"
    )
    assert target.options.extra_body == {}


def test_a_reasoning_model_behind_a_relay_gets_the_parameter_it_insists_on(one: One) -> None:
    target = one("apis: {mine: {main: {base_url: 'https://relay.example.com/v1', models: [openai/o3]}}}")
    assert target.options.token_parameter is TokenParameter.MAX_COMPLETION_TOKENS
