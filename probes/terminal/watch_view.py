"""The live frame of `probe --watch`: each target's state, figures, waterfall, text and last error."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from rich.console import Group
from rich.text import Text

from probes.domain.outcome import Outcome
from probes.log import Redactor
from probes.prober.foreign_text import plain_line
from probes.prober.progress import Progress, Stage, progress_of
from probes.stats.samples import percentile
from probes.terminal.cures import CURES
from probes.terminal.figures import Metric
from probes.terminal.lanes import Lane, lanes_concerned
from probes.terminal.measuring import Event
from probes.terminal.screen import LATEST_FRAME_NS, Screen
from probes.terminal.text import (
    clock_text,
    outcomes_text,
    percentile_text,
    rate_text,
    seconds_text,
    spent_text,
)
from probes.terminal.waterfall import ASCII_LEGEND, LEGEND, bar, in_ascii, ribbon

_LABEL_COLUMNS: Final = 13
_TIME_COLUMNS: Final = 11
_ALL_OF_IT: Final = 12_000
_STYLES: Final[dict[Stage, str]] = {
    Stage.FIRST_BYTE: "blue",
    Stage.FIRST_TOKEN: "yellow",
    Stage.VISIBLE: "magenta",
    Stage.END: "green",
}


class WatchView:
    """Draws at ticks, ten a second, not at events: after one a request is being sent, which drawing would delay."""

    def __init__(
        self,
        lanes: Mapping[str, Lane],
        screen: Screen,
        heading: str,
        redact: Redactor,
        now_ns: Callable[[], int],
    ) -> None:
        self._lanes = lanes
        self._screen = screen
        self._heading = heading
        self._redact = redact
        self._now_ns = now_ns
        self._drawn_ns = -(10**18)

    def take(self, event: Event) -> None:
        for lane in lanes_concerned(self._lanes, event):
            lane.take(event)
        if self._now_ns() - self._drawn_ns >= LATEST_FRAME_NS:
            self.tick()

    def tick(self) -> None:
        self._drawn_ns = self._now_ns()
        lines = self._frame()
        self._screen.draw(Group(*lines), tuple(line.plain for line in lines))

    def _frame(self) -> list[Text]:
        width, height = self._screen.size
        blocks: list[list[Text]] = []
        for form in (self._lines, self._short_lines, self._one_line):  # the fullest that fits
            blocks = [list(form(lane, width)) for lane in self._lanes.values()]
            if 3 + sum(len(block) + (len(block) > 1) for block in blocks) <= height:
                break
        legend = LEGEND if self._screen.can_draw_blocks else ASCII_LEGEND
        lines = [_line(self._heading, "bold"), _line(f"Ctrl-C ends it. {legend}", "dim")]
        for index, block in enumerate(blocks):
            if len(lines) + len(block) + 2 > height:
                lines.append(_line(f"... and {len(blocks) - index} more; a taller window shows them", "dim"))
                break
            lines += [Text(), *block] if len(block) > 1 else block
        return lines

    def _lines(self, lane: Lane, width: int) -> Iterator[Text]:
        """A target with its waterfall."""
        progress = self._progress(lane)
        yield self._title(lane, progress)
        yield from self._figures(lane)
        yield from self._waterfall(progress, width)
        yield self._said(progress, width)
        yield from self._errors(lane)

    def _short_lines(self, lane: Lane, width: int) -> Iterator[Text]:
        """A target on few lines, where many share the screen."""
        progress = self._progress(lane)
        yield self._title(lane, progress)
        if progress is not None:
            yield _line(
                "  " + self._drawn(ribbon(progress.spans, progress.elapsed_seconds, width - 4)), "cyan"
            )
        yield from self._figures(lane)
        yield from self._errors(lane)

    def _one_line(self, lane: Lane, _width: int) -> Iterator[Text]:
        line = self._title(lane, self._progress(lane))
        ttft = percentile_text(lane.figures, Metric.TTFT, 0.5)
        yield line.append(f"   TTFT p50 {ttft}, {outcomes_text(lane.figures.outcomes)}")

    def _progress(self, lane: Lane) -> Progress | None:
        if lane.attempt is None:
            return None
        return progress_of(lane.attempt, self._now_ns() if lane.is_running else None)

    def _title(self, lane: Lane, progress: Progress | None) -> Text:
        line = _line(lane.target.id, "bold")
        line.append(f"  {self._state(lane, progress)}", "")
        return line

    def _state(self, lane: Lane, progress: Progress | None) -> str:
        if lane.is_running and progress is not None:
            awaited = progress.spans[-1].stage if progress.spans else Stage.SENT
            what = "writing" if awaited is Stage.END else f"waiting for: {awaited.value}"
            return f"{what}, {seconds_text(progress.elapsed_seconds)}, {progress.chunks} chunks"
        left = lane.left_seconds(self._now_ns())
        if lane.result is None:
            return "getting ready" if left is None else f"begins in {left:.0f} s"
        following = "done" if left is None else f"next in {left:.0f} s"
        return f"{lane.result.outcome.value}; {following}"

    def _figures(self, lane: Lane) -> Iterator[Text]:
        figures = lane.figures
        ttft, response = Metric.TTFT, Metric.RESPONSE
        yield _line(
            f"  TTFT p50 {percentile_text(figures, ttft, 0.5)}  p95 {percentile_text(figures, ttft, 0.95)}"
            f"   response p50 {percentile_text(figures, response, 0.5)}"
            f"   tokens/s {rate_text(percentile(figures.values[Metric.THROUGHPUT], 0.5))}   n = {figures.n}"
        )
        yield _line(f"  {outcomes_text(figures.outcomes)}   {spent_text(figures)}")

    def _waterfall(self, progress: Progress | None, width: int) -> Iterator[Text]:
        """Always as many rows, so that nothing below jumps; a stage not reached has none drawn."""
        spans = {span.stage: span for span in progress.spans} if progress is not None else {}
        total = progress.elapsed_seconds if progress is not None else 0.0
        for stage in Stage:
            line = _line(f"  {stage.value:{_LABEL_COLUMNS}}", "dim")
            span = spans.get(stage)
            if span is not None:
                line.append(f"{seconds_text(span.seconds):>{_TIME_COLUMNS}} ")
                room = width - _LABEL_COLUMNS - _TIME_COLUMNS - 4
                line.append(self._drawn(bar(span, total, room)), _STYLES.get(stage, "cyan"))
            yield line

    def _said(self, progress: Progress | None, width: int) -> Text:
        """The end of the text so far, made harmless; while it grows, up to its last whole word."""
        if progress is None or not progress.text:
            return _line("  -", "dim")
        is_growing = bool(progress.spans) and progress.spans[-1].is_open
        text = whole_words(progress.text) if is_growing else progress.text
        said = plain_line(text, self._redact, _ALL_OF_IT)
        room = max(1, width - 16)
        shown = said if len(said) <= room else "..." + said[-(room - 3) :]
        return _line(f"  {'thinks' if progress.is_reasoning else 'says'}: {shown}", "italic")

    def _errors(self, lane: Lane) -> Iterator[Text]:
        for failure in list(lane.figures.failures)[-1:]:
            what = f"  {clock_text(failure.at)} {failure.outcome.value}: {failure.error or '-'}"
            yield _line(what, "red" if failure.outcome is not Outcome.OK else "")
            yield _line(f"  {CURES[failure.outcome]}")

    def _drawn(self, drawing: str) -> str:
        return drawing if self._screen.can_draw_blocks else in_ascii(drawing)


def whole_words(text: str) -> str:
    """Up to the last space or sign beyond ASCII: a key has neither, so none is ever shown half and unmasked."""
    end = next((at for at in range(len(text), 0, -1) if text[at - 1].isspace() or text[at - 1] > "\x7f"), 0)
    return text[:end]


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
