"""Maintenance and pauses as the agent knows them: the file's rules, and what operators put into the store.

While the store is away, what was read last holds on; windows begin and end by the clock all the same.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from probes.clock import Clock
from probes.domain.result import Slot, Trigger
from probes.domain.target import Target
from probes.domain.upkeep import Maintenance, Pause
from probes.store.base import Store
from probes.verdicts.maintenance import Occurrence, Upkeep, upkeep_at


@dataclass(frozen=True, slots=True)
class Hold:
    """What keeps one target from being judged."""

    window: Occurrence | None = None
    pause: Pause | None = None


NOT_HELD = Hold()


class Announced:
    """Any thread may ask; one thread reads."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._of_file: tuple[Maintenance, ...] = ()
        self._of_store: tuple[Maintenance, ...] = ()
        self._pauses: tuple[Pause, ...] = ()
        self._was_held: frozenset[str] = frozenset()

    def set_rules(self, rules: tuple[Maintenance, ...]) -> None:
        """Those of the file."""
        self._of_file = rules

    def read(self) -> None:
        """Raises StoreUnavailableError, and keeps what it knew."""
        self._of_store, self._pauses = self._store.maintenance(), self._store.pauses()

    def at(self, at: datetime) -> Upkeep:
        return upkeep_at((*self._of_file, *self._of_store), self._pauses, at)

    def holds(self, targets: Iterable[str]) -> Mapping[str, Hold]:
        """Of those that are held now."""
        upkeep = self.at(self._clock.now())
        found = {target: Hold(upkeep.window(target), upkeep.pause(target)) for target in targets}
        return {target: hold for target, hold in found.items() if hold != NOT_HELD}

    def is_in_maintenance(self, target_id: str) -> bool:
        return self.at(self._clock.now()).window(target_id) is not None

    def placed(self, slot: Slot) -> Slot | None:
        """The slot as it may run: inside a window it is a probe of maintenance; None while its target is paused."""
        upkeep = self.at(slot.due_at)
        if upkeep.pause(slot.target_id) is not None:
            return None
        if upkeep.window(slot.target_id) is not None:
            return replace(slot, trigger=Trigger.MAINTENANCE)
        return slot

    def unpaused(self, targets: Iterable[Target]) -> list[Target]:
        upkeep = self.at(self._clock.now())
        return [target for target in targets if upkeep.pause(target.id) is None]

    def freed(self, targets: Iterable[Target], busy: Collection[str]) -> list[Target]:
        """Those that were held at the last call and are not now; a busy one is told by a later call."""
        known = {target.id: target for target in targets}
        held, was_held = frozenset(self.holds(known)), self._was_held
        self._was_held = held | was_held.intersection(busy)
        return [target for target_id, target in known.items() if target_id in was_held - self._was_held]
