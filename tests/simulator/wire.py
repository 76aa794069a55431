"""A raw client of its own: bytes in, bytes out, nothing of ours or of any SDK in between."""

import json
import socket
import time
from dataclasses import dataclass, field
from typing import Any

OPENAI = "openai"
ANTHROPIC = "anthropic"
RESPONSES = "responses"
PROTOCOLS = (OPENAI, ANTHROPIC)
PATHS = {OPENAI: "/v1/chat/completions", ANTHROPIC: "/v1/messages", RESPONSES: "/v1/responses"}

EOF = "eof"
RESET = "reset"
SILENCE = "silence"
COMPLETE = "complete"


def request_body(model: str, limit: int = 16, **changes: object) -> dict[str, object]:
    """What a probe would ask; a change to None leaves the field out."""
    body: dict[str, object] = {
        "model": model,
        "max_tokens": limit,
        "stream": True,
        "messages": [{"role": "user", "content": "4fd1c2a9 lamp river stone cloud. Count upward in words."}],
        **changes,
    }
    return {key: value for key, value in body.items() if value is not None}


def request_bytes(path: str, body: dict[str, object], headers: dict[str, str] | None = None) -> bytes:
    payload = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: simulator", f"Content-Length: {len(payload)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + payload


@dataclass
class Exchange:
    """One request and all that came back, with the time of each read."""

    protocol: str
    raw: bytes = b""
    end: str = COMPLETE
    reads: list[tuple[float, bytes]] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1])

    @property
    def headers(self) -> dict[str, str]:
        head = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1")
        pairs = (line.partition(": ") for line in head.split("\r\n")[1:])
        return {name: value for name, _, value in pairs}

    @property
    def is_chunked(self) -> bool:
        return self.headers.get("transfer-encoding") == "chunked"

    @property
    def body(self) -> bytes:
        rest = self.raw.partition(b"\r\n\r\n")[2]
        return b"".join(self.chunks) if self.is_chunked else rest

    @property
    def chunks(self) -> list[bytes]:
        """Whole HTTP chunks, the last empty one included."""
        found, rest = [], self.raw.partition(b"\r\n\r\n")[2]
        while rest:
            size_text, newline, rest = rest.partition(b"\r\n")
            if not newline or len(rest) < (size := int(size_text, 16)) + 2:
                break
            found.append(rest[:size])
            rest = rest[size + 2 :]
        return found

    @property
    def is_whole(self) -> bool:
        """Whether HTTP says that the body is all there."""
        if b"\r\n\r\n" not in self.raw:
            return False
        if self.is_chunked:
            return b"" in self.chunks
        return len(self.body) == int(self.headers.get("content-length", "-1"))

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[tuple[str | None, str]]:
        """Name and data of each event, comments left out."""
        text = self.body.decode("utf-8", "replace").removeprefix("\ufeff")
        found = []
        for block in text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
            fields = [line.partition(":") for line in block.split("\n") if line and line[0] != ":"]
            data = [value.removeprefix(" ") for name, _, value in fields if name == "data"]
            names = [value.removeprefix(" ") for name, _, value in fields if name == "event"]
            if data:
                found.append((names[0] if names else None, "\n".join(data)))
        return found

    @property
    def payloads(self) -> list[Any]:
        """The JSON of each event that has some."""
        found = []
        for _, data in self.events:
            try:
                found.append(json.loads(data))
            except ValueError:
                continue
        return found

    def deltas(self) -> list[tuple[str, str]]:
        """What the model generated, as (kind, text)."""
        read = _openai_deltas if self.protocol == OPENAI else _anthropic_deltas
        return [pair for payload in self.payloads for pair in read(payload) if pair[1]]

    def said(self, kind: str = "text") -> str:
        return "".join(text for found, text in self.deltas() if found == kind)

    @property
    def finish(self) -> str | None:
        for payload in self.payloads:
            if self.protocol == OPENAI:
                reasons = [choice.get("finish_reason") for choice in payload.get("choices", [])]
            else:
                reasons = [payload.get("delta", {}).get("stop_reason")]
            if any(reasons):
                return str(next(filter(None, reasons)))
        return None

    @property
    def usages(self) -> list[Any]:
        """Every usage the stream gave, None where it said null."""
        carriers = [payload.get("message", payload) for payload in self.payloads]
        return [carrier["usage"] for carrier in carriers if "usage" in carrier]

    @property
    def has_terminal(self) -> bool:
        if not self.events:
            return False
        name, data = self.events[-1]
        return data == "[DONE]" if self.protocol == OPENAI else name == "message_stop"


def _openai_deltas(payload: Any) -> list[tuple[str, str]]:
    found = []
    for choice in payload.get("choices", []):
        delta = choice.get("delta", {})
        calls = delta.get("tool_calls") or []
        found.append(("reasoning", delta.get("reasoning_content") or delta.get("reasoning") or ""))
        found.append(("text", delta.get("content") or ""))
        found.append(("refusal", delta.get("refusal") or ""))
        found.append(("tool", "".join(call["function"].get("arguments", "") for call in calls)))
    return found


def _anthropic_deltas(payload: Any) -> list[tuple[str, str]]:
    names = {"thinking_delta": "reasoning", "text_delta": "text", "input_json_delta": "tool"}
    fields = {"thinking_delta": "thinking", "text_delta": "text", "input_json_delta": "partial_json"}
    delta = payload.get("delta", {})
    kind = delta.get("type")
    return [(names[kind], delta[fields[kind]])] if kind in names else []


def exchange(
    port: int,
    protocol: str,
    body: dict[str, object],
    patience_seconds: float = 1.0,
    total_seconds: float = 8.0,
) -> Exchange:
    """Sends one request on a fresh connection and reads until the response is whole, ends, or falls silent."""
    result = Exchange(protocol)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        begin = time.monotonic()  # before the request, so that load on the machine can only add to a reading
        connection.sendall(request_bytes(PATHS[protocol], body))
        connection.settimeout(patience_seconds)
        while time.monotonic() - begin < total_seconds:
            try:
                data = connection.recv(1 << 20)
            except TimeoutError:
                result.end = SILENCE
                return result
            except ConnectionResetError:
                result.end = RESET
                return result
            if not data:
                result.end = EOF
                return result
            result.reads.append((time.monotonic() - begin, data))
            result.raw += data
            if len(result.raw) < 1 << 20 and result.is_whole:
                return result
            if result.raw.endswith(b"\r\n0\r\n\r\n"):
                return result
    result.end = SILENCE
    return result
