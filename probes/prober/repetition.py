"""Reads the events of one stream that differ from the one before in their words alone, without parsing them again.

A stream is hundreds of events of one form, and parsing each costs more than all the rest that happens to it. What is
told of an event is the same with and without this: it is only asked of events whose other bytes are equal.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from probes.prober.events import Generated, Piece, StreamEvent
from probes.prober.sse import ServerEvent

# What stands in a JSON string for itself: no escape, no quote, no control character.
_PLAIN: Final = re.compile(rb'[^"\\\x00-\x1f]+')


@dataclass(frozen=True, slots=True)
class _Form:
    """The bytes around the words, and what such an event says besides them."""

    start: bytes
    end: bytes
    kind: Generated
    rest: StreamEvent

    def words_in(self, data: bytes) -> str | None:
        """None for an event of another form."""
        if not (data.startswith(self.start) and data.endswith(self.end)):
            return None
        words = data[len(self.start) : len(data) - len(self.end)]
        if _PLAIN.fullmatch(words) is None:
            return None
        try:
            return words.decode()
        except UnicodeDecodeError:
            return None

    def said(self, words: str) -> StreamEvent:
        rest = self.rest
        return StreamEvent(
            (Piece(self.kind, words),),
            None,
            None,
            False,
            False,
            None,
            rest.served_model,
            rest.fingerprint,
            rest.service_tier,
            rest.response_id,
        )


class Repetition:
    """One stream's events as `interpret` tells them. A form is trusted once it foretold what parsing then found."""

    def __init__(self, interpret: Callable[[ServerEvent], StreamEvent]) -> None:
        self._interpret = interpret
        self._name = ""
        self._form: _Form | None = None
        self._is_trusted = False

    def interpret(self, event: ServerEvent) -> StreamEvent:
        """Raises what the protocol's own `interpret` raises."""
        form = self._form if event.name == self._name else None
        words = form.words_in(event.data) if form is not None else None
        if form is not None and words is not None and self._is_trusted:
            return form.said(words)
        told = self._interpret(event)
        if form is not None and words is not None and form.said(words) == told:
            self._is_trusted = True
        else:
            self._learn(event, told)
        return told

    def _learn(self, event: ServerEvent, told: StreamEvent) -> None:
        """An event that says words and no more keeps the old form where it cannot give one itself."""
        form = _form_of(event.data, told)
        if form is not None:
            self._name, self._form, self._is_trusted = event.name, form, False


def _form_of(data: bytes, told: StreamEvent) -> _Form | None:
    """None where it is not certain which bytes the words are."""
    if len(told.pieces) != 1 or b"\\" in data:
        return None
    (piece,) = told.pieces
    if told != StreamEvent(
        pieces=told.pieces,
        served_model=told.served_model,
        fingerprint=told.fingerprint,
        service_tier=told.service_tier,
        response_id=told.response_id,
    ):
        return None
    words = b'"%b"' % piece.text.encode("utf-8", "surrogatepass")
    if data.count(words) != 1:
        return None
    start = data.index(words) + 1
    return _Form(data[:start], data[start + len(words) - 2 :], piece.kind, told)
