"""One row a wire protocol. A new protocol is a file beside this one and a row here."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from probes.domain.target import Protocol, Target
from probes.prober.clients import (
    anthropic_messages,
    azure_openai_chat,
    gemini_generate_content,
    ollama_chat,
    openai_chat,
    openai_responses,
    plain_request,
)
from probes.prober.events import StreamEvent
from probes.prober.framing import NDJSON, SSE, Framing
from probes.prober.sse import ServerEvent

if TYPE_CHECKING:
    import httpx2


@dataclass(frozen=True, slots=True)
class WireProtocol:
    """How to ask, and how to understand the answer. The library is imported by the first use, never by this row."""

    sdk: str  # the module to import
    sdk_version: Callable[[], str]
    open_stream: "Callable[[Target, str, httpx2.AsyncClient], AbstractAsyncContextManager[httpx2.Response]]"
    interpret: Callable[[ServerEvent], StreamEvent]
    framing: Framing = SSE


WIRE_PROTOCOLS: Final[dict[Protocol, WireProtocol]] = {
    Protocol.OPENAI_CHAT: WireProtocol(
        "openai", openai_chat.sdk_version, openai_chat.open_stream, openai_chat.interpret
    ),
    Protocol.OPENAI_RESPONSES: WireProtocol(
        "openai", openai_chat.sdk_version, openai_responses.open_stream, openai_responses.interpret
    ),
    Protocol.AZURE_OPENAI_CHAT: WireProtocol(
        "openai", openai_chat.sdk_version, azure_openai_chat.open_stream, openai_chat.interpret
    ),
    Protocol.ANTHROPIC_MESSAGES: WireProtocol(
        "anthropic",
        anthropic_messages.sdk_version,
        anthropic_messages.open_stream,
        anthropic_messages.interpret,
    ),
    Protocol.GEMINI_GENERATE_CONTENT: WireProtocol(
        "httpx2",
        plain_request.client_version,
        gemini_generate_content.open_stream,
        gemini_generate_content.interpret,
    ),
    Protocol.OLLAMA_CHAT: WireProtocol(
        "httpx2",
        plain_request.client_version,
        ollama_chat.open_stream,
        ollama_chat.interpret,
        framing=NDJSON,
    ),
}
