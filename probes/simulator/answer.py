"""What a simulated model says to a request and when each token is due, apart from any protocol."""

import itertools
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import assert_never

from probes.simulator.scenario import Content, Finish, Scenario, Speech, Timing
from probes.simulator.script import FrameKind
from probes.simulator.words import tokens

DEFAULT_LIMIT = 64
"""Tokens of an endless answer when the request sets no limit."""

_REASONING = ("Let", " me", " think", " about", " this", " step", " by", " step", ".")


@dataclass(frozen=True, slots=True)
class Piece:
    """One generated token and its due time in seconds after the request."""

    kind: FrameKind
    text: str
    due_seconds: float


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """True token counts: `input_tokens` includes cached ones, `output_tokens` includes reasoning."""

    input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cached_tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The generated tokens, why they end, when the end is said, and what they cost."""

    pieces: tuple[Piece, ...]
    finish: Finish
    finish_seconds: float
    counts: TokenCounts

    def text(self, kind: FrameKind) -> str:
        """All that was said in one kind of token."""
        return "".join(piece.text for piece in self.pieces if piece.kind is kind)


def plan_answer(scenario: Scenario, limit: int | None, input_tokens: int, rng: random.Random) -> Answer:
    """The answer within `limit` output tokens, reasoning included; the same for the same rng."""
    content = scenario.content
    spoken, is_cut = _spoken(content, limit)
    dues = list(itertools.islice(_due_seconds(scenario.timing, len(spoken), rng), max(len(spoken), 1)))
    pieces = tuple(Piece(kind, text, due) for (kind, text), due in zip(spoken, dues, strict=False))
    reasoning_total = sum(piece.kind is FrameKind.REASONING for piece in pieces) + content.hidden_reasoning
    counts = TokenCounts(
        input_tokens=max(input_tokens, content.cached),
        output_tokens=len(pieces) + content.hidden_reasoning,
        reasoning_tokens=reasoning_total,
        cached_tokens=content.cached,
    )
    return Answer(pieces, _finish(content, is_cut=is_cut), dues[-1] + scenario.timing.tail_seconds, counts)


def _spoken(content: Content, limit: int | None) -> tuple[list[tuple[FrameKind, str]], bool]:
    """Tokens within the limit, and whether the limit cut them."""
    room = max((DEFAULT_LIMIT if limit is None else limit) - content.hidden_reasoning, 0)
    wanted = _wanted(content, room)
    spoken = list(itertools.islice(wanted, room))
    is_cut = next(wanted, None) is not None or (room == 0 and content.hidden_reasoning > 0)
    return spoken, is_cut and not (limit is None and content.tokens is None)


def _wanted(content: Content, room: int) -> Iterator[tuple[FrameKind, str]]:
    """The tokens the model would say with no limit."""
    thoughts = itertools.islice(itertools.cycle(_REASONING), content.reasoning)
    yield from ((FrameKind.REASONING, thought) for thought in thoughts)
    words = itertools.islice(tokens(content.text, content.separator), content.tokens)
    match content.speech:
        case Speech.TEXT:
            huge = "x" * content.huge_bytes
            yield from ((FrameKind.TEXT, word + huge if i == 4 else word) for i, word in enumerate(words))
        case Speech.REFUSAL:
            yield from (
                (FrameKind.REFUSAL, word) for word in ("I", " cannot", " help", " with", " that", ".")
            )
        case Speech.TOOL:
            yield from ((FrameKind.TOOL, part) for part in _tool_arguments(words, room - content.reasoning))
        case Speech.SILENT:
            return
        case _:
            assert_never(content.speech)


def _tool_arguments(words: Iterator[str], room: int) -> Iterator[str]:
    """Fragments that together are one JSON object, closed before the room ends."""
    yield '{"words":"'
    yield from itertools.islice(words, max(room - 2, 0))
    yield '"}'


def _finish(content: Content, *, is_cut: bool) -> Finish:
    if content.finish is not None:
        return content.finish
    if is_cut:
        return Finish.LENGTH
    by_speech = {Speech.TOOL: Finish.TOOL, Speech.REFUSAL: Finish.REFUSAL}
    return by_speech.get(content.speech, Finish.STOP)


def whole_tool_call(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same, with a tool call's fragments as one piece of JSON, for protocols that send a call only whole."""
    for is_call, group in itertools.groupby(pieces, lambda piece: piece.kind is FrameKind.TOOL):
        fragments = list(group)
        if not is_call:
            yield from fragments
            continue
        text = "".join(fragment.text for fragment in fragments)
        yield Piece(FrameKind.TOOL, text if _is_json(text) else "{}", fragments[-1].due_seconds)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:  # the limit cut it, or it holds what must not stand in JSON as it is
        return False
    return True


def mean_gap_seconds(timing: Timing, tokens_total: int) -> float:
    """Seconds between tokens, jitter apart; a set duration spreads this many tokens over it."""
    if timing.duration_seconds is None:
        return timing.gap_seconds
    return max(timing.duration_seconds - timing.ttft_seconds, 0.0) / max(tokens_total - 1, 1)


def _due_seconds(timing: Timing, total: int, rng: random.Random) -> Iterator[float]:
    """Due times of the tokens, endless. Jitter sets the pace of the whole answer and then each gap of its own."""

    def jittered(seconds: float) -> float:
        return seconds * rng.lognormvariate(0.0, timing.jitter) if timing.jitter else seconds

    due = max(jittered(timing.ttft_seconds), timing.header_delay_seconds)
    gap = jittered(mean_gap_seconds(timing, total))
    while True:
        yield due
        due += jittered(gap)
