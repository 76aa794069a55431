"""Announced windows and pauses as readers see them: what goes on, what is to come, what has been."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from probes.domain.target import Readiness
from probes.domain.upkeep import Announcer, Maintenance, Pause
from probes.verdicts.maintenance import Occurrence, concerns, finished, is_paused, next_occurrence, upcoming
from probes.web.snapshot import Snapshot

AHEAD: Final = timedelta(days=30)
BACK: Final = timedelta(days=30)
NOTICE: Final = timedelta(hours=24)  # how long before its start every page speaks of a window
SHOWN_OF_RULE: Final = 3  # of one that repeats; the calendar has them all
MAX_WINDOWS: Final = 200  # of a list


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """One announced span. `targets`: the configured ones that it holds."""

    maintenance_id: str
    title: str
    note: str
    starts_at: datetime
    ends_at: datetime
    is_running: bool
    is_for_all: bool
    targets: tuple[str, ...]

    @classmethod
    def of(cls, window: Occurrence, snapshot: Snapshot) -> "MaintenanceWindow":
        rule = window.rule
        return cls(
            maintenance_id=rule.id,
            title=rule.title,
            note=rule.note,
            starts_at=window.start,
            ends_at=window.end,
            is_running=window.covers(snapshot.now),
            is_for_all=not (rule.providers or rule.targets),
            targets=tuple(target.id for target in snapshot.targets if concerns(rule, target.id)),
        )


@dataclass(frozen=True, slots=True)
class MaintenanceList:
    """Of 30 days ahead and 30 days back; rules and pauses as they were announced."""

    windows: tuple[MaintenanceWindow, ...]  # running and to come, by start
    past: tuple[MaintenanceWindow, ...]  # latest first
    maintenance: tuple[Maintenance, ...]
    pauses: tuple[Pause, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A window on the page, with the rule that it comes from."""

    window: MaintenanceWindow
    rule: Maintenance
    names: tuple[str, ...]  # of the models that it holds

    @property
    def is_operators(self) -> bool:
        return self.rule.announcer is Announcer.OPERATOR


@dataclass(frozen=True, slots=True)
class PauseRow:
    pause: Pause
    name: str
    is_known: bool  # False: no longer configured


@dataclass(frozen=True, slots=True)
class MaintenanceView:
    running: tuple[Row, ...]
    ahead: tuple[Row, ...]  # of a rule that repeats, the next few
    past: tuple[Row, ...]
    pauses: tuple[PauseRow, ...]
    rules: tuple[
        tuple[Maintenance, datetime], ...
    ]  # the operator's that go on or come, with their next start


def maintenance_list(snapshot: Snapshot) -> MaintenanceList:
    rules, now = snapshot.maintenance, snapshot.now
    return MaintenanceList(
        windows=_windows(upcoming(rules, now, AHEAD), snapshot),
        past=_windows(finished(rules, now, BACK), snapshot),
        maintenance=rules,
        pauses=_pauses(snapshot),
    )


def maintenance_view(snapshot: Snapshot) -> MaintenanceView:
    rules, now = snapshot.maintenance, snapshot.now
    found = upcoming(rules, now, AHEAD)
    names = {target.id: target.name for target in snapshot.targets}
    own = [rule for rule in rules if rule.announcer is Announcer.OPERATOR]
    coming = [(rule, next_occurrence(rule, now)) for rule in own]
    return MaintenanceView(
        running=_rows([w for w in found if w.covers(now)], snapshot),
        ahead=_rows(_few_of_each([w for w in found if w.start > now]), snapshot),
        past=_rows(_few_of_each(finished(rules, now, BACK)), snapshot),
        pauses=tuple(
            PauseRow(pause, names.get(pause.target, pause.target), pause.target in names)
            for pause in _pauses(snapshot)
        ),
        rules=tuple((rule, window.start) for rule, window in coming if window is not None),
    )


def windows_of(snapshot: Snapshot, target_id: str) -> tuple[MaintenanceWindow, ...]:
    """The next few that hold one target."""
    rules = [rule for rule in snapshot.maintenance if concerns(rule, target_id)]
    return _windows(upcoming(rules, snapshot.now, AHEAD)[:SHOWN_OF_RULE], snapshot)


def notices(snapshot: Snapshot) -> tuple[MaintenanceWindow, ...]:
    """What every page speaks of: windows that go on or begin soon, and hold something that is probed."""
    probed = {target.id for target in snapshot.targets if target.readiness is Readiness.READY}
    soon = _windows(_few_of_each(upcoming(snapshot.maintenance, snapshot.now, NOTICE), 1), snapshot)
    return tuple(window for window in soon if probed.intersection(window.targets))


def _pauses(snapshot: Snapshot) -> tuple[Pause, ...]:
    """Those that have not ended."""
    return tuple(pause for pause in snapshot.pauses if is_paused(pause, snapshot.now))


def _windows(found: Iterable[Occurrence], snapshot: Snapshot) -> tuple[MaintenanceWindow, ...]:
    return tuple(MaintenanceWindow.of(window, snapshot) for window in list(found)[:MAX_WINDOWS])


def _rows(found: Sequence[Occurrence], snapshot: Snapshot) -> tuple[Row, ...]:
    names = {target.id: target.name for target in snapshot.targets}
    rows = []
    for occurrence in found[:MAX_WINDOWS]:
        window = MaintenanceWindow.of(occurrence, snapshot)
        rows.append(Row(window, occurrence.rule, tuple(names[target] for target in window.targets)))
    return tuple(rows)


def _few_of_each(found: Iterable[Occurrence], few: int = SHOWN_OF_RULE) -> list[Occurrence]:
    seen: Counter[str] = Counter()
    kept = []
    for window in found:
        seen[window.rule.id] += 1
        if seen[window.rule.id] <= few:
            kept.append(window)
    return kept
