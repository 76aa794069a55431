"""What can be set for a target, as pydantic models: every key, its type, limits, default and meaning.

The rest of the file is settings.format; what a value comes to is settled in settings.resolve.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict, JsonValue

from probes.domain.target import (
    DEFAULT_INTERVAL_SECONDS,
    Deadlines,
    RequestOptions,
    Thresholds,
)
from probes.settings.quirks import LEAST_MAX_TOKENS
from probes.settings.values import (
    Between,
    Deadline,
    Given,
    HeaderName,
    HeaderValue,
    Interval,
    LabelKey,
    LongText,
    Name,
    Objective,
    ProxyUrl,
    TargetPart,
    Text,
    Threshold,
    Truth,
    Url,
    duration_text,
    refused,
)

_DEADLINES: Final = Deadlines()
_THRESHOLDS: Final = Thresholds()
_REQUEST: Final = RequestOptions()


def _default(value: JsonValue) -> JsonDict:
    """The default as the schema and the reference show it; the model itself must know "not given"."""
    return {"default": duration_text(value) if isinstance(value, float) else value}


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class DeadlineOptions(Section):
    """Absolute limits of one attempt; a deadline longer than a shortened `total` shrinks with it."""

    connect: Annotated[Deadline | None, Given()] = Field(
        None,
        description="Name look-up and TCP connection together.",
        json_schema_extra=_default(_DEADLINES.connect_seconds),
    )
    tls: Annotated[Deadline | None, Given()] = Field(
        None, description="TLS handshake.", json_schema_extra=_default(_DEADLINES.tls_seconds)
    )
    first_token: Annotated[Deadline | None, Given()] = Field(
        None,
        description="From the request sent to the first generated token.",
        json_schema_extra=_default(_DEADLINES.first_token_seconds),
    )
    stall: Annotated[Deadline | None, Given()] = Field(
        None,
        description="Between two generated events; keep-alives do not count.",
        json_schema_extra=_default(_DEADLINES.stall_seconds),
    )
    total: Annotated[Deadline | None, Given()] = Field(
        None, description="The whole attempt.", json_schema_extra=_default(_DEADLINES.total_seconds)
    )


class ThresholdOptions(Section):
    """Upper limits of response time of the categories; each must be above the one before."""

    smooth: Annotated[Threshold | None, Given()] = Field(
        None, description="Smooth is below this.", json_schema_extra=_default(_THRESHOLDS.smooth_seconds)
    )
    available: Annotated[Threshold | None, Given()] = Field(
        None,
        description="Available is up to this.",
        json_schema_extra=_default(_THRESHOLDS.available_seconds),
    )
    congestion: Annotated[Threshold | None, Given()] = Field(
        None,
        description="Congestion is up to this.",
        json_schema_extra=_default(_THRESHOLDS.congestion_seconds),
    )
    lagging: Annotated[Threshold | None, Given()] = Field(
        None,
        description="Lagging is up to this; beyond it the category is unknown.",
        json_schema_extra=_default(_THRESHOLDS.lagging_seconds),
    )


class SloOptions(Section):
    """What a target should keep; null takes away what a wider level wants."""

    availability: Objective | None = Field(
        None, description='Share of probes that the provider must answer, such as "99.5 %"; below 100 %.'
    )
    ttft_p95: Threshold | None = Field(
        None, description="95 of 100 answers must begin within this; below deadlines.first_token."
    )


_Price = Annotated[float, Between(0, 1_000_000)]


class PriceOptions(Section):
    """Money per million tokens, in one currency of your choice; null or absent is unknown."""

    input_per_million: _Price | None = Field(None, description="Price of a million input tokens.")
    output_per_million: _Price | None = Field(
        None, description="Price of a million output tokens, reasoning included."
    )
    cached_input_per_million: _Price | None = Field(
        None, description="Price of a million input tokens read from a cache."
    )


class Options(Section):
    """What can be set for all targets, a provider, a client or one model; the more specific wins."""

    enabled: Annotated[Truth | None, Given()] = Field(
        None,
        description="false: shown as paused, not probed, history kept.",
        json_schema_extra=_default(True),
    )
    interval: Annotated[Interval | None, Given()] = Field(
        None, description="Time between two probes.", json_schema_extra=_default(DEFAULT_INTERVAL_SECONDS)
    )
    prompt: LongText | None = Field(
        None,
        description="The task to send, after a unique nonce; null: the built-in one, whose answer is checked.",
    )
    max_tokens: Annotated[Annotated[int, Between(LEAST_MAX_TOKENS, 100_000)] | None, Given()] = Field(
        None,
        description="Limit of output tokens; reasoning models get at least 512.",
        json_schema_extra=_default(_REQUEST.max_tokens),
    )
    token_parameter: Annotated[Literal["max_tokens", "max_completion_tokens"] | None, Given()] = Field(
        None,
        description="The request's name for that limit; OpenAI and Azure want max_completion_tokens.",
        json_schema_extra=_default(_REQUEST.token_parameter.value),
    )
    include_usage: Annotated[Truth | None, Given()] = Field(
        None,
        description="Ask for token counts (stream_options.include_usage); some servers refuse it.",
        json_schema_extra=_default(_REQUEST.include_usage),
    )
    temperature: Annotated[float, Between(0, 2)] | None = Field(
        None,
        description="Sampling temperature; null leaves it out of the request.",
        json_schema_extra={"default": 0},
    )
    extra_body: Annotated[dict[str, object] | None, Given()] = Field(
        None,
        description="More keys for the request body; null removes a key that a wider level set.",
        json_schema_extra=_default({}),
    )
    connection: Annotated[Literal["fresh", "reuse"] | None, Given()] = Field(
        None,
        description="fresh: each probe connects anew, phases timed apart; reuse: keep the connection.",
        json_schema_extra=_default("fresh"),
    )
    reuse_connection: Annotated[Truth | None, Given()] = Field(
        None, description="true is connection: reuse, false is connection: fresh."
    )
    deadlines: Annotated[DeadlineOptions | None, Given()] = Field(
        None, description="Limits of one attempt, as durations."
    )
    thresholds: Annotated[ThresholdOptions | None, Given()] = Field(
        None, description="Limits of the categories, as durations."
    )
    slo: Annotated[SloOptions | None, Given()] = Field(
        None, description="Objectives whose error budget is watched."
    )
    prices: Annotated[PriceOptions | None, Given()] = Field(None, description="Money per million tokens.")
    labels: Annotated[dict[LabelKey, Text] | None, Given()] = Field(
        None, description="Words of your own for filters and exports.", json_schema_extra=_default({})
    )

    @model_validator(mode="after")
    def _has_one_connection_setting(self) -> Self:
        if self.connection is not None and self.reuse_connection is not None:
            raise refused("has connection and reuse_connection", "Keep connection")
        return self


def _text_is_model(value: object) -> object:
    return value if isinstance(value, dict) else {"model": value}


def _null_is_no_model(value: object) -> object:
    return [] if value is None else value


class ModelOptions(Options):
    """One model: its name, or a mapping with settings of its own."""

    model: Annotated[Text | None, Given()] = Field(None, description="The model's name in the API; required.")
    name: Annotated[Text | None, Given()] = Field(None, description="Another word for model.")
    id: Annotated[TargetPart | None, Given()] = Field(
        None,
        description="Stands for the model in the target's id, so that a renamed model keeps its history.",
    )
    display_name: Annotated[Text | None, Given()] = Field(
        None, description="The name shown on the board.", json_schema_extra=_default("the model's name")
    )

    @model_validator(mode="after")
    def _has_one_name(self) -> Self:
        if (self.model is None) == (self.name is None):
            what = "has neither model nor name" if self.model is None else "has both model and name"
            raise refused(what, "Give the model's name in the API as model:")
        return self

    @property
    def api_name(self) -> str:
        return self.model or self.name or ""


class ClientOptions(Options):
    """One account or endpoint of a provider."""

    api_key: str | None = Field(
        None,
        max_length=8000,
        description="The key, best as ${NAME}; missing, empty or a placeholder: shown as not configured.",
    )
    api_key_file: Annotated[Text | None, Given()] = Field(
        None, description="A file that holds the key, relative to this one; read again when it changes."
    )
    base_url: Annotated[Url | None, Given()] = Field(
        None, description="The API's address.", json_schema_extra=_default("the provider's, if it is known")
    )
    endpoint: Annotated[Url | None, Given()] = Field(
        None, description="Another word for base_url; Azure: the resource, https://NAME.openai.azure.com."
    )
    api_version: Annotated[Text | None, Given()] = Field(
        None, description="Azure's API version.", json_schema_extra=_default("2024-10-21")
    )
    protocol: Annotated[
        Literal[
            "openai_chat",
            "openai_responses",
            "azure_openai_chat",
            "anthropic_messages",
            "gemini_generate_content",
            "ollama_chat",
        ]
        | None,
        Given(),
    ] = Field(
        None,
        description="What the endpoint speaks.",
        json_schema_extra=_default("the provider's, else openai_chat"),
    )
    id: Annotated[Name | None, Given()] = Field(
        None,
        description="Stands for the client's name in target ids, so that a renamed client keeps its history.",
    )
    headers: Annotated[dict[HeaderName, HeaderValue] | None, Given()] = Field(
        None,
        description="More request headers; values never leave the process.",
        json_schema_extra=_default({}),
    )
    proxy: Annotated[ProxyUrl | None, Given()] = Field(
        None, description="An HTTP proxy, http://host:port; HTTPS_PROXY of the environment is not read."
    )
    models: Annotated[
        list[Annotated[ModelOptions, BeforeValidator(_text_is_model)]],
        BeforeValidator(_null_is_no_model),
    ] = Field(default_factory=list, description="Model names, or mappings with settings of their own.")
