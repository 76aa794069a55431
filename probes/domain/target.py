"""What is probed: one target is provider / client / model, one row of the board."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Protocol(StrEnum):
    """A wire protocol; vendors are preset rows over these."""

    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"
    AZURE_OPENAI_CHAT = "azure_openai_chat"
    ANTHROPIC_MESSAGES = "anthropic_messages"
    GEMINI_GENERATE_CONTENT = "gemini_generate_content"
    OLLAMA_CHAT = "ollama_chat"


class Readiness(StrEnum):
    """Whether a target can be probed at all; a question of configuration, not of health."""

    READY = "ready"
    NOT_CONFIGURED = "not_configured"
    PAUSED = "paused"


class Secret:
    """A key that shows itself only on request, never in a repr, a log or a traceback."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class TokenParameter(StrEnum):
    """The request's name for the output limit; servers refuse the other one."""

    MAX_TOKENS = "max_tokens"
    MAX_COMPLETION_TOKENS = "max_completion_tokens"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Absolute limits of one attempt, in seconds, enforced at each read."""

    connect_seconds: float = 5.0  # name look-up and TCP together
    tls_seconds: float = 5.0
    first_token_seconds: float = 60.0  # since the request was sent
    stall_seconds: float = 30.0  # since the last *generated* event; keep-alives do not count
    total_seconds: float = 100.0  # since the attempt's start


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Upper limits of response time for the categories, in seconds."""

    smooth_seconds: float = 8.5
    available_seconds: float = 35.0
    congestion_seconds: float = 50.0
    lagging_seconds: float = 100.0


@dataclass(frozen=True, slots=True)
class Objectives:
    """What the operator wants a target to keep; None where nothing is set. Judges results, changes none."""

    availability: float | None = None  # fraction of the judged probes, below 1
    ttft_p95_seconds: float | None = None  # 95 of 100 answers must begin within it

    @property
    def is_empty(self) -> bool:
        return self.availability is None and self.ttft_p95_seconds is None


@dataclass(frozen=True, slots=True)
class Prices:
    """Money per million tokens, in the operator's currency; None where unknown."""

    input_per_million: float | None = None
    output_per_million: float | None = None
    cached_input_per_million: float | None = None


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """How the request is worded for this server; each is a quirk some server insists on."""

    max_tokens: int = 64
    token_parameter: TokenParameter = TokenParameter.MAX_TOKENS
    include_usage: bool = True
    temperature: float | None = 0.0
    prompt: str | None = None  # None: the default prompt, with its known answer
    extra_body: Mapping[str, object] = field(default_factory=dict)
    reuse_connection: bool = False


DEFAULT_INTERVAL_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Target:
    """One model behind one account, with everything that a probe of it needs.

    `id` is "provider/client/model" and stays the key of its history for ever.
    """

    id: str
    provider: str
    client: str
    model: str
    protocol: Protocol
    base_url: str | None = None  # None: the SDK's documented public endpoint
    display_name: str = ""
    readiness: Readiness = Readiness.READY
    readiness_reason: str = ""  # "environment variable OPENAI_API_KEY is not set"
    api_key: Secret | None = None
    api_version: str | None = None  # Azure
    headers: Mapping[str, str] = field(default_factory=dict)
    proxy: Secret | None = None  # a URL, which may hold a password
    labels: Mapping[str, str] = field(default_factory=dict)
    interval_seconds: float = DEFAULT_INTERVAL_SECONDS
    deadlines: Deadlines = field(default_factory=Deadlines)
    thresholds: Thresholds = field(default_factory=Thresholds)
    prices: Prices = field(default_factory=Prices)
    objectives: Objectives = field(default_factory=Objectives)
    options: RequestOptions = field(default_factory=RequestOptions)
    spec_version: str = ""  # hash of all that changes what is measured; a new value starts a new series

    @property
    def name(self) -> str:
        return self.display_name or self.model

    @property
    def is_probed(self) -> bool:
        return self.readiness is Readiness.READY
