"""What is known of providers and models, as data. A new vendor on a known protocol is one row here.

`rejects_*` and the like hold only what a server insists on; everything else stays with the operator's defaults.
"""

import re
from dataclasses import dataclass
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
    other_urls: tuple[str, ...] = ()  # same vendor, other region; the key decides which is right
    needs_key: bool = True
    token_parameter: TokenParameter | None = None
    rejects_usage: bool = False  # answers 422 to stream_options, and sends usage anyway
    rejects_temperature: bool = False

    def url_for(self, protocol: Protocol) -> str | None:
        if protocol is self.protocol:
            return self.base_url
        return self.anthropic_url if protocol is Protocol.ANTHROPIC_MESSAGES else None


PRESETS: Final = (
    Preset("openai", "https://api.openai.com/v1", token_parameter=TokenParameter.MAX_COMPLETION_TOKENS),
    Preset(
        "azure",
        None,
        protocol=Protocol.AZURE_OPENAI_CHAT,
        aliases=("azure_openai", "azure-openai", "azureopenai"),
        token_parameter=TokenParameter.MAX_COMPLETION_TOKENS,
    ),
    Preset(
        "anthropic",
        "https://api.anthropic.com",
        protocol=Protocol.ANTHROPIC_MESSAGES,
        aliases=("claude",),
        rejects_temperature=True,  # newer models answer 400 to it
    ),
    Preset("openrouter", "https://openrouter.ai/api/v1", anthropic_url="https://openrouter.ai/api"),
    Preset("deepseek", "https://api.deepseek.com/v1", anthropic_url="https://api.deepseek.com/anthropic"),
    Preset(
        "moonshot",
        "https://api.moonshot.cn/v1",
        aliases=("kimi",),
        anthropic_url="https://api.moonshot.cn/anthropic",
        other_urls=("https://api.moonshot.ai/v1",),
        rejects_temperature=True,  # K2.5 and later accept one fixed value, which depends on the thinking mode
    ),
    Preset(
        "volcengine",
        "https://ark.cn-beijing.volces.com/api/v3",
        aliases=("ark", "doubao", "volces"),
        other_urls=("https://ark.ap-southeast.bytepluses.com/api/v3",),
    ),
    Preset(
        "siliconflow",
        "https://api.siliconflow.cn/v1",
        aliases=("silicon",),
        anthropic_url="https://api.siliconflow.cn",
        other_urls=("https://api.siliconflow.com/v1",),
    ),
    Preset("xai", "https://api.x.ai/v1", aliases=("grok", "x.ai")),
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
    ),
    Preset("mistral", "https://api.mistral.ai/v1", aliases=("mistralai",), rejects_usage=True),
    Preset("groq", "https://api.groq.com/openai/v1"),
    Preset("cohere", "https://api.cohere.ai/compatibility/v1", rejects_usage=True),
    Preset("together", "https://api.together.xyz/v1", aliases=("togetherai", "together_ai")),
    Preset("fireworks", "https://api.fireworks.ai/inference/v1", aliases=("fireworksai", "fireworks_ai")),
    Preset("huggingface", "https://router.huggingface.co/v1", aliases=("hf", "hugging_face")),
    # Local servers: 127.0.0.1 and not localhost, which may mean ::1, where they do not listen.
    Preset("ollama", "http://127.0.0.1:11434/v1", anthropic_url="http://127.0.0.1:11434", needs_key=False),
    Preset("vllm", "http://127.0.0.1:8000/v1", anthropic_url="http://127.0.0.1:8000", needs_key=False),
    Preset(
        "lmstudio",
        "http://127.0.0.1:1234/v1",
        aliases=("lm_studio", "lm-studio"),
        anthropic_url="http://127.0.0.1:1234",
        needs_key=False,
    ),
    Preset(
        "litellm",
        "http://127.0.0.1:4000/v1",
        anthropic_url="http://127.0.0.1:4000",
        needs_key=False,  # a proxy without a master key takes any request
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


def _family(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


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
        _family(r"o[134](-|$)|gpt-5(?!.*chat)"),
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
        _family(r"gpt-oss|gemini-(2\.5|[3-9])|glm-(4\.[5-9]|[5-9])|grok-(3-mini|[4-9])(?!.*non-reasoning)"),
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
