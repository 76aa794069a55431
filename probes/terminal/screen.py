"""The live terminal: draws a frame over the last one, and leaves the terminal as it was found."""

import contextlib
import sys
from collections.abc import Hashable, Iterator
from typing import Final

from rich.console import Console, RenderableType
from rich.live import Live

LATEST_FRAME_NS: Final = 500_000_000  # events may keep a viewer from its ticks, but no longer than this


class Screen:
    """Frames on the terminal's other page, so that a resize tears nothing and the scrollback stays."""

    def __init__(self, live: Live, console: Console) -> None:
        self._live = live
        self._console = console
        self._drawn: tuple[Hashable, tuple[int, int]] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows, as they are now."""
        return self._console.width, self._console.height

    @property
    def can_draw_blocks(self) -> bool:
        return (self._console.encoding or "").lower().startswith("utf")

    def draw(self, frame: RenderableType, content: Hashable) -> None:
        """Nothing is sent while neither content nor size has changed."""
        drawn = (content, self.size)
        if drawn != self._drawn:
            self._live.update(frame, refresh=True)
            self._drawn = drawn


@contextlib.contextmanager
def open_screen() -> Iterator[Screen]:
    """No colour where NO_COLOR says so; the cursor and the page come back whatever happens."""
    console = Console(file=sys.stdout, highlight=False, emoji=False, markup=False)
    live = Live(
        console=console,
        screen=True,
        auto_refresh=False,  # its thread would draw whether anything changed or not
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with live:
        yield Screen(live, console)
