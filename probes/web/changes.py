"""What changed between two readings of the store, and since when. Knows nothing of HTTP."""

import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from probes.web.snapshot import Snapshot

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_SKEW: Final = timedelta(seconds=5)  # of agents' clocks against ours


@dataclass(frozen=True, slots=True)
class Change:
    """What a page drawn earlier has to draw again; `everything` where single targets do not tell it all."""

    as_of: datetime
    targets: tuple[str, ...] = ()
    everything: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.targets or self.everything)


class ChangeLog:
    """Remembers when each target was last seen to change. Thread-safe; one for each process.

    Moments are those of our own readings, so that the agents' clocks do not matter; only what changed before the
    first reading is dated by the agents.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: Snapshot | None = None
        self._faces: Mapping[str, Hashable] = {}
        self._frame: Hashable = None
        self._changed_at: dict[str, datetime] = {}
        self._frame_changed_at = LONG_AGO

    def observe(self, snapshot: Snapshot) -> Change:
        """What is new against the snapshot observed before; empty for the first and for the same one again."""
        with self._lock:
            if snapshot is self._last or (self._last is not None and snapshot.now < self._last.now):
                return Change(snapshot.now)
            is_first, self._last = self._last is None, snapshot
            faces, frame = _faces(snapshot), _frame(snapshot)
            if is_first:
                self._changed_at = _dated_by_agents(snapshot)
                change = Change(snapshot.now)
            else:
                changed = tuple(target for target, face in faces.items() if self._faces.get(target) != face)
                change = Change(snapshot.now, changed, everything=frame != self._frame)
                self._note(change)
            self._faces, self._frame = faces, frame
            return change

    def since(self, moment: datetime) -> Change:
        """All that changed after the moment, as far as it was observed."""
        with self._lock:
            assert self._last is not None, "observe() comes first"
            targets = tuple(target for target, at in self._changed_at.items() if at > moment)
            return Change(self._last.now, targets, everything=self._frame_changed_at > moment)

    def _note(self, change: Change) -> None:
        for target in change.targets:
            self._changed_at[target] = change.as_of
        if change.everything:
            self._frame_changed_at = change.as_of


def _faces(snapshot: Snapshot) -> dict[str, Hashable]:
    """Of each planned target, what tells one look of its row from another."""
    return {
        target.id: (snapshot.statistics_of(target.id).updated_at, snapshot.verdict(target).state)
        for target in snapshot.targets
    }


def _frame(snapshot: Snapshot) -> Hashable:
    """What concerns the page as a whole: plan, agents, incidents, store."""
    plan = snapshot.plan
    return (
        plan.version if plan is not None else None,
        plan.problems if plan is not None else (),
        tuple((agent.agent, agent.is_active) for agent in snapshot.alive_agents),
        snapshot.incidents.news,
        snapshot.store_error is None,
    )


def _dated_by_agents(snapshot: Snapshot) -> dict[str, datetime]:
    return {
        target: statistics.updated_at + CLOCK_SKEW
        for target, statistics in snapshot.statistics.items()
        if statistics.updated_at is not None
    }
