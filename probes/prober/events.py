"""What a stream says, in one vocabulary for every wire protocol. Pure data; the protocols' readings are in clients/."""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Final

from probes.prober.stamps import ReadStamp


class Generated(StrEnum):
    """What kind of output a piece is; the value is the record's `ttft_kind`."""

    TEXT = "text"
    REASONING = "reasoning"
    REFUSAL = "refusal"
    TOOL = "tool"

    @property
    def is_visible(self) -> bool:
        """A reader sees it as the answer."""
        return self in (Generated.TEXT, Generated.REFUSAL)


class Finish(StrEnum):
    """Why the model stopped, as far as it decides an outcome."""

    NORMAL = "normal"
    LENGTH = "length"
    FILTERED = "filtered"
    OVERLOADED = "overloaded"
    FAILED = "failed"


_FINISHES: Final[dict[str, Finish]] = {
    "length": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "max_output_tokens": Finish.LENGTH,
    "model_length": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "content_filter": Finish.FILTERED,
    "content_filtered": Finish.FILTERED,
    "refusal": Finish.FILTERED,
    "safety": Finish.FILTERED,
    "recitation": Finish.FILTERED,
    "prohibited_content": Finish.FILTERED,
    "blocklist": Finish.FILTERED,
    "spii": Finish.FILTERED,
    "language": Finish.FILTERED,
    "sensitive": Finish.FILTERED,
    "insufficient_system_resource": Finish.OVERLOADED,
    "error": Finish.FAILED,
    "network_error": Finish.FAILED,
    "malformed_function_call": Finish.FAILED,
    "malformed_response": Finish.FAILED,
    "unexpected_tool_call": Finish.FAILED,
    "too_many_tool_calls": Finish.FAILED,
    "missing_thought_signature": Finish.FAILED,
}


def finish_of(reason: str) -> Finish:
    """The meaning of a server's finish reason; a word we do not know is a normal end."""
    return _FINISHES.get(reason.lower(), Finish.NORMAL)


@dataclass(frozen=True, slots=True)
class Piece:
    """Non-empty generated output."""

    kind: Generated
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the server told them; output includes reasoning, None where it said nothing."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None  # read from a cache
    cache_written_tokens: int | None = None
    is_cache_apart: bool = False  # Anthropic counts cached tokens beside the input, everyone else inside it

    @property
    def whole_input_tokens(self) -> int | None:
        """Input including what came from or went to a cache."""
        if self.input_tokens is None or not self.is_cache_apart:
            return self.input_tokens
        return self.input_tokens + (self.cached_tokens or 0) + (self.cache_written_tokens or 0)

    def then(self, later: "Usage") -> "Usage":
        """Both, where the later one wins wherever it says anything."""
        said = {f.name: value for f in fields(later) if (value := getattr(later, f.name)) is not None}
        return replace(self, **said)


@dataclass(frozen=True, slots=True)
class UpstreamError:
    """An error as a body or an event words it; each may be missing."""

    code: str | None = None
    type: str | None = None
    message: str | None = None
    retry_delay: str | None = None  # Google's RetryInfo, as written: "34.07s"


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """What one server event says; None and empty mean that it says nothing of the kind."""

    pieces: tuple[Piece, ...] = ()
    usage: Usage | None = None
    finish_reason: str | None = None
    is_end: bool = False  # nothing that matters can follow
    is_complete: bool = False  # the protocol's own mark that the answer is whole
    error: UpstreamError | None = None
    served_model: str | None = None
    fingerprint: str | None = None
    service_tier: str | None = None
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event with the stamp of the read that completed it."""

    event: StreamEvent
    stamp: ReadStamp


class BadPayloadError(Exception):
    """An event or body that is not what the protocol says."""
