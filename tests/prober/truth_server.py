"""Independent truth: answers on a known schedule from raw sockets and stamps every byte itself. Nothing of ours in it.

Run as a process (`python -m tests.prober.truth_server`); it prints its port and ends when stdin closes. The model name
is the schedule: `t200-g20-n51-ID` = first token after 200 ms, then one each 20 ms, 51 in all. `GET /truth` tells, by
model name, when the request's last byte came (kernel stamp) and when each token was sent; CLOCK_MONOTONIC, which all
processes of a machine share.
"""

import asyncio
import json
import re
import select
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

SO_TIMESTAMPNS = 35
SCHEDULE = re.compile(rb'"model":\s*"(t(\d+)-g(\d+)-n(\d+)-[^"]*)"')
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass
class Sent:
    """One answer: when its request was complete and when each token left."""

    request_ns: int
    tokens_ns: list[int] = field(default_factory=list)


def chunked(payload: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def chat_event(delta: dict[str, object], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "truth", "model": "truth", "choices": [choice]}).encode() + b"\n\n"


def messages_event(document: dict[str, object]) -> bytes:
    return f"event: {document['type']}\ndata: {json.dumps(document)}\n\n".encode()


class Chat:
    opening = chat_event({"role": "assistant", "content": ""})

    @staticmethod
    def token(number: int) -> bytes:
        return chat_event({"content": WORDS[number % len(WORDS)] + " "})

    @staticmethod
    def ending(tokens: int) -> bytes:
        usage = {"prompt_tokens": 10, "completion_tokens": tokens}
        counted = b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
        return chat_event({}, "length") + counted + b"data: [DONE]\n\n"


class Messages:
    opening = messages_event(
        {
            "type": "message_start",
            "message": {"model": "truth", "usage": {"input_tokens": 10, "output_tokens": 1}},
        }
    ) + messages_event({"type": "ping"})

    @staticmethod
    def token(number: int) -> bytes:
        delta = {"type": "text_delta", "text": WORDS[number % len(WORDS)] + " "}
        return messages_event({"type": "content_block_delta", "index": 0, "delta": delta})

    @staticmethod
    def ending(tokens: int) -> bytes:
        usage = {"output_tokens": tokens}
        stop = {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": usage}
        return messages_event(stop) + messages_event({"type": "message_stop"})


class Responses:
    opening = messages_event({"type": "response.created", "response": {"model": "truth"}}) + messages_event(
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": []}}
    )

    @staticmethod
    def token(number: int) -> bytes:
        return messages_event(
            {"type": "response.output_text.delta", "delta": WORDS[number % len(WORDS)] + " "}
        )

    @staticmethod
    def ending(tokens: int) -> bytes:
        usage = {"input_tokens": 10, "output_tokens": tokens}
        response = {"incomplete_details": {"reason": "max_output_tokens"}, "usage": usage}
        return messages_event({"type": "response.incomplete", "response": response})


FORMS = {b"/chat/completions": Chat, b"/messages": Messages, b"/responses": Responses}


class Conversation:
    """One connection, one request."""

    def __init__(self, sock: socket.socket, truth: dict[str, Sent]) -> None:
        self.sock = sock
        self.truth = truth
        self.received = b""
        self.loop = asyncio.get_running_loop()
        self.timers: list[asyncio.TimerHandle] = []
        self.loop.add_reader(sock.fileno(), self.on_readable)

    def on_readable(self) -> None:
        try:
            data, ancillary, _flags, _address = self.sock.recvmsg(65536, socket.CMSG_SPACE(16))
        except OSError:
            data, ancillary = b"", []
        if not data:
            self.close()
            return
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if separator and len(body) >= (int(length[1]) if length else 0):
            self.received = b""
            self.answer(head, body, self.kernel_ns(ancillary))

    @staticmethod
    def kernel_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
        offset = time.time_ns() - time.monotonic_ns()
        for _level, _kind, payload in ancillary:
            seconds, nanoseconds = struct.unpack("@ll", payload[:16])
            return int(seconds * 1_000_000_000 + nanoseconds - offset)
        return time.monotonic_ns()

    def answer(self, head: bytes, body: bytes, request_ns: int) -> None:
        if head.startswith(b"GET /truth"):
            told = json.dumps({name: vars(sent) for name, sent in self.truth.items()}).encode()
            self.sock.setblocking(True)
            self.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told) + told)
            self.close()
            return
        schedule = SCHEDULE.search(body)
        assert schedule is not None, body
        first, gap, tokens = (int(part) for part in schedule.groups()[1:])
        sent = self.truth[schedule[1].decode()] = Sent(request_ns)
        form = next(FORMS[path] for path in FORMS if path in head.split(b"\r\n")[0])
        self.send(HEAD + chunked(form.opening))
        base = self.loop.time() - (time.monotonic_ns() - request_ns) / 1e9 + first / 1000
        for number in range(tokens):
            due = base + number * gap / 1000
            self.timers.append(self.loop.call_at(due, self.send_token, form.token(number), sent))
        end = base + (tokens - 1) * gap / 1000 + 0.001
        self.timers.append(self.loop.call_at(end, self.send, chunked(form.ending(tokens)) + b"0\r\n\r\n"))

    def send_token(self, event: bytes, sent: Sent) -> None:
        sent.tokens_ns.append(time.monotonic_ns())
        self.send(chunked(event))

    def send(self, payload: bytes) -> None:
        try:
            self.sock.send(payload)
        except OSError:
            self.close()

    def close(self) -> None:
        for timer in self.timers:
            timer.cancel()
        if self.sock.fileno() >= 0:
            self.loop.remove_reader(self.sock.fileno())
            self.sock.close()


async def serve() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    listener.setblocking(False)
    truth: dict[str, Sent] = {}
    loop = asyncio.get_running_loop()

    def accept() -> None:
        sock, _address = listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        Conversation(sock, truth)

    loop.add_reader(listener.fileno(), accept)
    print(listener.getsockname()[1], flush=True)
    await loop.run_in_executor(None, lambda: select.select([sys.stdin], [], []))
    loop.remove_reader(listener.fileno())
    listener.close()


if __name__ == "__main__":
    asyncio.run(serve())
