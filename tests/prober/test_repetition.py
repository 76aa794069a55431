"""A stream read with the short cut says what it says without it, whatever comes."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.target import Protocol
from probes.prober.clients import openai_chat
from probes.prober.clients.registry import WIRE_PROTOCOLS
from probes.prober.events import BadPayloadError, Generated, Piece, StreamEvent
from probes.prober.repetition import Repetition
from probes.prober.sse import ServerEvent


class Counted:
    """The protocol's own reading, and how often it was asked."""

    def __init__(self) -> None:
        self.n = 0

    def interpret(self, event: ServerEvent) -> StreamEvent:
        self.n += 1
        return openai_chat.interpret(event)


def chunk(delta: object, **rest: object) -> ServerEvent:
    document = {"id": "c1", "model": "m", **rest, "choices": [{"index": 0, "delta": delta}], "usage": None}
    return ServerEvent("", json.dumps(document, ensure_ascii=False).encode())


def words(*said: str) -> list[ServerEvent]:
    return [chunk({"content": one}) for one in said]


def test_after_two_events_of_one_form_the_next_are_not_parsed() -> None:
    counted = Counted()
    repetition = Repetition(counted.interpret)
    told = [repetition.interpret(event) for event in words("one", "two", "three", "four", "five")]
    assert counted.n == 2
    assert [event.pieces for event in told] == [
        (Piece(Generated.TEXT, word),) for word in ("one", "two", "three", "four", "five")
    ]
    assert told[-1].served_model == "m"


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(chunk({"content": 'a "quote"'}), id="an escape"),
        pytest.param(chunk({"content": "tab\t"}), id="an escaped tab"),
        pytest.param(chunk({"content": "six"}, model="other"), id="another model"),
        pytest.param(chunk({"content": ""}), id="no words"),
        pytest.param(chunk({"content": "six", "refusal": "no"}), id="two pieces"),
        pytest.param(chunk({"reasoning_content": "six"}), id="another kind"),
        pytest.param(chunk({"content": "six"}, error={"message": "broken"}), id="an error"),
        pytest.param(ServerEvent("", b"[DONE]"), id="the end"),
    ],
)
def test_an_event_of_another_form_is_parsed(odd: ServerEvent) -> None:
    repetition = Repetition(openai_chat.interpret)
    for event in words("one", "two", "three"):
        repetition.interpret(event)
    assert repetition.interpret(odd) == openai_chat.interpret(odd)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"\xff", id="no UTF-8"),
        pytest.param(b"\x01", id="a bare control character"),
    ],
)
def test_words_that_json_forbids_are_refused_as_ever(broken: bytes) -> None:
    repetition = Repetition(openai_chat.interpret)
    one, two, three = words("one", "two", "three")
    for event in (one, two, three):
        repetition.interpret(event)
    with pytest.raises(BadPayloadError):
        repetition.interpret(ServerEvent("", one.data.replace(b"one", broken)))


def test_a_value_that_only_looks_like_the_words_is_not_taken_for_them() -> None:
    """The words stand escaped, and the same letters plainly elsewhere."""
    forged = ServerEvent("", chunk({"content": "m"}).data.replace(b'"content": "m"', b'"content": "\\u006d"'))
    repetition = Repetition(openai_chat.interpret)
    for event in (forged, forged, forged, *words("a", "b")):
        assert repetition.interpret(event) == openai_chat.interpret(event)


_TEXT = st.text(max_size=4) | st.sampled_from(["m", "c1", "content", "id", "a", "stop"])
_DELTA = st.fixed_dictionaries(
    {}, optional={"content": _TEXT | st.none(), "reasoning_content": _TEXT, "refusal": _TEXT}
)
_EVENT = st.builds(
    lambda delta, model, is_ascii: ServerEvent(
        "",
        json.dumps({"id": "c1", "model": model, "choices": [{"delta": delta}]}, ensure_ascii=is_ascii).encode(
            "utf-8", "surrogatepass"
        ),
    ),
    _DELTA,
    st.sampled_from(["m", "n"]),
    st.booleans(),
)


def _told(read: Repetition | None, events: Iterable[ServerEvent]) -> list[StreamEvent | str]:
    said: list[StreamEvent | str] = []
    for event in events:
        try:
            said.append(read.interpret(event) if read is not None else openai_chat.interpret(event))
        except BadPayloadError as error:
            said.append(str(error))
    return said


@given(st.lists(_EVENT, max_size=30))
def test_any_stream_says_the_same_with_and_without_it(events: list[ServerEvent]) -> None:
    assert _told(Repetition(openai_chat.interpret), events) == _told(None, events)


@pytest.mark.parametrize("protocol", [Protocol.ANTHROPIC_MESSAGES, Protocol.OPENAI_RESPONSES])
def test_other_protocols_profit_or_lose_nothing(protocol: Protocol) -> None:
    interpret = WIRE_PROTOCOLS[protocol].interpret
    kinds = {
        Protocol.ANTHROPIC_MESSAGES: ("content_block_delta", {"type": "text_delta", "text": "x"}),
        Protocol.OPENAI_RESPONSES: ("response.output_text.delta", "x"),
    }
    name, delta = kinds[protocol]
    events = [
        ServerEvent(
            name, json.dumps({"type": name, "index": 0, "delta": delta}).encode().replace(b'"x"', word)
        )
        for word in (b'"a"', b'"b"', b'"c"', b'"d\\n"', b'"e"')
    ]
    repetition = Repetition(interpret)
    assert [repetition.interpret(event) for event in events] == [interpret(event) for event in events]
