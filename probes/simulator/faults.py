"""Turns an orderly stream of frames into one that goes wrong after some generated frames."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from probes.simulator.dialect import Dialect, Envelope
from probes.simulator.scenario import Fault, FaultKind, Scenario
from probes.simulator.script import Ending, Frame, FrameKind


@dataclass(frozen=True, slots=True)
class Course:
    """The frames that are sent (endless in a stall), how the connection ends after them, and when."""

    frames: Iterator[Frame]
    ending: Ending
    ending_seconds: float


def with_fault(frames: list[Frame], scenario: Scenario, dialect: Dialect, envelope: Envelope) -> Course:
    """The stream with the scenario's fault in it; the fault strikes when the next frame would have come."""
    fault = scenario.fault
    head, tail = _split(frames, fault.after)
    strikes, orderly_end = tail[0].due_seconds, frames[-1].due_seconds
    if fault.fault in _CUTS:
        return Course(iter(head), _CUTS[fault.fault], strikes)
    if fault.fault in _OMISSIONS:
        return Course(_without(frames, _OMISSIONS[fault.fault]), Ending.KEEP, orderly_end)
    if fault.fault in _SPOILERS:
        return Course(_spoilt(head, tail, _SPOILERS[fault.fault]), Ending.KEEP, orderly_end)
    if fault.fault is FaultKind.STALL:
        stalled = _stalled(head, tail, fault, dialect, envelope)
        return Course(stalled, Ending.KEEP, orderly_end + fault.stall_seconds)
    if fault.fault is FaultKind.ERROR_EVENT:
        error = Frame(FrameKind.ERROR, dialect.error_event(scenario.failure.problem, envelope), strikes)
        return Course(iter([*head, error]), Ending.KEEP, strikes)
    return Course(iter(frames), Ending.KEEP, orderly_end)


def _split(frames: list[Frame], after: int) -> tuple[list[Frame], list[Frame]]:
    """Frames before and from generated frame number `after`; what follows generation when there are fewer."""
    generated = [index for index, frame in enumerate(frames) if frame.kind.is_generated]
    if after < len(generated):
        cut = generated[after]
    elif generated:
        cut = generated[-1] + 1
    else:
        cut = next(index for index, frame in enumerate(frames) if frame.kind is FrameKind.FINISH)
    return frames[:cut], frames[cut:]


def _stalled(
    head: list[Frame], tail: list[Frame], fault: Fault, dialect: Dialect, envelope: Envelope
) -> Iterator[Frame]:
    """Silence, or keep-alives only, in place of the next frame; then the tail, later by the stall."""
    yield from head
    if fault.keepalive_seconds is not None:
        event = dialect.keep_alive(fault.keepalive_kind, envelope)
        for number in itertools.count(1):
            elapsed = number * fault.keepalive_seconds
            if elapsed >= fault.stall_seconds:
                break
            yield Frame(FrameKind.KEEP_ALIVE, event, tail[0].due_seconds + elapsed)
    for frame in tail:
        yield replace(frame, due_seconds=frame.due_seconds + fault.stall_seconds)


def _without(frames: list[Frame], kind: FrameKind) -> Iterator[Frame]:
    return (frame for frame in frames if frame.kind is not kind)


def _spoilt(head: list[Frame], tail: list[Frame], spoil: Callable[[Frame], str]) -> Iterator[Frame]:
    """All frames, the first of the tail unreadable; it counts as generated no more."""
    yield from head
    yield replace(tail[0], kind=FrameKind.ERROR, event=replace(tail[0].event, data=spoil(tail[0])), text="")
    yield from tail[1:]


def _cut_short(frame: Frame) -> str:
    return frame.event.data[: len(frame.event.data) // 2]


def _with_bad_bytes(frame: Frame) -> str:
    """Two bytes that UTF-8 does not allow, right after the text (or before the last quote)."""
    data = frame.event.data
    place = data.find(frame.text) + len(frame.text) if frame.text and frame.text in data else data.rfind('"')
    return f"{data[:place]}\udcff\udcfe{data[place:]}"


_CUTS = {
    FaultKind.RESET: Ending.RESET,
    FaultKind.FIN: Ending.FIN,
    FaultKind.CLEAN_END: Ending.KEEP,
}
_OMISSIONS = {FaultKind.NO_TERMINAL: FrameKind.TERMINAL, FaultKind.NO_FINISH: FrameKind.FINISH}
_SPOILERS = {FaultKind.INVALID_JSON: _cut_short, FaultKind.INVALID_UTF8: _with_bad_bytes}
