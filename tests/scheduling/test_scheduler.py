import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from probes.domain.result import Slot
from probes.domain.target import Readiness
from probes.scheduling.scheduler import DueSlots, SlotExecutor, SlotScheduler, is_missed
from tests.examples import a_target


class Collected:
    """Due slots as they come, with a condition to wait on instead of sleeping."""

    def __init__(self) -> None:
        self.due: list[DueSlots] = []
        self._changed = threading.Condition()

    def __call__(self, due: DueSlots) -> None:
        with self._changed:
            self.due.append(due)
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[DueSlots]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.due) >= count, timeout=20)
            return list(self.due)


def test_every_slot_fires_once_with_its_own_due_time() -> None:
    collected = Collected()
    scheduler = SlotScheduler("here", collected)
    scheduler.set_targets([a_target(interval_seconds=0.2)])
    scheduler.start()
    try:
        due = collected.wait_for(5)
    finally:
        scheduler.stop()
    times = [slots.current.due_at for slots in due]
    assert times == sorted(set(times))
    gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
    assert all(0.15 < gap < 0.25 for gap in gaps)


def test_slots_that_piled_up_are_handed_over_as_missed() -> None:
    collected = Collected()
    scheduler = SlotScheduler("here", collected)
    scheduler.set_targets([a_target()])
    noon = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    scheduler._fire("acme/main/quick", [noon, noon + timedelta(minutes=1), noon + timedelta(minutes=2)])
    (slots,) = collected.due
    assert slots.current.due_at == noon + timedelta(minutes=2)
    assert [slot.due_at for slot in slots.missed] == [noon, noon + timedelta(minutes=1)]


def test_only_ready_targets_are_scheduled_and_removed_ones_stop() -> None:
    collected = Collected()
    scheduler = SlotScheduler("here", collected)
    scheduler.set_targets([a_target("paused", readiness=Readiness.PAUSED, interval_seconds=0.05)])
    scheduler.start()
    try:
        assert scheduler.next_due() is None
        scheduler.set_targets([a_target("live", interval_seconds=0.05)])
        collected.wait_for(1)
        scheduler.set_targets([])
        assert scheduler.next_due() is None
    finally:
        scheduler.stop()
    assert {slots.target.model for slots in collected.due} == {"live"}


def test_a_slot_an_interval_late_is_missed() -> None:
    target = a_target(interval_seconds=60)
    slot = Slot(target.id, datetime(2026, 11, 21, 12, 0, tzinfo=UTC))
    assert not is_missed(slot, target, slot.due_at + timedelta(seconds=59))
    assert is_missed(slot, target, slot.due_at + timedelta(seconds=60))


def test_the_executor_hands_over_all_due_times_at_once() -> None:
    seen: list[tuple[str, list[datetime]]] = []
    executor = SlotExecutor(lambda target_id, times: seen.append((target_id, times)))
    times = [datetime(2026, 11, 21, 12, minute, tzinfo=UTC) for minute in range(3)]

    class NamedJob:
        id = "acme/main/quick"

    executor.submit_job(NamedJob(), times)
    assert seen == [("acme/main/quick", times)]
