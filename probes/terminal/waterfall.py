"""An attempt's stages drawn with characters; told apart without any colour. Pure."""

from collections.abc import Sequence
from typing import Final

from probes.prober.progress import Span, Stage

BLOCK: Final = "█"
ASCII_BLOCK: Final = "#"
_SHADES: Final[dict[Stage, str]] = {
    Stage.DNS: "░",
    Stage.CONNECT: "░",
    Stage.TLS: "░",
    Stage.SENT: "░",
    Stage.FIRST_BYTE: "▒",
    Stage.FIRST_TOKEN: "▓",
    Stage.VISIBLE: "▓",
    Stage.END: "█",
}
LEGEND: Final = "░ until the request was sent  ▒ to the first byte  ▓ to the first token  █ writing"
ASCII_LEGEND: Final = ". until the request was sent  - to the first byte  = to the first token  # writing"
_ASCII: Final = str.maketrans("░▒▓█", ".-=#")


def bar(span: Span, total_seconds: float, width: int) -> str:
    """The span on an axis of `width` cells; the shortest one still takes a cell."""
    if total_seconds <= 0 or width <= 0:
        return ""
    start = min(width - 1, int(span.start_seconds / total_seconds * width))
    end = min(width, max(start + 1, round(span.end_seconds / total_seconds * width)))
    return " " * start + BLOCK * (end - start)


def ribbon(spans: Sequence[Span], total_seconds: float, width: int) -> str:
    """All stages on one line, each in its shade."""
    if total_seconds <= 0:
        return ""
    cells = ""
    for span in spans:
        end = min(width, round(span.end_seconds / total_seconds * width))
        cells += _SHADES[span.stage] * (end - len(cells))
    return cells


def in_ascii(drawing: str) -> str:
    """For a terminal whose encoding has no blocks."""
    return drawing.translate(_ASCII)
