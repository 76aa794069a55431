"""The live frame of `probe --compare`: the table, who is being asked, and what can be said so far."""

from rich.console import Group, RenderableType
from rich.text import Text

from probes.prober.progress import Stage, progress_of
from probes.prober.stamps import NANOSECONDS
from probes.terminal.compare import Tracker
from probes.terminal.measuring import Ended, Event
from probes.terminal.screen import LATEST_FRAME_NS, Screen
from probes.terminal.text import fitting, seconds_text
from probes.terminal.waterfall import in_ascii, ribbon


class CompareView:
    """Draws at ticks, not at events, where the next request is being sent; between probes only one line moves."""

    def __init__(self, tracker: Tracker, screen: Screen, heading: str) -> None:
        self._tracker = tracker
        self._screen = screen
        self._heading = heading
        self._now_ns = tracker.session.bench.now_ns
        self._drawn_ns = -NANOSECONDS
        self._rows = tracker.table()
        self._verdict = ""
        self._is_new = False  # a probe has ended since the table was made

    def take(self, event: Event) -> None:
        self._tracker.take(event)
        self._is_new |= isinstance(event, Ended)
        if self._now_ns() - self._drawn_ns >= LATEST_FRAME_NS:
            self.tick()

    def tick(self) -> None:
        self._drawn_ns = self._now_ns()
        if self._is_new:
            self._rows = self._tracker.table()
            self._verdict = self._tracker.verdict(self._tracker.standings())
            self._is_new = False
        now, running = self._now(), self._running(self._screen.size[0])
        content = (tuple(self._rows), self._verdict, now, running)
        self._screen.draw(self._frame(now, running), content)

    def _frame(self, now: str, running: str) -> RenderableType:
        notes = [Text(note, style="dim") for note in self._tracker.notes()]
        return Group(
            Text(self._heading, style="bold"),
            Text("Ctrl-C ends it; the verdict allows for that.", style="dim"),
            Text(),
            Text(fitting(self._rows, self._screen.size[0]), no_wrap=True, overflow="ellipsis"),
            *notes,
            Text(),
            Text(now, no_wrap=True, overflow="ellipsis"),
            Text(running, style="cyan", no_wrap=True, overflow="ellipsis"),
            Text(),
            Text(self._verdict, style="bold"),
        )

    def _now(self) -> str:
        rounds = f"round {self._tracker.whole_rounds} of {self._tracker.rules.rounds} done"
        if not self._tracker.counted:
            rounds = "warm-up"
        for lane in self._tracker.lanes.values():
            if lane.is_running and lane.attempt is not None:
                progress = progress_of(lane.attempt, self._now_ns())
                stage = progress.spans[-1].stage if progress.spans else Stage.SENT
                what = "writes" if stage is Stage.END else f"waiting for: {stage.value}"
                return f"{rounds}; {lane.target.id}: {what}, {seconds_text(progress.elapsed_seconds)}"
        waits = [left for lane in self._tracker.lanes.values() if (left := lane.left_seconds(self._now_ns()))]
        return f"{rounds}; next in {max(waits):.0f} s" if waits else rounds

    def _running(self, width: int) -> str:
        for lane in self._tracker.lanes.values():
            if lane.is_running and lane.attempt is not None:
                progress = progress_of(lane.attempt, self._now_ns())
                drawn = ribbon(progress.spans, progress.elapsed_seconds, width - 2)
                return drawn if self._screen.can_draw_blocks else in_ascii(drawn)
        return ""
