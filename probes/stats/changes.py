"""What a target says of itself, remembered from result to result, and the events that a change of it makes. Pure.

Rules against noise, per field (the numbers are in WATCHED):
- Only a stated value counts; None and results that never ran say nothing.
- A value that the field has not held within REMEMBERED becomes current after `new_after` results in a row.
- Going back to one that it has held takes `back_after` in a row. A pool that serves A, B, A, B therefore makes one
  event, when B is first seen, and a real roll-back is told all the same, dated by its first result.
- A field that has held MANY values within REMEMBERED changes with each answer; then every value is one to go back to.
- A change of ours (settings, prompt) starts anew: what the provider says in two series is not compared.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from probes.domain.event import EventKind, TargetEvent
from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult

REMEMBERED: Final = timedelta(days=7)
MANY: Final = 8
MAX_VALUE_LENGTH: Final = 200


class Field(StrEnum):
    """What is watched."""

    SPEC = "spec"
    PROMPT = "prompt"
    SERVED_MODEL = "served_model"
    FINGERPRINT = "fingerprint"
    ANSWER = "answer"
    PRESENCE = "presence"


@dataclass(frozen=True, slots=True)
class Watched:
    """How a field is read from a result, how many results in a row make a change of it, and which event that is."""

    read: Callable[[ProbeResult], str | None]
    kind: Callable[[str], EventKind]  # by the new value
    new_after: int
    back_after: int


PASSED: Final = "passed"
FAILED: Final = "failed"
FOUND: Final = "found"
NOT_FOUND: Final = "not_found"


def _answer(result: ProbeResult) -> str | None:
    """An answer that was cut before it could be right is no failure: the outcome knows, `answer_ok` does not."""
    if result.outcome is Outcome.WRONG_ANSWER:
        return FAILED
    return PASSED if result.answer_ok else None


def _presence(result: ProbeResult) -> str | None:
    if result.outcome is Outcome.MODEL_NOT_FOUND:
        return NOT_FOUND
    return FOUND if result.outcome is Outcome.OK else None


WATCHED: Final[Mapping[Field, Watched]] = {
    # Ours: certain at once; only agents with different files could alternate.
    Field.SPEC: Watched(lambda r: r.spec_version or None, lambda _: EventKind.SPEC_CHANGED, 1, 3),
    Field.PROMPT: Watched(lambda r: r.prompt_version or None, lambda _: EventKind.PROMPT_CHANGED, 1, 3),
    Field.SERVED_MODEL: Watched(
        lambda r: r.served_model or None, lambda _: EventKind.SERVED_MODEL_CHANGED, 1, 20
    ),
    Field.FINGERPRINT: Watched(
        lambda r: r.fingerprint or None, lambda _: EventKind.FINGERPRINT_CHANGED, 1, 20
    ),
    # One wrong answer is chance, and one 404 a gateway's hiccup.
    Field.ANSWER: Watched(
        _answer, lambda new: EventKind.ANSWER_RECOVERED if new == PASSED else EventKind.ANSWER_FAILED, 2, 8
    ),
    Field.PRESENCE: Watched(
        _presence, lambda new: EventKind.MODEL_RETURNED if new == FOUND else EventKind.MODEL_RETIRED, 2, 8
    ),
}
OURS: Final = (Field.SPEC, Field.PROMPT)


@dataclass(frozen=True, slots=True)
class Held:
    """A value that was current, and when it was last seen."""

    value: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """Unbroken results with another value than the current one; `needed` of them make it current."""

    value: str
    n: int
    needed: int
    started_at: datetime
    result_id: str  # of the first


@dataclass(frozen=True, slots=True)
class Track:
    """One field of one target. `held` has the current value too, newest first."""

    current: str | None = None
    run: Run | None = None
    held: tuple[Held, ...] = ()


Memory = dict[Field, Track]  # one target's; kept beside its statistics


def changes_of(memory: Memory, results: Iterable[ProbeResult]) -> tuple[Memory, list[TargetEvent]]:
    """The memory and the events after these results of one target, which must come in order of time."""
    events: list[TargetEvent] = []
    for result in results:
        memory, found = _taken(memory, result)
        events += found
    return memory, events


def _taken(memory: Memory, result: ProbeResult) -> tuple[Memory, list[TargetEvent]]:
    after, events = _watch(memory, result, OURS)
    if events:
        after = {field: after[field] for field in OURS if field in after}
    if not _is_of_current_series(after, result):
        return after, events
    after, found = _watch(after, result, [field for field in Field if field not in OURS])
    return after, events + found


def _is_of_current_series(memory: Memory, result: ProbeResult) -> bool:
    values = {field: WATCHED[field].read(result) for field in OURS}
    return all(value is None or memory[field].current == value for field, value in values.items())


def _watch(memory: Memory, result: ProbeResult, fields: Iterable[Field]) -> tuple[Memory, list[TargetEvent]]:
    after, events = dict(memory), list[TargetEvent]()
    for field in fields:
        value = _storable(WATCHED[field].read(result))
        if value is None:
            continue
        track = memory.get(field, Track())
        after[field], evidence = _moved(track, WATCHED[field], value, result)
        if evidence is not None and track.current is not None:
            kind = WATCHED[field].kind(value)
            events.append(TargetEvent.of(result.target, kind, (track.current, value), evidence))
    return after, events


def _moved(
    track: Track, watched: Watched, value: str, result: ProbeResult
) -> tuple[Track, tuple[datetime, str] | None]:
    """The track with one more value; and start and id of the run's first result when the run made it current."""
    now = result.started_at
    held = tuple(one for one in track.held if now - one.seen_at <= REMEMBERED)
    if value == track.current:
        return Track(value, None, _with(held, value, now)), None
    is_known = any(one.value == value for one in held)
    run = track.run
    if run is None or run.value != value:
        is_back = is_known or len(held) >= MANY
        run = Run(value, 0, watched.back_after if is_back else watched.new_after, now, result.id)
    run = replace(run, n=run.n + 1)
    if run.n < run.needed:
        return Track(track.current, run, _with(held, value, now) if is_known else held), None
    return Track(value, None, _with(held, value, now)), (run.started_at, run.result_id)


def _with(held: tuple[Held, ...], value: str, now: datetime) -> tuple[Held, ...]:
    return (Held(value, now), *(one for one in held if one.value != value))[:MANY]


def _storable(value: str | None) -> str | None:
    """Bounded, and fit for UTF-8: a server may send half a surrogate pair."""
    if value is None or (value.isascii() and len(value) <= MAX_VALUE_LENGTH):
        return value
    return value[:MAX_VALUE_LENGTH].encode("utf-8", "replace").decode()
