"""However a stream is cut into portions, it gives the same figures, and each event comes with its own last byte.

A protocol joins by a row in WRITTEN: how its servers word a thought, an answer and its end.
"""

import itertools
import json
import socket
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Stamps
from probes.domain.target import Protocol
from probes.prober.clients.registry import WIRE_PROTOCOLS
from probes.prober.events import Arrival
from probes.prober.framing import SSE
from probes.prober.judgement import answer_of
from probes.prober.stamps import ReadStamp
from probes.prober.timing import time_stream
from probes.prober.tokens import count_tokens
from tests.prober.asking import RunningProber, a_target, serving

Documents = Sequence[dict[str, Any]]
TOKENS = 21


def chat(thoughts: list[str], words: list[str]) -> Documents:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": thought} for thought in thoughts] + [{"content": word} for word in words]
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    finish = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return [*chunks, finish, {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": TOKENS}}]


def responses(thoughts: list[str], words: list[str]) -> Documents:
    response = {"id": "resp_1", "model": "m", "status": "in_progress", "usage": None}
    ended = response | {"status": "completed", "usage": {"input_tokens": 9, "output_tokens": TOKENS}}
    summary = "response.reasoning_summary_text.delta"
    return [
        {"type": "response.created", "response": response},
        *({"type": summary, "delta": thought} for thought in thoughts),
        *({"type": "response.output_text.delta", "delta": word} for word in words),
        {"type": "response.output_text.done", "text": "".join(words)},
        {"type": "response.completed", "response": ended},
    ]


def messages(thoughts: list[str], words: list[str]) -> Documents:
    deltas = [{"type": "thinking_delta", "thinking": thought} for thought in thoughts]
    deltas += [{"type": "text_delta", "text": word} for word in words]
    usage = {"input_tokens": 9, "output_tokens": 1}
    end = {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": TOKENS}}
    return [
        {"type": "message_start", "message": {"model": "m", "usage": usage}},
        {"type": "ping"},
        *({"type": "content_block_delta", "delta": delta} for delta in deltas),
        {"type": "message_delta", **end},
        {"type": "message_stop"},
    ]


def gemini(thoughts: list[str], words: list[str]) -> Documents:
    parts: list[dict[str, Any]] = [{"text": thought, "thought": True} for thought in thoughts]
    parts += [{"text": word} for word in words]
    usage = {"promptTokenCount": 9, "candidatesTokenCount": TOKENS}
    end = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": usage}
    return [*({"candidates": [{"content": {"parts": [part]}}]} for part in parts), end]


def ollama(thoughts: list[str], words: list[str]) -> Documents:
    said = [{"thinking": thought, "content": ""} for thought in thoughts]
    said += [{"content": word} for word in words]
    end = {"message": {"content": ""}, "done": True, "done_reason": "stop"}
    counts = {"prompt_eval_count": 9, "eval_count": TOKENS}
    return [*({"model": "m", "message": message, "done": False} for message in said), {**end, **counts}]


WRITTEN: dict[Protocol, Callable[[list[str], list[str]], Documents]] = {
    Protocol.OPENAI_CHAT: chat,
    Protocol.AZURE_OPENAI_CHAT: chat,
    Protocol.OPENAI_RESPONSES: responses,
    Protocol.ANTHROPIC_MESSAGES: messages,
    Protocol.GEMINI_GENERATE_CONTENT: gemini,
    Protocol.OLLAMA_CHAT: ollama,
}
EVERY_PROTOCOL = pytest.mark.parametrize("protocol", WRITTEN, ids=[protocol.value for protocol in WRITTEN])


@dataclass(frozen=True)
class Form:
    """How events become bytes; what JSON lines have no word for is left out there."""

    end: str
    has_mark: bool
    has_comments: bool
    has_names: bool

    def body(self, documents: Documents, protocol: Protocol) -> bytes:
        texts = [json.dumps(document, ensure_ascii=False) for document in documents]
        if WIRE_PROTOCOLS[protocol].framing is not SSE:
            end = self.end if self.end != "\r" else "\n"  # JSON lines end with LF
            return "".join(text + end for text in texts).encode()
        names = [f"event: {document.get('type', 'chunk')}{self.end}" for document in documents]
        events = [
            (f": still here{self.end}{self.end}" if self.has_comments else "")
            + (name if self.has_names else "")
            + f"data: {text}{self.end}{self.end}"
            for name, text in zip(names, texts, strict=True)
        ]
        return (("\ufeff" if self.has_mark else "") + "".join(events)).encode()


FORMS = st.builds(Form, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.booleans(), st.booleans())
TEXTS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), max_size=6)
COUNTED = ["one ", "two ", "three ", "四 four ", "cinq é"]
WORDS = TEXTS.map(lambda more: ["one two three ", *more])


def portions_of(data: st.DataObject, body: bytes) -> list[bytes]:
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=40), label="cuts")
    places = [0, *sorted(cuts), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(places)]


def read(portions: Sequence[bytes], protocol: Protocol) -> list[Arrival]:
    """The events with the number and time of the portion that completed each; a byte takes a microsecond."""
    wire, arrivals, sent = WIRE_PROTOCOLS[protocol], [], 0
    parser = wire.framing.parser()
    for number, portion in enumerate(portions):
        sent += len(portion)
        stamp = ReadStamp(number, sent * 1000, sent * 1000, Stamps.USER)
        arrivals += [Arrival(wire.interpret(event), stamp) for event in parser.feed(portion)]
    return arrivals


def test_every_protocol_has_a_row() -> None:
    assert set(WRITTEN) == set(WIRE_PROTOCOLS)


@EVERY_PROTOCOL
@given(data=st.data(), form=FORMS, thoughts=TEXTS, words=WORDS)
def test_a_cut_stream_means_what_the_whole_one_means(
    protocol: Protocol, data: st.DataObject, form: Form, thoughts: list[str], words: list[str]
) -> None:
    body = form.body(WRITTEN[protocol](thoughts, words), protocol)
    whole, cut = read([body], protocol), read(portions_of(data, body), protocol)
    assert [arrival.event for arrival in cut] == [arrival.event for arrival in whole]
    answer = answer_of(cut)
    assert answer == answer_of(whole)
    assert (answer.visible, answer.is_complete) == ("".join(words), True)
    counted = count_tokens(answer, time_stream(cut, 0).chunks)
    assert counted == count_tokens(answer, time_stream(whole, 0).chunks)
    assert (counted.input, counted.output) == (9, TOKENS)


@EVERY_PROTOCOL
@given(data=st.data(), form=FORMS, thoughts=TEXTS, words=WORDS)
def test_an_event_carries_the_stamp_of_the_portion_with_its_last_byte(
    protocol: Protocol, data: st.DataObject, form: Form, thoughts: list[str], words: list[str]
) -> None:
    """So its time is that of its last byte, to the portion: TTFT and every gap follow from nothing else."""
    body = form.body(WRITTEN[protocol](thoughts, words), protocol)
    byte_by_byte = read([body[place : place + 1] for place in range(len(body))], protocol)
    portions = portions_of(data, body)
    ends = list(itertools.accumulate(len(portion) for portion in portions))
    expected = [bisect_left(ends, arrival.stamp.number + 1) for arrival in byte_by_byte]
    assert [arrival.stamp.number for arrival in read(portions, protocol)] == expected


def figures(result: ProbeResult) -> tuple[object, ...]:
    """What a record says of the answer, times apart."""
    return (
        *(result.outcome, result.http_status, result.finish_reason, result.answer_ok, result.error),
        *(result.chunks, result.ttft_kind, result.served_model, result.tokens_source, result.cost),
        *(result.input_tokens, result.output_tokens, result.reasoning_tokens, result.cached_tokens),
    )


@EVERY_PROTOCOL
@settings(max_examples=20)
@given(data=st.data(), form=FORMS)
def test_a_record_is_the_same_however_the_bytes_travel(
    protocol: Protocol, prober: RunningProber, data: st.DataObject, form: Form
) -> None:
    body = form.body(WRITTEN[protocol](["考える", "hm"], COUNTED), protocol)
    framing = WIRE_PROTOCOLS[protocol].framing
    media_type = data.draw(
        st.sampled_from(sorted(framing.media_types | framing.vague_types - {""})), label="type"
    )
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    portions = portions_of(data, body)

    def answer(sock: socket.socket, _request: bytes) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(head)
        for portion in portions:
            sock.sendall(portion)

    with serving(answer) as server:
        cut = prober.probe(a_target(server.base_url, protocol=protocol))
    with serving(lambda sock, _request: sock.sendall(head + body)) as server:
        whole = prober.probe(a_target(server.base_url, protocol=protocol))
    assert figures(cut) == figures(whole)
    assert (cut.outcome, cut.chunks, cut.output_tokens) == (Outcome.OK, 7, TOKENS), cut.error
