"""Names of the GenAI semantic conventions (their own repository, October 2026, status: development), in one table.

https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md
What they do not name is ours and begins with `firsttoken.`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import ProbeResult, TokensSource
from probes.domain.target import Protocol
from probes.settings.presets import preset_of

SECONDS_LIMITS: Final = (
    0.01,
    0.02,
    0.04,
    0.08,
    0.16,
    0.32,
    0.64,
    1.28,
    2.56,
    5.12,
    10.24,
    20.48,
    40.96,
    81.92,
)
TOKENS_LIMITS: Final = tuple(4**power for power in range(14))
_MAX_TEXT: Final = 200  # a server may call its model what it likes

# Presets that the conventions know by another name; any other provider goes by the name it has here.
PROVIDER_NAMES: Final = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "xai": "x_ai",
}

Attributes = Mapping[str, str | int]


class Instrument(StrEnum):
    """Histograms, but the last one, which counts."""

    DURATION = "gen_ai.client.operation.duration"
    FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
    TOKENS = "gen_ai.client.token.usage"
    FIRST_TOKEN = "firsttoken.time_to_first_token"
    PROBES = "firsttoken.probes"


@dataclass(frozen=True, slots=True)
class Measurement:
    instrument: Instrument
    value: float | int
    attributes: Attributes


def measurements(result: ProbeResult, base_url: str | None) -> Iterator[Measurement]:
    """What one probe says; nothing of a slot that did not run, and no value that was not observed."""
    if result.fault is Fault.NOT_RUN:
        return
    told = attributes(result, base_url)
    yield Measurement(Instrument.PROBES, 1, told)
    for instrument, seconds in (
        (Instrument.DURATION, result.response_seconds),
        (Instrument.FIRST_CHUNK, result.first_event_seconds),
        (Instrument.FIRST_TOKEN, result.ttft_seconds),
    ):
        if seconds is not None:
            yield Measurement(instrument, seconds, told)
    if result.tokens_source is TokensSource.USAGE:  # counted chunks are no tokens
        for kind, tokens in (("input", result.input_tokens), ("output", result.output_tokens)):
            if tokens is not None:
                yield Measurement(Instrument.TOKENS, tokens, {**told, "gen_ai.token.type": kind})


def attributes(result: ProbeResult, base_url: str | None) -> Attributes:
    """Who was asked for what, and how it ended; what is not known is left out."""
    is_gemini = result.protocol == Protocol.GEMINI_GENERATE_CONTENT
    found: dict[str, str | int] = {
        "gen_ai.operation.name": "generate_content" if is_gemini else "chat",
        "gen_ai.provider.name": provider_name(result.provider),
        "gen_ai.request.model": result.model,
        "firsttoken.target": result.target,
        "firsttoken.location": result.location,
        "firsttoken.trigger": result.trigger.value,
    }
    if result.served_model is not None:
        found["gen_ai.response.model"] = result.served_model[:_MAX_TEXT]
    if result.outcome is not Outcome.OK:
        found["error.type"] = result.outcome.value
    address = urlsplit(base_url or "")
    if address.hostname is not None:
        found["server.address"] = address.hostname
        found["server.port"] = address.port or (80 if address.scheme == "http" else 443)
    return found


def provider_name(provider: str) -> str:
    preset = preset_of(provider)
    return PROVIDER_NAMES.get(preset.name, preset.name) if preset is not None else provider
