"""The one module that speaks APScheduler: turns targets into jobs and due times into slots."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from probes.domain.result import Slot
from probes.domain.target import Target
from probes.scheduling.slots import SlotSequence

logger = logging.getLogger(__name__)


class SlotTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 is untyped
    """Fires at the due times of a SlotSequence."""

    def __init__(self, sequence: SlotSequence) -> None:
        self.sequence = sequence

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return self.sequence.next_after(previous_fire_time or now)


class SlotExecutor(BaseExecutor):  # type: ignore[misc]
    """Hands the due times themselves to the job's function, at once and in the scheduler's thread.

    APScheduler's own executors hide which slot a call is for, and drop late ones (misfire, coalescing,
    max_instances); here none is dropped, so that a late slot can be recorded as missed.
    """

    def __init__(self, fire: Callable[[str, list[datetime]], None]) -> None:
        super().__init__()
        self._fire = fire

    def submit_job(self, job: Job, run_times: list[datetime]) -> None:
        self._fire(job.id, run_times)

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        raise AssertionError("submit_job does not delegate")


@dataclass(frozen=True, slots=True)
class DueSlots:
    """What became due for one target at once; more than one after our host slept or stalled."""

    target: Target
    current: Slot
    missed: tuple[Slot, ...]


class SlotScheduler:
    """Calls `on_due` for each target whenever a slot of it is due; `on_due` must return quickly."""

    def __init__(self, location: str, on_due: Callable[[DueSlots], None]) -> None:
        self._location = location
        self._on_due = on_due
        self._targets: dict[str, Target] = {}
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": SlotExecutor(self._fire)},
            job_defaults={"misfire_grace_time": None, "coalesce": False, "max_instances": 1},
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def set_targets(self, targets: Iterable[Target]) -> None:
        """Schedule exactly the probed ones among `targets`; an unchanged interval keeps its slots."""
        wanted = {target.id: target for target in targets if target.is_probed}
        for target_id in self._targets.keys() - wanted.keys():
            self._scheduler.remove_job(target_id)
        for target_id, target in wanted.items():
            running = self._targets.get(target_id)
            if running is None or running.interval_seconds != target.interval_seconds:
                self._schedule(target)
        self._targets = wanted

    def next_due(self) -> datetime | None:
        """The nearest due time of any target."""
        due = [job.next_run_time for job in self._scheduler.get_jobs() if job.next_run_time is not None]
        return min(due).astimezone(UTC) if due else None

    def _schedule(self, target: Target) -> None:
        sequence = SlotSequence(target.id, self._location, target.interval_seconds)
        self._scheduler.add_job(
            _fired_by_executor,
            trigger=SlotTrigger(sequence),
            id=target.id,
            replace_existing=True,
        )

    def _fire(self, target_id: str, run_times: list[datetime]) -> None:
        target = self._targets.get(target_id)
        if target is None:  # removed between due time and call
            return
        *late, newest = [Slot(target_id, due.astimezone(UTC)) for due in run_times]
        self._on_due(DueSlots(target, newest, tuple(late)))


def _fired_by_executor() -> None:
    """What a job must name; SlotExecutor hands the slot over instead of calling it."""


def is_missed(slot: Slot, target: Target, now: datetime) -> bool:
    """A slot that comes a whole interval late measures another slot's time."""
    return now - slot.due_at >= timedelta(seconds=target.interval_seconds)
