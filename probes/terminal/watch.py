"""`probe --watch`: targets probed again and again, shown as they answer. Nothing is stored."""

from collections.abc import Mapping
from dataclasses import dataclass

from probes.settings.values import duration_text
from probes.terminal.cures import CURES
from probes.terminal.figures import Figures
from probes.terminal.lanes import Lane, lanes_concerned, lanes_of
from probes.terminal.measuring import Ended, Event
from probes.terminal.plans import Pace, watching
from probes.terminal.session import (
    EXIT_INTERRUPTED,
    EXIT_NO_ANSWER,
    EXIT_OK,
    Session,
    Viewer,
    follow,
    logs_held_back,
    price_text,
    remark,
    say,
)
from probes.terminal.text import (
    WATCHED,
    aligned,
    clock_text,
    outcomes_text,
    probe_line,
    watched_row,
)
from probes.web.serialize import to_json


@dataclass(slots=True)
class PlainLines:
    """One line a probe: words, or the record as JSON."""

    lanes: Mapping[str, Lane]
    is_json: bool = False

    def take(self, event: Event) -> None:
        for lane in lanes_concerned(self.lanes, event):
            lane.take(event)
        if isinstance(event, Ended):
            figures = self.lanes[event.result.target].figures
            say(to_json(event.result).decode() if self.is_json else probe_line(event.result, figures))

    def tick(self) -> None:
        """Nothing moves between lines."""


def watch(session: Session, pace: Pace, *, as_json: bool) -> int:
    """Watch until `pace.count` or Ctrl-C, then sum up; 0 when every target answered ok at least once.

    Ctrl-C is the usual end of a watch without a count; it interrupts one with a count.
    """
    lanes = lanes_of(session.targets)
    heading = _heading(session, pace)
    if as_json or not session.is_live:
        view = PlainLines(lanes, as_json)
        was_stopped = follow(session, watching(session.targets, pace), view, heading)
    else:
        was_stopped = _watch_live(session, pace, lanes, heading)
    figures = {key: lane.figures for key, lane in lanes.items()}
    (remark if as_json else say)(_summary(figures))
    if was_stopped and (pace.count is not None or not any(found.n for found in figures.values())):
        return EXIT_INTERRUPTED
    return EXIT_OK if all(found.ok for found in figures.values()) else EXIT_NO_ANSWER


def _watch_live(session: Session, pace: Pace, lanes: Mapping[str, Lane], heading: str) -> bool:
    from probes.terminal.screen import open_screen
    from probes.terminal.watch_view import WatchView

    with logs_held_back(), open_screen() as screen:
        view: Viewer = WatchView(lanes, screen, heading, session.redact, session.bench.now_ns)
        return follow(session, watching(session.targets, pace), view)


def _heading(session: Session, pace: Pace) -> str:
    targets = session.targets
    what = targets[0].id if len(targets) == 1 else f"{len(targets)} targets"
    count = "" if pace.count is None else ", once" if pace.count == 1 else f", {pace.count} times"
    price = price_text(targets, 1)
    every = duration_text(pace.every_seconds)
    return f"Watching {what} every {every}{count}; nothing is stored. A round costs {price}."


def _summary(figures: Mapping[str, Figures]) -> str:
    rows = [WATCHED, *(watched_row(key, found) for key, found in figures.items())]
    troubles = [
        f"{clock_text(failure.at)} {key} {outcome.value}: {failure.error or '-'}\n  {CURES[outcome]}"
        for key, found in figures.items()
        for outcome, failure in {failure.outcome: failure for failure in found.failures}.items()
    ]
    counted = [
        f"{key}: {outcomes_text(found.outcomes)}" for key, found in figures.items() if found.ok < found.n
    ]
    return "\n".join([aligned(rows), *counted, *troubles])
