"""What servers insist on, as data: one row a server (or protocol) and setting, with the reason.

Rows hold what is known before the first probe; what a server says itself becomes a proposal (proposals.py). Families of
models have their own table, presets.MODEL_TRAITS. No row for system or developer messages: the prompt is one user
message, which every server takes.
"""

from dataclasses import dataclass
from typing import Final

from probes.domain.target import Protocol

LEAST_MAX_TOKENS: Final = 16  # what OpenAI's Responses API accepts; settings take no less for any protocol

_OPENAI_TOKENS: Final = (
    "max_tokens is deprecated, and reasoning models refuse it; every model takes the new name"
)
_OPENAI_REFERENCE: Final = "https://platform.openai.com/docs/api-reference/chat/create"
_NO_STREAM_OPTIONS: Final = "answers 422 to stream_options, and sends usage anyway"


@dataclass(frozen=True, slots=True)
class Quirk:
    """`where`: a preset's name, for that vendor's own servers, or a protocol. `value` None leaves the setting out."""

    where: str | Protocol
    setting: str  # the option of local.yaml that settles it
    value: str | bool | None
    reason: str
    source: str = ""  # where the vendor says so; empty: seen in its answers


QUIRKS: Final = (
    Quirk(
        Protocol.ANTHROPIC_MESSAGES,
        "temperature",
        None,
        "newer models answer 400 to it, and the SDK has dropped it",
    ),
    Quirk("openai", "token_parameter", "max_completion_tokens", _OPENAI_TOKENS, _OPENAI_REFERENCE),
    Quirk("azure", "token_parameter", "max_completion_tokens", _OPENAI_TOKENS, _OPENAI_REFERENCE),
    Quirk(
        "moonshot",
        "temperature",
        None,
        "models from K2.5 on accept one fixed value, which depends on the thinking mode",
    ),
    Quirk("mistral", "include_usage", False, _NO_STREAM_OPTIONS),
    Quirk("cohere", "include_usage", False, _NO_STREAM_OPTIONS),
)


def quirks_of(where: str | Protocol) -> dict[str, object]:
    """Settings that this preset or protocol insists on, with their values."""
    return {quirk.setting: quirk.value for quirk in QUIRKS if quirk.where == where}
