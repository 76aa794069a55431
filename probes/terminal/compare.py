"""`probe --compare`: targets raced against each other in rounds, and what can be said of them. Nothing is stored."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from probes.domain.result import ProbeResult
from probes.settings.values import duration_text
from probes.terminal.cures import CURES
from probes.terminal.document import Finish, comparison_document
from probes.terminal.figures import Figures, Metric
from probes.terminal.lanes import Lane, lanes_concerned, lanes_of
from probes.terminal.measuring import Ended, Event
from probes.terminal.plans import WARM_UP, Pace, Plan, Round, racing
from probes.terminal.race import Standings, margin, short_names, standings, verdict
from probes.terminal.session import (
    EXIT_INTERRUPTED,
    EXIT_NO_ANSWER,
    EXIT_OK,
    Session,
    follow,
    logs_held_back,
    price_text,
    say,
)
from probes.terminal.text import (
    COMPARED,
    aligned,
    clock_text,
    comparison_row,
    outcomes_text,
)
from probes.web.serialize import to_json


@dataclass(frozen=True, slots=True)
class Rules:
    """`rounds` that count, a start of each target at most every `every_seconds`; what decides, and when to stop."""

    rounds: int
    every_seconds: float
    by: Metric = Metric.TTFT
    until_clear: bool = False


@dataclass(slots=True)
class Tracker:
    """What the race has brought so far; its figures leave the warm-up out."""

    session: Session
    rules: Rules
    lanes: dict[str, Lane]
    figures: dict[str, Figures] = field(default_factory=dict)
    rounds: dict[int, dict[str, ProbeResult]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.figures = {key: Figures() for key in self.lanes}

    def take(self, event: Event) -> None:
        for lane in lanes_concerned(self.lanes, event):
            lane.take(event)
        if isinstance(event, Ended) and event.round_number is not None:
            self.rounds.setdefault(event.round_number, {})[event.result.target] = event.result
            if event.round_number != WARM_UP:
                self.figures[event.result.target].add(event.result)

    def tick(self) -> None:
        """Nothing is drawn."""

    @property
    def counted(self) -> list[Round]:
        return [results for number, results in self.rounds.items() if number != WARM_UP]

    @property
    def whole_rounds(self) -> int:
        return sum(1 for results in self.counted if len(results) == len(self.lanes))

    def standings(self) -> Standings:
        return standings(list(self.lanes), self.counted, self.rules.by)

    def verdict(self, found: Standings) -> str:
        if not self.counted:
            return "Nothing can be said before the first round."
        names = short_names(self.session.targets)
        more = margin(found, names)
        return verdict(found, names) + (f" {more}" if more is not None else "")

    def table(self) -> list[tuple[str, ...]]:
        """Header and rows, the best first once there are figures."""
        found = self.standings()
        order = [*found.order, *found.silent]
        return [COMPARED, *(comparison_row(key, self.figures[key]) for key in order)]

    def notes(self) -> list[str]:
        """What a reader must know to read the table."""
        inexact = sum(figures.inexact for figures in self.figures.values())
        fewest = min(figures.ok for figures in self.figures.values())
        lines = []
        if 0 < fewest < 20:
            lines.append("p95 of fewer than 20 probes is their slowest.")
        if inexact:
            ok = sum(figures.ok for figures in self.figures.values())
            lines.append(f"{inexact} of {ok} TTFTs are upper bounds, or were taken on a late host.")
        return lines


def compare(session: Session, rules: Rules, *, as_json: bool) -> int:
    """Race to the last round, or to a clear front where that is asked for; prints table and verdict, or JSON."""
    tracker = Tracker(session, rules, lanes_of(session.targets))
    heading = _heading(session, rules)
    plan = _plan(session, rules)
    if as_json or not session.is_live:
        was_stopped = follow(session, plan, tracker, heading)
    else:
        was_stopped = _compare_live(session, plan, tracker, heading)
    if as_json:
        say(_document(tracker, was_stopped))
    else:
        say(_report(tracker, was_stopped))
    if was_stopped:
        return EXIT_INTERRUPTED
    return EXIT_OK if all(figures.ok for figures in tracker.figures.values()) else EXIT_NO_ANSWER


def _plan(session: Session, rules: Rules) -> Plan:
    ids = [target.id for target in session.targets]

    def is_enough(rounds: Sequence[Round]) -> bool:
        return rules.until_clear and standings(ids, rounds, rules.by).is_decided

    chance = random.Random()  # noqa: S311  # an order of starts is no secret
    return racing(session.targets, Pace(rules.every_seconds, rules.rounds), chance, is_enough)


def _compare_live(session: Session, plan: Plan, tracker: Tracker, heading: str) -> bool:
    from probes.terminal.compare_view import CompareView
    from probes.terminal.screen import open_screen

    with logs_held_back(), open_screen() as screen:
        view = CompareView(tracker, screen, heading)
        return follow(session, plan, view)


def _heading(session: Session, rules: Rules) -> str:
    price = price_text(session.targets, rules.rounds + 1)
    every = f" every {duration_text(rules.every_seconds)} or slower" if rules.every_seconds else ""
    stop = ", fewer if the front is clear" if rules.until_clear else ""
    return (
        f"Comparing {len(session.targets)} targets; nothing is stored. "
        f"A warm-up, then {rules.rounds} rounds{every}{stop}: {price}."
    )


def _report(tracker: Tracker, was_stopped: bool) -> str:
    troubles = [
        f"{key}: {outcomes_text(figures.outcomes)}\n"
        f"  {clock_text(last.at)} {last.error or '-'}\n  {CURES[last.outcome]}"
        for key, figures in tracker.figures.items()
        for last in list(figures.failures)[-1:]
    ]
    rounds = f"{tracker.whole_rounds} of {tracker.rules.rounds} rounds"
    ended = f"Interrupted after {rounds}; the verdict allows for that." if was_stopped else f"{rounds}."
    warm_up = f"{ended} The warm-up is not counted."
    return "\n".join(
        [
            aligned(tracker.table()),
            *tracker.notes(),
            warm_up,
            *troubles,
            "",
            tracker.verdict(tracker.standings()),
        ]
    )


def _document(tracker: Tracker, was_stopped: bool) -> str:
    found = tracker.standings()
    finish = Finish(tracker.rules.rounds, tracker.whole_rounds, was_stopped, tracker.verdict(found))
    warm_up = list(tracker.rounds.get(WARM_UP, {}).values())
    records = [result for results in tracker.counted for result in results.values()]
    return to_json(comparison_document(finish, found, tracker.figures, warm_up, records)).decode()
