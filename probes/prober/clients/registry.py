"""One row a wire protocol. A new protocol is a file beside this one and a row here."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from probes.domain.target import Protocol, Target
from probes.prober.clients import anthropic_messages, azure_openai_chat, openai_chat
from probes.prober.events import StreamEvent
from probes.prober.sse import ServerEvent

if TYPE_CHECKING:
    import httpx2


@dataclass(frozen=True, slots=True)
class WireProtocol:
    """How to ask, and how to understand the answer. The SDK is imported by the first use, never by this row."""

    sdk: str  # the module to import
    sdk_version: Callable[[], str]
    open_stream: "Callable[[Target, str, httpx2.AsyncClient], AbstractAsyncContextManager[httpx2.Response]]"
    interpret: Callable[[ServerEvent], StreamEvent]


WIRE_PROTOCOLS: Final[dict[Protocol, WireProtocol]] = {
    Protocol.OPENAI_CHAT: WireProtocol(
        "openai", openai_chat.sdk_version, openai_chat.open_stream, openai_chat.interpret
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
}
