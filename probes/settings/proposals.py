"""What a refused request suggests for local.yaml. Pure; read from the newest record alone, so nothing is kept.

A proposal is shown and never applied: another request starts a new series, and that is for the operator to decide.
Written with the wordings of OpenAI, Azure, Mistral, Moonshot, Anthropic, Ollama and of pydantic-based servers (vLLM).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from probes.domain.outcome import Outcome
from probes.domain.plan import PlannedTarget
from probes.domain.result import ProbeResult
from probes.domain.target import Protocol, Target, TokenParameter

Value = str | int | bool | None


class Refused(StrEnum):
    """What the server did not like."""

    TOKEN_PARAMETER = "token_parameter"
    TOO_FEW_TOKENS = "too_few_tokens"
    TEMPERATURE = "temperature"
    USAGE = "usage"
    EFFORT = "effort"
    BODY_KEY = "body_key"


REASONS: Final[Mapping[Refused, str]] = {
    Refused.TOKEN_PARAMETER: "The server wants the limit of output tokens under its other name.",
    Refused.TOO_FEW_TOKENS: "The server refuses so low a limit of output tokens.",
    Refused.TEMPERATURE: "The server refuses our temperature; without one it uses its own.",
    Refused.USAGE: "The server refuses stream_options; tokens are then counted by chunks unless it sends usage anyway.",
    Refused.EFFORT: "The model knows other efforts; this is the lowest that it names.",
    Refused.BODY_KEY: "The server refuses this key of the request's body.",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """One setting that would word the request as the server wants it."""

    refused: Refused
    place: str  # "apis.openai.main.models[o3]"
    setting: str  # "token_parameter", or a key inside extra_body: "extra_body.reasoning_effort"
    value: Value

    @property
    def reason(self) -> str:
        return REASONS[self.refused]

    @property
    def line(self) -> str:
        """As it stands in the model's entry: "extra_body: {reasoning_effort: null}"."""
        value = self.value if isinstance(self.value, str) else json.dumps(self.value)
        name, _, key = self.setting.partition(".")
        return f"{name}: {{{key}: {value}}}" if key else f"{name}: {value}"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a target's request says beside the prompt; only what was sent can have been refused."""

    place: str
    protocol: Protocol
    max_tokens: int
    token_parameter: TokenParameter
    include_usage: bool
    temperature: float | None
    body_keys: tuple[str, ...]

    @classmethod
    def by_target(cls, target: Target) -> "Sent":
        return cls.by_plan(PlannedTarget.of(target))

    @classmethod
    def by_plan(cls, plan: PlannedTarget) -> "Sent":
        return cls(
            place=f"apis.{plan.provider}.{plan.client}.models[{plan.model}]",
            protocol=plan.protocol,
            max_tokens=plan.max_tokens,
            token_parameter=plan.token_parameter,
            include_usage=plan.include_usage,
            temperature=plan.temperature,
            body_keys=plan.body_keys,
        )


def proposals_after(sent: Sent, spec_version: str, newest: ProbeResult | None) -> tuple[Proposal, ...]:
    """What the newest record suggests; nothing when it was not refused, or was sent before the settings changed."""
    if newest is None or newest.outcome is not Outcome.BAD_REQUEST or newest.error is None:
        return ()
    return proposals(sent, newest.error) if newest.spec_version == spec_version else ()


def proposals(sent: Sent, error: str) -> tuple[Proposal, ...]:
    """At most one per setting, from the words of a refusal."""
    text = _WITHOUT_ADVICE.sub(" ", error)
    found: dict[str, Proposal] = {}
    for rule in _RULES:
        for refused, setting, value in rule(sent, text):
            found.setdefault(setting, Proposal(refused, sent.place, setting, value))
    return tuple(found.values())


_Found = Iterator[tuple[Refused, str, Value]]

_WITH_TOKEN_PARAMETER: Final = (Protocol.OPENAI_CHAT, Protocol.AZURE_OPENAI_CHAT)
_WITHOUT_ADVICE: Final = re.compile(
    r"""(?ix) \b(?:use|try)\s+['"`]?[\w.]+['"`]?\s+instead | \bwhen\s+['"`]?[\w.]+['"`]?\s+is\s+\w+"""
)
_REFUSAL: Final = re.compile(
    r"""(?ix) unsupported | not\s+(?:be\s+)?(?:supported|permitted|allowed|accepted|recognized|available)
    | (?:does|do)(?:\s+not|n't)\s+(?:support|accept|allow|recognize) | unrecognized | unknown | unexpected
    | (?:extra|additional)[_\s](?:fields?|inputs?|forbidden|properties) | deprecated | \binvalid\b
    | may\s+only\s+be | (?:must|can\s+only|should)\s+be | only\s+[\d.]+\s+is | cannot"""
)
_LEAST: Final = re.compile(
    r"""(?ix) (?:max_(?:output_|completion_)?tokens|maxOutputTokens|num_predict)\b.*?
    (?: (?:>=|≥) | at\s+least | greater\s+than\s+or\s+equal\s+to | minimum\s+(?:value\s+)?(?:of|is) )\s*(\d{1,6})"""
)
_QUOTED: Final = re.compile(r"['\"`]([a-z]+)['\"`]")
_SUPPORTED: Final = re.compile(r"(?is)(?:supported|valid|allowed)\s+(?:values|levels|options)\b(.*)")
EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")  # lowest first
_EFFORT_NAMES: Final = {
    "reasoning_effort": ("reasoning_effort",),
    "reasoning": ("reasoning.effort", "effort"),
}
_OTHER_NAMES: Final = {"think": ("thinking",)}  # Ollama: "qwen3" does not support thinking


def _is_refused(name: str, text: str) -> bool:
    named = re.search(rf"(?i)(?<![\w.]){re.escape(name)}(?![\w])", text)
    return named is not None and _REFUSAL.search(text) is not None


def _too_few_tokens(sent: Sent, text: str) -> _Found:
    found = _LEAST.search(text)
    if found is not None and int(found[1]) > sent.max_tokens:
        yield Refused.TOO_FEW_TOKENS, "max_tokens", int(found[1])


def _token_parameter(sent: Sent, text: str) -> _Found:
    if sent.protocol not in _WITH_TOKEN_PARAMETER or _LEAST.search(text) is not None:
        return
    if _is_refused(sent.token_parameter.value, text):
        other = next(name for name in TokenParameter if name is not sent.token_parameter)
        yield Refused.TOKEN_PARAMETER, "token_parameter", other.value


def _temperature(sent: Sent, text: str) -> _Found:
    if sent.temperature is not None and _is_refused("temperature", text):
        yield Refused.TEMPERATURE, "temperature", None


def _usage(sent: Sent, text: str) -> _Found:
    is_sent = sent.include_usage and sent.protocol in _WITH_TOKEN_PARAMETER
    if is_sent and (_is_refused("stream_options", text) or _is_refused("include_usage", text)):
        yield Refused.USAGE, "include_usage", False


def _effort(sent: Sent, text: str) -> _Found:
    """Another effort where the server names some; a flat key only, for a nested one may hold more than the effort."""
    names = _EFFORT_NAMES["reasoning_effort"] if "reasoning_effort" in sent.body_keys else ()
    supported = _SUPPORTED.search(text)
    if supported is None or not any(_is_refused(name, text) for name in names):
        return
    named = {word.lower() for word in _QUOTED.findall(supported[1])}
    lowest = next((effort for effort in EFFORTS if effort in named), None)
    if lowest is not None:
        yield Refused.EFFORT, "extra_body.reasoning_effort", lowest


def _body_key(sent: Sent, text: str) -> _Found:
    for key in sent.body_keys:
        names = (key, *_EFFORT_NAMES.get(key, ()), *_OTHER_NAMES.get(key, ()))
        if any(_is_refused(name, text) for name in names):
            yield Refused.BODY_KEY, f"extra_body.{key}", None


_RULES: Final[tuple[Callable[[Sent, str], _Found], ...]] = (
    _too_few_tokens,
    _token_parameter,
    _temperature,
    _usage,
    _effort,
    _body_key,
)
