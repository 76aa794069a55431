"""The agent's cycle: take slots -> probe -> record -> judge, with the configuration and requests kept current."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from probes.agent.announced import Announced
from probes.agent.doubts import Confirmations, ControlCheck
from probes.agent.ports import AgentParts
from probes.agent.recorder import Recorder
from probes.agent.refreshes import Refreshes, ReloadReport
from probes.agent.routine import Step
from probes.agent.throttling import Throttled
from probes.alerts.dispatcher import Dispatcher, DispatcherParts
from probes.alerts.heartbeat import Vitals
from probes.domain.outcome import Outcome
from probes.domain.plan import AgentStatus, Plan, PlanDiff, PlannedTarget, Problem
from probes.domain.result import ProbeResult, Slot, unmeasured_result
from probes.domain.state import TargetStatistics
from probes.domain.target import Target
from probes.scheduling.scheduler import DueSlots, SlotScheduler, is_missed
from probes.settings.diff import plan_diff
from probes.settings.model import RetentionSettings, Settings
from probes.settings.reload import Reload
from probes.store.base import Retention, StoreUnavailableError

logger = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.25
UPKEEP_SECONDS: Final = 2.0  # an operator's window or pause holds this soon
LEASE_TTL: Final = timedelta(seconds=20)
DRAIN_SECONDS: Final = 2.0  # Ctrl-C to the last probe's end; with the writing after it, all stays under 5 s
CLOSE_SECONDS: Final = 1.0
ALERTS_SECONDS: Final = 0.5


class Agent:
    def __init__(self, parts: AgentParts, settings: Settings) -> None:
        self._parts = parts
        self._settings = settings
        self._settings_at_last_refresh = settings
        self._problems: tuple[Problem, ...] = ()
        self._throttled = Throttled()
        self._confirmations = Confirmations(parts.clock, parts.observer.location, self._throttled)
        self._announced = Announced(parts.store, parts.clock)
        self._recorder = Recorder(
            parts.store, parts.writer, parts.clock, self._confirmations.ask, self._announced
        )
        self._control_check = ControlCheck(parts.clock, self._recorder.sight)
        self._scheduler = SlotScheduler(parts.observer.location, self._on_due)
        self._refreshes = Refreshes(parts.store, parts.clock, parts.observer.agent)
        self._started_at = parts.clock.now()
        self._holds_lease = False
        self._stands_by = False  # known only from the store; while that is away we probe and spool
        self._is_published = False
        self._missed = 0
        self._busy: dict[
            str, bool
        ] = {}  # target -> whether its running probe is one that nobody had scheduled
        self._busy_lock = threading.Lock()
        self._result_at: datetime | None = None  # when the newest probe came back
        self._dispatcher = Dispatcher(self._dispatcher_parts())

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then finish or record the probes in flight within 5 s."""
        self._parts.pool.start()
        self._recorder.start()
        self._scheduler.start()
        self._take_over(self._settings)
        self._dispatcher.start()
        routine = self._routine()
        try:
            while not stop.wait(TICK_SECONDS):
                for step in routine:
                    step.run_if_due(self._parts.clock)
        finally:
            self._shut_down()

    def _routine(self) -> tuple["Step", ...]:
        return (
            Step("maintenance", UPKEEP_SECONDS, self._follow_upkeep),
            Step("lease", 5.0, self._renew_lease),
            Step("configuration", 1.0, self._follow_settings),
            Step("publish", 1.0, self._publish),
            Step("refresh", 0.5, self._work_refreshes),
            Step("doubts", TICK_SECONDS, self._work_doubts),
            Step("heartbeat", 5.0, self._beat),
            Step("retention", 3600.0, self._sweep),
        )

    # Slots.

    def _on_due(self, due: DueSlots) -> None:
        if not self._is_active:
            return
        for slot in due.missed:
            self._record_missed(due.target, slot, "the agent's host slept or stalled")
        if is_missed(due.current, due.target, self._parts.clock.now()):
            self._record_missed(due.target, due.current, "the agent's host slept or stalled")
        elif until := self._throttled.until(due.target.id, due.current.due_at):
            why = f"throttled: the provider asked us to wait until {until:%H:%M:%S} UTC (Retry-After)"
            self._record_left_out(due.target, due.current, Outcome.SKIPPED, why)
        else:
            self._probe_scheduled(due.target, due.current)

    def _probe_scheduled(self, target: Target, slot: Slot, *, is_extra: bool = False) -> None:
        """One scheduled probe of a target at a time; a slot that finds it still running is skipped.

        A slot that finds the extra probe of a new target is answered by that one.
        """
        placed = self._announced.placed(slot)
        if placed is None:
            return
        with self._busy_lock:
            running_is_extra = self._busy.get(target.id)
            if running_is_extra is None:
                self._busy[target.id] = is_extra
        if running_is_extra is None:
            self._parts.pool.submit(target, placed, lambda result: self._finish_scheduled(target, result))
        elif not running_is_extra and not is_extra:
            why = "the probe before it was still running"
            self._record_unmeasured(target, slot, Outcome.SKIPPED, why)

    def _finish_scheduled(self, target: Target, result: ProbeResult) -> None:
        self._take(target, result)
        with self._busy_lock:
            self._busy.pop(target.id, None)

    def _record_missed(self, target: Target, slot: Slot, why: str) -> None:
        self._record_unmeasured(target, slot, Outcome.MISSED, why)

    def _record_unmeasured(self, target: Target, slot: Slot, outcome: Outcome, why: str) -> None:
        self._missed += 1
        self._record_left_out(target, slot, outcome, why)

    def _record_left_out(self, target: Target, slot: Slot, outcome: Outcome, why: str) -> None:
        placed = self._announced.placed(slot)
        if placed is None:
            return
        logger.warning("%s: slot %s %s: %s", target.id, slot.due_at.isoformat(), outcome.value, why)
        now = self._parts.clock.now()
        self._recorder.record(
            unmeasured_result(target, placed, outcome, observer=self._parts.observer, now=now, error=why)
        )

    def _work_doubts(self) -> None:
        """Confirming probes, and the control check while providers fail together."""
        if not self._is_active:
            return
        settings = self._settings.agent
        targets = {target.id: target for target in self._settings.targets}
        self._confirmations.work(targets, settings.confirm_after_seconds, self._submit_confirming)
        if settings.control_check is not None and self._recorder.network.is_in_doubt:
            self._control_check.look(settings.control_check)

    def _submit_confirming(self, target: Target, slot: Slot) -> None:
        """Under maintenance there is nothing to confirm."""
        if self._announced.placed(slot) == slot:
            self._parts.pool.submit(target, slot, lambda result: self._take(target, result))

    def _follow_upkeep(self) -> None:
        """What was held is probed as soon as it is free, not an interval later."""
        try:
            self._announced.read()
        finally:
            self._scheduler.set_targets(self._announced.unpaused(self._settings.targets))
            with self._busy_lock:
                busy = frozenset(self._busy)
            freed = self._announced.freed(self._settings.targets, busy)
            if self._is_active:
                self._probe_now(freed)

    def _take(
        self, target: Target, result: ProbeResult, on_recorded: Callable[[], None] | None = None
    ) -> None:
        self._result_at = self._parts.clock.now()
        self._throttled.note(result, target.interval_seconds, self._result_at)
        self._recorder.record(result, on_recorded)

    # Configuration.

    def _follow_settings(self) -> None:
        self._follow(self._parts.settings_source.poll())

    def _follow(self, reload: Reload | None) -> None:
        if reload is None:
            return
        self._is_published = False
        self._problems = reload.problems
        if reload.settings is None:
            logger.error("configuration refused, the old one keeps running:\n%s", _lines(reload.problems))
            return
        logger.info("configuration %s loaded from %s", reload.settings.version, reload.settings.source)
        for section in reload.restart_needed:
            logger.warning("the change of `%s` takes effect at the next start", section)
        self._settings = reload.settings
        self._take_over(self._settings, start_now=(*reload.diff.added, *reload.diff.changed))

    def _take_over(self, settings: Settings, start_now: Sequence[str] = ()) -> None:
        """Run by these settings; targets without a fresh result are probed at once, not an interval later."""
        self._parts.redact.learn(secret.reveal() for secret in settings.secrets)
        self._parts.pool.configure(settings.agent)
        self._recorder.set_targets(settings.targets)
        self._announced.set_rules(settings.maintenance)
        self._dispatcher.configure(settings.alerts, settings.web.public_url)
        self._scheduler.set_targets(self._announced.unpaused(settings.targets))
        if self._is_active:
            self._probe_now([target for target in settings.targets if target.id in start_now])

    def _probe_now(self, targets: Sequence[Target]) -> None:
        now = self._parts.clock.now()
        for target in targets:
            if target.is_probed:
                self._probe_scheduled(target, Slot(target.id, now), is_extra=True)

    def _publish(self) -> None:
        """Tell the web what runs; tried until the store has it."""
        if self._is_published or not self._is_active:
            return
        self._parts.store.put_plan(self._plan())
        self._is_published = True

    def _plan(self) -> Plan:
        settings = self._settings
        return Plan(
            version=settings.version,
            loaded_at=self._parts.clock.now(),
            source=settings.source,
            is_demo=self._parts.is_demo,
            targets=tuple(PlannedTarget.of(target) for target in settings.targets),
            last_diff=plan_diff(self._settings_at_last_refresh, settings),
            problems=self._problems,
            refresh_cooldown_seconds=settings.web.refresh_cooldown_seconds,
            maintenance=settings.maintenance,
            alert_channels=tuple(channel.name for channel in settings.alerts.channels),
        )

    # Alerts.

    def _dispatcher_parts(self) -> DispatcherParts:
        parts = self._parts
        return DispatcherParts(
            store=parts.store,
            clock=parts.clock,
            redact=parts.redact,
            owner=parts.observer.agent,
            is_in_maintenance=self._announced.is_in_maintenance,
            vitals=self._vitals,
        )

    def _vitals(self) -> Vitals:
        probed = [target for target in self._settings.targets if target.is_probed]
        intervals = [target.interval_seconds for target in self._announced.unpaused(probed)]
        return Vitals(self._is_active, self._result_at, interval_seconds=min(intervals, default=None))

    # Requests.

    def _work_refreshes(self) -> None:
        if self._is_active:
            self._refreshes.work(
                self._reload_for_refresh,
                lambda: self._announced.unpaused(self._settings.targets),
                self._submit_manual,
            )

    def _reload_for_refresh(self) -> ReloadReport:
        """The answer to "what did my edit do": everything since the last Refresh."""
        self._follow(self._parts.settings_source.reload())
        diff: PlanDiff = plan_diff(self._settings_at_last_refresh, self._settings)
        self._settings_at_last_refresh = self._settings
        return ReloadReport(diff, self._problems)

    def _submit_manual(self, target: Target, slot: Slot, on_recorded: Callable[[], None]) -> None:
        placed = self._announced.placed(slot) or slot
        self._parts.pool.submit(target, placed, lambda result: self._take(target, result, on_recorded))

    # Presence.

    @property
    def _is_active(self) -> bool:
        return not self._stands_by

    def _renew_lease(self) -> None:
        """Only one agent probes for a location; the others stand by until its lease runs out."""
        observer, clock = self._parts.observer, self._parts.clock
        lease = f"agent:{observer.location}"
        held_before = self._holds_lease
        epoch = self._parts.store.acquire_lease(lease, observer.agent, clock.now(), LEASE_TTL)
        self._holds_lease = epoch is not None
        if self._holds_lease and not held_before:
            logger.info("agent %s is active for location %r", observer.agent, observer.location)
            self._stands_by = False
            self._is_published = False
            self._probe_now(self._targets_without_fresh_result())
        elif not self._holds_lease and not self._stands_by:
            logger.warning("another agent probes for location %r; standing by", observer.location)
            self._stands_by = True

    def _targets_without_fresh_result(self) -> list[Target]:
        statistics = self._parts.store.statistics()
        now = self._parts.clock.now()
        return [target for target in self._settings.targets if _is_overdue(target, statistics, now)]

    def _beat(self) -> None:
        self._parts.store.beat(self._status(is_active=self._is_active))

    def _status(self, *, is_active: bool) -> AgentStatus:
        parts = self._parts
        check, workforce = parts.pool.self_check, parts.pool.workforce
        return AgentStatus(
            agent=parts.observer.agent,
            location=parts.observer.location,
            started_at=self._started_at,
            beat_at=parts.clock.now(),
            is_active=is_active,
            targets=sum(1 for target in self._settings.targets if target.is_probed),
            in_flight=parts.pool.in_flight,
            queued=parts.pool.queued,
            lag_seconds=parts.pool.lag_seconds,
            missed=self._missed,
            spooled=parts.writer.spooled,
            next_due_at=self._scheduler.next_due(),
            version=parts.version,
            self_check_at=check.checked_at if check is not None else None,
            self_check_ttft_error_seconds=check.ttft_error_seconds if check is not None else None,
            self_check_gap_error_seconds=check.gap_error_seconds if check is not None else None,
            self_check_stamps=check.stamps if check is not None else None,
            workers=workforce.processes,
            workers_running=workforce.running,
            worker_deaths=workforce.deaths,
        )

    def _sweep(self) -> None:
        if self._is_active:
            swept = self._parts.store.sweep(_retention(self._settings.retention), self._parts.clock.now())
            if swept:
                logger.info("retention: %d old entries deleted", swept)

    def _shut_down(self) -> None:
        self._scheduler.stop()
        self._parts.pool.drain(DRAIN_SECONDS)
        if not self._recorder.close(CLOSE_SECONDS):
            logger.error("results were still being written at the end of the shutdown time")
        self._dispatcher.close(ALERTS_SECONDS)
        try:
            self._parts.store.beat(self._status(is_active=False))
            self._parts.store.release_lease(
                f"agent:{self._parts.observer.location}", self._parts.observer.agent
            )
        except StoreUnavailableError as error:
            logger.warning("could not sign off: %s", error)
        self._parts.writer.close()
        self._parts.store.close()


def _is_overdue(target: Target, statistics: Mapping[str, TargetStatistics], now: datetime) -> bool:
    known = statistics.get(target.id)
    if known is None or known.newest is None:
        return True
    age = now - known.newest.started_at
    return (
        age >= timedelta(seconds=target.interval_seconds) or known.newest.spec_version != target.spec_version
    )


def _retention(settings: RetentionSettings) -> Retention:
    def days(value: float | None) -> timedelta | None:
        return timedelta(days=value) if value is not None else None

    return Retention(days(settings.results_days), days(settings.hourly_days), days(settings.daily_days))


def _lines(problems: Sequence[Problem]) -> str:
    return "\n".join(f"  {problem}" for problem in problems)
