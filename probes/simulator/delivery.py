"""Frames to bytes: server-sent events or JSON lines, HTTP chunks, and how they are grouped or cut into writes."""

import itertools
import re
from collections.abc import Iterable, Iterator

from probes.simulator.scenario import Eol, Segments, Wire
from probes.simulator.script import Event, Frame, FrameKind, Framing, Write

LAST_CHUNK = b"0\r\n\r\n"
_EOL = {Eol.LF: "\n", Eol.CRLF: "\r\n", Eol.CR: "\r"}
_BOM = b"\xef\xbb\xbf"


def encoded(event: Event, wire: Wire, framing: Framing) -> bytes:
    """The event as the framing writes it."""
    text = _sse(event, wire) if framing is Framing.EVENT_STREAM else _json_line(event, wire)
    return text.encode("utf-8", "surrogateescape")


def _json_line(event: Event, wire: Wire) -> str:
    """One line. A comment is a blank one, a bare CR would end none, and the JSON cannot be cut in two."""
    eol = "\r\n" if wire.eol is Eol.CRLF else "\n"
    if event.is_comment:
        return eol
    return f"{eol if wire.comments else ''}{event.data}{eol}"


def _sse(event: Event, wire: Wire) -> str:
    """The event's text with the wanted line ends, colon space, comment in front or data in two lines."""
    eol, colon = _EOL[wire.eol], ": " if wire.space else ":"
    lines = [f"{colon}still here", ""] if wire.comments and not event.is_comment else []
    if event.is_comment:
        lines.append(f"{colon}{event.data}")
    else:
        if event.name is not None:
            lines.append(f"event{colon}{event.name}")
        lines.extend(f"data{colon}{part}" for part in _data_lines(event.data, wire))
    return eol.join([*lines, "", ""])


def _data_lines(data: str, wire: Wire) -> list[str]:
    """One line, or two cut after the first comma between two JSON members (a newline is white space there)."""
    if not wire.multiline:
        return [data]
    return re.split(r'(?<=,)(?=")', data, maxsplit=1)


def chunk(data: bytes) -> bytes:
    """One chunk of HTTP/1.1's chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def writes(frames: Iterable[Frame], wire: Wire, framing: Framing) -> Iterator[Write]:
    """The writes of a chunked body without its last chunk; a frame is complete with its write at its due time."""
    marks = itertools.chain([_BOM if wire.bom else b""], itertools.repeat(b""))
    has_spelled = False
    for group, mark in zip(_grouped(frames, wire.coalesce), marks, strict=False):
        data = mark + b"".join(encoded(frame.event, wire, framing) for frame in group)
        is_generated = any(frame.kind.is_generated for frame in group)
        is_cut = is_generated and not (has_spelled and wire.segments is Segments.BYTES)
        has_spelled = has_spelled or is_generated
        parts = _parts(data, wire.segments) if is_cut else [chunk(data)]
        yield from _timed(parts, group, wire.part_gap_seconds)


def _grouped(frames: Iterable[Frame], size: int) -> Iterator[list[Frame]]:
    iterator = iter(frames)
    while group := list(itertools.islice(iterator, max(size, 1))):
        yield group


def _parts(data: bytes, segments: Segments) -> list[bytes]:
    """The data as chunks cut into writes, if possible inside a character of several bytes."""
    place = next((index + 1 for index, byte in enumerate(data) if byte >= 0x80), len(data) // 2)
    match segments:
        case Segments.WHOLE:
            return [chunk(data)]
        case Segments.BYTES:
            return [chunk(data[index : index + 1]) for index in range(len(data))]
        case Segments.SPLIT_CHUNKS:
            return [chunk(data[:place]), chunk(data[place:])]
        case Segments.SPLIT:
            whole = chunk(data)
            inside = whole.index(data) + place
            return [whole[:inside], whole[inside:]]


def _timed(parts: list[bytes], group: list[Frame], gap_seconds: float) -> Iterator[Write]:
    """The last part at the group's due time, the others before it."""
    due = group[-1].due_seconds
    *first, last = parts
    for index, part in enumerate(first):
        yield Write(due - (len(first) - index) * gap_seconds, part, (FrameKind.PART,))
    yield Write(due, last, tuple(frame.kind for frame in group), "".join(frame.text for frame in group))
