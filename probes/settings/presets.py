"""What is known of providers and models, as data. A new vendor on a known protocol is one row here.

What a server insists on stands in quirks.py; MODEL_TRAITS hold only what a family of models insists on, and everything
else stays with the operator's defaults.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from probes.domain.target import Protocol, TokenParameter

AZURE_API_VERSION: Final = "2024-10-21"  # newest dated release that is generally available
REASONING_MAX_TOKENS: Final = (
    512  # hidden reasoning counts towards the limit; less ends before any visible word
)


@dataclass(frozen=True, slots=True)
class Preset:
    """`base_url` None: the operator must give it. `anthropic_url`: where the same vendor speaks anthropic_messages."""

    name: str
    base_url: str | None
    protocol: Protocol = Protocol.OPENAI_CHAT
    aliases: tuple[str, ...] = ()
    anthropic_url: str | None = None
    native: tuple[Protocol, str] | None = (
        None  # the vendor's own protocol, where it is none of the shared ones
    )
    has_responses: bool = False  # speaks openai_responses too, at the same address
    other_urls: tuple[str, ...] = ()  # same vendor, other region; the key decides which is right
    needs_key: bool = True

    def url_for(self, protocol: Protocol) -> str | None:
        if protocol is self.protocol:
            return self.base_url
        if protocol is Protocol.OPENAI_RESPONSES:
            return self.base_url if self.has_responses else None
        if self.native is not None and protocol is self.native[0]:
            return self.native[1]
        return self.anthropic_url if protocol is Protocol.ANTHROPIC_MESSAGES else None


PRESETS: Final = (
    Preset(
        "openai",
        "https://api.openai.com/v1",
        has_responses=True,
    ),
    Preset(
        "azure",
        None,
        protocol=Protocol.AZURE_OPENAI_CHAT,
        aliases=("azure_openai", "azure-openai", "azureopenai"),
    ),
    Preset(
        "anthropic",
        "https://api.anthropic.com",
        protocol=Protocol.ANTHROPIC_MESSAGES,
        aliases=("claude",),
    ),
    Preset(
        "openrouter",
        "https://openrouter.ai/api/v1",
        anthropic_url="https://openrouter.ai/api",
        has_responses=True,
    ),
    Preset("deepseek", "https://api.deepseek.com/v1", anthropic_url="https://api.deepseek.com/anthropic"),
    Preset(
        "moonshot",
        "https://api.moonshot.cn/v1",
        aliases=("kimi",),
        anthropic_url="https://api.moonshot.cn/anthropic",
        other_urls=("https://api.moonshot.ai/v1",),
    ),
    Preset(
        "volcengine",
        "https://ark.cn-beijing.volces.com/api/v3",
        aliases=("ark", "doubao", "volces"),
        other_urls=("https://ark.ap-southeast.bytepluses.com/api/v3",),
        has_responses=True,
    ),
    Preset(
        "siliconflow",
        "https://api.siliconflow.cn/v1",
        aliases=("silicon",),
        anthropic_url="https://api.siliconflow.cn",
        other_urls=("https://api.siliconflow.com/v1",),
    ),
    Preset("xai", "https://api.x.ai/v1", aliases=("grok", "x.ai"), has_responses=True),
    Preset(
        "qwen",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        aliases=("dashscope", "bailian", "aliyun", "tongyi"),
        anthropic_url="https://dashscope.aliyuncs.com/apps/anthropic",
        other_urls=("https://dashscope-intl.aliyuncs.com/compatible-mode/v1",),
    ),
    Preset(
        "zhipu",
        "https://open.bigmodel.cn/api/paas/v4",
        aliases=("glm", "zhipuai", "bigmodel"),
        anthropic_url="https://open.bigmodel.cn/api/anthropic",
        other_urls=("https://api.z.ai/api/paas/v4",),
    ),
    Preset(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        aliases=("google", "google_gemini", "googleai"),
        native=(Protocol.GEMINI_GENERATE_CONTENT, "https://generativelanguage.googleapis.com/v1beta"),
    ),
    Preset("mistral", "https://api.mistral.ai/v1", aliases=("mistralai",)),
    Preset("groq", "https://api.groq.com/openai/v1", has_responses=True),
    Preset("cohere", "https://api.cohere.ai/compatibility/v1"),
    Preset(
        "together", "https://api.together.xyz/v1", aliases=("togetherai", "together_ai"), has_responses=True
    ),
    Preset(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        aliases=("fireworksai", "fireworks_ai"),
        has_responses=True,
    ),
    Preset(
        "huggingface", "https://router.huggingface.co/v1", aliases=("hf", "hugging_face"), has_responses=True
    ),
    Preset("bedrock", None, aliases=("aws_bedrock", "aws-bedrock")),
    # Local servers: 127.0.0.1 and not localhost, which may mean ::1, where they do not listen.
    Preset(
        "ollama",
        "http://127.0.0.1:11434/v1",
        anthropic_url="http://127.0.0.1:11434",
        native=(Protocol.OLLAMA_CHAT, "http://127.0.0.1:11434"),
        needs_key=False,
        has_responses=True,
    ),
    Preset(
        "vllm",
        "http://127.0.0.1:8000/v1",
        anthropic_url="http://127.0.0.1:8000",
        needs_key=False,
        has_responses=True,
    ),
    Preset(
        "lmstudio",
        "http://127.0.0.1:1234/v1",
        aliases=("lm_studio", "lm-studio"),
        anthropic_url="http://127.0.0.1:1234",
        needs_key=False,
        has_responses=True,
    ),
    Preset(
        "litellm",
        "http://127.0.0.1:4000/v1",
        anthropic_url="http://127.0.0.1:4000",
        needs_key=False,  # a proxy without a master key takes any request
        has_responses=True,
    ),
)

_BY_NAME: Final = {name.casefold(): preset for preset in PRESETS for name in (preset.name, *preset.aliases)}


def preset_of(provider: str) -> Preset | None:
    """The preset of that name or alias, in whatever case; None for a provider that nobody knows here."""
    return _BY_NAME.get(provider.strip().casefold())


def preset_names() -> tuple[str, ...]:
    """Every name that works, aliases included."""
    return tuple(_BY_NAME)


@dataclass(frozen=True, slots=True)
class ModelTrait:
    """What a family of models insists on, recognised by name; holds unless the model's own entry says otherwise."""

    pattern: re.Pattern[str]
    reason: str
    rejects_temperature: bool = False
    token_parameter: TokenParameter | None = None
    effort: str | None = None  # the lowest that every model of the family accepts
    lowest: Mapping[Protocol, Mapping[str, object]] = field(
        default_factory=dict
    )  # as a vendor's own protocol words it in the body


def _family(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _thinking(**budget: object) -> Mapping[str, object]:
    return {"generationConfig": {"thinkingConfig": budget}}


# First match wins. Patterns see the name's last step: "openai/o3-mini" is "o3-mini".
MODEL_TRAITS: Final = (
    ModelTrait(
        _family(r"o1-(mini|preview)"),
        "OpenAI o1-mini and o1-preview reason first, and know no reasoning_effort",
        rejects_temperature=True,
        token_parameter=TokenParameter.MAX_COMPLETION_TOKENS,
    ),
    ModelTrait(
        _family(r"gpt-5.*-pro\b"),
        "OpenAI's pro models reason first, at one effort only",
        rejects_temperature=True,
        token_parameter=TokenParameter.MAX_COMPLETION_TOKENS,
    ),
    ModelTrait(
        _family(r"o(1|3|4)(-|$)|gpt-5(?!.*chat)"),
        "OpenAI's reasoning models refuse temperature and max_tokens, and reason inside the limit",
        rejects_temperature=True,
        token_parameter=TokenParameter.MAX_COMPLETION_TOKENS,
        effort="low",
    ),
    ModelTrait(
        _family(r"kimi-k2\.\d|kimi-k[3-9]|kimi-.*thinking"),
        "Kimi models from K2.5 on think first and accept one fixed temperature",
        rejects_temperature=True,
    ),
    ModelTrait(
        _family(r"gemini-2\.5-flash"),
        "Gemini 2.5 Flash thinks first unless its budget is 0",
        lowest={Protocol.GEMINI_GENERATE_CONTENT: _thinking(thinkingBudget=0)},
    ),
    ModelTrait(
        _family(r"gemini-2\.5-pro"),
        "Gemini 2.5 Pro thinks first; 128 tokens are its smallest budget",
        lowest={Protocol.GEMINI_GENERATE_CONTENT: _thinking(thinkingBudget=128)},
    ),
    ModelTrait(
        _family(r"gemini-[3-9]"),
        "Gemini models from 3 on always think; low is the lowest level that all of them accept",
        lowest={Protocol.GEMINI_GENERATE_CONTENT: _thinking(thinkingLevel="low")},
    ),
    ModelTrait(
        _family(r"gpt-oss"),
        "gpt-oss always reasons, inside the limit",
        lowest={Protocol.OLLAMA_CHAT: {"think": "low"}},
    ),
    ModelTrait(
        _family(r"gemini-2\.5|glm-(4\.[5-9]|[5-9])|grok-(3-mini|[4-9])(?!.*non-reasoning)"),
        "thinks first unless told otherwise, inside the limit",
    ),
    ModelTrait(
        _family(r"(?!.*(non|no)-(thinking|reasoning)).*(reasoner|reasoning|thinking|qwq|magistral|\br1\b)"),
        "named as a reasoning model: reasons inside the limit",
    ),
)


def trait_of(model: str) -> ModelTrait | None:
    name = model.rpartition("/")[2]
    return next((trait for trait in MODEL_TRAITS if trait.pattern.match(name)), None)
